//! Usernames, and how one person names another: `name`, or `name#fingerprint` where it matters who that is.
//!
//! A username is normalised (`sotto_protocol::normalize_username`) before it is hashed, sent or compared. That does not protect
//! against names that look alike: the fingerprint does.

use crate::{
    CryptoError,
    identity::{FingerprintCheck, check_fingerprint},
};
use core::fmt;
use sotto_protocol::normalize_username;

/// Fewest hexadecimal digits of a fingerprint.
const FINGERPRINT_MIN_DIGITS: usize = 8;
const FINGERPRINT_MAX_DIGITS: usize = 32;

/// A normalised username. `Debug` hides it, for it must not be logged.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Normalises and checks what was typed.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is too short, too long, or has characters that a username cannot have.
    pub fn parse(typed: &str) -> Result<Self, CryptoError> {
        normalize_username(typed).map(Self).ok_or(CryptoError::Malformed("username"))
    }

    /// The normalised name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Username(…)")
    }
}

/// `name` or `name#fingerprint`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserAddress {
    /// Whom the relay is asked for.
    pub name: Username,
    /// The first hexadecimal digits of the account id, in lower case; at least eight.
    fingerprint: Option<String>,
}

impl UserAddress {
    /// Reads what was typed.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where name or fingerprint is not one.
    pub fn parse(typed: &str) -> Result<Self, CryptoError> {
        match typed.split_once('#') {
            None => Ok(Self { name: Username::parse(typed)?, fingerprint: None }),
            Some((name, fingerprint)) => {
                let fingerprint = fingerprint.trim().to_ascii_lowercase();
                let is_valid = (FINGERPRINT_MIN_DIGITS..=FINGERPRINT_MAX_DIGITS).contains(&fingerprint.len())
                    && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
                if !is_valid {
                    return Err(CryptoError::Malformed("fingerprint"));
                }
                Ok(Self { name: Username::parse(name)?, fingerprint: Some(fingerprint) })
            }
        }
    }

    /// Compares what was typed with the identity that the relay gives for the name: `None` where no fingerprint was typed, so that
    /// the answer is unverified.
    #[must_use]
    pub fn check(&self, identity_key: &[u8; 32]) -> Option<FingerprintCheck> {
        self.fingerprint.as_ref().map(|digits| check_fingerprint(digits, identity_key))
    }
}

impl fmt::Debug for UserAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{AccountId, whole_fingerprint};

    #[test]
    fn a_fingerprint_tells_whether_it_is_the_person_that_was_meant() {
        let key = [1; 32];
        let whole = whole_fingerprint(&AccountId::of(&key));
        let checked = |typed: &str| UserAddress::parse(typed).unwrap().check(&key);
        assert_eq!(checked("ada"), None);
        assert_eq!(checked(&format!("ada#{whole}")), Some(FingerprintCheck::Matches));
        assert_eq!(checked(&format!("Ada # {}", whole.to_uppercase())), Some(FingerprintCheck::Matches));
        assert_eq!(checked(&format!("ada#{}", &whole[..8])), Some(FingerprintCheck::TooShort));
        assert_eq!(checked(&format!("ada#{}", "0".repeat(32))), Some(FingerprintCheck::Differs));
        for typed in ["ada#", "ada#abababa", "ada#abababag", "ada#abababab#", "#abababab"] {
            assert!(UserAddress::parse(typed).is_err(), "{typed}");
        }
        assert!(UserAddress::parse(&format!("ada#{}", "ab".repeat(17))).is_err());
    }

    #[test]
    fn no_character_that_nobody_sees_is_part_of_a_name() {
        let is_unseen =
            icu_properties::CodePointSetData::new::<icu_properties::props::DefaultIgnorableCodePoint>();
        for character in '\0'..=char::MAX {
            if is_unseen.contains(character) {
                for typed in [format!("ad{character}a"), format!("ada{character}"), format!("{character}ada")]
                {
                    let shown = Username::parse(&typed).ok().map(|name| name.as_str().to_owned());
                    // NFKC itself removes none of them, so none may be left.
                    assert_eq!(shown, None, "U+{:04X}", u32::from(character));
                }
            }
        }
    }

    #[test]
    fn debug_shows_no_name() {
        assert_eq!(format!("{:?}", Username::parse("ada").unwrap()), "Username(…)");
        assert_eq!(format!("{:?}", UserAddress::parse("ada#abababab").unwrap()), "UserAddress(…)");
    }
}

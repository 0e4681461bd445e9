//! Usernames, and how one person names another: `name`, or `name#fingerprint` where it matters who that is.
//!
//! A username is normalised before it is hashed, sent or compared: NFKC, lower case, NFKC. It holds letters, digits and
//! combining marks of any script, and `-`, `_`, `.` between them. It does not protect against names that look alike: the
//! fingerprint does.

use crate::{
    CryptoError,
    identity::{FingerprintCheck, check_fingerprint},
};
use core::fmt;
use sotto_protocol::limits::USERNAME_CHARS;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Fewest hexadecimal digits of a fingerprint.
const FINGERPRINT_MIN_DIGITS: usize = 8;
const FINGERPRINT_MAX_DIGITS: usize = 32;
/// Longest text that is looked at.
const TYPED_MAX_BYTES: usize = 512;

/// A normalised username. `Debug` hides it, for it must not be logged.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Normalises and checks what was typed.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is too short, too long, or has characters that a username cannot have.
    pub fn parse(typed: &str) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("username");
        if typed.len() > TYPED_MAX_BYTES {
            return Err(malformed());
        }
        let lower: String = typed.trim().nfkc().flat_map(char::to_lowercase).collect();
        let name: String = lower.nfkc().collect();
        let length = name.chars().count();
        let is_valid = USERNAME_CHARS.contains(&length)
            && name.chars().all(|character| is_inner(character) || is_separator(character))
            && name.chars().next().is_some_and(char::is_alphanumeric)
            && name.chars().next_back().is_some_and(is_inner);
        if is_valid { Ok(Self(name)) } else { Err(malformed()) }
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

fn is_inner(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character)
}

const fn is_separator(character: char) -> bool {
    matches!(character, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{AccountId, whole_fingerprint};

    #[test]
    fn usernames() {
        let cases = [
            ("ada", Some("ada")),
            ("  Ada.Lovelace ", Some("ada.lovelace")),
            ("Ａｄａ", Some("ada")),
            ("ＡＤＡ１", Some("ada1")),
            ("Zoe\u{308}", Some("zo\u{eb}")),
            ("STRASSE", Some("strasse")),
            ("\u{212a}elvin", Some("kelvin")),
            ("\u{915}\u{94d}\u{937}\u{92e}", Some("\u{915}\u{94d}\u{937}\u{92e}")),
            ("李小龙", Some("李小龙")),
            ("", None),
            ("a", None),
            ("a b", None),
            ("ada#1", None),
            ("ada@example", None),
            ("ada/x", None),
            ("-ada", None),
            ("ada.", None),
            ("\u{301}ada", None),
            ("ad\u{202e}a", None),
            ("ad\u{200b}a", None),
            ("a\na", None),
        ];
        for (typed, expected) in cases {
            let name = Username::parse(typed).ok();
            assert_eq!(name.as_ref().map(Username::as_str), expected, "{typed:?}");
        }
        assert!(Username::parse(&"x".repeat(*USERNAME_CHARS.end())).is_ok());
        assert!(Username::parse(&"x".repeat(USERNAME_CHARS.end() + 1)).is_err());
        assert!(Username::parse(&"x".repeat(TYPED_MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn a_normalised_name_stays_as_it_is() {
        for typed in ["\u{130}stanbul", "\u{fb01}sh", "\u{1e9e}a", "Ω\u{345}a", "ﷺﷺ"] {
            if let Ok(name) = Username::parse(typed) {
                assert_eq!(Username::parse(name.as_str()).unwrap(), name, "{typed:?}");
            }
        }
    }

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
    fn debug_shows_no_name() {
        assert_eq!(format!("{:?}", Username::parse("ada").unwrap()), "Username(…)");
        assert_eq!(format!("{:?}", UserAddress::parse("ada#abababab").unwrap()), "UserAddress(…)");
    }
}

//! What a fingerprint, from a card, a signature or a web page, says about an identity that the relay names.

use super::AccountId;

/// A whole fingerprint, in hexadecimal digits. A shorter one can be forged by trying, so it proves nothing.
pub const FINGERPRINT_DIGITS: usize = 32;

/// What a fingerprint says about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FingerprintCheck {
    /// It is this identity's, whole: as good as a comparison.
    Matches,
    /// It is the beginning of this identity's; that proves nothing.
    TooShort,
    /// It is another's.
    Differs,
}

/// Compares a fingerprint, in lower case, with an identity.
#[must_use]
pub fn check_fingerprint(digits: &str, identity_key: &[u8; 32]) -> FingerprintCheck {
    let whole = whole_fingerprint(&AccountId::of(identity_key));
    if digits == whole {
        FingerprintCheck::Matches
    } else if !digits.is_empty() && whole.starts_with(digits) {
        FingerprintCheck::TooShort
    } else {
        FingerprintCheck::Differs
    }
}

/// The account id in hexadecimal: 32 digits.
#[must_use]
pub fn whole_fingerprint(account: &AccountId) -> String {
    account.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_fingerprint_matches() {
        let key = [1; 32];
        let whole = whole_fingerprint(&AccountId::of(&key));
        assert_eq!(whole.len(), FINGERPRINT_DIGITS);
        assert!(whole.starts_with(&AccountId::of(&key).fingerprint()));
        let cases = [
            (whole.as_str(), FingerprintCheck::Matches),
            (&whole[..31], FingerprintCheck::TooShort),
            (&whole[..8], FingerprintCheck::TooShort),
            (&format!("{whole}0"), FingerprintCheck::Differs),
            ("00000000", FingerprintCheck::Differs),
            ("", FingerprintCheck::Differs),
        ];
        for (digits, expected) in cases {
            assert_eq!(check_fingerprint(digits, &key), expected, "{digits}");
        }
        assert_eq!(check_fingerprint(&whole, &[2; 32]), FingerprintCheck::Differs);
    }
}

//! `name#fingerprint`: a name together with the identity that it must belong to, from a card, a signature, a web page.

use super::AccountId;

/// A whole fingerprint, in hexadecimal digits. A shorter one can be forged by trying, so it proves nothing.
pub const FINGERPRINT_DIGITS: usize = 32;

const SHORTEST_DIGITS: usize = 8;

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

/// Splits `name#fingerprint`; spaces and dashes in the fingerprint do not count. `None` where it is not of that shape.
#[must_use]
pub fn split_claim(claim: &str) -> Option<(&str, String)> {
    let (name, digits) = claim.trim().rsplit_once('#')?;
    let digits: String = digits.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let is_hex = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    let is_length = (SHORTEST_DIGITS..=FINGERPRINT_DIGITS).contains(&digits.len());
    (!name.is_empty() && is_hex && is_length).then(|| (name, digits.to_ascii_lowercase()))
}

/// Compares the digits of a claim with the identity that the relay gives for the name.
#[must_use]
pub fn check_claim(digits: &str, identity_key: &[u8; 32]) -> FingerprintCheck {
    let whole = whole_fingerprint(&AccountId::of(identity_key));
    if digits == whole {
        FingerprintCheck::Matches
    } else if digits.len() >= SHORTEST_DIGITS && whole.starts_with(digits) {
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
        assert!(whole.starts_with(&AccountId::of(&key).fingerprint()));
        let (grouped, upper) =
            (format!("{}-{} {}", &whole[..4], &whole[4..20], &whole[20..]), whole.to_uppercase());
        for written in [whole.as_str(), &grouped, &upper] {
            let claim = format!(" ada#{written} ");
            let (name, digits) = split_claim(&claim).unwrap();
            assert_eq!((name, check_claim(&digits, &key)), ("ada", FingerprintCheck::Matches));
            assert_eq!(check_claim(&digits, &[2; 32]), FingerprintCheck::Differs);
        }
        assert_eq!(check_claim(&whole[..31], &key), FingerprintCheck::TooShort);
        assert_eq!(check_claim(&whole[..8], &key), FingerprintCheck::TooShort);
        assert_eq!(check_claim("", &key), FingerprintCheck::Differs);
        for bad in ["ada", "#0123456789", "ada#0123456", "ada#xyzxyzxyz", &format!("ada#{whole}0")] {
            assert_eq!(split_claim(bad), None, "{bad}");
        }
    }
}

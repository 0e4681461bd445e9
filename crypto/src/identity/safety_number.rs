//! Safety numbers: two people compare digits, or scan each other's code, and know that no one stands between them.
//!
//! ```text
//! h_0  = "sotto/1 safety number" || identity key
//! h_i  = SHA-512(h_(i-1) || identity key)                                        for i from 1 to 5,200
//! half = for each of the first six 5-byte groups of h_5200, as a big-endian number: modulo 100,000, five digits
//! number = the smaller half, then the larger                                     60 digits
//! ```
//! The iterations make it 5,200 times as dear to search for an identity whose digits are like another's.

use crate::{CryptoError, labels};
use core::fmt;
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;

const ITERATIONS: u32 = 5200;
const GROUP_DIGITS: usize = 5;
const GROUPS_OF_HALF: usize = 6;
const QR_VERSION: u8 = 1;
const NAME_HASH_BYTES: usize = 8;

/// Length of a code's payload of version 1, in bytes.
pub const SAFETY_QR_BYTES: usize = 1 + 2 * (32 + NAME_HASH_BYTES);

/// 60 digits for two identities; the same on both sides.
#[derive(Clone, PartialEq, Eq)]
pub struct SafetyNumber(String);

/// A person, as one side sees them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Party<'a> {
    /// Their identity key.
    pub identity_key: &'a [u8; 32],
    /// The name by which this side knows them: for itself, its own.
    pub name: &'a str,
}

/// What came of scanning somebody's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Both sides see the same two identities.
    Match,
    /// They do not: an attacker may stand between them, or one has a new identity.
    Mismatch,
    /// They do not, and the names differ as well. It may be the code of another person, or for another one; it may as well be that
    /// an attacker stands between under another name. It is told as a mismatch, with the names as a hint to look at.
    MismatchOfNamesToo,
    /// The code is of a newer version than this one knows.
    NewerVersion,
}

impl SafetyNumber {
    /// The number of two identities, whichever is named first.
    #[must_use]
    pub fn of(one: &[u8; 32], other: &[u8; 32]) -> Self {
        let (one, other) = (half(one), half(other));
        Self(if one <= other { one + &other } else { other + &one })
    }

    /// The digits, without space.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

/// Twelve groups of five digits.
impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_groups(f, &self.0)
    }
}

/// Shows nothing: it names two people.
impl fmt::Debug for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SafetyNumber(…)")
    }
}

/// Shows nothing.
impl fmt::Debug for Party<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Party(…)")
    }
}

/// What this side's code holds: `version (1) || own key (32) || own name, hashed (8) || the other's key (32) || name (8)`.
#[must_use]
pub fn safety_qr(own: Party<'_>, other: Party<'_>) -> [u8; SAFETY_QR_BYTES] {
    let mut payload = [QR_VERSION; SAFETY_QR_BYTES];
    let (own_name, other_name) = (name_hash(own.name), name_hash(other.name));
    let parts = own.identity_key.iter().chain(&own_name).chain(other.identity_key).chain(&other_name);
    payload.iter_mut().skip(1).zip(parts).for_each(|(to, from)| *to = *from);
    payload
}

/// Compares what the other side's code holds with what this side sees.
///
/// # Errors
/// [`CryptoError::Malformed`] where it is no such code.
pub fn compare_safety_qr(
    own: Party<'_>,
    other: Party<'_>,
    scanned: &[u8],
) -> Result<Comparison, CryptoError> {
    let (version, rest) = scanned.split_first().ok_or(CryptoError::Malformed("code"))?;
    if *version == 0 || (*version == QR_VERSION && scanned.len() != SAFETY_QR_BYTES) {
        return Err(CryptoError::Malformed("code"));
    }
    if *version > QR_VERSION {
        return Ok(Comparison::NewerVersion);
    }
    // The other side puts itself first.
    let expected = safety_qr(other, own);
    let split = |payload: &[u8]| -> Option<[Vec<u8>; 4]> {
        let (own_key, rest) = payload.split_at_checked(32)?;
        let (own_name, rest) = rest.split_at_checked(NAME_HASH_BYTES)?;
        let (key, name) = rest.split_at_checked(32)?;
        Some([own_key.to_vec(), own_name.to_vec(), key.to_vec(), name.to_vec()])
    };
    let expected = expected.get(1..).and_then(split).ok_or(CryptoError::Malformed("code"))?;
    let found = split(rest).ok_or(CryptoError::Malformed("code"))?;
    let [their_key, their_name, my_key, my_name] = expected;
    let [shown_key, shown_name, seen_key, seen_name] = found;
    let are_keys_equal = their_key.ct_eq(&shown_key) & my_key.ct_eq(&seen_key);
    Ok(if are_keys_equal.into() {
        Comparison::Match
    } else if their_name == shown_name && my_name == seen_name {
        Comparison::Mismatch
    } else {
        Comparison::MismatchOfNamesToo
    })
}

/// Digits in groups of five, with a space between.
pub(super) fn write_groups(f: &mut fmt::Formatter<'_>, digits: &str) -> fmt::Result {
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && position % GROUP_DIGITS == 0 {
            f.write_str(" ")?;
        }
        write!(f, "{digit}")?;
    }
    Ok(())
}

/// Five digits for each of the first 5-byte groups of a hash, modulo 100,000.
pub(super) fn digits_of(hash: &[u8; 64], groups: usize) -> String {
    let number = |group: &[u8]| group.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    hash.chunks(5).take(groups).map(|group| format!("{:05}", number(group) % 100_000)).collect()
}

fn half(identity_key: &[u8; 32]) -> String {
    let first = Sha512::new()
        .chain_update(labels::hash::SAFETY_NUMBER)
        .chain_update(identity_key)
        .chain_update(identity_key);
    let mut hash: [u8; 64] = first.finalize().into();
    for _ in 1..ITERATIONS {
        hash = Sha512::new().chain_update(hash).chain_update(identity_key).finalize().into();
    }
    digits_of(&hash, GROUPS_OF_HALF)
}

fn name_hash(name: &str) -> [u8; NAME_HASH_BYTES] {
    let digest: [u8; 32] =
        Sha256::new().chain_update(labels::hash::SAFETY_NAME).chain_update(name).finalize().into();
    let mut hash = [0; NAME_HASH_BYTES];
    hash.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    const GOLDEN: &str = include_str!("../../tests/goldens/safety-number-v1.hex");

    const ADA: Party<'_> = Party { identity_key: &[1; 32], name: "ada" };
    const BOB: Party<'_> = Party { identity_key: &[2; 32], name: "bob" };

    #[test]
    fn both_sides_see_the_same_sixty_digits() {
        let number = SafetyNumber::of(ADA.identity_key, BOB.identity_key);
        assert_eq!(number, SafetyNumber::of(BOB.identity_key, ADA.identity_key));
        assert_eq!(number.digits().len(), 60);
        assert!(number.digits().chars().all(|digit| digit.is_ascii_digit()));
        let shown = number.to_string();
        assert!(shown.split(' ').count() == 12 && shown.split(' ').all(|group| group.len() == 5), "{shown}");
        assert_ne!(number, SafetyNumber::of(ADA.identity_key, &[3; 32]));
        assert_ne!(number, SafetyNumber::of(&[3; 32], BOB.identity_key));
    }

    #[test]
    fn a_code_that_does_not_match_is_a_mismatch_whatever_the_names() {
        let theirs = safety_qr(BOB, ADA);
        let changed = Party { identity_key: &[9; 32], ..BOB };
        let for_me_changed = Party { identity_key: &[9; 32], ..ADA };
        let cy = Party { identity_key: &[3; 32], name: "cy" };
        let cases = [
            (theirs, Comparison::Match),
            (safety_qr(changed, ADA), Comparison::Mismatch),
            (safety_qr(BOB, for_me_changed), Comparison::Mismatch),
            (safety_qr(changed, for_me_changed), Comparison::Mismatch),
            (safety_qr(BOB, cy), Comparison::MismatchOfNamesToo),
            (safety_qr(cy, ADA), Comparison::MismatchOfNamesToo),
            (safety_qr(ADA, BOB), Comparison::MismatchOfNamesToo),
            (safety_qr(Party { name: "bobby", ..changed }, ADA), Comparison::MismatchOfNamesToo),
            (safety_qr(Party { name: "bobby", ..BOB }, ADA), Comparison::Match),
        ];
        for (number, (scanned, expected)) in cases.iter().enumerate() {
            assert_eq!(compare_safety_qr(ADA, BOB, scanned).as_ref(), Ok(expected), "{number}");
        }
        let mut newer = theirs.to_vec();
        newer[0] = 2;
        newer.push(0);
        assert_eq!(compare_safety_qr(ADA, BOB, &newer), Ok(Comparison::NewerVersion));
        let longer = [&theirs[..], &[0]].concat();
        for bad in [&[][..], &[0; SAFETY_QR_BYTES], &theirs[..80], &longer] {
            assert_eq!(compare_safety_qr(ADA, BOB, bad), Err(CryptoError::Malformed("code")));
        }
    }

    #[test]
    fn digits_and_code_are_what_they_always_were() {
        let digits = SafetyNumber::of(ADA.identity_key, BOB.identity_key).digits().as_bytes().to_vec();
        golden::check(GOLDEN, &[("digits", digits), ("code", safety_qr(ADA, BOB).to_vec())]);
    }

    #[test]
    fn debug_shows_nothing() {
        let number = SafetyNumber::of(ADA.identity_key, BOB.identity_key);
        assert_eq!(format!("{number:?} {ADA:?}"), "SafetyNumber(…) Party(…)");
    }
}

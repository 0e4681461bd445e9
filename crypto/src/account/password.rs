//! Passwords: what is typed made uniform, and passphrases to offer.
//!
//! A password is prepared as an OpaqueString (RFC 8265, section 4): other spaces become U+0020, then NFC. Two keyboards
//! that write the same characters otherwise give the same password.

#[cfg(feature = "chosen-passwords")]
use super::{Username, strength, strength::Weakness};
use crate::{CryptoError, random_array};
use core::fmt;
use sotto_protocol::limits::PASSWORD_MAX_BYTES;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Words in a generated passphrase: 6 x 11 = 66 bits.
pub const PASSPHRASE_WORDS: usize = 6;

/// 2,048 English words that differ in their first four letters: the list of BIP 39, as the crate `bip39` publishes it under
/// CC0. The crate itself brings a second SHA-2; those of the EFF's list bring a second random number generator.
const WORDS: &str = include_str!("words.txt");
const WORD_COUNT: u16 = 2048;

/// A prepared password.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

/// A password that may be set: generated, or chosen and found strong enough.
#[derive(Clone)]
pub struct NewPassword(Password);

/// What an attacker knows of an account, and tries first.
#[cfg(feature = "chosen-passwords")]
#[derive(Clone, Copy)]
pub struct KnownWords<'a> {
    /// Its name.
    pub username: &'a Username,
    /// What the person is called.
    pub display_name: &'a str,
    /// Names of its rooms, and whatever else comes to mind.
    pub others: &'a [&'a str],
}

impl Password {
    /// Prepares what was typed. Whether it may be set, `NewPassword::chosen` tells.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is empty, longer than [`PASSWORD_MAX_BYTES`], or has control characters.
    pub fn new(typed: &str) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("password");
        if typed.is_empty() || typed.len() > PASSWORD_MAX_BYTES || typed.chars().any(char::is_control) {
            return Err(malformed());
        }
        // At most three times as long after NFC, so that the string never moves and leaves a copy behind.
        let mut prepared = Self(String::with_capacity(typed.len().saturating_mul(3)));
        prepared.0.extend(typed.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).nfc());
        Ok(prepared)
    }

    /// The text, to be shown once where it was generated.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl NewPassword {
    /// A passphrase of random words: 66 bits. What people are offered first.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate() -> Result<Self, CryptoError> {
        let mut drawn = random_array::<{ 2 * PASSPHRASE_WORDS }>()?;
        let mut phrase = Password(String::with_capacity(PASSPHRASE_WORDS * 9));
        for pair in drawn.chunks_exact(2) {
            // 2,048 divides 65,536: every word is equally likely.
            let number = pair.iter().fold(0_u16, |number, byte| number << 8 | u16::from(*byte));
            if !phrase.0.is_empty() {
                phrase.0.push('-');
            }
            phrase.0.push_str(words().nth(usize::from(number % WORD_COUNT)).unwrap_or_default());
        }
        drawn.zeroize();
        Ok(Self(phrase))
    }

    /// One that a person has chosen, if it withstands an attacker who has the relay's database and knows the account. While it is
    /// weighed, parts of it lie in memory that is not wiped.
    ///
    /// # Errors
    /// [`Weakness`].
    #[cfg(feature = "chosen-passwords")]
    pub fn chosen(password: &Password, known: &KnownWords<'_>) -> Result<Self, Weakness> {
        let words: Vec<&str> = [known.username.as_str(), known.display_name]
            .into_iter()
            .chain(known.others.iter().copied())
            .collect();
        strength::check(&password.0, &words)?;
        Ok(Self(password.clone()))
    }

    /// The password, as it is used from then on.
    #[must_use]
    pub const fn password(&self) -> &Password {
        &self.0
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

/// Shows nobody's name.
#[cfg(feature = "chosen-passwords")]
impl fmt::Debug for KnownWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownWords(…)")
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The word list, in alphabetical order.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    WORDS.lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_list_is_whole() {
        let list: Vec<_> = words().collect();
        assert_eq!(list.len(), usize::from(WORD_COUNT));
        assert!(list.is_sorted());
        assert!(
            list.iter()
                .all(|word| (3..=8).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase()))
        );
        let starts: std::collections::BTreeSet<_> =
            list.iter().map(|word| &word[..word.len().min(4)]).collect();
        assert_eq!(starts.len(), list.len());
    }

    #[test]
    fn a_generated_passphrase_is_strong_and_never_the_same() {
        for _ in 0..20 {
            let generated = NewPassword::generate().unwrap();
            let phrase = generated.password();
            assert_eq!(phrase.expose().split('-').count(), PASSPHRASE_WORDS);
            assert!(phrase.expose().split('-').all(|word| words().any(|known| known == word)));
            assert_ne!(phrase, NewPassword::generate().unwrap().password());
            #[cfg(feature = "chosen-passwords")]
            {
                let username = Username::parse("ada").unwrap();
                let known = KnownWords { username: &username, display_name: "Ada", others: &[] };
                assert!(NewPassword::chosen(phrase, &known).is_ok(), "{}", phrase.expose());
                assert_eq!(format!("{generated:?} {known:?}"), "NewPassword(…) KnownWords(…)");
            }
        }
    }

    #[test]
    fn the_same_characters_typed_otherwise_are_the_same_password() {
        let password = |typed| Password::new(typed).unwrap();
        assert_eq!(password("caf\u{e9} au lait"), password("cafe\u{301}\u{a0}au\u{3000}lait"));
        assert_ne!(password("Cafe"), password("cafe"));
        assert_ne!(password("fi"), password("\u{fb01}"), "NFC, not NFKC");
        for refused in ["", "a\nb", "a\u{7f}b"] {
            assert!(Password::new(refused).is_err(), "{refused:?}");
        }
        assert!(Password::new(&"x".repeat(PASSWORD_MAX_BYTES)).is_ok());
        assert!(Password::new(&"x".repeat(PASSWORD_MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::new("hunter2").unwrap()), "Password(…)");
    }
}

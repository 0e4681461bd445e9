//! The recovery code: 130 random bits that a person writes down, and with which they come back without the password.
//!
//! ```text
//! code   = 26 random symbols || 4 check symbols, Crockford base32, in six groups of five
//! check  = first 20 bits of SHA-256("sotto/1 recovery check" || the 26 symbols, a byte each)
//! secret = SHA-256("sotto/1 recovery secret" || the 26 symbols, a byte each)
//! ```
//! From the secret come an X-Wing key, to which the record key is wrapped, and an Ed25519 key, with which its holder logs in
//! at the relay. The account's record holds both public halves: a password is changed without the code at hand.

use super::base32;
use crate::{
    CryptoError, Secret, kdf,
    labels::{expand, hash},
    random_array, sign,
    wrap::WrapKey,
};
use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use sotto_protocol::{Challenge, recovery_statement};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const RANDOM_SYMBOLS: usize = 26;
const CHECK_SYMBOLS: usize = 4;
const SYMBOLS: usize = RANDOM_SYMBOLS + CHECK_SYMBOLS;
const GROUP: usize = 5;

/// A recovery code.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryCode([u8; RANDOM_SYMBOLS]);

/// What the account's record and the relay know of a recovery code.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RecoveryCodePublic {
    /// X-Wing: the record key is wrapped to it.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) wrap_key: Vec<u8>,
    /// Ed25519: the relay lets its holder in.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) login_key: [u8; 32],
}

impl RecoveryCode {
    /// A fresh code.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate() -> Result<Self, CryptoError> {
        random_array().map(Self::from_symbols)
    }

    /// Reads a code as a person types it: either case, any spaces and hyphens, O for 0, I and L for 1.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is not a whole one or was mistyped.
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("recovery code");
        let symbols = base32::read::<SYMBOLS>(text).ok_or_else(malformed)?;
        let (random, typed) = symbols.split_first_chunk::<RANDOM_SYMBOLS>().ok_or_else(malformed)?;
        let code = Self(*random);
        if bool::from(code.check().as_slice().ct_eq(typed)) { Ok(code) } else { Err(malformed()) }
    }

    /// The code as it is written down: six groups of five.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut symbols = Zeroizing::new([0; SYMBOLS]);
        let all = self.0.iter().copied().chain(*self.check());
        symbols.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        base32::write(symbols.as_slice(), GROUP)
    }

    /// What the record and the relay are to know of it.
    ///
    /// # Errors
    /// Never for a code of this type.
    pub fn public(&self) -> Result<RecoveryCodePublic, CryptoError> {
        Ok(RecoveryCodePublic { wrap_key: self.wrap_key()?.public(), login_key: self.login_key()?.public() })
    }

    /// Signs a login by code, for the connection with that challenge to the relay of that authority.
    ///
    /// # Errors
    /// Never for a code of this type.
    pub fn sign_login(&self, authority: &str, challenge: &Challenge) -> Result<[u8; 64], CryptoError> {
        Ok(self.login_key()?.sign(&recovery_statement(authority, challenge)))
    }

    pub(super) fn from_symbols(mut symbols: [u8; RANDOM_SYMBOLS]) -> Self {
        symbols.iter_mut().for_each(|symbol| *symbol &= 31);
        Self(symbols)
    }

    /// Opens the record key.
    pub(super) fn wrap_key(&self) -> Result<WrapKey, CryptoError> {
        kdf::derive(&self.secret(), expand::RECOVERY_CODE_WRAP, &[]).map(|seed| WrapKey::from_seed(&seed))
    }

    fn login_key(&self) -> Result<sign::RecoveryLoginKey, CryptoError> {
        kdf::derive(&self.secret(), expand::RECOVERY_CODE_SIGNATURE, &[])
            .map(|seed| sign::RecoveryLoginKey::from_seed(&seed))
    }

    fn secret(&self) -> Secret {
        Secret::new(Sha256::new().chain_update(hash::RECOVERY_SECRET).chain_update(self.0).finalize().into())
    }

    fn check(&self) -> Zeroizing<[u8; CHECK_SYMBOLS]> {
        let digest: [u8; 32] =
            Sha256::new().chain_update(hash::RECOVERY_CHECK).chain_update(self.0).finalize().into();
        let [a, b, c, ..] = digest;
        Zeroizing::new([a >> 3, (a & 7) << 2 | b >> 6, b >> 1 & 31, (b & 1) << 4 | c >> 4])
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

impl RecoveryCodePublic {
    /// The Ed25519 key by which the relay recognises the code's holder.
    #[must_use]
    pub const fn login_key(&self) -> &[u8; 32] {
        &self.login_key
    }
}

impl fmt::Debug for RecoveryCodePublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCodePublic(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    const GOLDEN: &str = include_str!("../../tests/goldens/recovery-code-v1.hex");

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = RecoveryCode::generate().unwrap();
        let text = code.to_text();
        assert_eq!((text.len(), text.matches('-').count()), (35, 5));
        for typed in [
            text.to_string(),
            text.to_lowercase(),
            text.replace('-', ""),
            text.replace('-', " - "),
            format!("  {}\n", text.replace('0', "o").replace('1', "l")),
            text.replace('0', "O").replace('1', "I"),
        ] {
            assert_eq!(RecoveryCode::parse(&typed).unwrap().0, code.0, "{typed:?}");
        }
    }

    #[test]
    fn a_mistyped_symbol_or_two_swapped_ones_are_noticed() {
        let code = RecoveryCode([
            7, 1, 30, 4, 12, 31, 0, 8, 9, 10, 11, 2, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
        ]);
        let text = code.to_text().replace('-', "");
        for position in 0..text.len() {
            for replacement in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars() {
                let mut typed: Vec<char> = text.chars().collect();
                if typed[position] != replacement {
                    typed[position] = replacement;
                    assert!(RecoveryCode::parse(&typed.iter().collect::<String>()).is_err(), "{position}");
                }
            }
        }
        for position in 1..text.len() {
            let mut typed: Vec<char> = text.chars().collect();
            typed.swap(position - 1, position);
            let typed: String = typed.iter().collect();
            assert!(typed == text || RecoveryCode::parse(&typed).is_err(), "{position}");
        }
        assert!(RecoveryCode::parse(&text[1..]).is_err());
        assert!(RecoveryCode::parse(&format!("{text}0")).is_err());
        assert!(RecoveryCode::parse("").is_err());
    }

    #[test]
    fn a_login_by_code_is_bound_to_relay_and_connection() {
        let code = RecoveryCode::generate().unwrap();
        let challenge = Challenge::new([1; 32]);
        let signature = code.sign_login("Chat.Example", &challenge).unwrap();
        let key = *code.public().unwrap().login_key();
        let check =
            |authority, challenge| sign::verify(&key, &recovery_statement(authority, challenge), &signature);
        assert_eq!(check("chat.example", &challenge), Ok(()));
        assert!(check("other.example", &challenge).is_err());
        assert!(check("chat.example", &Challenge::new([2; 32])).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let code = RecoveryCode::generate().unwrap();
        assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
        assert_eq!(format!("{:?}", code.public().unwrap()), "RecoveryCodePublic(…)");
    }

    #[test]
    fn the_bytes_are_the_golden_ones() {
        let code = RecoveryCode::from_symbols([11; 26]);
        let public = sotto_protocol::encode(&code.public().unwrap());
        golden::check(GOLDEN, &[("text", code.to_text().as_bytes().to_vec()), ("public", public)]);
        let text = String::from_utf8(golden::line(GOLDEN, "text")).unwrap();
        assert_eq!(RecoveryCode::parse(&text).unwrap().0, code.0);
    }
}

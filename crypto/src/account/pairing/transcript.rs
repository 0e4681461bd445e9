//! What both devices compute from the messages: commitment, session key, short code.

use super::{Nonce, PairingOffer, SessionSecret};
use crate::{
    CryptoError, Secret, kdf,
    labels::{expand, hash},
};
use core::fmt;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// Seven digits that the new device shows and that are typed on the old one.
#[derive(Clone, Copy)]
pub struct ShortCode(u32);

const CODES: u64 = 10_000_000;

impl ShortCode {
    /// Whether that is what was typed; spaces and hyphens do not count.
    #[must_use]
    pub fn is(self, typed: &str) -> bool {
        let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let own = format!("{:07}", self.0);
        own.as_bytes().ct_eq(digits.as_bytes()).into()
    }
}

impl fmt::Display for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

impl fmt::Debug for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShortCode(…)")
    }
}

/// Binds the new device to its key and its nonce before it has seen the old device's.
pub fn commit(offer: &PairingOffer, public_key: &[u8], nonce: &Nonce) -> [u8; 32] {
    hash_of(hash::PAIRING_COMMITMENT, offer, &[public_key, nonce])
}

/// SHA-256 over the offer and the messages so far. Every message has a fixed length.
pub fn transcript(offer: &PairingOffer, messages: &[&[u8]]) -> [u8; 32] {
    hash_of(hash::PAIRING_TRANSCRIPT, offer, messages)
}

/// The key for this hello and this answer alone.
pub fn session_key(session_secret: &Secret, transcript: &[u8; 32]) -> Result<SessionSecret, CryptoError> {
    kdf::derive(session_secret, expand::PAIRING_KEY, &[transcript]).map(SessionSecret)
}

/// The short code. Nothing goes into it that either side, or somebody between, could still choose.
pub fn short_code(
    offer: &PairingOffer,
    hello: &[u8],
    answer: &[u8],
    nonce: &Nonce,
) -> Result<ShortCode, CryptoError> {
    let compared = Secret::new(transcript(offer, &[hello, answer, nonce]));
    let bytes = kdf::expand::<8>(&compared, expand::PAIRING_CODE, &[])?;
    // The remainder is below ten million; the bias is below 2^-40.
    u32::try_from(u64::from_be_bytes(*bytes) % CODES)
        .map(ShortCode)
        .map_err(|_| CryptoError::Malformed("code"))
}

fn hash_of(label: &[u8], offer: &PairingOffer, parts: &[&[u8]]) -> [u8; 32] {
    let begun = Sha256::new().chain_update(label).chain_update(offer.as_symbols());
    parts.iter().fold(begun, |hash, part| hash.chain_update(part)).finalize().into()
}

//! What the relay gives out sealed for itself, so that it need not keep it and any relay of the same secrets can read it:
//! the state of a login, a challenge, a fresh proof.
//!
//! ```text
//! token = salt (16, random) || AES-256-GCM(HMAC(token key, label || salt), nonce 0, CBOR)
//! ```
//! Each has a key of its own, so that no nonce is used twice. Each says until when it is good.

use super::login::EXCHANGE_MS;
use super::proof::FRESH_MS;
use super::randomness::{keyed_hash, random};
use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use minicbor::{Decode, Encode};
use sotto_protocol::account::AccountErrorCode;
use zeroize::Zeroizing;

const SALT_BYTES: usize = 16;
/// What the clocks of two relays may differ.
const SKEW_MS: u64 = 60 * 1000;

/// What a token is for.
pub(super) trait Purpose: Encode<()> + for<'b> Decode<'b, ()> {
    /// Keeps the purposes apart.
    const LABEL: &'static [u8];

    /// How long it is good.
    const LASTS_MS: u64;

    /// Until when it is good, in milliseconds since 1970.
    fn good_until_ms(&self) -> u64;
}

/// Between KE1 and KE3.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct LoginState {
    #[n(0)]
    pub good_until_ms: u64,
    /// Random: an exchange is finished once.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub exchange: [u8; 16],
    /// Whose it is.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub name_hash: [u8; 32],
    /// Of the login that it was begun with.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub login_hash: [u8; 32],
    /// The session that proves the password; empty at a login.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub session_id: Vec<u8>,
    /// OPAQUE's.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub state: Vec<u8>,
}

/// Between the challenge for a new account and its signature.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct RegistrationState {
    #[n(0)]
    pub good_until_ms: u64,
    /// Random: an exchange is finished once.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub exchange: [u8; 16],
    #[cbor(n(2), with = "minicbor::bytes")]
    pub challenge: [u8; 32],
}

/// Between the challenge of a recovery and its signature.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct ChallengeState {
    #[n(0)]
    pub good_until_ms: u64,
    /// Random: an exchange is finished once.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub exchange: [u8; 16],
    #[cbor(n(2), with = "minicbor::bytes")]
    pub challenge: [u8; 32],
}

/// By what somebody proved whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(super) enum ProvenBy {
    #[n(1)]
    Password,
    #[n(2)]
    RecoveryCode,
}

/// A fresh proof.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct Proof {
    #[n(0)]
    pub good_until_ms: u64,
    /// The session on which it was made.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub session_id: [u8; 16],
    /// Of the login that was proven: another password makes the proof worthless.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub login_hash: [u8; 32],
    #[n(3)]
    pub by: ProvenBy,
}

impl Purpose for LoginState {
    const LABEL: &'static [u8] = b"sotto relay login";
    const LASTS_MS: u64 = EXCHANGE_MS;

    fn good_until_ms(&self) -> u64 {
        self.good_until_ms
    }
}

impl Purpose for RegistrationState {
    const LABEL: &'static [u8] = b"sotto relay registration";
    const LASTS_MS: u64 = EXCHANGE_MS;

    fn good_until_ms(&self) -> u64 {
        self.good_until_ms
    }
}

impl Purpose for ChallengeState {
    const LABEL: &'static [u8] = b"sotto relay challenge";
    const LASTS_MS: u64 = EXCHANGE_MS;

    fn good_until_ms(&self) -> u64 {
        self.good_until_ms
    }
}

impl Purpose for Proof {
    const LABEL: &'static [u8] = b"sotto relay proof";
    const LASTS_MS: u64 = FRESH_MS;

    fn good_until_ms(&self) -> u64 {
        self.good_until_ms
    }
}

/// Seals.
pub(super) fn seal<P: Purpose>(key: &[u8; 32], content: &P) -> Result<Vec<u8>, AccountErrorCode> {
    let salt: [u8; SALT_BYTES] = random()?;
    let plain = Zeroizing::new(sotto_protocol::encode(content));
    let sealed = cipher::<P>(key, &salt).encrypt(&Nonce::default(), plain.as_slice());
    let sealed = sealed.map_err(|_| AccountErrorCode::Internal)?;
    Ok([&salt[..], &sealed].concat())
}

/// Opens, if it is one of that purpose and still good.
pub(super) fn open<P: Purpose>(key: &[u8; 32], token: &[u8], now_ms: u64) -> Option<P> {
    let (salt, sealed) = token.split_first_chunk::<SALT_BYTES>()?;
    let plain = Zeroizing::new(cipher::<P>(key, salt).decrypt(&Nonce::default(), sealed).ok()?);
    let content: P = sotto_protocol::decode(&plain).ok()?;
    // One from the future was made before the clock was set back.
    let latest_ms = now_ms.saturating_add(P::LASTS_MS).saturating_add(SKEW_MS);
    (now_ms < content.good_until_ms() && content.good_until_ms() <= latest_ms).then_some(content)
}

fn cipher<P: Purpose>(key: &[u8; 32], salt: &[u8; SALT_BYTES]) -> Aes256Gcm {
    Aes256Gcm::new(&keyed_hash(key, &[salt, P::LABEL]).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(good_until_ms: u64) -> Proof {
        Proof { good_until_ms, session_id: [1; 16], login_hash: [2; 32], by: ProvenBy::Password }
    }

    #[test]
    fn a_token_opens_for_its_key_its_purpose_and_its_time_alone() {
        let token = seal(&[7; 32], &proof(1000)).unwrap();
        assert!(open::<Proof>(&[7; 32], &token, 999).is_some());
        assert!(open::<Proof>(&[7; 32], &token, 1000).is_none());
        let later = seal(&[7; 32], &proof(1000 + FRESH_MS + SKEW_MS)).unwrap();
        assert!(open::<Proof>(&[7; 32], &later, 1000).is_some());
        assert!(open::<Proof>(&[7; 32], &later, 999).is_none(), "from the future");
        assert!(open::<Proof>(&[8; 32], &token, 999).is_none());
        assert!(open::<LoginState>(&[7; 32], &token, 999).is_none());
        for position in 0..token.len() {
            let mut flipped = token.clone();
            flipped[position] ^= 1;
            assert!(open::<Proof>(&[7; 32], &flipped, 999).is_none(), "byte {position}");
            assert!(open::<Proof>(&[7; 32], &token[..position], 999).is_none(), "cut at {position}");
        }
        assert_ne!(token, seal(&[7; 32], &proof(1000)).unwrap());
    }
}

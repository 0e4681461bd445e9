//! Adding a device to an account, from one that is there. Nobody between the two learns or changes anything.
//!
//! ```text
//! new device                                              old device
//!   shows the offer (16 symbols, or as QR) ──── person ────> reads or types it
//!   hello   = version (1) || X-Wing public key (1216) || commitment (32)        ──────>
//!             commitment = SHA-256(label || offer || public key || nonce)
//!                          <──────   answer = version (1) || HPKE(session secret) (1168) || nonce (32)
//!   reveal  = version (1) || nonce (32) || sealed(device key || signature) (321) ──────>
//!   shows the short code (7 digits) ──────────── person ────> types it; it must be the same
//!             password or recovery code, on the old device: it opens the sealed record
//!                          <──────   grant  = sealed(account, certificate, vault key, door key, recovery public key, session, seen)
//! ```
//! The short code covers offer, hello, answer and the revealed nonce, and nothing that is chosen later. The new device is
//! bound to its nonce before it sees the old device's, and the old device to its answer before the new one's is revealed: who
//! sits between has one guess in ten million, and the person notices a wrong one. The offer is in every hash, too, so that a
//! relay that never saw it cannot even try.

mod new_device;
mod offer;
mod old_device;
#[cfg(test)]
mod tests;
mod transcript;

pub use new_device::{ComparedNewDevice, NewDevice, Paired, VerifyingNewDevice};
pub use offer::PairingOffer;
pub use old_device::{OldDevice, PairingGrant, VerifyingOldDevice};
pub use transcript::ShortCode;

use crate::{
    CryptoError, Secret,
    account::{DoorKey, VaultKey},
    identity::AccountId,
};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

const FORMAT: u8 = 1;

/// What a grant says.
#[derive(Encode, Decode)]
#[cbor(map)]
struct GrantContents {
    #[n(0)]
    account: AccountId,
    #[cbor(n(1), with = "minicbor::bytes")]
    certificate: Vec<u8>,
    #[n(2)]
    vault: VaultKey,
    #[n(3)]
    door: DoorKey,
    #[cbor(n(4), with = "minicbor::bytes")]
    recovery_public: Vec<u8>,
    #[cbor(n(5), with = "crate::secret::bytes")]
    session: Zeroizing<Vec<u8>>,
    #[cbor(n(6), with = "minicbor::bytes")]
    seen: Vec<u8>,
}

/// A nonce of 32 bytes.
type Nonce = [u8; 32];

/// Takes the format byte off a message of a known length.
fn body_of<'a>(message: &'a [u8], what: &'static str) -> Result<&'a [u8], CryptoError> {
    match message.split_first() {
        Some((&FORMAT, body)) => Ok(body),
        Some(_) => Err(CryptoError::NewerVersion),
        None => Err(CryptoError::Malformed(what)),
    }
}

/// The key under which reveal and grant are sealed.
struct SessionSecret(Secret);

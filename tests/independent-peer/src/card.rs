//! Section "Doors, cards, links": the sealed card.

use crate::{
    PeerError,
    chain::Chain,
    encoding::{Bytes32, Id, decode, encode, random, take},
    expand::{expand, expand_key_and_nonce},
    labels,
    padding::{pad, unpad},
};
use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use minicbor::{Decode, Encode, bytes::ByteVec};

const VERSION: u8 = 1;

/// `card`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Card {
    /// Epoch.
    #[n(0)]
    pub epoch: u64,
    /// MLSMessage(GroupInfo), ratchet tree inside.
    #[n(1)]
    pub group_info: ByteVec,
    /// Handshake secret.
    #[n(2)]
    pub handshake: Bytes32,
    /// Join seed.
    #[n(3)]
    pub join: Bytes32,
    /// Last entry its writer had verified.
    #[n(4)]
    pub chain: Chain,
}

/// The card key of an epoch.
pub fn card_key(wrap_secret: &[u8; 32]) -> Result<[u8; 32], PeerError> {
    expand(wrap_secret, labels::CARD, &[])
}

impl Card {
    /// `version || salt || commitment || sealed`.
    pub fn seal(&self, card_key: &[u8; 32], room: &Id) -> Result<Vec<u8>, PeerError> {
        let salt: [u8; 16] = random()?;
        let (key, nonce) = key_and_nonce(card_key, &salt)?;
        let payload = Payload { msg: &pad(&encode(self)?)?, aad: &room[..] };
        let sealed = Aes256Gcm::new(&key.into())
            .encrypt(&nonce.into(), payload)
            .map_err(|_| PeerError::Malformed("card that is too long"))?;
        Ok([&[VERSION][..], &salt, &commitment(card_key, &salt)?, &sealed].concat())
    }

    /// Opens a sealed card.
    pub fn open(card_key: &[u8; 32], room: &Id, bytes: &[u8]) -> Result<Self, PeerError> {
        const WHAT: &str = "card";
        let mut rest = bytes;
        let [version] = *take::<1>(&mut rest, WHAT)?;
        if version != VERSION {
            return Err(PeerError::Version(version.into()));
        }
        let salt: &[u8; 16] = take(&mut rest, WHAT)?;
        if *take::<32>(&mut rest, WHAT)? != commitment(card_key, salt)? {
            return Err(PeerError::NotOpened("card with another commitment"));
        }
        let (key, nonce) = key_and_nonce(card_key, salt)?;
        let payload = Payload { msg: rest, aad: &room[..] };
        let padded = Aes256Gcm::new(&key.into())
            .decrypt(&nonce.into(), payload)
            .map_err(|_| PeerError::NotOpened(WHAT))?;
        decode(unpad(&padded)?, WHAT)
    }
}

fn key_and_nonce(card_key: &[u8; 32], salt: &[u8; 16]) -> Result<([u8; 32], [u8; 12]), PeerError> {
    expand_key_and_nonce(card_key, labels::CARD_SEALING, &[b"key and nonce", salt])
}

fn commitment(card_key: &[u8; 32], salt: &[u8; 16]) -> Result<[u8; 32], PeerError> {
    expand(card_key, labels::CARD_SEALING, &[b"commitment", salt])
}

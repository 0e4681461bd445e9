//! Section "Doors, cards, links": the sealed card.

use crate::{
    PeerError,
    chain::Chain,
    encoding::{Bytes32, Id, decode, encode},
    expand::expand,
    labels,
    past::Past,
    sealed,
};
use minicbor::{Decode, Encode, bytes::ByteVec};

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
    /// Public access key.
    #[n(5)]
    pub access_key: Bytes32,
    /// What the record of the next epoch says.
    #[n(6)]
    pub past: Past,
}

/// The card key of an epoch.
pub fn card_key(wrap_secret: &[u8; 32]) -> Result<[u8; 32], PeerError> {
    expand(wrap_secret, labels::CARD, &[])
}

impl Card {
    /// Seals it.
    pub fn seal(&self, card_key: &[u8; 32], room: &Id) -> Result<Vec<u8>, PeerError> {
        sealed::seal(card_key, labels::CARD_SEALING, &room[..], &encode(self)?)
    }

    /// Opens a sealed card.
    pub fn open(card_key: &[u8; 32], room: &Id, bytes: &[u8]) -> Result<Self, PeerError> {
        decode(&sealed::open(card_key, labels::CARD_SEALING, &room[..], bytes)?, "card")
    }
}

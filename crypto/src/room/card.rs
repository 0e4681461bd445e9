//! The card: what a door opens. With it a device can make the commit that brings it in, with no one online.
//!
//! `card = CBOR map { 0: epoch, 1: GroupInfo with tree, 2: handshake secret, 3: join seed, 4: [seq, H], 5: public access
//! key, 6: past }`, sealed with a key commitment under the card's key.

use super::{EpochSecrets, HandshakeSecret, JoinSeed, door::CardKey, past::Past};
use crate::{CryptoError, committed, labels::expand, random_array};
use minicbor::{Decode, Encode};
use sotto_protocol::{Chain, RoomId};

/// What a device needs to come in.
#[derive(Encode, Decode)]
#[cbor(map)]
pub struct Card {
    /// The epoch that the card is of.
    #[n(0)]
    pub epoch: u64,
    /// MLSMessage with a GroupInfo that holds the ratchet tree and the external public key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub group_info: Vec<u8>,
    /// Seals the commit of whoever comes in.
    #[n(2)]
    pub handshake: HandshakeSecret,
    /// Seed of the key that permits its append.
    #[n(3)]
    pub join: JoinSeed,
    /// The last entry that the card's writer had verified.
    #[n(4)]
    pub chain: Chain,
    /// The public half of the epoch's access key: by it whoever comes in knows who may void that.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub access_key: [u8; 32],
    /// What the next epoch's record says: by it a newcomer knows which records of before are true.
    #[n(6)]
    pub past: Past,
}

impl Card {
    /// The card of an epoch.
    pub fn of(secrets: &EpochSecrets, epoch: u64, group_info: Vec<u8>, chain: Chain, past: Past) -> Self {
        Self {
            epoch,
            group_info,
            handshake: secrets.handshake.clone(),
            join: secrets.join.clone(),
            chain,
            access_key: secrets.access_key().public(),
            past,
        }
    }

    /// Seals the card.
    pub fn seal(&self, card_key: &CardKey, room: &RoomId) -> Result<Vec<u8>, CryptoError> {
        self.seal_with_salt(card_key, room, &random_array()?)
    }

    /// As [`Card::seal`], with a salt that is used once.
    pub fn seal_with_salt(
        &self,
        card_key: &CardKey,
        room: &RoomId,
        salt: &[u8; 16],
    ) -> Result<Vec<u8>, CryptoError> {
        let content = sotto_protocol::encode_secret(self);
        committed::seal_with_salt(card_key.seed(), expand::CARD, room.as_bytes(), &content, salt)
    }

    /// Opens a sealed card.
    pub fn open(card_key: &CardKey, room: &RoomId, sealed: &[u8]) -> Result<Self, CryptoError> {
        let content = committed::open(card_key.seed(), expand::CARD, room.as_bytes(), sealed)?;
        sotto_protocol::decode(&content).map_err(|_| CryptoError::Malformed("card"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_opens_under_its_key_in_its_room_alone() {
        let room = RoomId::new([1; 16]);
        let secret = |byte| crate::Secret::new([byte; 32]);
        let key = |byte| CardKey::from_seed(secret(byte));
        let card = Card {
            epoch: 3,
            group_info: vec![5; 5000],
            handshake: HandshakeSecret::from_seed(secret(1)),
            join: JoinSeed::from_seed(secret(2)),
            chain: Chain::start(&room),
            access_key: [3; 32],
            past: Past { last: [4; 32], whole: [5; 32] },
        };
        let sealed = card.seal(&key(9), &room).unwrap();
        assert_eq!(Card::open(&key(9), &room, &sealed).unwrap().group_info, card.group_info);
        assert!(Card::open(&key(8), &room, &sealed).is_err());
        assert!(Card::open(&key(9), &RoomId::new([2; 16]), &sealed).is_err());
    }
}

//! The card: what a door opens. With it a newcomer can make the commit that brings them in, with no one online.
//!
//! ```text
//! sealed card = version (1) || salt (16) || commitment (32) || AES-256-GCM(padded card)
//! card        = CBOR map { 0: epoch, 1: GroupInfo with tree, 2: handshake secret, 3: join seed, 4: [seq, H] }
//! ```
//! Key, nonce and commitment come from the card's key and the salt. The commitment makes sure that a card opens under one key
//! only. The salt is random: a card that is written again never meets the same nonce.

use super::EpochSecrets;
use crate::{CryptoError, Secret, entry::split_key_and_nonce, kdf, labels::expand, padding, random_array};
use aes_gcm::aead::{Aead, Payload};
use minicbor::{Decode, Encode};
use sotto_protocol::{Chain, RoomId};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const VERSION: u8 = 1;

/// What a newcomer needs to come in.
#[derive(Encode, Decode)]
#[cbor(map)]
pub struct Card {
    /// The epoch that the card is of.
    #[n(0)]
    pub epoch: u64,
    /// MLSMessage with a GroupInfo that holds the ratchet tree and the external public key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub group_info: Vec<u8>,
    /// Seals the newcomer's commit.
    #[n(2)]
    pub handshake: Secret,
    /// Seed of the key that permits the newcomer's append.
    #[n(3)]
    pub join: Secret,
    /// The last entry that the card's writer had verified.
    #[n(4)]
    pub chain: Chain,
}

impl Card {
    /// The card of an epoch.
    pub fn of(secrets: &EpochSecrets, epoch: u64, group_info: Vec<u8>, chain: Chain) -> Self {
        Self { epoch, group_info, handshake: secrets.handshake.clone(), join: secrets.join.clone(), chain }
    }

    /// Seals the card.
    pub fn seal(&self, card_key: &Secret, room: &RoomId) -> Result<Vec<u8>, CryptoError> {
        let salt = random_array::<16>()?;
        let padded = padding::pad(&Zeroizing::new(sotto_protocol::encode(self)))?;
        let (okm, commitment) = keys(card_key, &salt)?;
        let (cipher, nonce) = split_key_and_nonce(&okm)?;
        let sealed = cipher
            .encrypt(&nonce, Payload { msg: &padded, aad: room.as_bytes() })
            .map_err(|_| CryptoError::Malformed("card"))?;
        Ok([[VERSION].as_slice(), &salt, commitment.as_slice(), &sealed].concat())
    }

    /// Opens a sealed card.
    pub fn open(card_key: &Secret, room: &RoomId, sealed: &[u8]) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("card");
        let (version, rest) = sealed.split_first().ok_or_else(malformed)?;
        if *version != VERSION {
            return Err(CryptoError::NewerVersion);
        }
        let (salt, rest) = rest.split_first_chunk::<16>().ok_or_else(malformed)?;
        let (commitment, sealed) = rest.split_first_chunk::<32>().ok_or_else(malformed)?;
        let (okm, expected) = keys(card_key, salt)?;
        if !bool::from(expected.as_slice().ct_eq(commitment)) {
            return Err(CryptoError::DoesNotOpen);
        }
        let (cipher, nonce) = split_key_and_nonce(&okm)?;
        let payload = Payload { msg: sealed, aad: room.as_bytes() };
        let padded = Zeroizing::new(cipher.decrypt(&nonce, payload).map_err(|_| CryptoError::DoesNotOpen)?);
        sotto_protocol::decode(padding::unpad(&padded)?).map_err(|_| malformed())
    }
}

type KeyAndNonce = Zeroizing<[u8; 44]>;
type Commitment = Zeroizing<[u8; 32]>;

fn keys(card_key: &Secret, salt: &[u8; 16]) -> Result<(KeyAndNonce, Commitment), CryptoError> {
    Ok((
        kdf::expand::<44>(card_key, expand::CARD, &[b"key and nonce", salt])?,
        kdf::expand::<32>(card_key, expand::CARD, &[b"commitment", salt])?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_opens_under_its_key_in_its_room_alone() {
        let room = RoomId::new([1; 16]);
        let secret = |byte| Secret::new([byte; 32]);
        let card = Card {
            epoch: 3,
            group_info: vec![5; 5000],
            handshake: secret(1),
            join: secret(2),
            chain: Chain::start(&room),
        };
        let sealed = card.seal(&secret(9), &room).unwrap();
        assert_eq!(Card::open(&secret(9), &room, &sealed).unwrap().group_info, card.group_info);
        assert!(Card::open(&secret(8), &room, &sealed).is_err());
        assert!(Card::open(&secret(9), &RoomId::new([2; 16]), &sealed).is_err());
        for position in [0, 1, 17, 49, 60, sealed.len() - 1] {
            let mut flipped = sealed.clone();
            flipped[position] ^= 1;
            assert!(Card::open(&secret(9), &room, &flipped).is_err(), "byte {position}");
        }
        assert_ne!(sealed, card.seal(&secret(9), &room).unwrap());
    }
}

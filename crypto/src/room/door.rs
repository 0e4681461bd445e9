//! Doors: the card's key, sealed to everyone who may come in: whoever has an open invite, and every account's next device.

use super::{EpochSecrets, Invite, RoomState, Roster, leaf::LeafData, wraps};
use crate::{CryptoError, Secret, kdf, labels::expand, secret::secret_type};
use curve25519_dalek::{edwards::CompressedEdwardsY, traits::IsIdentity as _};
use sotto_protocol::{Door, DoorId, RoomId};
use std::collections::BTreeMap;

secret_type!(
    /// Seals an epoch's card.
    CardKey
);

/// The leaf extensions of an epoch, by leaf.
pub type Leaves = BTreeMap<u32, LeafData>;

/// The doors of an epoch. Every member computes the same list.
///
/// An invite that is used up has no door: its link shows nothing of the room any more. A door key that a removed device knows
/// has none either, until its account publishes a new one.
pub fn doors(
    secrets: &EpochSecrets,
    room: &RoomId,
    epoch: u64,
    state: &RoomState,
    roster: &Roster,
    leaves: &Leaves,
) -> Result<Vec<Door>, CryptoError> {
    let mut recipients: BTreeMap<[u8; 16], Recipient<'_>> = BTreeMap::new();
    for invite in state.invites.iter().filter(|invite| !invite.is_used_up(roster)) {
        let Invite { wrap_key, signature_key: key, expires_at_ms, .. } = invite;
        let (key, expires_at_ms) = (*key, *expires_at_ms);
        recipients.insert(*invite.id.as_bytes(), Recipient { wrap_key, key, expires_at_ms });
    }
    for (leaf, data) in leaves {
        if let Some(entry) = roster.get(*leaf).filter(|entry| !state.is_suspended(entry)) {
            let (wrap_key, key) = (data.door_key.as_slice(), data.door_signature_key);
            let recipient = Recipient { wrap_key, key, expires_at_ms: None };
            recipients.entry(*entry.door.as_bytes()).or_insert(recipient);
        }
    }
    let list: Vec<_> = recipients.iter().map(|(id, recipient)| (*id, recipient.wrap_key)).collect();
    let sealed =
        wraps::seal_to_all(&wraps::DOOR, secrets, room, epoch, state, card_key(secrets)?.seed(), &list)?;
    let door = |(id, wrap)| {
        let (key, expires_at_ms) = match recipients.get(&id) {
            Some(recipient) => (recipient.key, recipient.expires_at_ms),
            None => (decoy_key(&state.decoy_seed(), &id)?, None),
        };
        Ok(Door { id: DoorId::new(id), wrap, expires_at_ms, key })
    };
    sealed.into_iter().map(door).collect()
}

/// The public key of a decoy's door: a point of the curve whose discrete logarithm nobody knows, though everybody who was ever in the
/// room computes it. Who signs by a door holds its secret; so nobody looks behind a decoy, not even who was removed.
fn decoy_key(decoy_seed: &Secret, id: &[u8; 16]) -> Result<[u8; 32], CryptoError> {
    // Every second string of 32 bytes is a point; that all of these are none does not happen.
    for count in 0..=u8::MAX {
        let bytes = kdf::expand::<32>(decoy_seed, expand::DOOR_DECOY, &[b"point", id, &[count]])?;
        let point = CompressedEdwardsY(*bytes).decompress().map(|point| point.mul_by_cofactor());
        if let Some(point) = point.filter(|point| !point.is_identity()) {
            return Ok(point.compress().to_bytes());
        }
    }
    Err(CryptoError::BadKey)
}

/// Who may come in by a door.
struct Recipient<'a> {
    /// X-Wing key to which the card's key is sealed.
    wrap_key: &'a [u8],
    /// Ed25519 key that shows the relay who may look behind it.
    key: [u8; 32],
    expires_at_ms: Option<u64>,
}

/// The key of an epoch's card.
pub fn card_key(secrets: &EpochSecrets) -> Result<CardKey, CryptoError> {
    kdf::derive(secrets.wrap.seed(), expand::CARD_KEY, &[]).map(CardKey::from_seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::VerifyingKey;

    #[test]
    fn a_decoys_key_looks_like_any_other_and_stays_the_same() {
        let seed = Secret::new([9; 32]);
        let keys: Vec<_> = (0..50).map(|id| decoy_key(&seed, &[id; 16]).unwrap()).collect();
        for (id, key) in keys.iter().enumerate() {
            let point = CompressedEdwardsY(*key).decompress().unwrap();
            assert!(point.is_torsion_free() && !point.is_identity(), "as every key that is made");
            assert!(!VerifyingKey::from_bytes(key).unwrap().is_weak());
            assert_eq!(decoy_key(&seed, &[id as u8; 16]).unwrap(), *key);
            assert!(!keys[..id].contains(key));
        }
        assert_ne!(decoy_key(&Secret::new([8; 32]), &[0; 16]).unwrap(), keys[0]);
    }
}

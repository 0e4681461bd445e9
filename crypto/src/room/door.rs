//! Doors: the card's key, sealed to everyone who may come in: whoever has an open invite, and every account's next device.

use super::{EpochSecrets, RoomState, Roster, leaf::LeafData, wraps};
use crate::{CryptoError, kdf, labels::expand, secret::secret_type};
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
    let mut recipients: BTreeMap<[u8; 16], (&[u8], Option<u64>)> = state
        .invites
        .iter()
        .filter(|invite| !invite.is_used_up(roster))
        .map(|invite| (*invite.id.as_bytes(), (invite.wrap_key.as_slice(), invite.expires_at_ms)))
        .collect();
    for (leaf, data) in leaves {
        if let Some(entry) = roster.get(*leaf).filter(|entry| !state.is_suspended(entry)) {
            recipients.entry(*entry.door.as_bytes()).or_insert((&data.door_key, None));
        }
    }
    let list: Vec<_> = recipients.iter().map(|(id, (key, _))| (*id, *key)).collect();
    let sealed =
        wraps::seal_to_all(&wraps::DOOR, secrets, room, epoch, state, card_key(secrets)?.seed(), &list)?;
    let door = |(id, wrap)| {
        let expires_at_ms = recipients.get(&id).and_then(|(_, expiry)| *expiry);
        Door { id: DoorId::new(id), wrap, expires_at_ms }
    };
    Ok(sealed.into_iter().map(door).collect())
}

/// The key of an epoch's card.
pub fn card_key(secrets: &EpochSecrets) -> Result<CardKey, CryptoError> {
    kdf::derive(secrets.wrap.seed(), expand::CARD_KEY, &[]).map(CardKey::from_seed)
}

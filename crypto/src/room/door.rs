//! Doors: the card's key, sealed to everyone who may come in, in a list padded to a power of two.

use super::{EpochSecrets, InviteId, RoomState, Roster};
use crate::{CryptoError, Secret, kdf, labels::expand, wrap, wrap::WrapKey};
use sotto_protocol::{Door, DoorId, RoomId};

/// The doors of an epoch. Every member computes the same list, so every member can check what the relay holds.
///
/// An invite that is used up has no door: its link shows nothing of the room any more. Decoys keep their ids from epoch to
/// epoch, as invites do, so that two lists compared do not tell them apart.
pub fn doors(
    secrets: &EpochSecrets,
    room: &RoomId,
    epoch: u64,
    state: &RoomState,
    roster: &Roster,
) -> Result<Vec<Door>, CryptoError> {
    let card_key = card_key(secrets)?;
    let seal = |id: InviteId, wrap_key: &[u8]| {
        let randomness = kdf::derive(&secrets.wrap, expand::DOOR_RANDOMNESS, &[id.as_bytes()])?;
        let wrap = wrap::seal(wrap_key, &context(room, epoch, &id), &card_key, &randomness)?;
        Ok::<_, CryptoError>(Door { id, wrap })
    };
    let mut doors = state
        .invites
        .iter()
        .filter(|invite| !invite.is_used_up(roster))
        .map(|invite| seal(invite.id, &invite.wrap_key))
        .collect::<Result<Vec<_>, _>>()?;
    let padded = doors.len().next_power_of_two();
    for index in doors.len().. {
        if doors.len() >= padded {
            break;
        }
        let index = (index as u64).to_be_bytes();
        let id = kdf::expand::<16>(&state.decoy_seed(), expand::DOOR_DECOY, &[b"id", &index])?;
        let decoy = WrapKey::from_seed(&kdf::derive(&secrets.wrap, expand::DOOR_DECOY, &[b"key", &index])?);
        // Members know the decoys' ids: an invite that takes one must not make the list invalid.
        if !doors.iter().any(|door| *door.id.as_bytes() == *id) {
            doors.push(seal(DoorId::new(*id), &decoy.public())?);
        }
    }
    // By id, so that the order tells nothing either.
    doors.sort_by_key(|door| door.id);
    Ok(doors)
}

/// The key of an epoch's card.
pub fn card_key(secrets: &EpochSecrets) -> Result<Secret, CryptoError> {
    kdf::derive(&secrets.wrap, expand::CARD_KEY, &[])
}

/// What a wrap is bound to.
pub fn context(room: &RoomId, epoch: u64, door: &DoorId) -> Vec<u8> {
    [room.as_bytes().as_slice(), &epoch.to_be_bytes(), door.as_bytes()].concat()
}

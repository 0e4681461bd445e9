//! Keys sealed to many, in lists that are padded to a power of two: the card's key to every door, a capsule's key to every
//! account.
//!
//! Encapsulation is deterministic from the epoch's wrap secret: every member computes the same list, and sees what is missing
//! or wrong in the relay's. The filler goes to keys that nobody has, made like all others.

use super::{EpochSecrets, RoomState};
use crate::{
    CryptoError, Secret, kdf, labels,
    wrap::{PublicKey, WrapKey},
};
use sotto_protocol::RoomId;

/// What is sealed to many: its labels.
pub struct Purpose {
    /// HPKE `info`.
    pub info: &'static [u8],
    randomness: &'static [u8],
    decoy: &'static [u8],
}

/// The card's key, to doors.
pub const DOOR: Purpose = Purpose {
    info: labels::hpke::DOOR,
    randomness: labels::expand::DOOR_RANDOMNESS,
    decoy: labels::expand::DOOR_DECOY,
};

/// A capsule's key, to accounts.
pub const CAPSULE: Purpose = Purpose {
    info: labels::hpke::CAPSULE,
    randomness: labels::expand::CAPSULE_RANDOMNESS,
    decoy: labels::expand::CAPSULE_DECOY,
};

/// A recipient's id in the list, and its X-Wing public key, which was judged when it came into the room.
pub type Recipient<'a> = ([u8; 16], &'a [u8]);

/// A recipient's id, and the key sealed to it.
pub type Wrap = ([u8; 16], Vec<u8>);

/// Seals `key` to each recipient, adds filler up to a power of two, and orders by id, so that the order tells nothing.
///
/// Filler keeps its ids from epoch to epoch, as recipients do, so that two lists compared do not tell them apart.
pub fn seal_to_all(
    purpose: &Purpose,
    secrets: &EpochSecrets,
    room: &RoomId,
    epoch: u64,
    state: &RoomState,
    key: &Secret,
    recipients: &[Recipient<'_>],
) -> Result<Vec<Wrap>, CryptoError> {
    let seal = |id: [u8; 16], public_key: &PublicKey| {
        let wrap = seal_to_one(purpose, secrets, room, epoch, key, (id, public_key))?;
        Ok::<_, CryptoError>((id, wrap))
    };
    let mut list = recipients
        .iter()
        .map(|(id, public_key)| seal(*id, &PublicKey::read_judged(public_key)?))
        .collect::<Result<Vec<_>, _>>()?;
    let padded = list.len().next_power_of_two();
    for index in list.len().. {
        if list.len() >= padded {
            break;
        }
        let index = (index as u64).to_be_bytes();
        let id = kdf::expand::<16>(&state.decoy_seed(), purpose.decoy, &[b"id", &index])?;
        let decoy = WrapKey::from_seed(&kdf::derive(secrets.wrap.seed(), purpose.decoy, &[b"key", &index])?);
        // Members know the filler's ids: one who takes such an id for a door must not make the list invalid.
        if !list.iter().any(|(taken, _)| *taken == *id) {
            list.push(seal(*id, &decoy.public_key())?);
        }
    }
    list.sort_by_key(|(id, _)| *id);
    Ok(list)
}

/// Seals `key` to one recipient.
pub fn seal_to_one(
    purpose: &Purpose,
    secrets: &EpochSecrets,
    room: &RoomId,
    epoch: u64,
    key: &Secret,
    (id, public_key): ([u8; 16], &PublicKey),
) -> Result<Vec<u8>, CryptoError> {
    let randomness = kdf::derive(secrets.wrap.seed(), purpose.randomness, &[&id])?;
    public_key.seal(purpose.info, &context(room, epoch, &id), key, &randomness)
}

/// What a wrap is bound to.
pub fn context(room: &RoomId, epoch: u64, id: &[u8; 16]) -> Vec<u8> {
    [room.as_bytes().as_slice(), &epoch.to_be_bytes(), id].concat()
}

//! A value that only one epoch of one room has, for signatures to name it by (`docs/PROTOCOL.md`, "Messages").
//!
//! An epoch's number is not enough: after a rewind, and in a fork, two epochs have the same. Then a member could take what
//! another has signed in one of them, seal it under the other's secret, and have it said there.

use crate::{CryptoError, Secret, kdf, labels};
use sotto_protocol::RoomId;

/// The mark of the epoch that has this secret. It commits to the secret: no other one has the same mark.
pub fn epoch_mark(secret: &Secret, room: &RoomId, epoch: u64) -> Result<[u8; 32], CryptoError> {
    let parts = [&room.as_bytes()[..], &epoch.to_be_bytes()];
    kdf::expand::<32>(secret, labels::expand::EPOCH_MARK, &parts).map(|mark| *mark)
}

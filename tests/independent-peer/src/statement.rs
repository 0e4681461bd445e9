//! Section "The room socket": what is signed for the relay.

use crate::{encoding::Id, labels};
use sha2::{Digest as _, Sha256};

/// Signed by an epoch's access key.
pub fn open_statement(authority: &str, challenge: &[u8; 32], room: &Id, epoch: u64) -> Vec<u8> {
    begin(labels::OPEN_ROOM, authority, challenge, room, epoch)
}

/// Signed by the current epoch's join key.
pub fn join_statement(
    authority: &str,
    challenge: &[u8; 32],
    room: &Id,
    epoch: u64,
    door: &Id,
    entry: &[u8],
) -> Vec<u8> {
    let begun = begin(labels::JOIN_ROOM, authority, challenge, room, epoch);
    [&begun[..], &door[..], &Sha256::digest(entry)].concat()
}

fn begin(label: &str, authority: &str, challenge: &[u8; 32], room: &Id, epoch: u64) -> Vec<u8> {
    let length = u64::try_from(authority.len()).unwrap_or(u64::MAX).to_be_bytes();
    [label.as_bytes(), &length, authority.as_bytes(), challenge, &room[..], &epoch.to_be_bytes()].concat()
}

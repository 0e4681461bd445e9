//! What is signed to open a room, to look behind a door, and to join.
//!
//! All statements bind the connection's challenge and the authority (`host[:port]`, as in the request's `Host`) under
//! which the client reached the relay, so that no other relay and no recording can use the signature again.

use crate::{DoorId, RoomId, entry_hash};
use core::fmt;
use minicbor::{Decode, Encode};

/// 32 random bytes, fresh for every connection.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Challenge(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

impl Challenge {
    /// Takes the bytes as they are.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(…)")
    }
}

/// What the access key of `epoch` signs to open `room`: everyone of that epoch can, nobody later.
#[must_use]
pub fn open_statement(authority: &str, challenge: &Challenge, room: &RoomId, epoch: u64) -> Vec<u8> {
    let mut statement = begin(b"sotto/1 open room", authority, challenge, room);
    statement.extend_from_slice(&epoch.to_be_bytes());
    statement
}

/// What the join key of `epoch` signs to append the one handshake `entry` through `door`.
#[must_use]
pub fn join_statement(
    authority: &str,
    challenge: &Challenge,
    room: &RoomId,
    epoch: u64,
    door: &DoorId,
    entry: &[u8],
) -> Vec<u8> {
    let mut statement = begin(b"sotto/1 join room", authority, challenge, room);
    statement.extend_from_slice(&epoch.to_be_bytes());
    statement.extend_from_slice(door.as_bytes());
    statement.extend_from_slice(&entry_hash(entry));
    statement
}

/// What the key of a door signs to look behind it.
#[must_use]
pub fn card_statement(authority: &str, challenge: &Challenge, room: &RoomId, door: &DoorId) -> Vec<u8> {
    let mut statement = begin(b"sotto/1 look behind door", authority, challenge, room);
    statement.extend_from_slice(door.as_bytes());
    statement
}

/// What a room-admin key signs to delete `room`.
#[must_use]
pub fn delete_statement(authority: &str, challenge: &Challenge, room: &RoomId) -> Vec<u8> {
    begin(b"sotto/1 delete room", authority, challenge, room)
}

/// What a room-admin key signs to set how long messages of `room` are kept; 0 seconds: as long as the operator has it.
#[must_use]
pub fn retention_statement(authority: &str, challenge: &Challenge, room: &RoomId, seconds: u64) -> Vec<u8> {
    let mut statement = begin(b"sotto/1 set retention", authority, challenge, room);
    statement.extend_from_slice(&seconds.to_be_bytes());
    statement
}

/// What the owner of capsule wraps signs to have those of `tag` in epochs before `before` dropped.
#[must_use]
pub fn drop_statement(
    authority: &str,
    challenge: &Challenge,
    room: &RoomId,
    tag: &[u8; 16],
    before: u64,
) -> Vec<u8> {
    let mut statement = begin(b"sotto/1 drop wraps", authority, challenge, room);
    statement.extend_from_slice(tag);
    statement.extend_from_slice(&before.to_be_bytes());
    statement
}

/// What the key of a recovery code signs to log in to its account.
#[must_use]
pub fn recovery_statement(authority: &str, challenge: &Challenge) -> Vec<u8> {
    let authority = authority.to_ascii_lowercase();
    let mut statement = b"sotto/1 recovery login".to_vec();
    statement.extend_from_slice(&(authority.len() as u64).to_be_bytes());
    statement.extend_from_slice(authority.as_bytes());
    statement.extend_from_slice(challenge.as_bytes());
    statement
}

/// Every part has a fixed length but the authority, which carries its own.
fn begin(label: &[u8], authority: &str, challenge: &Challenge, room: &RoomId) -> Vec<u8> {
    let authority = authority.to_ascii_lowercase();
    let mut statement = label.to_vec();
    statement.extend_from_slice(&(authority.len() as u64).to_be_bytes());
    statement.extend_from_slice(authority.as_bytes());
    statement.extend_from_slice(challenge.as_bytes());
    statement.extend_from_slice(room.as_bytes());
    statement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_changes_the_statement() {
        let (challenge, room, door) = (Challenge::new([1; 32]), RoomId::new([2; 16]), DoorId::new([3; 16]));
        let open = open_statement("a:1", &challenge, &room, 4);
        assert_eq!(open, open_statement("A:1", &challenge, &room, 4), "a host name has no case");
        assert_ne!(open, open_statement("b:1", &challenge, &room, 4));
        assert_ne!(open, open_statement("a:1", &Challenge::new([9; 32]), &room, 4));
        assert_ne!(open, open_statement("a:1", &challenge, &RoomId::new([9; 16]), 4));
        assert_ne!(open, open_statement("a:1", &challenge, &room, 5));
        let join = join_statement("a:1", &challenge, &room, 4, &door, b"entry");
        assert_ne!(join, join_statement("a:1", &challenge, &room, 4, &DoorId::new([9; 16]), b"entry"));
        assert_ne!(join, join_statement("a:1", &challenge, &room, 4, &door, b"other"));
        assert!(!join.starts_with(&open), "the labels keep the two purposes apart");
        let recovery = recovery_statement("a:1", &challenge);
        assert_eq!(recovery, recovery_statement("A:1", &challenge));
        assert_ne!(recovery, recovery_statement("b:1", &challenge));
        assert_ne!(recovery, recovery_statement("a:1", &Challenge::new([9; 32])));
    }
}

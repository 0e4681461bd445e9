//! Who administers a room at the relay.
//!
//! The relay cannot tell who is owner or admin. So it takes the first key from whoever makes the room, and every later list from
//! whoever is on the list: with a handshake, and bound to it. Nothing else changes the list.

use crate::{RoomId, limits};
use minicbor::{Decode, Encode, bytes::ByteArray};

/// The room-admin keys that count from a handshake on, signed by one that counted before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Handover {
    /// All of them, ascending; at least one.
    #[n(0)]
    pub keys: Vec<ByteArray<32>>,
    /// The key that signs: one that counts in the epoch that the handshake leaves.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signer: [u8; 32],
    /// Over [`handover_statement`].
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl Handover {
    /// Whether it names one key or more, not more than a room has, in order and none twice.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        (1..=limits::ADMIN_KEYS_MAX).contains(&self.keys.len())
            && self.keys.is_sorted_by(|one, next| one < next)
    }
}

/// What a handover signs: `epoch` is the one that the handshake leaves, `entry_hash` its hash.
#[must_use]
pub fn handover_statement(
    room: &RoomId,
    epoch: u64,
    entry_hash: &[u8; 32],
    keys: &[ByteArray<32>],
) -> Vec<u8> {
    let mut statement =
        [b"sotto/1 handover", room.as_bytes().as_slice(), &epoch.to_be_bytes(), entry_hash].concat();
    for key in keys {
        statement.extend_from_slice(&**key);
    }
    statement
}

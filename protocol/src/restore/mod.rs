//! A relay that was restored from a backup: how it is told which entries it has lost, and gets them back.
//!
//! A relay that keeps a journal of heads outside of its backup knows at what head a room was. A member first says the *outline* of what is missing: kind and hash of each
//! entry. Only the true one leads from the relay's own chain to the head of the journal, so from there on every entry is checked by its
//! hash, from any client and in however many pieces.

mod kept;
mod marks;
mod outline;

pub use kept::{Answer, Kept, KeptEntry, Refusal};
pub use marks::{Marks, admin_keys_hash, registered_by};
pub use outline::{OutlineError, OutlineStep, follow_outline};

use crate::{AppendHandshake, AppendRewind, EntryKind, Incarnation, RoomId};
use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};

/// A room of which the relay has lost the last entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Behind {
    /// Up to where the log went.
    #[n(0)]
    pub seq: u64,
    /// H there.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    /// H at the last entry that the relay has.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub head_hash: [u8; 32],
    /// Whether it knows the outline of what is missing.
    #[n(3)]
    pub is_outlined: bool,
}

/// An admin's word, by which a room went on without what was missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WentOn {
    /// The last entry that was there.
    #[n(0)]
    pub seq: u64,
    /// H there.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    /// In which life of the relay.
    #[n(2)]
    pub incarnation: Incarnation,
    /// A room-admin key.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub admin_key: [u8; 32],
    /// By that key over [`go_on_statement`].
    #[cbor(n(4), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// An entry that is missing, without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OutlineEntry {
    /// What it is.
    #[n(0)]
    pub kind: EntryKind,
    /// SHA-256 of it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    /// For a handshake or a join: the hash of what was registered with it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub registered: Option<[u8; 32]>,
}

/// Everything that is missing, in order, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Outline {
    /// Which room.
    #[n(0)]
    pub room: RoomId,
    /// The last entry that the relay has.
    #[n(1)]
    pub after: u64,
    /// What comes after it.
    #[n(2)]
    pub entries: Vec<OutlineEntry>,
}

/// Missing entries with their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Replay {
    /// Which room; its outline is known.
    #[n(0)]
    pub room: RoomId,
    /// The place of the first.
    #[n(1)]
    pub seq: u64,
    /// What was there.
    #[n(2)]
    pub what: Replayed,
}

/// What was at a place.
#[allow(clippy::large_enum_variant, reason = "one is decoded for each frame and moved once")]
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Replayed {
    /// Messages one after the other. An empty one: nobody may have it any more.
    #[n(0)]
    Messages(#[n(0)] Vec<ByteVec>),
    /// A handshake or join as it was appended, but for its join authority. Who signed its handover is not judged again.
    #[n(1)]
    Handshake(#[n(0)] AppendHandshake),
    /// A rewind as it was appended.
    #[n(2)]
    Rewind(#[n(0)] AppendRewind),
}

/// A word that the room is to go on without what is missing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct GoOn {
    /// Which room.
    #[n(0)]
    pub room: RoomId,
    /// The last entry that the relay has.
    #[n(1)]
    pub seq: u64,
    /// H there.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    /// A room-admin key of then and of the lost head.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub admin_key: [u8; 32],
    /// Those that counted at the lost head, ascending.
    #[n(4)]
    pub admin_keys: Vec<ByteArray<32>>,
    /// By that key over [`go_on_statement`].
    #[cbor(n(5), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// What an admin signs so that a room goes on without what is missing. Bound to one life of the relay: no later loss can use it.
#[must_use]
pub fn go_on_statement(room: &RoomId, incarnation: &Incarnation, seq: u64, hash: &[u8; 32]) -> Vec<u8> {
    [b"sotto/1 go on", room.as_bytes().as_slice(), incarnation.as_bytes(), &seq.to_be_bytes(), hash].concat()
}

//! What the relay answers.

use super::{Published, Status};
use crate::restore::{Behind, WentOn};
use crate::{Chain, Challenge, EntryKind, Incarnation, WireError};
use minicbor::{Decode, Encode};

/// The relay's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Welcome {
    /// [`PROTOCOL_VERSION`](crate::PROTOCOL_VERSION) of the relay.
    #[n(0)]
    pub version: u32,
    /// To be signed on this connection.
    #[n(1)]
    pub challenge: Challenge,
    /// Which life of the relay's database this is.
    #[n(2)]
    pub incarnation: Incarnation,
    /// The relay's clock, in milliseconds since 1970.
    #[n(3)]
    pub now_ms: u64,
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Reply {
    /// The room exists.
    #[n(0)]
    Created,
    /// The room is open on this connection; new entries follow.
    #[n(1)]
    Opened(#[n(0)] Box<OpenedRoom>),
    /// The entry is on disk, at this place in the log.
    #[n(2)]
    Appended(#[n(0)] u64),
    /// A stretch of the log.
    #[n(3)]
    Page(#[n(0)] Page),
    /// What is behind a door.
    #[n(4)]
    Card(#[n(0)] CardReply),
    /// It was not done.
    #[n(5)]
    Error(#[n(0)] WireError),
    /// It was done.
    #[n(6)]
    Done,
    /// What the relay holds for the current epoch.
    #[n(7)]
    Held(#[n(0)] Held),
    /// What it takes to read past epochs.
    #[n(8)]
    History(#[n(0)] HistoryReply),
    /// All status registers of the current epoch, in no order.
    #[n(9)]
    Statuses(#[n(0)] Vec<Status>),
}

/// How far a room is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RoomAccess {
    /// The epoch is the current one: everything.
    #[n(0)]
    Full,
    /// The epoch is an earlier one: the handshakes that follow it, up to a cut if there is one. Open again with the current key.
    #[n(1)]
    Handshakes,
}

/// A room as the relay has it at the moment of opening.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OpenedRoom {
    /// How far it is open.
    #[n(0)]
    pub access: RoomAccess,
    /// The current epoch.
    #[n(1)]
    pub epoch: u64,
    /// The last entry.
    #[n(2)]
    pub head_seq: u64,
    /// The last handshake; 0 if none.
    #[n(3)]
    pub last_handshake_seq: u64,
    /// How long bodies of messages are kept; only where the room is open in full.
    #[n(4)]
    pub retention: Option<Retention>,
    /// Everything up to here is in a backup of the relay's; clients keep what comes after. Absent: the relay takes nothing back.
    #[n(5)]
    pub safe_seq: Option<u64>,
    /// What the relay has lost, where it knows that; until it is whole it takes nothing but
    /// [`Request::Outline`](crate::Request::Outline), [`Request::Replay`](crate::Request::Replay) and
    /// [`Request::GoOn`](crate::Request::GoOn).
    #[n(6)]
    pub behind: Option<Behind>,
    /// The last word by which the room went on without what was missing.
    #[n(7)]
    pub went_on: Option<WentOn>,
}

/// How long a relay keeps bodies of messages, and what it has dropped. It drops them in the order of the log: of messages up to a place
/// there is none, and of all after it there are all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Retention {
    /// How long the operator keeps them, in seconds; absent: without end.
    #[n(0)]
    pub operator_s: Option<u64>,
    /// How long the room wants them kept, in seconds; absent: as long as the operator does.
    #[n(1)]
    pub room_s: Option<u64>,
    /// What has been dropped; absent where nothing was.
    #[n(2)]
    pub dropped: Option<Dropped>,
}

/// Bodies that a relay has dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Dropped {
    /// Up to this place no message has a body.
    #[n(0)]
    pub up_to_seq: u64,
    /// None of them was dropped before it was so old, in seconds: the shortest retention by which any of them was.
    #[n(1)]
    pub aged_s: u64,
}

/// An entry at its place in the log. It has its bytes, or the hash of what the relay dropped, and never both; only messages are
/// dropped. Anything else does not decode, so that no relay can choose an entry's hash apart from its content.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct LogEntry {
    /// Its place, from 1.
    #[n(0)]
    pub seq: u64,
    /// What it is.
    #[n(1)]
    pub kind: EntryKind,
    /// The sealed entry; a rewind is not sealed. Empty where the relay has dropped it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub entry: Vec<u8>,
    /// For a handshake: the access key that was registered with it. Members compare before they merge.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub access_key: Option<[u8; 32]>,
    /// SHA-256 of an entry that the relay has dropped.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub dropped: Option<[u8; 32]>,
}

impl LogEntry {
    /// A message.
    #[must_use]
    pub const fn message(seq: u64, entry: Vec<u8>) -> Self {
        Self { seq, kind: EntryKind::Message, entry, access_key: None, dropped: None }
    }

    /// SHA-256 of the entry: of its bytes wherever they are there, else what the relay says that it dropped.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.dropped.filter(|_| self.entry.is_empty()).unwrap_or_else(|| crate::entry_hash(&self.entry))
    }

    /// Whether it has bytes or a dropped hash, and not both, and is a message where it has a dropped hash.
    #[must_use]
    pub const fn is_well_formed(&self) -> bool {
        match self.dropped {
            Some(_) => self.entry.is_empty() && matches!(self.kind, EntryKind::Message),
            None => !self.entry.is_empty(),
        }
    }

    /// The chain after this entry, if it is the next one.
    #[must_use]
    pub fn extend(&self, chain: &Chain) -> Option<Chain> {
        (self.seq == chain.seq.checked_add(1)?).then(|| chain.then(self.seq, self.kind, &self.hash()))
    }
}

/// What [`LogEntry`] is read from, before it is checked.
#[derive(Decode)]
#[cbor(map)]
struct LogEntryIn {
    #[n(0)]
    seq: u64,
    #[n(1)]
    kind: EntryKind,
    #[cbor(n(2), with = "minicbor::bytes")]
    entry: Vec<u8>,
    #[cbor(n(3), with = "minicbor::bytes")]
    access_key: Option<[u8; 32]>,
    #[cbor(n(4), with = "minicbor::bytes")]
    dropped: Option<[u8; 32]>,
}

impl<'b, C> Decode<'b, C> for LogEntry {
    fn decode(decoder: &mut minicbor::Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        let LogEntryIn { seq, kind, entry, access_key, dropped } = LogEntryIn::decode(decoder, context)?;
        let entry = Self { seq, kind, entry, access_key, dropped };
        if entry.is_well_formed() {
            Ok(entry)
        } else {
            Err(minicbor::decode::Error::message("a log entry has its bytes or a dropped hash"))
        }
    }
}

/// A stretch of the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Page {
    /// In the order asked for.
    #[n(0)]
    pub entries: Vec<LogEntry>,
    /// Whether there is more in that direction.
    #[n(1)]
    pub more: bool,
}

/// What is behind a door.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CardReply {
    /// The current epoch.
    #[n(0)]
    pub epoch: u64,
    /// The last handshake; goes into the joiner's compare-and-swap.
    #[n(1)]
    pub last_handshake_seq: u64,
    /// The sealed card.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub card: Vec<u8>,
    /// The card's key, sealed to this door.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub wrap: Vec<u8>,
    /// For so many milliseconds nobody else comes in through a door: where a turn was asked for, and is this connection's alone.
    #[n(4)]
    pub turn_ms: Option<u64>,
}

/// What the relay holds for the current epoch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Held {
    /// The current epoch.
    #[n(0)]
    pub epoch: u64,
    /// The history link to the epoch before, where there is one.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub history: Option<Vec<u8>>,
    /// All of it, where all was asked for and there is any.
    #[n(2)]
    pub published: Option<Published>,
    /// The wrap of the door that was asked for.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub door_wrap: Option<Vec<u8>>,
    /// The capsule wrap of the tag that was asked for.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub capsule_wrap: Option<Vec<u8>>,
    /// The room-admin keys that count, ascending, where all was asked for.
    #[n(5)]
    pub admin_keys: Option<Vec<minicbor::bytes::ByteArray<32>>>,
}

/// What it takes to read past epochs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HistoryReply {
    /// The latest first.
    #[n(0)]
    pub epochs: Vec<PastEpoch>,
    /// Whether there are earlier ones.
    #[n(1)]
    pub more: bool,
}

/// What it takes to read one past epoch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PastEpoch {
    /// Which.
    #[n(0)]
    pub epoch: u64,
    /// Its capsule, if a tag was asked for and has a wrap.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub capsule: Option<Vec<u8>>,
    /// The tag's wrap of it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub wrap: Option<Vec<u8>>,
    /// The link that stands beside the handshake which left the epoch.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub link: Option<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_its_bytes_or_the_hash_of_what_was_dropped() {
        let (bytes, hash) = (vec![6; 50], [7; 32]);
        let entry =
            |kind, entry: &[u8], dropped| LogEntry { kind, dropped, ..LogEntry::message(5, entry.to_vec()) };
        let cases = [
            (entry(EntryKind::Message, &bytes, None), true),
            (entry(EntryKind::Message, &[], Some(hash)), true),
            (entry(EntryKind::Handshake, &bytes, None), true),
            (entry(EntryKind::Message, &bytes, Some(hash)), false),
            (entry(EntryKind::Message, &[], None), false),
            (entry(EntryKind::Handshake, &[], Some(hash)), false),
            (entry(EntryKind::Rewind, &[], Some(hash)), false),
            (entry(EntryKind::Handshake, &bytes, Some(hash)), false),
        ];
        for (entry, is_good) in cases {
            let decoded = crate::decode::<LogEntry>(&crate::encode(&entry)).ok();
            assert_eq!(decoded.as_ref(), is_good.then_some(&entry), "{:?}", entry.kind);
            if !entry.entry.is_empty() {
                assert_eq!(entry.hash(), crate::entry_hash(&entry.entry), "bytes have only their own hash");
            }
        }
    }
}

//! What is stored of a room. Every record is a CBOR map, so that later versions can add to it.

use super::alarms::Alarms;
use crate::{
    names::PastNames,
    timeline::{TimelineBody, TimelineItem},
};
use minicbor::{Decode, Encode};
use sotto_crypto::{
    identity::AccountId,
    link::InviteLink,
    message::MessageId,
    room::{Handshake, MessageSecret, Roster, RosterChange},
};
use sotto_protocol::{Chain, EntryId, Incarnation};
use std::collections::BTreeMap;

/// What changes with a handshake.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub struct RoomRecord {
    /// Whether the relay has the room.
    #[n(0)]
    pub phase: RoomPhase,
    /// The last handshake that took effect here; 0 if none.
    #[n(1)]
    pub last_handshake_seq: u64,
    /// SHA-256 of this device's own join, until the log shows it. Entries before it are only hashed.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub awaited_join: Option<[u8; 32]>,
    /// Who is in the room in the cursor's epoch.
    #[n(3)]
    pub roster: Roster,
    /// The cursor's epoch, and those after it whose messages are not read yet. Erased when the cursor has passed.
    #[n(4)]
    pub epochs: BTreeMap<u64, EpochRecord>,
    /// Invites of mine that are open.
    #[n(5)]
    pub invites: Vec<OwnInvite>,
    /// A commit of mine that is not in the log yet.
    #[n(6)]
    pub pending: Option<PendingCommit>,
    /// What must not be passed over in silence.
    #[n(7)]
    pub alarms: Alarms,
    /// A damaged entry, to be read again should the relay mend it.
    #[n(8)]
    pub damage: Option<Damage>,
    /// The relay's database in which the room was seen last.
    #[n(9)]
    pub incarnation: Option<Incarnation>,
    /// A change that is not valid: the room stands still before it until the log has something else there.
    #[n(10)]
    pub blocked_seq: Option<u64>,
    /// The last handshake that the cursor has passed: its place is part of the chain, where [`RoomRecord::last_handshake_seq`] may
    /// be the relay's word.
    #[n(12)]
    pub verified_handshake_seq: u64,
    /// From where on the log was read again after damage, until a member agrees with what is there now.
    #[n(13)]
    pub reread_from: Option<u64>,
    /// Names of people who left or changed theirs, by which what they said still stands.
    #[n(11)]
    pub past_names: PastNames,
}

/// Whether the relay has the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RoomPhase {
    /// It was made here and is not acknowledged.
    #[n(0)]
    Creating,
    /// It is there.
    #[n(1)]
    Open,
}

/// An epoch whose messages are being read.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub struct EpochRecord {
    /// Opens its messages.
    #[n(0)]
    pub message_secret: MessageSecret,
    /// What the handshake that began it changed.
    #[n(1)]
    pub change: RosterChange,
    /// What that handshake looks like to a person, if it does to one.
    #[n(2)]
    pub event: Option<EpochEvent>,
    /// Hash of the handshake entry that began it; zeros for a room's first epoch.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub entry_hash: [u8; 32],
}

/// A handshake as a person sees it.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub struct EpochEvent {
    /// Who did it.
    #[n(0)]
    pub account: AccountId,
    /// The name of who did it.
    #[n(1)]
    pub name: String,
    /// What was done.
    #[n(2)]
    pub body: TimelineBody,
}

/// An invite of mine.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub struct OwnInvite {
    /// What the link says.
    #[n(0)]
    pub link: InviteLink,
    /// How many people may use it.
    #[n(1)]
    pub max_uses: Option<u32>,
}

/// A commit that was made and is not in the log yet: exactly what is appended, as often as it takes.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub struct PendingCommit {
    /// The handshake that it follows.
    #[n(0)]
    pub last_handshake_seq: u64,
    /// What is appended.
    #[n(1)]
    pub handshake: Handshake,
    /// The invite that it opens.
    #[n(2)]
    pub invite: Option<OwnInvite>,
}

/// An entry that does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Damage {
    /// Its place.
    #[n(0)]
    pub seq: u64,
    /// How far the log was read before it.
    #[n(1)]
    pub before: Cursor,
    /// Whether it was read again on this connection, and was still damaged.
    #[n(2)]
    pub was_read_again: bool,
}

/// How far the log is read and verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Cursor {
    /// The last entry read, and the hash up to it.
    #[n(0)]
    pub chain: Chain,
    /// The epoch that is current after it.
    #[n(1)]
    pub epoch: u64,
    /// The last end of the log up to which it was read.
    #[n(2)]
    pub end: Option<SeenEnd>,
}

/// Where the log ended once, and when that was: what stands behind it was said later. By the relay's clock and by this device's, for one
/// of them may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SeenEnd {
    /// The last entry.
    #[n(0)]
    pub seq: u64,
    /// By the relay's clock, in milliseconds since 1970.
    #[n(1)]
    pub relay_ms: u64,
    /// By this device's.
    #[n(2)]
    pub own_ms: u64,
}

/// An entry that was read.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub struct LogRecord {
    /// `H` at this entry.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    /// What a person sees of it.
    #[n(1)]
    pub item: Option<TimelineItem>,
}

/// A message that waits to be sent, or to come back through the log.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub struct OutboxRecord {
    /// The message's name for good.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub id: MessageId,
    /// What is said, encoded.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub content: Vec<u8>,
    /// When it was written.
    #[n(2)]
    pub sent_at_ms: u64,
    /// As it was sealed last.
    #[n(3)]
    pub sealed: Option<SealedMessage>,
    /// Where in the log the relay says it is.
    #[n(4)]
    pub acknowledged_seq: Option<u64>,
    /// Whether the relay refused it for good.
    #[n(5)]
    pub has_failed: bool,
    /// Whether it was handed to a connection, however it was sealed then.
    #[n(6)]
    pub was_sent: bool,
}

/// A sealed message: sent again with the same bytes until its epoch is over.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub struct SealedMessage {
    /// For which epoch.
    #[n(0)]
    pub epoch: u64,
    /// The entry's id.
    #[n(1)]
    pub entry_id: EntryId,
    /// The entry.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub entry: Vec<u8>,
}

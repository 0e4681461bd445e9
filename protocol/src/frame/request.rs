//! What a client can ask.

#[cfg(doc)]
use crate::Reply;
use crate::limits::STATUS_VALUE_BYTES;
use crate::restore::{GoOn, Outline, Replay};
use crate::{DoorId, Handover, PushSubscription, RoomId, RoomToken, entry_hash};
use minicbor::{Decode, Encode};

/// What a client can ask.
#[allow(
    clippy::large_enum_variant,
    reason = "one is decoded for each frame and moved once; what is large in it is on the heap"
)]
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// Make a room; answered by [`Reply::Created`]. Repeating it with the same keys is answered alike.
    #[n(0)]
    Create(#[n(0)] CreateRoom),
    /// Prove membership and follow the room live; answered by [`Reply::Opened`].
    #[n(1)]
    Open(#[n(0)] OpenRoom),
    /// Append a message; answered by [`Reply::Appended`] once it is on disk.
    #[n(2)]
    Append(#[n(0)] Append),
    /// Append a commit with everything that goes with the next epoch; answered by [`Reply::Appended`] once on disk.
    #[n(3)]
    AppendHandshake(#[n(0)] AppendHandshake),
    /// Read the log; answered by [`Reply::Page`].
    #[n(4)]
    Page(#[n(0)] PageRequest),
    /// Fetch the card behind a door, before joining; answered by [`Reply::Card`].
    #[n(5)]
    Card(#[n(0)] CardRequest),
    /// Void a handshake and everything after it; answered by [`Reply::Appended`] once on disk.
    #[n(6)]
    Rewind(#[n(0)] AppendRewind),
    /// Say that a join is good; answered by [`Reply::Done`].
    #[n(7)]
    Confirm(#[n(0)] ConfirmJoin),
    /// Publish again what is wrong for the current epoch; answered by [`Reply::Done`].
    #[n(8)]
    Repair(#[n(0)] RepairEpoch),
    /// Look at what the relay holds for the current epoch; answered by [`Reply::Held`].
    #[n(9)]
    Held(#[n(0)] HeldRequest),
    /// Fetch what it takes to read past epochs; answered by [`Reply::History`].
    #[n(10)]
    History(#[n(0)] HistoryRequest),
    /// Have an account's capsule wraps dropped; answered by [`Reply::Done`].
    #[n(11)]
    DropWraps(#[n(0)] DropWraps),
    /// Write a status register; answered by [`Reply::Done`].
    #[n(12)]
    WriteStatus(#[n(0)] WriteStatus),
    /// Read all status registers of a room; answered by [`Reply::Statuses`].
    #[n(13)]
    Statuses(#[n(0)] StatusRequest),
    /// Delete a room; answered by [`Reply::Done`].
    #[n(14)]
    DeleteRoom(#[n(0)] DeleteRoom),
    /// Say how long a room's messages are kept; answered by [`Reply::Done`].
    #[n(15)]
    SetRetention(#[n(0)] SetRetention),
    /// Wake a device when there is something to read; answered by [`Reply::Done`] once it is on disk.
    #[n(16)]
    Subscribe(#[n(0)] Subscribe),
    /// Wake it no more; answered by [`Reply::Done`] once it is on disk.
    #[n(17)]
    Unsubscribe(#[n(0)] Unsubscribe),
    /// Fetch the card behind a door when it is this connection's turn to join; answered by [`Reply::Card`], once it is.
    #[n(18)]
    JoinTurn(#[n(0)] CardRequest),
    /// Say what a restored relay has lost of a room; answered by [`Reply::Done`].
    #[n(19)]
    Outline(#[n(0)] Outline),
    /// Give a restored relay entries back; answered by [`Reply::Appended`] with its new head, once on disk.
    #[n(20)]
    Replay(#[n(0)] Replay),
    /// Have a room go on without what a restored relay has lost; answered by [`Reply::Done`].
    #[n(21)]
    GoOn(#[n(0)] GoOn),
}

/// A new room, at epoch 0 with an empty log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateRoom {
    /// 16 random bytes.
    #[n(0)]
    pub room: RoomId,
    /// Ed25519 public key that opens the room in epoch 0.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub access_key: [u8; 32],
    /// Ed25519 public key that permits one handshake through a door in epoch 0.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub join_key: [u8; 32],
    /// Where the relay lets only accounts make rooms: their right to make this one.
    #[n(3)]
    pub token: Option<RoomToken>,
    /// Ed25519 public key that may act on the room at the relay: its maker's room-admin key.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub admin_key: [u8; 32],
}

/// Proof of membership in an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OpenRoom {
    /// Which room.
    #[n(0)]
    pub room: RoomId,
    /// The epoch whose access key signs.
    #[n(1)]
    pub epoch: u64,
    /// Ed25519 signature over [`open_statement`](crate::open_statement).
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// A message to append. Its epoch and id stand in the entry's header.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Append {
    /// Which room; it must be open on this connection at its current epoch.
    #[n(0)]
    pub room: RoomId,
    /// The sealed entry.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub entry: Vec<u8>,
    /// Up to where its sender has read the log at the moment of sending. The entry is not among what was read: so the relay looks for one
    /// that was sent before only after this place, and no further back than
    /// [`limits::APPEND_TAIL_MAX`](crate::limits::APPEND_TAIL_MAX).
    #[n(2)]
    pub read_seq: u64,
}

/// A commit to append, with what the relay needs for the epoch it leads to. All of it is stored at once, or none.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AppendHandshake {
    /// Which room.
    #[n(0)]
    pub room: RoomId,
    /// The last handshake the writer knows (its seq; 0 if none). Another one since is a conflict.
    #[n(1)]
    pub last_handshake_seq: u64,
    /// The sealed entry.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub entry: Vec<u8>,
    /// Ed25519 public key that opens the room in the next epoch.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub access_key: [u8; 32],
    /// Ed25519 public key that permits one handshake through a door in the next epoch.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub join_key: [u8; 32],
    /// The sealed card of the next epoch.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub card: Vec<u8>,
    /// Every door of the next epoch, padded to a power of two. Doors not listed are closed.
    #[n(6)]
    pub doors: Vec<Door>,
    /// Absent when a member commits (the room is open on this connection); present when someone joins.
    #[n(7)]
    pub join: Option<JoinAuthority>,
    /// The sealed capsule of the next epoch; absent in rooms with a timer.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub capsule: Option<Vec<u8>>,
    /// The capsule's key, sealed to each account of the next epoch, padded to a power of two.
    #[n(9)]
    pub capsule_wraps: Option<Vec<CapsuleWrap>>,
    /// The epoch before, sealed under the next one; only where newcomers may read history.
    #[cbor(n(10), with = "minicbor::bytes")]
    pub history: Option<Vec<u8>>,
    /// Who may act on the room at the relay from now on; absent: the same as before.
    #[n(11)]
    pub handover: Option<Handover>,
    /// Whether access keys of earlier epochs open nothing after this entry.
    #[n(12)]
    pub cut: Option<bool>,
}

/// A door and the card's key, sealed to those who hold the door's secret.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Door {
    /// Unguessable.
    #[n(0)]
    pub id: DoorId,
    /// The sealed key of the card.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub wrap: Vec<u8>,
    /// When the relay closes it, in milliseconds since 1970; absent for a door without expiry.
    #[n(2)]
    pub expires_at_ms: Option<u64>,
    /// Ed25519 public key: a holder of the door's secret signs by it, to show that to the relay.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub key: [u8; 32],
}

/// A capsule's key, sealed to one account's recovery key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CapsuleWrap {
    /// By which the account finds its own; means nothing outside the room.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub tag: [u8; 16],
    /// The sealed key of the capsule.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub wrap: Vec<u8>,
    /// Ed25519 public key whose holder may have the wrap dropped; without it nobody may.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub owner: Option<[u8; 32]>,
}

/// What permits a newcomer's one handshake.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct JoinAuthority {
    /// The door that is used; it must be open.
    #[n(0)]
    pub door: DoorId,
    /// Ed25519 signature by the current epoch's join key over [`join_statement`](crate::join_statement).
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// Which way to read the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Direction {
    /// Entries after `from`, oldest first.
    #[n(0)]
    Forward,
    /// Entries before `from`, newest first.
    #[n(1)]
    Backward,
}

/// A stretch of the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PageRequest {
    /// Which room; it must be open on this connection.
    #[n(0)]
    pub room: RoomId,
    /// Exclusive: the entry to read on from. `u64::MAX` backwards means from the newest.
    #[n(1)]
    pub from: u64,
    /// Which way.
    #[n(2)]
    pub direction: Direction,
    /// At most so many entries (1 to [`limits::PAGE_MAX_ENTRIES`](crate::limits::PAGE_MAX_ENTRIES)).
    #[n(3)]
    pub limit: u32,
    /// Only handshakes and rewinds. Implied where the room is open for handshakes only.
    #[n(4)]
    pub handshakes_only: bool,
}

/// A door's card.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CardRequest {
    /// Which room.
    #[n(0)]
    pub room: RoomId,
    /// Which door.
    #[n(1)]
    pub door: DoorId,
    /// Ed25519 signature over [`card_statement`](crate::card_statement), by the door's key: its id is known to everybody who was ever
    /// in the room.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// What the relay keeps for an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Published {
    /// The sealed card.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub card: Vec<u8>,
    /// Every door, padded to a power of two. Doors not listed are closed.
    #[n(1)]
    pub doors: Vec<Door>,
    /// The sealed capsule; absent in rooms with a timer.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub capsule: Option<Vec<u8>>,
    /// The capsule's key, sealed to each account, padded to a power of two.
    #[n(3)]
    pub capsule_wraps: Option<Vec<CapsuleWrap>>,
}

impl Published {
    /// SHA-256 of its encoding: what a rewind signs.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        entry_hash(&crate::encode(self))
    }
}

/// Voids everything from a handshake on, and publishes the epoch that is current again. All of it is stored at once, or none.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AppendRewind {
    /// Which room; it must be open on this connection, in whatever way.
    #[n(0)]
    pub room: RoomId,
    /// The signed [`Rewind`](crate::Rewind): the entry that is appended.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub rewind: Vec<u8>,
    /// What the relay is to keep for the epoch.
    #[n(2)]
    pub published: Published,
}

/// A word that a join is good.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ConfirmJoin {
    /// Which room; it must be open on this connection.
    #[n(0)]
    pub room: RoomId,
    /// The join's place in the log.
    #[n(1)]
    pub seq: u64,
    /// Ed25519 signature over [`confirm_statement`](crate::confirm_statement): by the access key of the epoch before the join, or by
    /// the room-admin key below.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// A room-admin key that counts, where that is what signed.
    #[n(3)]
    pub admin_key: Option<minicbor::bytes::ByteArray<32>>,
}

/// What the relay is to keep for the current epoch in place of what it has.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RepairEpoch {
    /// Which room; it must be open on this connection at its current epoch.
    #[n(0)]
    pub room: RoomId,
    /// The epoch that this is for. Another one since makes it stale.
    #[n(1)]
    pub epoch: u64,
    /// All of it, if any of it is wrong.
    #[n(2)]
    pub published: Option<Published>,
    /// The epoch before, sealed under this one: what whoever came in could not make.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub history: Option<Vec<u8>>,
    /// The last handshake or rewind that its writer knows. Another one since makes it stale, also where the epoch is that one again.
    #[n(4)]
    pub last_handshake_seq: u64,
}

/// What the relay holds for the current epoch. Without `door` and `tag`: all of it; with one of them only that wrap. Never both: they
/// would tell the relay that they belong to one account.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HeldRequest {
    /// Which room; it must be open on this connection at its current epoch.
    #[n(0)]
    pub room: RoomId,
    /// One's own door.
    #[n(1)]
    pub door: Option<DoorId>,
    /// One's own tag in capsule wraps.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub tag: Option<[u8; 16]>,
}

/// Past epochs, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HistoryRequest {
    /// Which room; it must be open on this connection at its current epoch.
    #[n(0)]
    pub room: RoomId,
    /// Exclusive: epochs before this one.
    #[n(1)]
    pub before: u64,
    /// At most so many (1 to [`limits::HISTORY_MAX_EPOCHS`](crate::limits::HISTORY_MAX_EPOCHS)).
    #[n(2)]
    pub limit: u32,
    /// Whose wraps, and with them the capsules; absent: only history links.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub tag: Option<[u8; 16]>,
}

/// Drops the capsule wraps of a tag: its account keeps those epochs elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DropWraps {
    /// Which room; it must be open on this connection at its current epoch.
    #[n(0)]
    pub room: RoomId,
    /// Whose wraps.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub tag: [u8; 16],
    /// Exclusive: those of epochs before this one.
    #[n(2)]
    pub before: u64,
    /// The wraps' [`owner`](CapsuleWrap::owner); wraps of another one stay.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub owner: [u8; 32],
    /// By the owner over [`drop_statement`](crate::drop_statement).
    #[cbor(n(4), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// A device's soft state, all of it in one value.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WriteStatus {
    /// Which room; it must be open on this connection at its current epoch.
    #[n(0)]
    pub room: RoomId,
    /// The key of the register, which its device alone has: the register's id is [`register_of`] it, so that nobody writes another's.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// What is in it from now on.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub value: [u8; STATUS_VALUE_BYTES],
}

/// The key stays out of logs.
impl core::fmt::Debug for WriteStatus {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("WriteStatus(…)")
    }
}

/// The id of the register that belongs to a key: the first 16 bytes of a hash.
#[must_use]
pub fn register_of(key: &[u8; 32]) -> [u8; 16] {
    let hash = entry_hash(&[&b"sotto/1 status register id"[..], key].concat());
    let mut id = [0; 16];
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    id
}

/// A status register with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Status {
    /// Which register; means nothing outside the epoch.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub register: [u8; 16],
    /// The sealed value.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub value: [u8; STATUS_VALUE_BYTES],
}

/// All status registers of a room's current epoch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StatusRequest {
    /// Which room; it must be open on this connection at its current epoch.
    #[n(0)]
    pub room: RoomId,
}

/// Deletes a room with everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeleteRoom {
    /// Which room.
    #[n(0)]
    pub room: RoomId,
    /// A room-admin key that is registered.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub admin_key: [u8; 32],
    /// By that key over [`delete_statement`](crate::delete_statement).
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// How long the relay keeps a room's messages.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetRetention {
    /// Which room.
    #[n(0)]
    pub room: RoomId,
    /// In seconds; absent: as long as the relay's operator has it.
    #[n(1)]
    pub seconds: Option<u64>,
    /// A room-admin key that is registered.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub admin_key: [u8; 32],
    /// By that key over [`retention_statement`](crate::retention_statement).
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// Wakes a device by web push when a message comes, for [`PUSH_DAYS`](crate::limits::PUSH_DAYS) or until the next cut. Another one
/// with the same tag takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Subscribe {
    /// Which room; it must be open on this connection at its current epoch.
    #[n(0)]
    pub room: RoomId,
    /// Where.
    #[n(1)]
    pub subscription: PushSubscription,
}

/// Ends a push subscription.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Unsubscribe {
    /// Which room; it must be open on this connection, in whatever way.
    #[n(0)]
    pub room: RoomId,
    /// The subscription's tag. One that is not there is as good as ended.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub tag: [u8; 16],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registers_key_stays_out_of_logs() {
        let write = WriteStatus { room: RoomId::new([1; 16]), key: [7; 32], value: [9; STATUS_VALUE_BYTES] };
        assert_eq!(format!("{:?}", Request::WriteStatus(write)), "WriteStatus(WriteStatus(…))");
    }
}

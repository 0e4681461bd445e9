//! Frames: one binary WebSocket message each, one CBOR value each.
//!
//! A client sends [`ClientFrame`]s and gets one [`RelayFrame::Reply`] for each, in any order, told apart by `request`.
//! The relay speaks first, with [`RelayFrame::Welcome`], and pushes [`RelayFrame::Entry`] for rooms that are open.

use crate::{Chain, Challenge, DoorId, EntryKind, Incarnation, RoomId, WireError};
use core::fmt;
use minicbor::{Decode, Encode};

/// From a client to the relay.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ClientFrame {
    /// Chosen by the client, repeated in the reply.
    #[n(0)]
    pub request: u32,
    /// What is asked.
    #[n(1)]
    pub body: Request,
}

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
    /// Keys that may act on the room at the relay from now on: those of its owner and admins.
    #[n(11)]
    pub admin_keys: Option<Vec<minicbor::bytes::ByteArray<32>>>,
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
    /// Only handshakes. Implied where the room is open for handshakes only.
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
}

/// From the relay to a client.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RelayFrame {
    /// The first frame of every connection.
    #[n(0)]
    Welcome(#[n(0)] Welcome),
    /// The answer to one request.
    #[n(1)]
    Reply(#[n(0)] u32, #[n(1)] Reply),
    /// A new entry in an open room.
    #[n(2)]
    Entry(#[n(0)] RoomId, #[n(1)] LogEntry),
    /// The client reads too slowly and entries of this room were left out: read the log.
    #[n(3)]
    Behind(#[n(0)] RoomId),
}

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
    Opened(#[n(0)] OpenedRoom),
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
}

/// How far a room is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RoomAccess {
    /// The epoch is the current one: everything.
    #[n(0)]
    Full,
    /// The epoch is an earlier one: the handshakes that follow it. Open again with the current key.
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
}

/// An entry at its place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LogEntry {
    /// Its place, from 1.
    #[n(0)]
    pub seq: u64,
    /// What it is.
    #[n(1)]
    pub kind: EntryKind,
    /// The sealed entry.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub entry: Vec<u8>,
    /// For a handshake: the access key that was registered with it. Members compare before they merge.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub access_key: Option<[u8; 32]>,
}

impl LogEntry {
    /// The chain after this entry, if it is the next one.
    #[must_use]
    pub fn extend(&self, chain: &Chain) -> Option<Chain> {
        (self.seq == chain.seq.checked_add(1)?)
            .then(|| chain.then(self.seq, self.kind, &crate::entry_hash(&self.entry)))
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
}

/// Bytes that are not the frame they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameError;

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the frame is malformed")
    }
}

impl core::error::Error for FrameError {}

/// The frame's bytes.
#[must_use]
pub fn encode<T: Encode<()>>(frame: &T) -> Vec<u8> {
    // Writing CBOR into a vector cannot fail; an empty frame would be refused by every reader.
    minicbor::to_vec(frame).unwrap_or_default()
}

/// Reads exactly one frame.
///
/// # Errors
/// [`FrameError`] where the bytes are not CBOR of that shape, or more than one value.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, FrameError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let frame = decoder.decode().map_err(|_| FrameError)?;
    if decoder.position() == bytes.len() { Ok(frame) } else { Err(FrameError) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append() -> ClientFrame {
        ClientFrame {
            request: 3,
            body: Request::Append(Append { room: RoomId::new([1; 16]), entry: vec![2; 300] }),
        }
    }

    #[test]
    fn a_frame_survives_the_round_trip() {
        assert_eq!(decode::<ClientFrame>(&encode(&append())), Ok(append()));
    }

    #[test]
    fn bytes_are_sent_as_bytes() {
        assert!(encode(&append()).len() < 300 + 40);
    }

    #[test]
    fn cut_and_lengthened_frames_are_refused() {
        let bytes = encode(&append());
        for cut in 0..bytes.len() {
            assert_eq!(decode::<ClientFrame>(&bytes[..cut]), Err(FrameError), "cut at {cut}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(decode::<ClientFrame>(&longer), Err(FrameError));
    }

    #[test]
    fn a_field_of_a_later_version_is_skipped() {
        // CardRequest with an extra key 9.
        let mut bytes = Vec::new();
        let mut encoder = minicbor::Encoder::new(&mut bytes);
        encoder.map(3).unwrap();
        encoder.u8(0).unwrap().bytes(&[1; 16]).unwrap();
        encoder.u8(1).unwrap().bytes(&[2; 16]).unwrap();
        encoder.u8(9).unwrap().str("later").unwrap();
        let expected = CardRequest { room: RoomId::new([1; 16]), door: DoorId::new([2; 16]) };
        assert_eq!(decode::<CardRequest>(&bytes), Ok(expected));
    }
}

//! What the relay and its clients say to each other: identifiers, frames, limits and error codes.
//!
//! Pure data. Nothing here does I/O, holds a key or knows what an entry contains. Everything on the wire is CBOR
//! (RFC 8949) in its one deterministic encoding, with integer keys, so that a field added later is skipped by those who do
//! not know it.

pub mod account;
pub mod blob;
mod cbor;
mod challenge;
mod entry;
mod error;
mod frame;
mod handover;
mod id;
pub mod limits;
mod push;
pub mod restore;
mod rewind;
mod room_token;
mod secret;
pub mod signature;
mod username;

pub use cbor::{FrameError, decode, decode_exact, encode};
pub use challenge::{
    Challenge, card_statement, delete_statement, drop_statement, join_statement, open_statement,
    recovery_statement, retention_statement,
};
pub use entry::{
    CHAIN_START_LABEL, Chain, EntryHeader, EntryHeaderError, EntryKind, SUPPORTED_ENTRY_VERSION, entry_hash,
};
pub use error::{ErrorCode, WireError};
pub use frame::{
    Append, AppendHandshake, AppendRewind, CapsuleWrap, CardReply, CardRequest, ClientFrame, ConfirmJoin,
    CreateRoom, DeleteRoom, Direction, Door, DropWraps, Dropped, Held, HeldRequest, HistoryReply,
    HistoryRequest, JoinAuthority, LogEntry, OpenRoom, OpenedRoom, Page, PageRequest, PastEpoch, Published,
    RelayFrame, RepairEpoch, Reply, Request, Retention, RoomAccess, SetRetention, Status, StatusRequest,
    Subscribe, Unsubscribe, Welcome, WriteStatus, register_of,
};
pub use handover::{Handover, handover_statement};
pub use id::{BlobId, DoorId, EntryId, IdError, Incarnation, RoomId};
pub use push::{PushSubscription, push_payload, read_push_payload};
pub use rewind::{Rewind, RewindAuthority, confirm_statement};
pub use room_token::{ROOM_TOKEN_PERIOD_DAYS, RoomToken};
pub use secret::encode_secret;
pub use username::{is_username, normalize_username};

/// The version of this protocol. A relay names its own in [`Welcome`]; a client that does not know it says so and stops.
pub const PROTOCOL_VERSION: u32 = 1;

/// Path of the room socket on the relay's origin.
pub const ROOM_SOCKET_PATH: &str = "/v1/rooms";

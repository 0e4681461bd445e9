//! The closed set of errors that a relay can answer with.

use core::fmt;
use minicbor::{Decode, Encode};

/// A stable code: a client decides by it, and says the remedy in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ErrorCode {
    /// The frame is not CBOR of a known shape. The connection stays open.
    #[n(1)]
    MalformedFrame,
    /// The frame is longer than [`limits::FRAME_MAX_BYTES`](crate::limits::FRAME_MAX_BYTES) allows for its kind.
    #[n(2)]
    FrameTooLarge,
    /// The relay has no such room.
    #[n(3)]
    UnknownRoom,
    /// The room id is taken by another room.
    #[n(4)]
    RoomExists,
    /// This connection has not opened the room, or only for handshakes.
    #[n(5)]
    RoomNotOpen,
    /// The signature does not verify under a key that may: it is another's, or the relay does not know of that epoch or door.
    #[n(6)]
    BadSignature,
    /// The message is sealed for another epoch than the current one: catch up and seal it anew.
    #[n(8)]
    StaleEpoch,
    /// Another handshake came first: catch up and try again.
    #[n(9)]
    Conflict,
    /// The entry id was used before with other bytes.
    #[n(10)]
    EntryIdReused,
    /// The entry is longer than its kind allows, or its header is wrong.
    #[n(11)]
    BadEntry,
    /// There is no such door: never was, expired, or revoked.
    #[n(12)]
    DoorClosed,
    /// A field is past its limit.
    #[n(13)]
    LimitExceeded,
    /// The relay's disk is full: nothing was stored, try again later.
    #[n(14)]
    StorageFull,
    /// The relay is busy: nothing was stored, try again later.
    #[n(15)]
    Overloaded,
    /// The relay is stopping: nothing was stored, connect again.
    #[n(16)]
    ShuttingDown,
    /// A fault in the relay: nothing was acknowledged.
    #[n(17)]
    Internal,
    /// This connection, or everybody at its address, asks too much: nothing was done, try again after `retry_after_ms`.
    #[n(18)]
    SlowDown,
    /// Only accounts make rooms here, and the room token is missing, wrong, too old or used.
    #[n(19)]
    TokenNeeded,
    /// The room was deleted by one of its admins.
    #[n(20)]
    RoomDeleted,
    /// The relay sends no pushes, or none to that push service.
    #[n(21)]
    PushUnavailable,
    /// Somebody came in whom nobody has confirmed yet: until then nobody can be cut off for good.
    #[n(22)]
    JoinUnconfirmed,
    /// The place up to which the sender of a message has read is not among the last of the log: read on, then send it again.
    #[n(23)]
    ReadOn,
    /// It is another newcomer's turn to come in.
    #[n(24)]
    NotYourTurn,
    /// The relay was restored from a backup, and has not got back yet what it has lost of this room: try again later.
    #[n(25)]
    Restoring,
}

impl ErrorCode {
    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        matches!(
            self,
            Self::StorageFull
                | Self::Overloaded
                | Self::ShuttingDown
                | Self::Internal
                | Self::SlowDown
                | Self::NotYourTurn
                | Self::Restoring
        )
    }

    /// What happened, in words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::MalformedFrame => "the relay could not read the frame",
            Self::FrameTooLarge => "the frame is over the relay's limit",
            Self::UnknownRoom => "the relay has no such room",
            Self::RoomExists => "the room id is taken",
            Self::RoomNotOpen => "the room is not open on this connection",
            Self::BadSignature => "the signature does not verify",
            Self::StaleEpoch => "the room has moved on to another epoch",
            Self::Conflict => "another change to the room came first",
            Self::EntryIdReused => "the entry id was used before",
            Self::BadEntry => "the entry is too long or has a wrong header",
            Self::DoorClosed => "the invite is closed",
            Self::LimitExceeded => "a limit is exceeded",
            Self::StorageFull => "the relay's disk is full",
            Self::Overloaded => "the relay is busy",
            Self::ShuttingDown => "the relay is stopping",
            Self::Internal => "the relay has a fault",
            Self::SlowDown => "too much was asked of the relay from here: wait a while",
            Self::TokenNeeded => "only people with an account make rooms on this relay",
            Self::RoomDeleted => "the room was deleted",
            Self::PushUnavailable => "the relay wakes nobody there",
            Self::JoinUnconfirmed => "somebody came in whom nobody has confirmed yet",
            Self::ReadOn => "the room has moved on a good deal: read on first",
            Self::Restoring => {
                "the relay was restored from a backup: it waits for what it has lost of this room"
            }
            Self::NotYourTurn => "others are coming in before: wait a while",
        }
    }
}

/// An error as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WireError {
    /// What happened.
    #[n(0)]
    pub code: ErrorCode,
    /// The limit that was exceeded, in its own unit.
    #[n(1)]
    pub limit: Option<u64>,
    /// When to try again, in milliseconds from now.
    #[n(2)]
    pub retry_after_ms: Option<u64>,
}

impl WireError {
    /// An error with nothing but its code.
    #[must_use]
    pub const fn new(code: ErrorCode) -> Self {
        Self { code, limit: None, retry_after_ms: None }
    }

    /// An error that names the limit it is about.
    #[must_use]
    pub const fn with_limit(code: ErrorCode, limit: u64) -> Self {
        Self { code, limit: Some(limit), retry_after_ms: None }
    }

    /// An error that passes.
    #[must_use]
    pub const fn with_delay(code: ErrorCode, retry_after_ms: u64) -> Self {
        Self { code, limit: None, retry_after_ms: Some(retry_after_ms) }
    }
}

impl From<ErrorCode> for WireError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.describe())?;
        if let Some(limit) = self.limit {
            write!(f, " (limit: {limit})")?;
        }
        Ok(())
    }
}

impl core::error::Error for WireError {}

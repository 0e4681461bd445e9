//! What a client says about the room on its user's behalf. A member's word like any other: it changes nothing by itself.

use super::{Payload, hide, limits};
use crate::CryptoError;
use minicbor::{Decode, Encode};

/// A note about the room.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct System {
    /// What kind of note; a reader that does not know it says so.
    #[n(0)]
    pub kind: u32,
    /// Belongs to the kind.
    #[cbor(n(1), with = "minicbor::bytes", skip_if = "Vec::is_empty")]
    pub data: Vec<u8>,
}

impl System {
    /// The room's timer was changed; the data is the new one in seconds (8 bytes, big-endian), 0 for none.
    pub const TIMER: u32 = 1;
}

/// A statement, signed by a device, that it leaves. Whoever removes it puts these bytes into the commit.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Leave {
    /// The statement with its signature, as rooms define it.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub statement: Vec<u8>,
}

impl Payload for System {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("system note", self.data.len(), limits::SYSTEM_MAX_BYTES)
    }
}

impl Payload for Leave {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("statement", self.statement.len(), limits::LEAVE_MAX_BYTES)
    }
}

hide!(System, Leave);

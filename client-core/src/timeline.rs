//! What a room's log looks like to a person.

use minicbor::{Decode, Encode};

/// One visible entry of a room's log.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TimelineItem {
    /// Its place in the log.
    #[n(0)]
    pub seq: u64,
    /// For a message its own id; for a change to the room the entry's.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub id: [u8; 16],
    /// Account id of whoever did it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub sender: [u8; 16],
    /// The name this person had in the room then.
    #[n(3)]
    pub sender_name: String,
    /// To be shown beside the name where another person of the room has, or had, one that looks like it. Not stored: it comes
    /// with who is in the room when the item is given out.
    #[cbor(skip)]
    pub sender_tag: Option<String>,
    /// By the sender's clock, in milliseconds since 1970. `None` for a change to the room, which carries no time.
    #[n(4)]
    pub sent_at_ms: Option<u64>,
    /// Whether this device's person did it.
    #[n(5)]
    pub is_mine: bool,
    /// What it is.
    #[n(6)]
    pub body: TimelineBody,
}

/// What a visible entry is.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum TimelineBody {
    /// Something said.
    #[n(0)]
    Text(#[n(0)] String),
    /// Content of a type that this version does not know.
    #[n(1)]
    FromNewerVersion,
    /// The sender came into the room.
    #[n(2)]
    Joined,
    /// The sender gave the room a name.
    #[n(3)]
    Renamed(#[n(0)] String),
    /// A message was here, and the relay has dropped it before this device read it. It has no sender.
    #[n(4)]
    Gap,
}

/// Content stays out of logs.
impl core::fmt::Debug for TimelineItem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TimelineItem").field("seq", &self.seq).finish_non_exhaustive()
    }
}

/// Content stays out of logs.
impl core::fmt::Debug for TimelineBody {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::FromNewerVersion => "FromNewerVersion",
            Self::Joined => "Joined",
            Self::Renamed(_) => "Renamed(…)",
            Self::Gap => "Gap",
        })
    }
}

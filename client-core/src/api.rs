//! What a user interface says to the engine and hears from it.

use crate::timeline::TimelineItem;
use sotto_protocol::RoomId;

/// Names one command, so that its outcome can be told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// The suite of a new room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoomSuite {
    /// X25519 + ML-KEM-768 (0x004E), up to 256 devices.
    #[default]
    Hybrid,
    /// X25519 (0x0001), up to 1,000 devices.
    Classical,
}

/// What a person wants done. Text is taken as it is and checked by the engine.
pub enum Command {
    /// Make a room and be its owner. Done: [`Outcome::RoomCreated`].
    CreateRoom {
        /// The room's name.
        name: String,
        /// The name to be shown to others in it.
        display_name: String,
        /// The suite.
        suite: RoomSuite,
    },
    /// Make an invite link. Done: [`Outcome::InviteCreated`].
    CreateInvite {
        /// Which room.
        room: RoomId,
        /// How many people may use it; `None` for any number.
        max_uses: Option<u32>,
    },
    /// Close an invite: one of mine, or, where I am an admin or the owner, anyone's. Done: [`Outcome::InviteRevoked`].
    RevokeInvite {
        /// Which room.
        room: RoomId,
        /// Which invite: as in [`InviteView::id`].
        invite: [u8; 16],
    },
    /// Join by a link. Done: [`Outcome::Joined`].
    Join {
        /// The whole link.
        link: String,
        /// The name to be shown to others in the room.
        display_name: String,
    },
    /// Say something. It is kept until it is in the room's log. Done: [`Outcome::Sent`], or [`Outcome::Kept`] where nothing goes
    /// out for now; an error means that nothing was kept.
    Send {
        /// Which room.
        room: RoomId,
        /// CommonMark subset.
        text: String,
    },
    /// Send a message again that the relay refused for good. Done: [`Outcome::Retried`].
    Retry {
        /// Which room.
        room: RoomId,
        /// Which message: as in [`OutboxView::id`].
        message: [u8; 16],
    },
    /// Do not send a message that waits, or that the relay refused. Done: [`Outcome::Discarded`].
    Discard {
        /// Which room.
        room: RoomId,
        /// Which message: as in [`OutboxView::id`].
        message: [u8; 16],
    },
    /// A person has seen alarms of a room. Done: [`Outcome::AlarmsPutAside`].
    PutAlarmsAside {
        /// Which room.
        room: RoomId,
        /// What was shown, as in [`AlarmView::alarm`]: all of these kinds are put aside, and no others.
        seen: Vec<Alarm>,
    },
}

/// How a command ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The room is there.
    RoomCreated(RoomId),
    /// The link may be handed out.
    InviteCreated(InviteView),
    /// The link opens nothing any more.
    InviteRevoked,
    /// This device is in the room.
    Joined(RoomId),
    /// The message is in the room's log: this device, or another process of this profile, has read it there.
    Sent {
        /// Which room.
        room: RoomId,
        /// The message's id.
        id: [u8; 16],
    },
    /// The message is kept on this device, and nothing of its room goes out on this connection.
    Kept {
        /// Which room.
        room: RoomId,
        /// The message's id.
        id: [u8; 16],
        /// Why it does not go out now.
        reason: crate::ClientError,
    },
    /// The relay refused the message for good. It is kept on this device until a person sends it again or discards it.
    Refused {
        /// Which room.
        room: RoomId,
        /// The message's id.
        id: [u8; 16],
        /// Why.
        reason: crate::ClientError,
    },
    /// The message is on its way again.
    Retried,
    /// The message is not sent any more.
    Discarded {
        /// Whether it was sent before and not answered: then the others may have it all the same.
        may_be_sent: bool,
    },
    /// The alarms are put aside. New ones are told.
    AlarmsPutAside,
}

/// What the engine tells the user interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A command ended.
    Done(Ticket, Result<Outcome, crate::ClientError>),
    /// Something in a room changed (messages, members, name, outbox): read its views again.
    RoomChanged(RoomId),
    /// The list of rooms changed.
    RoomsChanged,
    /// New items in a room's timeline, in the log's order, each exactly once per session.
    Timeline(RoomId, Vec<TimelineItem>),
    /// The connection came or went.
    Connection(ConnectionState),
    /// This device's clock and the relay's differ by so many milliseconds (positive: this device is ahead).
    ClockSkew(i64),
    /// Nothing more of a room can be read or sent on this connection, and why. What waits stays in the outbox.
    Stopped(RoomId, crate::ClientError),
    /// Something is wrong that belongs to no command.
    Problem(crate::ClientError),
    /// The relay asks to wait, for this reason; it is tried again by itself after so long.
    Waiting {
        /// Which room.
        room: RoomId,
        /// Why.
        code: sotto_protocol::ErrorCode,
        /// From now.
        retry_in_ms: u64,
    },
    /// Everything that the relay had at connecting has been read.
    CaughtUp(RoomId),
}

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not connected; trying again in so many milliseconds.
    Offline {
        /// From now.
        retry_in_ms: u64,
    },
    /// Connecting.
    Connecting,
    /// Connected.
    Online,
}

/// A room in the list.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomView {
    /// Which room.
    pub id: RoomId,
    /// Its name.
    pub name: String,
    /// To be shown beside the name where another room's looks like it, or where it looks like a room's id: the first digits of
    /// the id.
    pub tag: Option<String>,
    /// How many people are in it.
    pub member_count: usize,
    /// Whether it has the post-quantum suite.
    pub is_post_quantum: bool,
    /// Whether everything known at connecting has been read.
    pub is_caught_up: bool,
    /// Alarms that no person has put aside, the gravest first.
    pub alarms: Vec<AlarmView>,
    /// The last entry read.
    pub head_seq: u64,
    /// How this device's membership ended, if it did: what was said before stays readable.
    pub end: Option<RoomEnd>,
}

/// Names stay out of logs.
impl core::fmt::Debug for RoomView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RoomView").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How a device's membership of a room ended.
#[derive(Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum RoomEnd {
    /// A member removed this device.
    #[n(0)]
    Removed {
        /// Account id of who did it.
        #[cbor(n(0), with = "minicbor::bytes")]
        by: [u8; 16],
        /// The name of who did it.
        #[n(1)]
        by_name: String,
    },
}

impl core::fmt::Debug for RoomEnd {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Removed { .. } => f.write_str("Removed(…)"),
        }
    }
}

/// An alarm as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmView {
    /// What was found, at its first place.
    pub alarm: Alarm,
    /// Whether this device has found out since that nothing is wrong there.
    pub is_settled: bool,
    /// How many of this kind there are.
    pub count: usize,
}

/// Something about a room that must not be passed over in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum Alarm {
    /// The log that this device has seen is not the one that another member has seen: they differ at or before this entry.
    #[n(0)]
    HistoryDiverged(#[n(0)] u64),
    /// This entry does not open or verify: it was damaged or forged on the way.
    #[n(1)]
    EntryDamaged(#[n(0)] u64),
    /// At this entry a change to the room was put into the log that is damaged or that its rules do not allow; the room stands
    /// still there.
    #[n(2)]
    InvalidChange(#[n(0)] u64),
    /// The relay has lost entries that this device has seen; this is the last one seen.
    #[n(3)]
    RelayRolledBack(#[n(0)] u64),
    /// The relay said that it stored something of this device at this place, and the log that it shows does not have it.
    #[n(4)]
    NotInLog(#[n(0)] u64),
    /// The relay keeps back what was said at this place: it shows that there was something, and says that its time was over, which by its
    /// own words it cannot have been.
    #[n(5)]
    BodyMissing(#[n(0)] u64),
}

/// A person in a room.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Account id: 16 bytes.
    pub account: [u8; 16],
    /// The name shown.
    pub display_name: String,
    /// First digits of the account id.
    pub fingerprint: String,
    /// To be shown beside the name where another person of the room has, or had, one that looks like it, or where the name looks
    /// tagged itself: as many first digits of the account id as tell them apart, 8 at the least.
    pub tag: Option<String>,
    /// How many devices this person has in the room.
    pub device_count: usize,
    /// Whether this is me.
    pub is_me: bool,
    /// Whether this person made the room.
    pub is_owner: bool,
}

/// Names stay out of logs.
impl core::fmt::Debug for MemberView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MemberView").field("device_count", &self.device_count).finish_non_exhaustive()
    }
}

/// An open invite to a room: mine or another's.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteView {
    /// The invite's id.
    pub id: [u8; 16],
    /// The whole link. A secret, and only with who made it: `None` for another's invite.
    pub link: Option<String>,
    /// Account id of who made it.
    pub inviter: [u8; 16],
    /// The name of who made it; `None` where they are gone and this device does not know it any more.
    pub inviter_name: Option<String>,
    /// To be shown beside the name, as in [`MemberView::tag`].
    pub inviter_tag: Option<String>,
    /// Whether I made it.
    pub is_mine: bool,
    /// Whether the rules let me revoke it.
    pub may_revoke: bool,
    /// How many people may use it; `None` for any number.
    pub max_uses: Option<u32>,
    /// How many have.
    pub uses: u32,
    /// When the relay closes it, in milliseconds since 1970; `None` for never.
    pub expires_at_ms: Option<u64>,
}

impl core::fmt::Debug for InviteView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InviteView").field("uses", &self.uses).finish_non_exhaustive()
    }
}

/// A message that waits to be sent, or to come back through the log.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxView {
    /// The message's id.
    pub id: [u8; 16],
    /// The text.
    pub text: String,
    /// When it was written, in milliseconds since 1970.
    pub sent_at_ms: u64,
    /// Whether the relay has acknowledged it.
    pub is_acknowledged: bool,
    /// Whether the relay refused it for good.
    pub has_failed: bool,
}

impl core::fmt::Debug for OutboxView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OutboxView").field("is_acknowledged", &self.is_acknowledged).finish_non_exhaustive()
    }
}

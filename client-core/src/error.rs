//! What can go wrong for a client, each with what to do about it.

use core::fmt;
use sotto_protocol::ErrorCode;

/// Why a command did not end well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The link is not one of Sotto's, or was cut on the way.
    #[error("this is not a whole invite link")]
    BadLink,
    /// The address is not one of a relay.
    #[error("this is not a relay's address")]
    BadAddress,
    /// The link leads to another relay than the one this client is connected to.
    #[error("the invite link belongs to another relay ({0})")]
    OtherRelay(String),
    /// The link's invite was revoked, has expired, is used up, or never was.
    #[error("this invite is closed")]
    InviteClosed,
    /// What is behind the door is older than the link: the relay shows an old state.
    #[error("the relay shows this room in an older state than the invite")]
    OldCard,
    /// What is behind the door does not open or verify.
    #[error("what the relay keeps behind this invite is damaged")]
    DamagedCard,
    /// Whoever made the invite is not in the room (a warning: the join went well).
    #[error("whoever made this invite is not in the room any more")]
    InviterGone,
    /// The relay does not know the room.
    #[error("the relay has no such room")]
    UnknownRoom,
    /// This profile is not in the room.
    #[error("this profile is not in that room")]
    NotInRoom,
    /// This profile is in the room already.
    #[error("you are in this room already")]
    AlreadyInRoom,
    /// The room has as many devices as its suite allows.
    #[error("the room is full")]
    RoomFull,
    /// The message is too long.
    #[error("the message is too long: {actual_bytes} bytes, at most {max_bytes} fit")]
    MessageTooLong {
        /// Its length.
        actual_bytes: usize,
        /// The limit.
        max_bytes: usize,
    },
    /// There is nothing to send.
    #[error("the message is empty")]
    EmptyMessage,
    /// A name is empty, too long, or has characters that cannot be shown.
    #[error("this name cannot be used: {0}")]
    BadName(&'static str),
    /// As many invites are open as may be where a member of this role opens one.
    #[error("the room has {0} open invites, and you cannot open another")]
    TooManyInvites(usize),
    /// As many invites of this person are open as may be.
    #[error("you have {0} open invites to this room, and cannot open another")]
    TooManyOwnInvites(usize),
    /// The room has no such invite.
    #[error("the room has no such invite")]
    UnknownInvite,
    /// The rules of the room do not allow it.
    #[error("the rules of this room do not allow that")]
    NotAllowed,
    /// A member removed this device from the room.
    #[error("you were removed from this room")]
    Removed,
    /// The message is none of those that wait.
    #[error("no such message waits to be sent")]
    UnknownMessage,
    /// The relay says that it has the message.
    #[error("the relay has this message already")]
    AlreadyStored,
    /// The message was discarded, here or in another process of this profile.
    #[error("the message was discarded")]
    Discarded,
    /// An integrity alarm stopped the room.
    #[error("this room was stopped by an integrity alarm")]
    RoomStopped,
    /// The relay does not accept signatures over the address at which this client reaches it.
    #[error("the relay sees this connection under another address than this client does")]
    AddressDiffers,
    /// There is no connection to the relay.
    #[error("the relay cannot be reached")]
    Offline,
    /// The relay speaks a version that this client does not know.
    #[error("the relay speaks protocol version {0}, which this client does not know")]
    UnknownProtocolVersion(u32),
    /// The room was made or changed by a version that this client does not know.
    #[error("the room uses something that this version of Sotto does not know")]
    NewerRoom,
    /// The relay sent something that is not a frame.
    #[error("the relay sent something that makes no sense")]
    MalformedFrame,
    /// Other changes to the room kept coming first.
    #[error("other changes to the room kept coming first")]
    TooManyConflicts,
    /// The relay refused.
    #[error("{}", .0.describe())]
    Refused(ErrorCode),
    /// A fault of this client.
    #[error("something that should not happen did: {0}")]
    Bug(&'static str),
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It may go well later, unchanged.
    Retry,
    /// A new link, or a new state of the room, is needed.
    Rejoin,
    /// It will not go well: change the input.
    Reject,
    /// Report it.
    Bug,
}

impl ClientError {
    /// What kind of answer the error needs.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Offline | Self::TooManyConflicts | Self::OldCard => Disposition::Retry,
            Self::Refused(code) if code.is_passing() => Disposition::Retry,
            Self::InviteClosed | Self::DamagedCard | Self::UnknownRoom => Disposition::Rejoin,
            Self::Bug(_) => Disposition::Bug,
            _ => Disposition::Reject,
        }
    }

    /// What a person can do about it: one sentence.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::BadLink => "Copy the link again, from its beginning to its end.",
            Self::BadAddress => "Write it as http://HOST:PORT or https://HOST, without a path.",
            Self::OtherRelay(_) => "Open it at that relay's address, or name that relay.",
            Self::InviteClosed => "Ask for a new invite link.",
            Self::OldCard => {
                "Try again in a minute; if it stays so, do not trust this relay and tell its operator."
            }
            Self::DamagedCard => "Ask someone in the room to make a new invite link.",
            Self::InviterGone => {
                "Before you trust the room, ask someone in it, outside of it, whether it is the right one."
            }
            Self::UnknownRoom => "Check that this is the right relay, then ask for a new invite link.",
            Self::NotInRoom => "Join it by an invite link first.",
            Self::AlreadyInRoom => "Nothing is to be done: open the room.",
            Self::RoomFull => "Someone has to leave first, or make a room of the classical suite.",
            Self::MessageTooLong { .. } => "Send it in parts.",
            Self::EmptyMessage => "Write something first.",
            Self::BadName(_) => "Choose another name.",
            Self::TooManyInvites(_) => {
                "Revoke one that is not needed any more, or ask an admin of the room to."
            }
            Self::TooManyOwnInvites(_) => "Revoke one that is not needed any more.",
            Self::UnknownInvite => "List the open invites and name one of them.",
            Self::NotAllowed => "Ask the room's owner.",
            Self::Removed => {
                "What was said before stays readable. To come back, ask a member for an invite link and open it in a new profile."
            }
            Self::UnknownMessage => "It has been sent or discarded: look at the conversation.",
            Self::AlreadyStored => "It cannot be taken back; the others may have read it.",
            Self::Discarded => "Write it again if you want to send it.",
            Self::RoomStopped => {
                "Compare notes with the others in the room outside of it, then make a new room."
            }
            Self::AddressDiffers => {
                "Use the address under which the relay is known. If that is this one, a reverse proxy changes the Host header: its operator has to pass Host on unchanged (docs/SELF_HOSTING.md)."
            }
            Self::Offline => "Check the relay's address and that it is running, then try again.",
            Self::UnknownProtocolVersion(_) => "Install the version of Sotto that goes with this relay.",
            Self::NewerRoom => "Update Sotto.",
            Self::MalformedFrame => "Check that the address is that of a Sotto relay of the same version.",
            Self::TooManyConflicts => "Try again in a moment.",
            Self::Refused(code) if code.is_passing() => {
                "It is tried again by itself. If it stays so, tell the operator of the relay."
            }
            Self::Refused(ErrorCode::TokenNeeded) => {
                "Ask a person with an account on this relay to make the room and to send you a link, or use another relay."
            }
            Self::Refused(ErrorCode::RoomDeleted) => {
                "One of its admins deleted it. What you had read is still here; make a new room to go on."
            }
            Self::Refused(ErrorCode::JoinUnconfirmed) => {
                "A newcomer joined while no other member was here. Try again once a member who was in the room before has been online."
            }
            Self::Refused(_) => "Update Sotto; if it stays so, report it.",
            Self::Bug(_) => "Please report it.",
        }
    }
}

/// An error as it is stored with a failed item: its cause and its remedy.
impl ClientError {
    /// Cause and remedy in one line.
    #[must_use]
    pub fn explain(&self) -> impl fmt::Display + '_ {
        struct Explained<'a>(&'a ClientError);
        impl fmt::Display for Explained<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}. {}", self.0, self.0.remedy())
            }
        }
        Explained(self)
    }
}

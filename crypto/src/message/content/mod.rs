//! What a message says: CBOR `[type, payload]`, where the payload is a byte string that a reader who does not know the type
//! can pass over.
//!
//! A newer version may add types, and keys to the payloads of types that are known: both are passed over here, never an
//! error. What this version knows is held to the limits of [`limits`], when it is written and when it is read.

mod attachment;
mod consent;
mod edit;
pub mod limits;
mod more;
mod pin;
mod poll;
mod reaction;
mod sticker;
mod stream;
mod system;
mod target;
mod text;

use crate::CryptoError;
use minicbor::{Decode, Encode};

pub use attachment::{Attachment, File};
pub use consent::Consent;
pub use edit::{Delete, Edit, Purge};
pub use more::{Answer, Forward, More, Preview, Quote};
pub use pin::Pin;
pub use poll::{Poll, PollClose, Vote};
pub use reaction::Reaction;
pub use sticker::{Sticker, StickerPack, StickerPicture};
pub use stream::StreamPart;
pub use system::{Leave, System};
pub use target::Target;
pub use text::Text;

const TEXT: u32 = 1;
const EDIT: u32 = 2;
const DELETE: u32 = 3;
const REACTION: u32 = 4;
// 5 is never used: a reply is a text that names what it answers.
const ATTACHMENT: u32 = 6;
const STICKER: u32 = 7;
const POLL: u32 = 8;
const PIN: u32 = 9;
const STREAM: u32 = 10;
const VOTE: u32 = 11;
const SYSTEM: u32 = 12;
const LEAVE: u32 = 13;
const PURGE: u32 = 14;
const POLL_CLOSE: u32 = 15;
const CONSENT: u32 = 16;

/// A message's content.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Something said: a CommonMark subset.
    Text(Text),
    /// Another text in place of an earlier one.
    Edit(Edit),
    /// An earlier message is to go.
    Delete(Delete),
    /// A reaction to a message, set or taken back.
    Reaction(Reaction),
    /// Files.
    Attachment(Box<Attachment>),
    /// A picture of a pack.
    Sticker(Box<Sticker>),
    /// A question with options.
    Poll(Poll),
    /// An answer to a poll.
    Vote(Vote),
    /// A message is kept in view, or not any more.
    Pin(Pin),
    /// A part of a text that is still being written.
    Stream(StreamPart),
    /// A note of the sender's client about the room.
    System(System),
    /// The sender's signed statement that a device leaves.
    Leave(Leave),
    /// The earlier texts of an edited message are to go.
    Purge(Purge),
    /// A poll takes no more answers.
    PollClose(PollClose),
    /// What others may do with what the sender says here.
    Consent(Consent),
    /// Of a type that this version does not know.
    Unknown(u32),
    /// Well signed, and yet of no shape that its type may have. Never written.
    Unreadable,
}

#[derive(Encode, Decode)]
struct Typed(#[n(0)] u32, #[cbor(n(1), with = "minicbor::bytes")] Vec<u8>);

/// What every payload can do: say whether it keeps to the limits.
trait Payload {
    fn check(&self) -> Result<(), CryptoError>;
}

impl Content {
    /// A plain text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// The bytes that are sealed.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`], which names the limit; [`CryptoError::Malformed`] for a poll without options and for
    /// [`Content::Unreadable`]; [`CryptoError::NewerVersion`] for [`Content::Unknown`].
    pub fn encode(&self) -> Result<Vec<u8>, CryptoError> {
        let (kind, payload) = match self {
            Self::Text(text) => (TEXT, write(text)?),
            Self::Edit(edit) => (EDIT, write(edit)?),
            Self::Delete(delete) => (DELETE, write(delete)?),
            Self::Reaction(reaction) => (REACTION, write(reaction)?),
            Self::Attachment(attachment) => (ATTACHMENT, write(attachment.as_ref())?),
            Self::Sticker(sticker) => (STICKER, write(sticker.as_ref())?),
            Self::Poll(poll) => (POLL, write(poll)?),
            Self::Vote(vote) => (VOTE, write(vote)?),
            Self::Pin(pin) => (PIN, write(pin)?),
            Self::Stream(part) => (STREAM, write(part)?),
            Self::System(system) => (SYSTEM, write(system)?),
            Self::Leave(leave) => (LEAVE, write(leave)?),
            Self::Purge(purge) => (PURGE, write(purge)?),
            Self::PollClose(close) => (POLL_CLOSE, write(close)?),
            Self::Consent(consent) => (CONSENT, write(consent)?),
            Self::Unknown(_) => return Err(CryptoError::NewerVersion),
            Self::Unreadable => return Err(CryptoError::Malformed("message content")),
        };
        let bytes = sotto_protocol::encode(&Typed(kind, payload));
        limits::check("message content", bytes.len(), limits::ENCODED_MAX_BYTES)?;
        Ok(bytes)
    }

    /// Reads what was sealed.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`], which names the limit, or [`CryptoError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CryptoError> {
        limits::check("message content", bytes.len(), limits::ENCODED_MAX_BYTES)?;
        let Typed(kind, payload) =
            sotto_protocol::decode(bytes).map_err(|_| CryptoError::Malformed("message content"))?;
        Ok(match kind {
            TEXT => Self::Text(read(&payload)?),
            EDIT => Self::Edit(read(&payload)?),
            DELETE => Self::Delete(read(&payload)?),
            REACTION => Self::Reaction(read(&payload)?),
            ATTACHMENT => Self::Attachment(Box::new(read(&payload)?)),
            STICKER => Self::Sticker(Box::new(read(&payload)?)),
            POLL => Self::Poll(read(&payload)?),
            VOTE => Self::Vote(read(&payload)?),
            PIN => Self::Pin(read(&payload)?),
            STREAM => Self::Stream(read(&payload)?),
            SYSTEM => Self::System(read(&payload)?),
            LEAVE => Self::Leave(read(&payload)?),
            PURGE => Self::Purge(read(&payload)?),
            POLL_CLOSE => Self::PollClose(read(&payload)?),
            CONSENT => Self::Consent(read(&payload)?),
            unknown => Self::Unknown(unknown),
        })
    }

    /// The message that this one is about, where it acts on another.
    #[must_use]
    pub const fn target(&self) -> Option<&Target> {
        match self {
            Self::Edit(edit) => Some(&edit.target),
            Self::Delete(delete) => Some(&delete.target),
            Self::Reaction(reaction) => Some(&reaction.target),
            Self::Vote(vote) => Some(&vote.target),
            Self::Pin(pin) => Some(&pin.target),
            Self::Purge(purge) => Some(&purge.target),
            Self::PollClose(close) => Some(&close.target),
            _ => None,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "Text",
            Self::Edit(_) => "Edit",
            Self::Delete(_) => "Delete",
            Self::Reaction(_) => "Reaction",
            Self::Attachment(_) => "Attachment",
            Self::Sticker(_) => "Sticker",
            Self::Poll(_) => "Poll",
            Self::Vote(_) => "Vote",
            Self::Pin(_) => "Pin",
            Self::Stream(_) => "Stream",
            Self::System(_) => "System",
            Self::Leave(_) => "Leave",
            Self::Purge(_) => "Purge",
            Self::PollClose(_) => "PollClose",
            Self::Consent(_) => "Consent",
            Self::Unknown(_) => "Unknown",
            Self::Unreadable => "Unreadable",
        }
    }
}

/// Content stays out of logs.
impl core::fmt::Debug for Content {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unknown(kind) => write!(f, "Unknown({kind})"),
            Self::Unreadable => f.write_str("Unreadable"),
            _ => write!(f, "{}(…)", self.name()),
        }
    }
}

/// `Debug` that shows the type's name and nothing of what is in it.
macro_rules! hide {
    ($($name:ident),+) => {$(
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}
use hide;

fn write<T: Payload + Encode<()>>(payload: &T) -> Result<Vec<u8>, CryptoError> {
    payload.check()?;
    Ok(sotto_protocol::encode(payload))
}

fn read<T: Payload + for<'a> Decode<'a, ()>>(bytes: &[u8]) -> Result<T, CryptoError> {
    let payload: T = sotto_protocol::decode(bytes).map_err(|_| CryptoError::Malformed("message content"))?;
    payload.check()?;
    Ok(payload)
}

#[cfg(test)]
mod tests;

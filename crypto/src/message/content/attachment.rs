//! Files and stickers: where the sealed bytes are, how they open, and what is shown before they are fetched.

use super::{Payload, Target, hide, limits};
use crate::{CryptoError, attachment::AttachmentRef, identity::AccountId};
use minicbor::{Decode, Encode};

/// A file.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Attachment {
    /// Where it is and how it opens.
    #[n(0)]
    pub file: AttachmentRef,
    /// Its name, as the sender's system has it. Not to be used as a path.
    #[n(1)]
    pub name: String,
    /// Its media type (RFC 6838), as the sender's system guesses it.
    #[n(2)]
    pub media_type: String,
    /// A text that goes with it.
    #[n(3)]
    pub caption: Option<String>,
    /// A small picture of it.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub thumbnail: Option<Vec<u8>>,
    /// Width and height, in pixels.
    #[n(5)]
    pub dimensions: Option<(u32, u32)>,
    /// How long it plays, in milliseconds.
    #[n(6)]
    pub duration_ms: Option<u64>,
    /// The message that it answers.
    #[n(7)]
    pub reply_to: Option<Target>,
    /// Whom the caption mentions.
    #[cbor(n(8), skip_if = "Vec::is_empty")]
    pub mentions: Vec<AccountId>,
}

/// A picture of a pack.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sticker {
    /// The pack's id.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub pack: [u8; 16],
    /// The picture.
    #[n(1)]
    pub file: AttachmentRef,
    /// What it stands for.
    #[n(2)]
    pub emoji: String,
    /// The picture's media type.
    #[n(3)]
    pub media_type: String,
    /// The message that it answers.
    #[n(4)]
    pub reply_to: Option<Target>,
}

impl Payload for Attachment {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("file name", self.name.len(), limits::FILE_NAME_MAX_BYTES)?;
        limits::check("media type", self.media_type.len(), limits::MEDIA_TYPE_MAX_BYTES)?;
        limits::check("caption", self.caption.as_ref().map_or(0, String::len), limits::CAPTION_MAX_BYTES)?;
        limits::check("thumbnail", self.thumbnail.as_ref().map_or(0, Vec::len), limits::THUMBNAIL_MAX_BYTES)?;
        limits::check("mentions", self.mentions.len(), limits::MENTIONS_MAX)
    }
}

impl Payload for Sticker {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("emoji", self.emoji.len(), limits::EMOJI_MAX_BYTES)?;
        limits::check("media type", self.media_type.len(), limits::MEDIA_TYPE_MAX_BYTES)
    }
}

hide!(Attachment, Sticker);

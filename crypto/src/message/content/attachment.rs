//! Files: where the sealed bytes are, how they open, and what is shown before they are fetched.

use super::{More, Payload, Target, hide, limits};
use crate::{CryptoError, attachment::AttachmentRef, identity::AccountId};
use minicbor::{Decode, Encode};

/// One file or several, in the order in which they are shown.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Attachment {
    /// The files: 1 to 16.
    #[n(0)]
    pub files: Vec<File>,
    /// A text that goes with them.
    #[n(1)]
    pub caption: Option<String>,
    /// The message that it answers.
    #[n(2)]
    pub reply_to: Option<Target>,
    /// Whom the caption mentions.
    #[cbor(n(3), skip_if = "Vec::is_empty")]
    pub mentions: Vec<AccountId>,
    /// What else goes with it.
    #[n(4)]
    pub more: Option<Box<More>>,
}

/// A file.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct File {
    /// Where it is and how it opens.
    #[n(0)]
    pub file: AttachmentRef,
    /// Its name, as the sender's system has it. Not to be used as a path.
    #[n(1)]
    pub name: String,
    /// Its media type (RFC 6838), as the sender's system guesses it.
    #[n(2)]
    pub media_type: String,
    /// A small picture of it.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub thumbnail: Option<Vec<u8>>,
    /// Width and height, in pixels, as it is shown upright.
    #[n(4)]
    pub dimensions: Option<(u32, u32)>,
    /// How long it plays, in milliseconds.
    #[n(5)]
    pub duration_ms: Option<u64>,
    /// How loud it is, at places evenly apart over its duration, 0 to 255 each.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub waveform: Option<Vec<u8>>,
    /// A ThumbHash, shown until there is more.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub placeholder: Option<Vec<u8>>,
    /// What is to be seen or heard, for those who cannot.
    #[n(8)]
    pub description: Option<String>,
    /// Whether it is sent "as a file": the bytes that the sender has, not shown in place.
    #[cbor(n(9), skip_if = "core::ops::Not::not")]
    pub is_plain_file: bool,
    /// Whether it is a voice message, recorded to be heard in place.
    #[cbor(n(10), skip_if = "core::ops::Not::not")]
    pub is_voice: bool,
}

impl Payload for Attachment {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("files", self.files.len(), limits::FILES_MAX)?;
        if self.files.is_empty() {
            return Err(CryptoError::Malformed("attachment: it has no file"));
        }
        self.files.iter().try_for_each(Payload::check)?;
        limits::check("caption", self.caption.as_ref().map_or(0, String::len), limits::CAPTION_MAX_BYTES)?;
        limits::check("mentions", self.mentions.len(), limits::MENTIONS_MAX)?;
        self.more.check()
    }
}

impl Payload for File {
    fn check(&self) -> Result<(), CryptoError> {
        let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let description = self.description.as_ref().map_or(0, String::len);
        limits::check("file name", self.name.len(), limits::FILE_NAME_MAX_BYTES)?;
        limits::check("media type", self.media_type.len(), limits::MEDIA_TYPE_MAX_BYTES)?;
        limits::check("thumbnail", bytes(&self.thumbnail), limits::THUMBNAIL_MAX_BYTES)?;
        limits::check("waveform", bytes(&self.waveform), limits::WAVEFORM_MAX_BYTES)?;
        limits::check("placeholder", bytes(&self.placeholder), limits::PLACEHOLDER_MAX_BYTES)?;
        limits::check("description", description, limits::DESCRIPTION_MAX_BYTES)
    }
}

hide!(Attachment, File);

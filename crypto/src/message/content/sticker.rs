//! Stickers, and the packs that they come from.

use super::{More, Payload, Target, hide, limits};
use crate::{CryptoError, attachment::AttachmentRef};
use minicbor::{Decode, Encode};

/// A picture of a pack.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sticker {
    /// The pack's id.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub pack: [u8; 16],
    /// The picture and what is known of it.
    #[n(1)]
    pub picture: StickerPicture,
    /// The message that it answers.
    #[n(2)]
    pub reply_to: Option<Target>,
    /// Where the whole pack is ([`StickerPack`], sealed as a file), so that who sees the sticker can install it.
    #[n(3)]
    pub install: Option<AttachmentRef>,
    /// What else goes with it.
    #[n(4)]
    pub more: Option<Box<More>>,
}

/// One picture.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StickerPicture {
    /// Where it is and how it opens.
    #[n(0)]
    pub file: AttachmentRef,
    /// What it stands for.
    #[n(1)]
    pub emoji: String,
    /// Its media type.
    #[n(2)]
    pub media_type: String,
    /// Width and height, in pixels.
    #[n(3)]
    pub dimensions: Option<(u32, u32)>,
    /// A ThumbHash, shown until there is more.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub placeholder: Option<Vec<u8>>,
    /// What is to be seen, for those who cannot.
    #[n(5)]
    pub description: Option<String>,
}

/// A pack, as the file says to which [`Sticker::install`] points. Not a content.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StickerPack {
    /// Its id, random.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub id: [u8; 16],
    /// Its name.
    #[n(1)]
    pub title: String,
    /// Its pictures, in their order: 1 to 64.
    #[n(2)]
    pub pictures: Vec<StickerPicture>,
}

impl StickerPack {
    /// The bytes that are sealed as a file.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`], which names the limit; [`CryptoError::Malformed`] for a pack without pictures.
    pub fn encode(&self) -> Result<Vec<u8>, CryptoError> {
        let bytes = super::write(self)?;
        limits::check("sticker pack", bytes.len(), limits::PACK_MAX_BYTES)?;
        Ok(bytes)
    }

    /// Reads the file behind a sticker whose pack has the id `expected`.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`], which names the limit; [`CryptoError::Malformed`], also where it is another pack.
    pub fn decode(bytes: &[u8], expected: &[u8; 16]) -> Result<Self, CryptoError> {
        limits::check("sticker pack", bytes.len(), limits::PACK_MAX_BYTES)?;
        let pack: Self = super::read(bytes)?;
        if pack.id != *expected {
            return Err(CryptoError::Malformed("sticker pack: it is another one"));
        }
        Ok(pack)
    }
}

impl Payload for Sticker {
    fn check(&self) -> Result<(), CryptoError> {
        self.picture.check()?;
        self.more.check()
    }
}

impl Payload for StickerPicture {
    fn check(&self) -> Result<(), CryptoError> {
        let placeholder = self.placeholder.as_ref().map_or(0, Vec::len);
        let description = self.description.as_ref().map_or(0, String::len);
        limits::check("emoji", self.emoji.len(), limits::EMOJI_MAX_BYTES)?;
        limits::check("media type", self.media_type.len(), limits::MEDIA_TYPE_MAX_BYTES)?;
        limits::check("placeholder", placeholder, limits::PLACEHOLDER_MAX_BYTES)?;
        limits::check("description", description, limits::DESCRIPTION_MAX_BYTES)
    }
}

impl Payload for StickerPack {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("title", self.title.len(), limits::TITLE_MAX_BYTES)?;
        limits::check("pictures of a pack", self.pictures.len(), limits::PICTURES_MAX)?;
        if self.pictures.is_empty() {
            return Err(CryptoError::Malformed("sticker pack: it has no picture"));
        }
        self.pictures.iter().try_for_each(Payload::check)
    }
}

hide!(Sticker, StickerPicture, StickerPack);

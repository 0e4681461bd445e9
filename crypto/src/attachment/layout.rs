//! Where what of a file is in its blob.

use super::{AttachmentRef, PIECE_BYTES, SEALED_PIECE_BYTES, TAG_BYTES, index::HASH_BYTES};
use crate::{CryptoError, padding::padme};
use core::ops::Range;

const PIECE: u64 = PIECE_BYTES as u64;

/// The lengths of a file and its blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    file: u64,
    padded: u64,
}

impl Layout {
    /// Of a file of some length.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] past `max_bytes`.
    pub fn of_file(file_bytes: u64, max_bytes: u64) -> Result<Self, CryptoError> {
        let as_usize = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        // Padding and piece numbers stay far within their types up to 8 EiB and 4 PiB; on 32 bits, up to 3 GiB.
        let ceiling = as_usize(max_bytes).min(usize::MAX / 4 * 3);
        let over = CryptoError::OverLimit { what: "attachment", actual: as_usize(file_bytes), max: ceiling };
        let length =
            usize::try_from(file_bytes).ok().filter(|length| *length <= ceiling).ok_or(over.clone())?;
        let layout = Self { file: file_bytes, padded: padme(length) as u64 };
        if u32::try_from(layout.padded.div_ceil(PIECE)).is_err() {
            return Err(over);
        }
        Ok(layout)
    }

    /// Of a file in a message.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] past `max_bytes`, [`CryptoError::Malformed`] where the padding is not what it must be.
    pub fn of(file: &AttachmentRef, max_bytes: u64) -> Result<Self, CryptoError> {
        let layout = Self::of_file(file.size, max_bytes)?;
        if layout.padded == file.padded_size { Ok(layout) } else { Err(CryptoError::Malformed("attachment")) }
    }

    /// Length of the file.
    #[must_use]
    pub const fn file_bytes(&self) -> u64 {
        self.file
    }

    /// Length of the file with its padding.
    #[must_use]
    pub const fn padded_bytes(&self) -> u64 {
        self.padded
    }

    /// How many pieces there are: at least one.
    #[must_use]
    pub fn piece_count(&self) -> u32 {
        u32::try_from(self.padded.div_ceil(PIECE)).unwrap_or(u32::MAX)
    }

    /// Length of the blob: all sealed pieces, and their hashes after them.
    #[must_use]
    pub fn blob_bytes(&self) -> u64 {
        self.index_range().end
    }

    /// Where in the blob the hashes of its pieces are.
    #[must_use]
    pub fn index_range(&self) -> Range<u64> {
        let start = self.padded + u64::from(self.piece_count()) * TAG_BYTES as u64;
        start..start + self.index_bytes()
    }

    /// Length of the hashes of all pieces.
    pub(super) fn index_bytes(&self) -> u64 {
        u64::from(self.piece_count()) * HASH_BYTES as u64
    }

    /// The piece that holds a byte of the file.
    #[must_use]
    pub fn piece_of(&self, offset: u64) -> Option<u32> {
        (offset < self.file).then(|| u32::try_from(offset / PIECE).ok())?
    }

    /// Where a piece is in the blob.
    #[must_use]
    pub fn sealed_range(&self, piece: u32) -> Range<u64> {
        let start = u64::from(piece) * SEALED_PIECE_BYTES as u64;
        start..start + (self.piece_bytes(piece) + TAG_BYTES) as u64
    }

    /// Which bytes of the file a piece holds: none, where it is padding alone.
    #[must_use]
    pub fn file_range(&self, piece: u32) -> Range<u64> {
        let start = u64::from(piece) * PIECE;
        start.min(self.file)..(start + PIECE).min(self.file)
    }

    /// How many bytes of the file a piece holds.
    #[must_use]
    pub fn file_bytes_in(&self, piece: u32) -> usize {
        let range = self.file_range(piece);
        usize::try_from(range.end - range.start).unwrap_or(PIECE_BYTES)
    }

    /// Length of a piece with its padding, before it is sealed.
    pub(super) fn piece_bytes(&self, piece: u32) -> usize {
        let rest = self.padded.saturating_sub(u64::from(piece) * PIECE);
        usize::try_from(rest).unwrap_or(PIECE_BYTES).min(PIECE_BYTES)
    }

    /// Whether it is the last piece.
    pub(super) fn is_last(&self, piece: u32) -> bool {
        piece.checked_add(1) == Some(self.piece_count())
    }
}

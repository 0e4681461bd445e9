//! Opening a blob's chunks, in any order.

use super::{AttachmentRef, Layout, Stream, TAG_BYTES, stream};
use crate::CryptoError;
use aead_stream::StreamPrimitive as _;

/// Opens the chunks of one file. Lengths come from the message, so a blob that was cut, extended or put in another order
/// does not open where it was changed. That all chunks are those of the message's blob, only its hash shows.
pub struct Opener {
    layout: Layout,
    stream: Stream,
}

impl Opener {
    /// For a file in a message.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] past `max_bytes`, [`CryptoError::Malformed`].
    pub fn new(file: &AttachmentRef, max_bytes: u64) -> Result<Self, CryptoError> {
        let layout = Layout::of(file, max_bytes)?;
        Ok(Self { layout, stream: stream(&file.key, &layout)? })
    }

    /// The lengths of the file and its blob.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Opens a chunk: `buffer` holds it sealed, and then the bytes of the file that are in it. What does not open leaves the
    /// buffer empty.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the chunk has another length, does not exist, or its padding is not zeros;
    /// [`CryptoError::DoesNotOpen`].
    pub fn open(&self, chunk: u32, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let opened = self.open_padded(chunk, buffer);
        if opened.is_err() {
            buffer.clear();
        }
        opened
    }

    /// Seals a chunk that was opened before, to take its hash. What comes out is what the blob holds.
    pub(super) fn seal_again(&self, chunk: u32, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        if chunk >= self.layout.chunk_count() || buffer.len() != self.layout.file_bytes_in(chunk) {
            return Err(CryptoError::Malformed("chunk"));
        }
        buffer.resize(self.layout.chunk_bytes(chunk), 0);
        self.stream
            .encrypt_in_place(chunk, self.layout.is_last(chunk), &[], buffer)
            .map_err(|_| CryptoError::Malformed("chunk"))
    }

    fn open_padded(&self, chunk: u32, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let malformed = CryptoError::Malformed("chunk");
        if chunk >= self.layout.chunk_count() || buffer.len() != self.layout.chunk_bytes(chunk) + TAG_BYTES {
            return Err(malformed);
        }
        self.stream
            .decrypt_in_place(chunk, self.layout.is_last(chunk), &[], buffer)
            .map_err(|_| CryptoError::DoesNotOpen)?;
        let file_bytes = self.layout.file_bytes_in(chunk);
        if buffer.iter().skip(file_bytes).any(|byte| *byte != 0) {
            return Err(malformed);
        }
        buffer.truncate(file_bytes);
        Ok(())
    }
}

impl core::fmt::Debug for Opener {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Opener(…)")
    }
}

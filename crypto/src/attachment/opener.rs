//! Opening a blob's pieces, in any order and on several threads.

use super::{AttachmentRef, Index, Layout, Stream, TAG_BYTES, sealer::seal_in_place, stream};
use crate::CryptoError;
use aead_stream::StreamPrimitive as _;
use zeroize::Zeroize as _;

/// Opens the pieces of one file. Each is compared with the message's hash before it is opened, so what opens is what everyone
/// gets who has that message, whether or not the rest of the blob was ever seen.
pub struct Opener {
    layout: Layout,
    stream: Stream,
    index: Index,
}

impl Opener {
    /// For a file in a message. `index` is what its blob holds at [`Layout::index_range`].
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] past `max_bytes`, [`CryptoError::Malformed`]; [`CryptoError::DoesNotOpen`] where the index is
    /// not the message's.
    pub fn new(file: &AttachmentRef, index: Vec<u8>, max_bytes: u64) -> Result<Self, CryptoError> {
        let layout = Layout::of(file, max_bytes)?;
        let index = Index::check(index, &layout, &file.hash)?;
        Ok(Self { layout, stream: stream(&file.key, &layout)?, index })
    }

    /// The lengths of the file and its blob.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Opens a piece: `buffer` holds it sealed, and then the bytes of the file that are in it. What does not open leaves the
    /// buffer empty, and can be fetched again.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the piece has another length, does not exist, or its padding is not zeros;
    /// [`CryptoError::DoesNotOpen`].
    pub fn open_piece(&self, piece: u32, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let opened = self.open_padded(piece, buffer);
        if opened.is_err() {
            buffer.zeroize();
        }
        opened
    }

    /// After a break: whether what an earlier run opened and kept is this piece of the file; if not, it is to be fetched again. The
    /// buffer comes back empty.
    #[must_use]
    pub fn is_piece(&self, piece: u32, buffer: &mut Vec<u8>) -> bool {
        let sealed = seal_in_place(&self.stream, &self.layout, piece, buffer);
        let is_piece = sealed.is_ok() && self.index.names(piece, buffer);
        buffer.zeroize();
        is_piece
    }

    fn open_padded(&self, piece: u32, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let malformed = CryptoError::Malformed("piece");
        if piece >= self.layout.piece_count() || buffer.len() != self.layout.piece_bytes(piece) + TAG_BYTES {
            return Err(malformed);
        }
        if !self.index.names(piece, buffer) {
            return Err(CryptoError::DoesNotOpen);
        }
        self.stream
            .decrypt_in_place(piece, self.layout.is_last(piece), &[], buffer)
            .map_err(|_| CryptoError::DoesNotOpen)?;
        let file_bytes = self.layout.file_bytes_in(piece);
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

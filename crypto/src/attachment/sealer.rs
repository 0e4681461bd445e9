//! Sealing a file, chunk by chunk, in place.

use super::{AttachmentKey, AttachmentRef, BlobHash, BlobId, FileState, Layout, Snapshot, Stream, stream};
use crate::CryptoError;
use aead_stream::StreamPrimitive as _;

/// Seals one file. It goes one way only: each chunk is sealed once.
pub struct Sealer {
    key: AttachmentKey,
    state: FileState,
    layout: Layout,
    stream: Stream,
    next: u32,
}

impl Sealer {
    /// Begins to seal a file in some state, under a fresh key.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] past `max_bytes`, [`CryptoError::NoRandomness`].
    pub fn new(state: FileState, max_bytes: u64) -> Result<Self, CryptoError> {
        Self::with_key(AttachmentKey::generate()?, state, max_bytes)
    }

    pub(crate) fn with_key(
        key: AttachmentKey,
        state: FileState,
        max_bytes: u64,
    ) -> Result<Self, CryptoError> {
        let layout = Layout::of_file(state.size(), max_bytes)?;
        let stream = stream(&key, &layout)?;
        Ok(Self { key, state, layout, stream, next: 0 })
    }

    /// The lengths of the file and its blob.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Which bytes of the file go into the next chunk; `None` after the last. There may be none of them: a chunk of padding.
    #[must_use]
    pub fn wants(&self) -> Option<core::ops::Range<u64>> {
        (self.next < self.layout.chunk_count()).then(|| self.layout.file_range(self.next))
    }

    /// Seals the next chunk: `buffer` holds what [`Sealer::wants`] named, and then the sealed chunk.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the buffer holds another length (the file has changed), or after the last chunk.
    pub fn seal(&mut self, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let chunk = self.next;
        if chunk >= self.layout.chunk_count() || buffer.len() != self.layout.file_bytes_in(chunk) {
            return Err(CryptoError::Malformed("chunk: the file has changed"));
        }
        buffer.resize(self.layout.chunk_bytes(chunk), 0);
        self.stream
            .encrypt_in_place(chunk, self.layout.is_last(chunk), &[], buffer)
            .map_err(|_| CryptoError::Malformed("chunk"))?;
        self.next += 1;
        Ok(())
    }

    /// How many chunks are sealed.
    #[must_use]
    pub const fn sealed_chunks(&self) -> u32 {
        self.next
    }

    /// What is needed to go on later. It must be stored **before** a chunk that it counts is sent: then a chunk that was
    /// ever sent is never sealed again from other bytes.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the hash is not of the chunks sealed so far.
    pub fn snapshot(&self, hash: &BlobHash) -> Result<Snapshot, CryptoError> {
        let sealed_bytes = self.layout.sealed_range(self.next).start.min(self.layout.blob_bytes());
        if hash.bytes() != sealed_bytes {
            return Err(CryptoError::Malformed("snapshot"));
        }
        Ok(Snapshot::new(&self.key, &self.state, self.next, hash.so_far()))
    }

    /// After the last chunk: what a message says about the file.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where chunks are missing, in the blob or in the hash.
    pub fn finish(self, hash: &BlobHash, blob: BlobId) -> Result<AttachmentRef, CryptoError> {
        if self.next != self.layout.chunk_count() || hash.bytes() != self.layout.blob_bytes() {
            return Err(CryptoError::Malformed("attachment"));
        }
        let (size, padded_size) = (self.layout.file_bytes(), self.layout.padded_bytes());
        Ok(AttachmentRef { blob, key: self.key, hash: hash.so_far(), size, padded_size })
    }
}

impl core::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sealer").field("next", &self.next).finish_non_exhaustive()
    }
}

//! Fetching a whole file in order, and going on after a break.

use super::{AttachmentRef, BlobHash, Opener};
use crate::CryptoError;

/// Opens a blob from its first chunk to its last and checks its hash. The file is good only once [`Download::finish`] says so.
pub struct Download {
    file: AttachmentRef,
    opener: Opener,
    hash: BlobHash,
    next: u32,
}

impl Download {
    /// Begins with a file in a message.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] past `max_bytes`, [`CryptoError::Malformed`].
    pub fn new(file: AttachmentRef, max_bytes: u64) -> Result<Self, CryptoError> {
        let opener = Opener::new(&file, max_bytes)?;
        Ok(Self { file, opener, hash: BlobHash::default(), next: 0 })
    }

    /// Where in the blob the next chunk is; `None` after the last.
    #[must_use]
    pub fn wants(&self) -> Option<core::ops::Range<u64>> {
        let layout = self.opener.layout();
        (self.next < layout.chunk_count()).then(|| layout.sealed_range(self.next))
    }

    /// Takes the next sealed chunk; `buffer` then holds the bytes of the file that are in it.
    ///
    /// # Errors
    /// As [`Opener::open`]. The same chunk is wanted again: it can be fetched once more.
    pub fn take(&mut self, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let mut hash = self.hash.clone();
        hash.update(buffer);
        self.opener.open(self.next, buffer)?;
        self.hash = hash;
        self.next += 1;
        Ok(())
    }

    /// After a break: takes the bytes of the next chunk that an earlier run opened and kept, in place of fetching them. They
    /// are sealed again for the hash, which shows at the end whether they were right. The buffer comes back empty.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the buffer has not the length of that chunk.
    pub fn replay(&mut self, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let sealed = self.opener.seal_again(self.next, buffer);
        if sealed.is_ok() {
            self.hash.update(buffer);
            self.next += 1;
        }
        buffer.clear();
        sealed
    }

    /// Whether the whole blob came, and is the one that the message names.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`]: what was written is to be thrown away.
    pub fn finish(self) -> Result<(), CryptoError> {
        if self.next != self.opener.layout().chunk_count() {
            return Err(CryptoError::DoesNotOpen);
        }
        self.hash.check(&self.file)
    }
}

impl core::fmt::Debug for Download {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Download").field("next", &self.next).finish_non_exhaustive()
    }
}

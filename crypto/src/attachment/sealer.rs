//! Sealing a file, piece by piece, in any order and on several threads.

use super::{
    AttachmentKey, AttachmentRef, BlobId, FileState, Index, Layout, Snapshot, Stream,
    index::{HASH_BYTES, hash_of},
    stream,
};
use crate::CryptoError;
use aead_stream::StreamPrimitive as _;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// Seals one file. Pieces are independent of each other; a piece can be sealed again, but never with other content: what
/// would be a second content under one nonce does not get out.
pub struct Sealer {
    key: AttachmentKey,
    state: FileState,
    layout: Layout,
    stream: Stream,
    sealed: Mutex<BTreeMap<u32, Sealed>>,
}

/// A piece that was sealed.
#[derive(Clone, Copy)]
struct Sealed {
    hash: [u8; HASH_BYTES],
    /// Whether this sealer saw its content; else an earlier one did, and the file may have changed since.
    is_seen: bool,
}

impl Sealer {
    /// Begins to seal a file in some state, under a fresh key.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] past `max_bytes`, [`CryptoError::NoRandomness`].
    pub fn new(state: FileState, max_bytes: u64) -> Result<Self, CryptoError> {
        Self::with_key(AttachmentKey::generate()?, state, max_bytes)
    }

    /// Goes on with an upload that was broken off, with the file in the state in which it is now; `None` where that is another
    /// state, or the snapshot is none of this file: begin anew, with a new key and a new blob.
    ///
    /// The pieces that were sealed before must be sealed once more before [`Sealer::finish`], in any order: that shows that the file is the
    /// same.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] past `max_bytes`.
    pub fn resume(
        snapshot: Snapshot,
        state: &FileState,
        max_bytes: u64,
    ) -> Result<Option<Self>, CryptoError> {
        let (key, kept, pieces) = snapshot.into_parts();
        if kept != *state {
            return Ok(None);
        }
        let sealer = Self::with_key(key, kept, max_bytes)?;
        if pieces.keys().any(|piece| *piece >= sealer.layout.piece_count()) {
            return Ok(None);
        }
        let sealed =
            pieces.into_iter().map(|(piece, hash)| (piece, Sealed { hash: hash.into(), is_seen: false }));
        *sealer.sealed() = sealed.collect();
        Ok(Some(sealer))
    }

    pub(crate) fn with_key(
        key: AttachmentKey,
        state: FileState,
        max_bytes: u64,
    ) -> Result<Self, CryptoError> {
        let layout = Layout::of_file(state.size(), max_bytes)?;
        let stream = stream(&key, &layout)?;
        Ok(Self { key, state, layout, stream, sealed: Mutex::default() })
    }

    /// The lengths of the file and its blob.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Seals a piece: `buffer` holds the bytes of the file that [`Layout::file_range`] names, and then the sealed piece. It is
    /// empty where this fails.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the buffer holds another length, or the piece was sealed before with another content: the
    /// file has changed, and is to be sealed anew under another key. Or there is no such piece.
    pub fn seal_piece(&self, piece: u32, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        let sealed = self.seal_checked(piece, buffer);
        if sealed.is_err() {
            buffer.zeroize();
        }
        sealed
    }

    fn seal_checked(&self, piece: u32, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        const CHANGED: CryptoError = CryptoError::Malformed("piece: the file has changed");
        seal_in_place(&self.stream, &self.layout, piece, buffer).map_err(|_| CHANGED)?;
        let hash = hash_of(buffer);
        let mut all = self.sealed();
        // Two threads may seal one piece at once: the first content is the one that counts.
        let known = all.entry(piece).or_insert(Sealed { hash, is_seen: true });
        if !bool::from(known.hash.ct_eq(&hash)) {
            return Err(CHANGED);
        }
        known.is_seen = true;
        Ok(())
    }

    /// Which piece is to be sealed next by one who goes in order: the first that was not, or was sealed before the upload was broken
    /// off and not since.
    #[must_use]
    pub fn wants(&self) -> Option<u32> {
        let all = self.sealed();
        (0..self.layout.piece_count()).find(|piece| !all.get(piece).is_some_and(|sealed| sealed.is_seen))
    }

    /// What is needed to go on later. It must be stored **before** a piece that was sealed until now is sent: then a piece that
    /// was ever sent is never sealed again from other bytes.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let pieces = self.sealed().iter().map(|(piece, sealed)| (*piece, sealed.hash.into())).collect();
        Snapshot::new(&self.key, &self.state, pieces)
    }

    /// After all pieces: what a message says about the file, and what the blob ends with.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where pieces are missing, or were not sealed once more since the upload was broken off.
    pub fn finish(&self, blob: BlobId) -> Result<(AttachmentRef, Index), CryptoError> {
        if self.wants().is_some() {
            return Err(CryptoError::Malformed("attachment"));
        }
        let index = Index::of(self.sealed().values().map(|sealed| sealed.hash));
        let (size, padded_size) = (self.layout.file_bytes(), self.layout.padded_bytes());
        let file = AttachmentRef { blob, key: self.key.clone(), hash: index.hash(), size, padded_size };
        Ok((file, index))
    }

    /// Nothing that could panic runs under the lock, and a map that is half changed does not occur.
    fn sealed(&self) -> MutexGuard<'_, BTreeMap<u32, Sealed>> {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pads and seals a piece where it lies.
pub(super) fn seal_in_place(
    stream: &Stream,
    layout: &Layout,
    piece: u32,
    buffer: &mut Vec<u8>,
) -> Result<(), CryptoError> {
    if piece >= layout.piece_count() || buffer.len() != layout.file_bytes_in(piece) {
        return Err(CryptoError::Malformed("piece"));
    }
    buffer.resize(layout.piece_bytes(piece), 0);
    stream
        .encrypt_in_place(piece, layout.is_last(piece), &[], buffer)
        .map_err(|_| CryptoError::Malformed("piece"))
}

impl core::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

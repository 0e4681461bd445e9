//! Going on with an upload after a break, only with the very same file.
//!
//! The same key and chunk number must never seal two different contents. So a file is bound by its length, by a token of the
//! system that changes when it is written to, and by the hash of what was sealed so far; else it is sealed anew under
//! another key.

use super::{AttachmentKey, BlobHash, Sealer};
use crate::{CryptoError, labels};
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// A file as it is at some moment: its length, and what changes whenever it is written to.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FileState {
    #[n(0)]
    size: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    token: [u8; 32],
}

/// An upload that was broken off, to be stored sealed: it holds the file's key.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Snapshot {
    #[n(0)]
    key: AttachmentKey,
    #[n(1)]
    state: FileState,
    #[n(2)]
    sealed: u32,
    #[cbor(n(3), with = "minicbor::bytes")]
    hash: [u8; 32],
}

/// Reads a file's beginning again, to see whether it is still the same.
#[derive(Debug)]
pub struct Resuming {
    sealer: Sealer,
    hash: BlobHash,
    snapshot: Snapshot,
}

/// Whether an upload can go on.
#[derive(Debug)]
pub enum Resumed {
    /// The file is the same: go on sealing.
    Same(Box<Sealer>, BlobHash),
    /// It is not: begin anew, with a new key and a new blob.
    Changed,
}

impl FileState {
    /// A file of `size` bytes; `modification` is whatever the system changes with the file (times, a version, its place).
    #[must_use]
    pub fn new(size: u64, modification: &[u8]) -> Self {
        let token =
            Sha256::new().chain_update(labels::hash::FILE_STATE).chain_update(modification).finalize();
        Self { size, token: token.into() }
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

impl Snapshot {
    pub(super) fn new(key: &AttachmentKey, state: &FileState, sealed: u32, hash: [u8; 32]) -> Self {
        Self { key: key.clone(), state: state.clone(), sealed, hash }
    }

    /// How many chunks were sealed.
    #[must_use]
    pub const fn sealed_chunks(&self) -> u32 {
        self.sealed
    }

    /// As bytes, to be stored sealed.
    #[must_use]
    pub fn encode(&self) -> zeroize::Zeroizing<Vec<u8>> {
        sotto_protocol::encode_secret(self)
    }

    /// Reads what [`Snapshot::encode`] wrote.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CryptoError> {
        sotto_protocol::decode(bytes).map_err(|_| CryptoError::Malformed("snapshot"))
    }
}

impl Sealer {
    /// Begins to go on, with the file in the state in which it is now; `None` where that is another state.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] past `max_bytes`.
    pub fn resume(
        snapshot: Snapshot,
        state: &FileState,
        max_bytes: u64,
    ) -> Result<Option<Resuming>, CryptoError> {
        if snapshot.state != *state {
            return Ok(None);
        }
        let sealer = Self::with_key(snapshot.key.clone(), state.clone(), max_bytes)?;
        Ok(Some(Resuming { sealer, hash: BlobHash::default(), snapshot }))
    }
}

impl Resuming {
    /// Which bytes of the file to read again next; `None` when it is enough.
    #[must_use]
    pub fn wants(&self) -> Option<core::ops::Range<u64>> {
        (self.sealed_so_far() < self.snapshot.sealed).then(|| self.sealer.wants()).flatten()
    }

    /// Takes what was read again. The buffer comes back empty: nothing that is sealed here gets out.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is not what was wanted.
    pub fn replay(&mut self, buffer: &mut Vec<u8>) -> Result<(), CryptoError> {
        if self.wants().is_none() {
            return Err(CryptoError::Malformed("chunk"));
        }
        let sealed = self.sealer.seal(buffer);
        if sealed.is_ok() {
            self.hash.update(buffer);
        }
        buffer.zeroize();
        sealed
    }

    /// Whether what was read again is what was sealed before.
    #[must_use]
    pub fn finish(self) -> Resumed {
        let is_complete = self.sealed_so_far() == self.snapshot.sealed;
        if is_complete && self.hash.so_far().ct_eq(&self.snapshot.hash).into() {
            Resumed::Same(Box::new(self.sealer), self.hash)
        } else {
            Resumed::Changed
        }
    }

    fn sealed_so_far(&self) -> u32 {
        self.sealer.sealed_chunks()
    }
}

/// Shows nothing.
impl core::fmt::Debug for FileState {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FileState(…)")
    }
}

/// Shows nothing.
impl core::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Snapshot(…)")
    }
}

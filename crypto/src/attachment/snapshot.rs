//! What is kept to go on with an upload after a break, only with the very same file.
//!
//! The same key and piece number must never seal two different contents. So a file is bound by its length, by a token of the
//! system that changes when it is written to, and by the hash of every piece that was sealed so far; else it is sealed anew
//! under another key.

use super::AttachmentKey;
use crate::{CryptoError, labels};
use minicbor::{Decode, Encode, bytes::ByteArray};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

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
    /// The hash of each piece that was sealed.
    #[n(2)]
    pieces: BTreeMap<u32, ByteArray<32>>,
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
    pub(super) fn new(key: &AttachmentKey, state: &FileState, pieces: BTreeMap<u32, ByteArray<32>>) -> Self {
        Self { key: key.clone(), state: state.clone(), pieces }
    }

    pub(super) fn into_parts(self) -> (AttachmentKey, FileState, BTreeMap<u32, ByteArray<32>>) {
        (self.key, self.state, self.pieces)
    }

    /// The numbers of the pieces that were sealed, in order.
    pub fn sealed_pieces(&self) -> impl Iterator<Item = u32> {
        self.pieces.keys().copied()
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

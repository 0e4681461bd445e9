//! The hashes of a blob's pieces, and the one hash over them that a message names.
//!
//! A list with one hash over it, and not a tree: for 2 GiB it is 64 KiB, and it is made by two plain SHA-256 calls of any library,
//! the browser's own included.

use super::Layout;
use crate::{CryptoError, labels};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Length of a piece's hash, in bytes.
pub(super) const HASH_BYTES: usize = 32;

/// The hashes of all pieces of one blob, in order. It is what a blob ends with.
#[derive(Clone, PartialEq, Eq)]
pub struct Index(Vec<u8>);

impl Index {
    /// Of all pieces, in order.
    pub(super) fn of(hashes: impl Iterator<Item = [u8; HASH_BYTES]>) -> Self {
        Self(hashes.flatten().collect())
    }

    /// Takes what a blob ends with, if it is what a message names.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it has another length, [`CryptoError::DoesNotOpen`] where it is not the one.
    pub(super) fn check(bytes: Vec<u8>, layout: &Layout, hash: &[u8; 32]) -> Result<Self, CryptoError> {
        if bytes.len() as u64 != layout.index_bytes() {
            return Err(CryptoError::Malformed("index"));
        }
        let index = Self(bytes);
        if index.hash().ct_eq(hash).into() { Ok(index) } else { Err(CryptoError::DoesNotOpen) }
    }

    /// As it stands in the blob.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What a message names.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::new().chain_update(labels::hash::ATTACHMENT_INDEX).chain_update(&self.0).finalize().into()
    }

    /// Whether a sealed piece is the one at its place.
    pub(super) fn names(&self, piece: u32, sealed: &[u8]) -> bool {
        let expected = self.0.chunks_exact(HASH_BYTES).nth(usize::try_from(piece).unwrap_or(usize::MAX));
        expected.is_some_and(|expected| expected.ct_eq(&hash_of(sealed)).into())
    }
}

/// The hash of a sealed piece.
pub(super) fn hash_of(sealed: &[u8]) -> [u8; HASH_BYTES] {
    Sha256::digest(sealed).into()
}

impl core::fmt::Debug for Index {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Index(…)")
    }
}

//! SHA-256 of a blob, chunk by chunk: one message names one file, for everyone who gets it.

use super::AttachmentRef;
use crate::CryptoError;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The hash of what was sealed, or fetched, so far.
#[derive(Clone, Default)]
pub struct BlobHash {
    state: Sha256,
    bytes: u64,
}

impl BlobHash {
    /// Takes the next sealed chunk in.
    pub fn update(&mut self, sealed: &[u8]) {
        self.state.update(sealed);
        self.bytes = self.bytes.saturating_add(sealed.len() as u64);
    }

    /// How many bytes were taken in.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The hash of what was taken in so far.
    #[must_use]
    pub fn so_far(&self) -> [u8; 32] {
        self.state.clone().finalize().into()
    }

    /// Whether this is the whole blob that a message names.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`] where it is not.
    pub fn check(&self, file: &AttachmentRef) -> Result<(), CryptoError> {
        if self.so_far().ct_eq(&file.hash).into() { Ok(()) } else { Err(CryptoError::DoesNotOpen) }
    }
}

impl core::fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BlobHash").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

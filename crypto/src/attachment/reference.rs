//! What a message says about a sealed file: where it is, and how it opens.

use crate::secret::{generated_secret, secret_type};
use minicbor::{Decode, Encode};

secret_type!(
    /// Seals one file.
    AttachmentKey
);
generated_secret!(AttachmentKey);

/// Names a blob at the relay: 16 random bytes, unguessable.
pub type BlobId = [u8; 16];

/// A sealed file. Whoever has this can open it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AttachmentRef {
    /// Where the relay keeps it.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub blob: BlobId,
    /// The file's own random key.
    #[n(1)]
    pub key: AttachmentKey,
    /// A hash over the hashes of its pieces, with which the blob ends.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    /// How long the file is, in bytes.
    #[n(3)]
    pub size: u64,
    /// How long it is with its padding, in bytes, before it is sealed.
    #[n(4)]
    pub padded_size: u64,
}

/// Shows nothing.
impl core::fmt::Debug for AttachmentRef {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AttachmentRef(…)")
    }
}

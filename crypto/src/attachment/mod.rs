//! Files: sealed chunk by chunk under a random key of their own, and kept by the relay as an opaque blob.
//!
//! STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance",
//! 2015) with AES-256-GCM, from the `aead-stream` crate: the nonce holds a prefix, the chunk's number and whether it is the
//! last. So a chunk opens only at its place, and no blob is another's beginning. Memory is constant: one buffer of a chunk,
//! which is sealed and opened in place. `docs/PROTOCOL.md`, "Attachments", has the bytes.
//!
//! [`Sealer`] and [`Opener`] do the sealing alone; the blob's SHA-256 is kept beside them by [`BlobHash`], which may run
//! elsewhere. [`Download`] does both in order.

mod blob_hash;
mod download;
mod layout;
mod opener;
mod reference;
mod sealer;
mod snapshot;

use crate::{CryptoError, kdf, labels};
use aead_stream::{NewStream as _, StreamBE32};
use aes_gcm::{Aes256Gcm, KeyInit as _};

pub use blob_hash::BlobHash;
pub use download::Download;
pub use layout::Layout;
pub use opener::Opener;
pub use reference::{AttachmentKey, AttachmentRef, BlobId};
pub use sealer::Sealer;
pub use snapshot::{FileState, Resumed, Resuming, Snapshot};

/// Length of a chunk before it is sealed, in bytes. Only the last is shorter.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// What sealing adds to a chunk, in bytes.
pub const TAG_BYTES: usize = 16;
/// Length of a sealed chunk, in bytes: a buffer of this capacity is never made larger.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Longest file, in bytes, unless the user sets another limit.
pub const FILE_MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;

type Stream = StreamBE32<Aes256Gcm>;

/// The stream of a file. Its length is part of the key, so that a file that grew or shrank never meets the same nonces.
fn stream(key: &AttachmentKey, layout: &Layout) -> Result<Stream, CryptoError> {
    let parts = [&layout.file_bytes().to_be_bytes()[..], &layout.padded_bytes().to_be_bytes()];
    let okm = kdf::expand::<39>(key.seed(), labels::expand::ATTACHMENT, &parts)?;
    let (key, prefix) = okm.split_first_chunk::<32>().ok_or(CryptoError::Malformed("key"))?;
    let prefix: &[u8; 7] = prefix.try_into().map_err(|_| CryptoError::Malformed("nonce"))?;
    Ok(Stream::from_aead(Aes256Gcm::new(key.into()), prefix.into()))
}

#[cfg(test)]
mod tests;

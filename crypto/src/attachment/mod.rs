//! Files: sealed piece by piece under a random key of their own, and kept by the relay as an opaque blob.
//!
//! STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance",
//! 2015) with AES-256-GCM, from the `aead-stream` crate: the nonce holds a prefix, the piece's number and whether it is the
//! last. So a piece opens only at its place, and no blob is another's beginning. The blob ends with the hashes of its pieces, and
//! the message names the hash over those: so pieces are sealed, opened and checked in any order, on any number of threads. Memory is
//! a buffer for each piece that is being worked at, and 32 bytes for each that was. `docs/PROTOCOL.md`, "Attachments", has the bytes.

mod index;
mod layout;
mod opener;
mod reference;
mod sealer;
mod snapshot;

use crate::{CryptoError, kdf, labels};
use aead_stream::{NewStream as _, StreamBE32};
use aes_gcm::{Aes256Gcm, KeyInit as _};

pub use index::Index;
pub use layout::Layout;
pub use opener::Opener;
pub use reference::{AttachmentKey, AttachmentRef, BlobId};
pub use sealer::Sealer;
pub use snapshot::{FileState, Snapshot};

/// Length of a piece before it is sealed, in bytes. Only the last is shorter.
pub const PIECE_BYTES: usize = 1024 * 1024;
/// What sealing adds to a piece, in bytes.
pub const TAG_BYTES: usize = 16;
/// Length of a sealed piece, in bytes: a buffer of this capacity is never made larger.
pub const SEALED_PIECE_BYTES: usize = PIECE_BYTES + TAG_BYTES;
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

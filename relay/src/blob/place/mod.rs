//! Where the pieces of blobs are: files in the data folder, or objects in a bucket. A piece is written once, under a random
//! name, is durable before that name goes into the database, and never changes. So whatever is cut off midway leaves at most
//! a piece that nothing names, and those are swept.

mod bucket;
mod disk;

pub(super) use bucket::Bucket;
pub(super) use disk::Disk;

use crate::base16::base16;
use crate::store::PieceName;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::ops::Range;
use std::time::Duration;

/// What a file that says whose place it is is called.
pub(super) const OWNER_FILE: &str = "owner";

/// A place for pieces.
#[derive(Debug)]
pub(crate) enum Place {
    /// A folder.
    Disk(Disk),
    /// An S3 bucket.
    Bucket(Bucket),
}

/// Why a place does not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceFault {
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// There is no such piece.
    #[error("the piece is not there")]
    Missing,
    /// The disk fails.
    #[error("{0}")]
    Disk(std::io::Error),
    /// The object store fails. Its words may name objects, which are random, and not more.
    #[error("{0}")]
    Bucket(object_store::Error),
}

/// Bytes of a piece, one after the other.
pub(super) type Reading = BoxStream<'static, Result<Bytes, PlaceFault>>;

impl Place {
    /// Writes a piece; it is durable when this returns.
    pub(super) async fn put(&self, name: &PieceName, bytes: Bytes) -> Result<(), PlaceFault> {
        match self {
            Self::Disk(disk) => disk.put(name, bytes).await,
            Self::Bucket(bucket) => bucket.put(name, bytes).await,
        }
    }

    /// Reads a part of a piece.
    pub(super) async fn read(&self, name: &PieceName, range: Range<u64>) -> Result<Reading, PlaceFault> {
        match self {
            Self::Disk(disk) => disk.read(name, range).await,
            Self::Bucket(bucket) => bucket.read(name, range).await,
        }
    }

    /// Removes a piece; good as well if it is not there.
    pub(super) async fn delete(&self, name: &PieceName) -> Result<(), PlaceFault> {
        match self {
            Self::Disk(disk) => disk.delete(name).await,
            Self::Bucket(bucket) => bucket.delete(name).await,
        }
    }

    /// The pieces that are older than that.
    pub(super) fn list(&self, older_than: Duration) -> BoxStream<'static, Result<PieceName, PlaceFault>> {
        match self {
            Self::Disk(disk) => disk.list(older_than),
            Self::Bucket(bucket) => bucket.list(older_than),
        }
    }

    /// Whose place it is, by what stands in it; none yet.
    pub(crate) async fn owner(&self) -> Result<Option<Vec<u8>>, PlaceFault> {
        match self {
            Self::Disk(disk) => disk.owner().await,
            Self::Bucket(bucket) => bucket.owner().await,
        }
    }

    /// Takes the place.
    pub(crate) async fn take(&self, owner: &[u8; 16]) -> Result<(), PlaceFault> {
        match self {
            Self::Disk(disk) => disk.take(owner).await,
            Self::Bucket(bucket) => bucket.take(owner).await,
        }
    }
}

/// As files and objects are called: in base16, in 256 folders.
pub(crate) fn path_of(name: &PieceName) -> String {
    let name = base16(name);
    let folder: String = name.chars().take(2).collect();
    format!("{folder}/{name}")
}

/// The name of a file or object; none if we did not call it so.
fn name_of(file: &str) -> Option<PieceName> {
    if file.len() != 32 || !file.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut name = PieceName::default();
    for (byte, digits) in name.iter_mut().zip(file.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let name = *b"\x00\x01\xfe\xff0123456789ab";
        let path = path_of(&name);
        assert_eq!(path, "00/0001feff303132333435363738396162");
        assert_eq!(path.split_once('/').and_then(|(_, file)| name_of(file)), Some(name));
        for file in ["", "owner", "0001FEFF303132333435363738396162", "0001feff30313233343536373839616"] {
            assert_eq!(name_of(file), None, "{file}");
        }
    }
}

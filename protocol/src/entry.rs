//! Log entries: the clear header that the relay reads, and the hash chain that members verify.
//!
//! ```text
//! entry = version (1) || epoch (8, big-endian) || salt (16, = entry id) || AES-256-GCM ciphertext and tag
//! H_0   = SHA-256("sotto/1 log" || room id)
//! H_n   = SHA-256(H_(n-1) || seq (8, big-endian) || kind (1) || SHA-256(entry))
//! ```

use crate::{EntryId, RoomId};
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

/// What [`Chain::start`] hashes before the room id.
pub const CHAIN_START_LABEL: &[u8] = b"sotto/1 log";

/// The entry version written and understood by this code.
pub const SUPPORTED_ENTRY_VERSION: u8 = 1;

/// What an entry is, as far as the relay is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum EntryKind {
    /// A member's MLS commit: changes the epoch, so it is appended by compare-and-swap.
    #[n(1)]
    Handshake,
    /// Anything said in the room.
    #[n(2)]
    Message,
    /// A signed word that voids a handshake and everything after it. Its bytes are a [`Rewind`](crate::Rewind), in the clear.
    #[n(3)]
    Rewind,
    /// A newcomer's MLS commit, appended through a door. The kind is part of the chain and of the entry's key, so whether a commit came
    /// through a door is no word of the relay's.
    #[n(4)]
    Join,
}

impl EntryKind {
    /// The kind as it is hashed, sealed and stored.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Handshake => 1,
            Self::Message => 2,
            Self::Rewind => 3,
            Self::Join => 4,
        }
    }

    /// Whether it is a commit.
    #[must_use]
    pub const fn is_handshake(self) -> bool {
        matches!(self, Self::Handshake | Self::Join)
    }

    /// The kind of a commit.
    #[must_use]
    pub const fn of_commit(came_by_door: bool) -> Self {
        if came_by_door { Self::Join } else { Self::Handshake }
    }

    /// The kind of a stored code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Handshake),
            2 => Some(Self::Message),
            3 => Some(Self::Rewind),
            4 => Some(Self::Join),
            _ => None,
        }
    }
}

/// The clear beginning of every entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryHeader {
    /// The epoch whose keys seal the entry; for a handshake, the epoch it leaves.
    pub epoch: u64,
    /// The entry's id, which is also its salt.
    pub id: EntryId,
}

/// Why bytes are not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryHeaderError {
    /// Shorter than header and tag.
    Truncated,
    /// Written by a version that this code does not know.
    UnknownVersion(u8),
}

impl core::fmt::Display for EntryHeaderError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Truncated => f.write_str("the entry is cut short"),
            Self::UnknownVersion(version) => {
                write!(f, "the entry has version {version}, which is not known here")
            }
        }
    }
}

impl core::error::Error for EntryHeaderError {}

impl EntryHeader {
    /// Length of the header in bytes.
    pub const LEN: usize = 1 + 8 + EntryId::LEN;
    /// Shortest possible entry in bytes: header and authentication tag.
    pub const ENTRY_MIN_LEN: usize = Self::LEN + 16;

    /// The header's bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (version, rest) = bytes.split_at_mut(1);
        let (epoch, id) = rest.split_at_mut(8);
        version.copy_from_slice(&[SUPPORTED_ENTRY_VERSION]);
        epoch.copy_from_slice(&self.epoch.to_be_bytes());
        id.copy_from_slice(self.id.as_bytes());
        bytes
    }

    /// Splits an entry into its header and what is sealed.
    ///
    /// # Errors
    /// [`EntryHeaderError::Truncated`] or [`EntryHeaderError::UnknownVersion`].
    pub fn split(entry: &[u8]) -> Result<(Self, &[u8]), EntryHeaderError> {
        if entry.len() < Self::ENTRY_MIN_LEN {
            return Err(EntryHeaderError::Truncated);
        }
        let (version, rest) = entry.split_first().ok_or(EntryHeaderError::Truncated)?;
        if *version != SUPPORTED_ENTRY_VERSION {
            return Err(EntryHeaderError::UnknownVersion(*version));
        }
        let (epoch, rest) = rest.split_first_chunk::<8>().ok_or(EntryHeaderError::Truncated)?;
        let (id, sealed) = rest.split_first_chunk::<16>().ok_or(EntryHeaderError::Truncated)?;
        Ok((Self { epoch: u64::from_be_bytes(*epoch), id: EntryId::new(*id) }, sealed))
    }
}

/// SHA-256 of an entry's bytes: what the chain takes in, and what a relay keeps when it drops the body.
#[must_use]
pub fn entry_hash(entry: &[u8]) -> [u8; 32] {
    Sha256::digest(entry).into()
}

/// A place in a room's log, with the hash of everything up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Chain {
    /// The last entry taken in; 0 before the first.
    #[n(0)]
    pub seq: u64,
    /// `H_seq`.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hash: [u8; 32],
}

impl Chain {
    /// The beginning of a room's log.
    #[must_use]
    pub fn start(room: &RoomId) -> Self {
        let hash = Sha256::new().chain_update(CHAIN_START_LABEL).chain_update(room.as_bytes()).finalize();
        Self { seq: 0, hash: hash.into() }
    }

    /// The chain after one more entry. The caller checks that `seq` is the next one.
    #[must_use]
    pub fn then(&self, seq: u64, kind: EntryKind, entry_hash: &[u8; 32]) -> Self {
        let hash = Sha256::new()
            .chain_update(self.hash)
            .chain_update(seq.to_be_bytes())
            .chain_update([kind.code()])
            .chain_update(entry_hash)
            .finalize();
        Self { seq, hash: hash.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_the_round_trip() {
        let header = EntryHeader { epoch: 7, id: EntryId::new([9; 16]) };
        let mut entry = header.to_bytes().to_vec();
        entry.extend_from_slice(&[1; 20]);
        assert_eq!(EntryHeader::split(&entry), Ok((header, &[1_u8; 20][..])));
    }

    #[test]
    fn short_and_unknown_entries_are_refused() {
        assert_eq!(
            EntryHeader::split(&[1; EntryHeader::ENTRY_MIN_LEN - 1]),
            Err(EntryHeaderError::Truncated)
        );
        assert_eq!(EntryHeader::split(&[2; 64]), Err(EntryHeaderError::UnknownVersion(2)));
    }

    #[test]
    fn the_chain_depends_on_every_part() {
        let start = Chain::start(&RoomId::new([1; 16]));
        assert_ne!(start, Chain::start(&RoomId::new([2; 16])));
        let one = start.then(1, EntryKind::Message, &entry_hash(b"a"));
        assert_ne!(one.hash, start.then(1, EntryKind::Message, &entry_hash(b"b")).hash);
        assert_ne!(one.hash, start.then(1, EntryKind::Handshake, &entry_hash(b"a")).hash);
        assert_ne!(one.hash, start.then(2, EntryKind::Message, &entry_hash(b"a")).hash);
    }
}

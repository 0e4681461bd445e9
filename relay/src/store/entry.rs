//! A message that is in the log, as far as it takes to recognise it: never with its bytes.

use sotto_protocol::entry_hash;

/// A message that is in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredEntry {
    /// Its place.
    pub seq: u64,
    /// SHA-256 of it; nothing where its length alone told that it is another one than was asked for.
    pub hash: Option<[u8; 32]>,
}

/// What an id that was found says about an entry that comes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is this very entry, at that place.
    Same(u64),
    /// It is another one.
    Other,
}

impl StoredEntry {
    /// What messages of one id, in the order of the log, say about one that its sender has not found up to `read_seq`.
    pub(crate) fn found_among(known: &[Self], read_seq: u64, entry: &[u8]) -> Option<Found> {
        let mut later = known.iter().filter(|known| known.seq > read_seq).peekable();
        later.peek()?;
        let hash = entry_hash(entry);
        let same = later.find(|known| known.hash == Some(hash));
        Some(same.map_or(Found::Other, |same| Found::Same(same.seq)))
    }
}

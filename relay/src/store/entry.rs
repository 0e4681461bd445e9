//! An entry that is in the log, as far as it takes to recognise it: never with its bytes, which may be megabytes.

use sotto_protocol::{EntryKind, entry_hash};

/// An entry that is in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredEntry {
    /// Its place.
    pub seq: u64,
    /// What it is.
    pub kind: EntryKind,
    /// SHA-256 of it; nothing where its length alone told that it is another one than was asked for.
    pub hash: Option<[u8; 32]>,
}

impl StoredEntry {
    /// Whether it is this very entry.
    pub(crate) fn is(&self, kind: EntryKind, entry: &[u8]) -> bool {
        self.kind == kind && self.hash.is_some_and(|hash| hash == entry_hash(entry))
    }
}

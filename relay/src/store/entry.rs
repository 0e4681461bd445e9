//! An entry that is on disk, whole or only by its hash.

use super::error::StoreError;
use super::read::{from_sql, key_of};
use sotto_protocol::{EntryKind, entry_hash};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// An entry that is on disk.
#[derive(Debug)]
pub(crate) struct StoredEntry {
    /// Its place.
    pub seq: u64,
    /// What it is.
    pub kind: EntryKind,
    /// What is left of it.
    pub body: Body,
}

/// What is left of an entry.
#[derive(Debug)]
pub(crate) enum Body {
    /// Its bytes.
    Whole(Vec<u8>),
    /// Its hash, after the body was dropped.
    Dropped([u8; 32]),
}

impl StoredEntry {
    /// Of a row with `seq`, `kind`, `entry` and `hash`.
    pub(super) fn of(row: &AnyRow) -> Result<Self, StoreError> {
        let kind = u8::try_from(row.get::<i64, _>("kind")).ok().and_then(EntryKind::from_code);
        let body = match row.get::<Option<Vec<u8>>, _>("entry") {
            Some(entry) => Body::Whole(entry),
            None => Body::Dropped(key_of(&row.get::<Option<Vec<u8>>, _>("hash").unwrap_or_default())?),
        };
        let kind = kind.ok_or(StoreError::Damaged("entry kind"))?;
        Ok(Self { seq: from_sql(row.get("seq"))?, kind, body })
    }

    /// Whether it is this very entry.
    pub(crate) fn is(&self, kind: EntryKind, entry: &[u8]) -> bool {
        self.kind == kind
            && match &self.body {
                Body::Whole(bytes) => bytes == entry,
                Body::Dropped(hash) => *hash == entry_hash(entry),
            }
    }

    /// SHA-256 of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        match &self.body {
            Body::Whole(bytes) => entry_hash(bytes),
            Body::Dropped(hash) => *hash,
        }
    }
}

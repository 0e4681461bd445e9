//! Which entries are in the log already: looked for by their ids, compared by their hashes.
//!
//! Handshakes and rewinds have their hashes in a table of their own. A message has none before its body is dropped; its bytes are read to be hashed
//! where they are as long as what came, and never together: so nobody makes a relay read more than they send.

use super::dialect::Dialect;
use super::entry::StoredEntry;
use super::error::StoreError;
use super::read::{from_sql, key_of, to_sql};
use super::rows::{chunks, with_rows};
use sotto_protocol::{EntryId, EntryKind, entry_hash};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe, Row as _};
use std::collections::HashMap;

/// An entry that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The relay's number of the room.
    pub row: i64,
    /// As in its header.
    pub id: EntryId,
    /// How long what came is.
    pub length_bytes: usize,
}

const KNOWN: (&str, &str) = (
    "WITH wanted (room, entry_id) AS (VALUES ",
    ") SELECT e.room, e.entry_id, e.seq, e.kind, CAST(length(e.entry) AS BIGINT) AS length_bytes,
        CASE WHEN e.entry IS NULL THEN e.hash ELSE h.hash END AS hash
    FROM wanted w JOIN entries e ON e.room = w.room AND e.entry_id = w.entry_id
        LEFT JOIN handshake_hashes h ON h.room = e.room AND h.seq = e.seq",
);

#[cfg(test)]
pub(super) fn statement() -> String {
    with_rows(Dialect::Sqlite, KNOWN.0, (2, 8), KNOWN.1)
}

/// Those that are in the log.
pub(super) async fn known_entries(
    connection: &mut AnyConnection,
    dialect: Dialect,
    wanted: &[Wanted],
) -> Result<HashMap<Key, StoredEntry>, StoreError> {
    // What comes several times is looked for once.
    let mut lengths: HashMap<Key, Vec<usize>> = HashMap::with_capacity(wanted.len());
    for Wanted { row, id, length_bytes } in wanted {
        lengths.entry((*row, *id)).or_default().push(*length_bytes);
    }
    let keys: Vec<Key> = lengths.keys().copied().collect();
    let mut known = HashMap::new();
    for chunk in chunks(dialect, &keys) {
        let mut arguments = AnyArguments::default();
        for (row, id) in chunk {
            let added = arguments.add(*row).and_then(|()| arguments.add(id.as_bytes().to_vec()));
            added.map_err(|error| StoreError::Open(sqlx::Error::Encode(error)))?;
        }
        let sql = with_rows(dialect, KNOWN.0, (2, chunk.len()), KNOWN.1);
        let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(&mut *connection).await;
        for row in rows.map_err(StoreError::Open)? {
            let (key, entry, length_bytes) = read(&row)?;
            let length_bytes = length_bytes.and_then(|length| usize::try_from(length).ok());
            let is_as_long =
                length_bytes.is_some_and(|length| lengths.get(&key).is_some_and(|all| all.contains(&length)));
            let hash = match entry.hash {
                None if is_as_long => hash_at(connection, key.0, entry.seq).await?,
                hash => hash,
            };
            known.insert(key, StoredEntry { hash, ..entry });
        }
    }
    Ok(known)
}

type Key = (i64, EntryId);

fn read(row: &AnyRow) -> Result<(Key, StoredEntry, Option<i64>), StoreError> {
    let id = EntryId::try_from(row.get::<&[u8], _>("entry_id"));
    let id = id.map_err(|_| StoreError::Damaged("entry id"))?;
    let kind = u8::try_from(row.get::<i64, _>("kind")).ok().and_then(EntryKind::from_code);
    let kind = kind.ok_or(StoreError::Damaged("entry kind"))?;
    let hash = row.get::<Option<Vec<u8>>, _>("hash").map(|hash| key_of(&hash)).transpose()?;
    let entry = StoredEntry { seq: from_sql(row.get("seq"))?, kind, hash };
    Ok(((row.get("room"), id), entry, row.get("length_bytes")))
}

/// The hash of a message whose bytes are there.
async fn hash_at(connection: &mut AnyConnection, row: i64, seq: u64) -> Result<Option<[u8; 32]>, StoreError> {
    let entry: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT entry FROM entries WHERE room = $1 AND seq = $2 AND entry IS NOT NULL")
            .bind(row)
            .bind(to_sql(seq))
            .fetch_optional(connection)
            .await
            .map_err(StoreError::Open)?;
    Ok(entry.map(|entry| entry_hash(&entry)))
}

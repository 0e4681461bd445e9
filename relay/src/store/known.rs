//! Which messages are in the log already: looked for among what came since their sender has read, compared by their hashes.
//!
//! No index leads to their ids: these are random, and each would cost a page of the database for every message. Of a message whose body
//! was dropped the hash is kept; of the others the bytes are read to be hashed where they are as long as what came, and never together:
//! so nobody makes a relay read more than they send.

use super::dialect::Dialect;
use super::entry::StoredEntry;
use super::error::StoreError;
use super::read::{from_sql, key_of, to_sql};
use super::rows::{chunks, with_rows};
use sotto_protocol::{EntryId, entry_hash};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe, Row as _};
use std::collections::HashMap;

/// A message that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The relay's number of the room.
    pub row: i64,
    /// As in its header.
    pub id: EntryId,
    /// Up to where its sender has read. How far that is from the end of the log bounds what is looked through.
    pub read_seq: u64,
    /// How long what came is.
    pub length_bytes: usize,
}

/// A room and an id.
pub(crate) type Key = (i64, EntryId);

/// Each room's tail is gone through once, however many messages are looked for in it.
const KNOWN: (&str, &str) = (
    "WITH wanted (room, read_seq, entry_id) AS (VALUES ",
    "), tails AS (SELECT room, min(read_seq) AS read_seq FROM wanted GROUP BY room)
    SELECT e.room, e.entry_id, e.seq, CAST(length(e.entry) AS BIGINT) AS length_bytes, e.hash
    FROM tails t JOIN entries e ON e.room = t.room AND e.seq > t.read_seq
    WHERE e.kind = 2 AND e.entry_id IN (SELECT entry_id FROM wanted) ORDER BY e.seq",
);

#[cfg(test)]
pub(super) fn statement() -> String {
    with_rows(Dialect::Sqlite, KNOWN.0, (3, 8), KNOWN.1)
}

/// Those that are in the log; of one id there may be several.
pub(super) async fn known_entries(
    connection: &mut AnyConnection,
    dialect: Dialect,
    wanted: &[Wanted],
) -> Result<HashMap<Key, Vec<StoredEntry>>, StoreError> {
    // What comes several times is looked for once.
    let mut sought: HashMap<Key, (u64, Vec<usize>)> = HashMap::with_capacity(wanted.len());
    for Wanted { row, id, read_seq, length_bytes } in wanted {
        let (since, lengths) = sought.entry((*row, *id)).or_insert((*read_seq, Vec::new()));
        *since = (*since).min(*read_seq);
        lengths.push(*length_bytes);
    }
    let keys: Vec<(Key, u64)> = sought.iter().map(|(key, (since, _))| (*key, *since)).collect();
    let mut known: HashMap<Key, Vec<StoredEntry>> = HashMap::new();
    for chunk in chunks(dialect, &keys) {
        let mut arguments = AnyArguments::default();
        for ((row, id), read_seq) in chunk {
            let added = arguments
                .add(*row)
                .and_then(|()| arguments.add(to_sql(*read_seq)))
                .and_then(|()| arguments.add(id.as_bytes().to_vec()));
            added.map_err(|error| StoreError::Open(sqlx::Error::Encode(error)))?;
        }
        let sql = with_rows(dialect, KNOWN.0, (3, chunk.len()), KNOWN.1);
        let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(&mut *connection).await;
        for row in rows.map_err(StoreError::Open)? {
            let (key, entry, length_bytes) = read(&row)?;
            // An id of one room may be looked for in another one.
            let Some((since, lengths)) = sought.get(&key) else { continue };
            if entry.seq <= *since {
                continue;
            }
            let length_bytes = length_bytes.and_then(|length| usize::try_from(length).ok());
            let is_as_long = length_bytes.is_some_and(|length| lengths.contains(&length));
            let hash = match entry.hash {
                None if is_as_long => hash_at(connection, key.0, entry.seq).await?,
                hash => hash,
            };
            known.entry(key).or_default().push(StoredEntry { hash, ..entry });
        }
    }
    Ok(known)
}

fn read(row: &AnyRow) -> Result<(Key, StoredEntry, Option<i64>), StoreError> {
    let id = EntryId::try_from(row.get::<&[u8], _>("entry_id"));
    let id = id.map_err(|_| StoreError::Damaged("entry id"))?;
    let hash = row.get::<Option<Vec<u8>>, _>("hash").map(|hash| key_of(&hash)).transpose()?;
    let entry = StoredEntry { seq: from_sql(row.get("seq"))?, hash };
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

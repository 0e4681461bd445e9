//! The log.

use super::{WriteStore, add, chunks, damaged, statement_size, to_sql, with_rows};
use crate::store::{StoredEntry, WriteFault};
use sotto_protocol::{EntryId, EntryKind};
use sqlx::any::AnyArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};
use std::collections::HashMap;

/// A row of the log.
#[derive(Debug)]
pub(crate) struct NewEntry {
    /// The relay's number of the room.
    pub row: i64,
    /// Its place.
    pub seq: u64,
    /// What it is.
    pub kind: EntryKind,
    /// As in its header.
    pub epoch: u64,
    /// As in its header.
    pub id: EntryId,
    /// Its bytes.
    pub entry: Vec<u8>,
}

impl WriteStore {
    /// Those of `wanted` that are in the log already.
    pub(crate) async fn known_entries(
        &mut self,
        wanted: &[(i64, EntryId)],
    ) -> Result<HashMap<(i64, EntryId), StoredEntry>, WriteFault> {
        let mut known = HashMap::new();
        for chunk in chunks(self.source.dialect, wanted) {
            let mut arguments = AnyArguments::default();
            for (row, id) in chunk {
                add(&mut arguments, *row)?;
                add(&mut arguments, id.as_bytes().to_vec())?;
            }
            let sql = with_rows(
                self.source.dialect,
                "WITH wanted (room, entry_id) AS (VALUES ",
                (2, chunk.len()),
                ") SELECT e.room, e.entry_id, e.seq, e.kind, e.entry, e.hash FROM wanted w
                    JOIN entries e ON e.room = w.room AND e.entry_id = w.entry_id",
            );
            let rows =
                sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(&mut self.connection).await?;
            for row in rows {
                let id = EntryId::try_from(row.get::<&[u8], _>("entry_id"));
                let entry = StoredEntry::of(&row).map_err(damaged)?;
                known.insert((row.get("room"), id.map_err(|_| WriteFault::Damaged("entry id"))?), entry);
            }
        }
        Ok(known)
    }

    /// Appends rows to the log, with the hour in which that is.
    pub(crate) async fn insert_entries(
        &mut self,
        entries: Vec<NewEntry>,
        stored_hour: u64,
    ) -> Result<(), WriteFault> {
        let mut entries = entries.into_iter();
        while let Some(size) = statement_size(self.source.dialect, entries.len()) {
            let mut arguments = AnyArguments::default();
            arguments.reserve(size * 7, 0);
            for entry in entries.by_ref().take(size) {
                add(&mut arguments, entry.row)?;
                add(&mut arguments, to_sql(entry.seq))?;
                add(&mut arguments, i64::from(entry.kind.code()))?;
                add(&mut arguments, to_sql(entry.epoch))?;
                add(&mut arguments, entry.id.as_bytes().to_vec())?;
                add(&mut arguments, to_sql(stored_hour))?;
                add(&mut arguments, entry.entry)?;
            }
            let sql = with_rows(
                self.source.dialect,
                "INSERT INTO entries (room, seq, kind, epoch, entry_id, stored_hour, entry) VALUES ",
                (7, size),
                "",
            );
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// The entry at a place.
    pub(crate) async fn entry_at(&mut self, row: i64, seq: u64) -> Result<Option<StoredEntry>, WriteFault> {
        let row = sqlx::query("SELECT seq, kind, entry, hash FROM entries WHERE room = $1 AND seq = $2")
            .bind(row)
            .bind(to_sql(seq))
            .fetch_optional(&mut self.connection)
            .await?;
        row.map(|row| StoredEntry::of(&row).map_err(damaged)).transpose()
    }
}

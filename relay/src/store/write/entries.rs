//! The log.

use super::{WriteStore, add, statement_size, to_sql, with_rows};
use crate::store::known::known_entries;
use crate::store::{Key, StoredEntry, Wanted, WriteFault};
use sotto_protocol::{EntryId, EntryKind};
use sqlx::any::AnyArguments;
use sqlx::{Arguments as _, AssertSqlSafe};
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
        wanted: &[Wanted],
    ) -> Result<HashMap<Key, Vec<StoredEntry>>, WriteFault> {
        Ok(known_entries(&mut self.connection, self.source.dialect, wanted).await?)
    }

    /// Appends entries to the log, with the hour in which that is.
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

    /// Appends a handshake or a rewind, with its hash.
    pub(crate) async fn insert_handshake(
        &mut self,
        entry: NewEntry,
        hash: &[u8; 32],
        stored_hour: u64,
    ) -> Result<(), WriteFault> {
        sqlx::query("INSERT INTO handshake_hashes (room, seq, hash) VALUES ($1, $2, $3)")
            .bind(entry.row)
            .bind(to_sql(entry.seq))
            .bind(hash.to_vec())
            .execute(&mut self.connection)
            .await?;
        self.insert_entries(vec![entry], stored_hour).await
    }
}

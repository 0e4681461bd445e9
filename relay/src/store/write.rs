//! What the writer task does inside a transaction.

use super::error::{StoreError, WriteFault};
use super::read::{StoredEntry, from_sql, key_of, to_sql};
use super::rows::{chunks, statement_size, with_rows};
use crate::access::RoomHead;
use sotto_protocol::{CreateRoom, Door, DoorId, EntryId, EntryKind, RoomId};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe, Connection as _, Row as _};
use std::collections::HashMap;
use std::fs::File;

/// Writes the database.
pub(crate) struct WriteStore {
    connection: SqliteConnection,
    /// Held as long as the connection.
    _lock: File,
}

/// A room as the writer knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredRoom {
    /// The relay's number of the room.
    pub row: i64,
    /// Its state.
    pub head: RoomHead,
    /// The current epoch's join key.
    pub join_key: [u8; 32],
}

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

/// What comes with a handshake, for the epoch that it begins.
#[derive(Debug)]
pub(crate) struct HandshakeRecord {
    /// Opens the room.
    pub access_key: [u8; 32],
    /// Permits one handshake through a door.
    pub join_key: [u8; 32],
    /// Sealed.
    pub card: Vec<u8>,
    /// All doors; those not listed are closed.
    pub doors: Vec<Door>,
}

const ROOM: &str = "SELECT r.row, r.epoch, r.last_handshake_seq,
        (SELECT max(seq) FROM entries WHERE room = r.row) AS head_seq, e.join_key
    FROM rooms r JOIN epochs e ON e.room = r.row AND e.epoch = r.epoch
    WHERE r.room_id = ?";

impl WriteStore {
    pub(super) fn new(connection: SqliteConnection, lock: File) -> Self {
        Self { connection, _lock: lock }
    }

    /// Closes the connection, which moves the write-ahead log into the database.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await.map_err(StoreError::Open)
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&mut self) -> Result<(), WriteFault> {
        self.run("BEGIN IMMEDIATE").await
    }

    /// Makes the transaction durable.
    pub(crate) async fn commit(&mut self) -> Result<(), WriteFault> {
        self.run("COMMIT").await
    }

    /// Undoes the transaction, if there is one: SQLite may have ended it by itself when the disk was full.
    pub(crate) async fn roll_back(&mut self) {
        // "no transaction is active" is the only answer to be expected here besides success.
        let _ = self.run("ROLLBACK").await;
    }

    /// The room, as it is in this transaction.
    pub(crate) async fn room(&mut self, room: &RoomId) -> Result<Option<StoredRoom>, WriteFault> {
        let row = sqlx::query(ROOM).bind(&room.as_bytes()[..]).fetch_optional(&mut self.connection).await?;
        let Some(row) = row else { return Ok(None) };
        let number = |name| from_sql(row.get::<Option<i64>, _>(name).unwrap_or(0)).map_err(damaged);
        let head = RoomHead {
            epoch: number("epoch")?,
            head_seq: number("head_seq")?,
            last_handshake_seq: number("last_handshake_seq")?,
        };
        let join_key = key_of(row.get("join_key")).map_err(damaged)?;
        Ok(Some(StoredRoom { row: row.get("row"), head, join_key }))
    }

    /// Makes a room, at epoch 0 with an empty log.
    pub(crate) async fn insert_room(&mut self, create: &CreateRoom) -> Result<StoredRoom, WriteFault> {
        let row = sqlx::query("INSERT INTO rooms (room_id, epoch, last_handshake_seq) VALUES (?, 0, 0)")
            .bind(&create.room.as_bytes()[..])
            .execute(&mut self.connection)
            .await?
            .last_insert_rowid();
        self.insert_epoch(row, 0, 0, &create.access_key, &create.join_key).await?;
        Ok(StoredRoom { row, head: RoomHead::default(), join_key: create.join_key })
    }

    /// Access key and join key that a room was made with.
    pub(crate) async fn first_keys(&mut self, row: i64) -> Result<([u8; 32], [u8; 32]), WriteFault> {
        let row = sqlx::query("SELECT access_key, join_key FROM epochs WHERE room = ? AND epoch = 0")
            .bind(row)
            .fetch_one(&mut self.connection)
            .await?;
        let key = |name| key_of(row.get(name)).map_err(damaged);
        Ok((key("access_key")?, key("join_key")?))
    }

    /// Those of `wanted` that are in the log already.
    pub(crate) async fn known_entries(
        &mut self,
        wanted: &[(i64, EntryId)],
    ) -> Result<HashMap<(i64, EntryId), StoredEntry>, WriteFault> {
        let mut known = HashMap::new();
        for chunk in chunks(wanted) {
            let mut arguments = SqliteArguments::default();
            for (row, id) in chunk {
                add(&mut arguments, *row)?;
                add(&mut arguments, id.as_bytes().to_vec())?;
            }
            let sql = with_rows(
                "WITH wanted (room, entry_id) AS (VALUES ",
                "(?,?)",
                chunk.len(),
                ") SELECT e.room, e.entry_id, e.seq, e.kind, e.entry FROM wanted w
                    CROSS JOIN entries e ON e.room = w.room AND e.entry_id = w.entry_id",
            );
            let rows =
                sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(&mut self.connection).await?;
            for row in rows {
                let id = EntryId::try_from(row.get::<&[u8], _>("entry_id"));
                let kind = u8::try_from(row.get::<i64, _>("kind")).ok().and_then(EntryKind::from_code);
                let entry = StoredEntry {
                    seq: from_sql(row.get("seq")).map_err(damaged)?,
                    kind: kind.ok_or(WriteFault::Damaged("entry kind"))?,
                    entry: row.get("entry"),
                };
                known.insert((row.get("room"), id.map_err(|_| WriteFault::Damaged("entry id"))?), entry);
            }
        }
        Ok(known)
    }

    /// Appends rows to the log.
    pub(crate) async fn insert_entries(&mut self, entries: Vec<NewEntry>) -> Result<(), WriteFault> {
        let mut entries = entries.into_iter();
        while let Some(size) = statement_size(entries.len()) {
            let mut arguments = SqliteArguments::default();
            arguments.reserve(size * 6, 0);
            for entry in entries.by_ref().take(size) {
                add(&mut arguments, entry.row)?;
                add(&mut arguments, to_sql(entry.seq))?;
                add(&mut arguments, i64::from(entry.kind.code()))?;
                add(&mut arguments, to_sql(entry.epoch))?;
                add(&mut arguments, entry.id.as_bytes().to_vec())?;
                add(&mut arguments, entry.entry)?;
            }
            let sql = with_rows(
                "INSERT INTO entries (room, seq, kind, epoch, entry_id, entry) VALUES ",
                "(?,?,?,?,?,?)",
                size,
                "",
            );
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Whether the door is open.
    pub(crate) async fn has_door(&mut self, row: i64, door: &DoorId) -> Result<bool, WriteFault> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM doors WHERE room = ? AND door_id = ?")
            .bind(row)
            .bind(&door.as_bytes()[..])
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(found.is_some())
    }

    /// Leads a room into the epoch that the handshake at `seq` begins.
    pub(crate) async fn begin_epoch(
        &mut self,
        row: i64,
        epoch: u64,
        seq: u64,
        record: HandshakeRecord,
    ) -> Result<(), WriteFault> {
        self.insert_epoch(row, epoch, seq, &record.access_key, &record.join_key).await?;
        sqlx::query("UPDATE rooms SET epoch = ?, last_handshake_seq = ? WHERE row = ?")
            .bind(to_sql(epoch))
            .bind(to_sql(seq))
            .bind(row)
            .execute(&mut self.connection)
            .await?;
        sqlx::query("INSERT OR REPLACE INTO cards (room, card) VALUES (?, ?)")
            .bind(row)
            .bind(record.card)
            .execute(&mut self.connection)
            .await?;
        sqlx::query("DELETE FROM doors WHERE room = ?").bind(row).execute(&mut self.connection).await?;
        let mut doors = record.doors.into_iter();
        while let Some(size) = statement_size(doors.len()) {
            let mut arguments = SqliteArguments::default();
            for door in doors.by_ref().take(size) {
                add(&mut arguments, row)?;
                add(&mut arguments, door.id.as_bytes().to_vec())?;
                add(&mut arguments, door.wrap)?;
            }
            let sql = with_rows("INSERT INTO doors (room, door_id, wrap) VALUES ", "(?,?,?)", size, "");
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    async fn insert_epoch(
        &mut self,
        row: i64,
        epoch: u64,
        began_seq: u64,
        access_key: &[u8; 32],
        join_key: &[u8; 32],
    ) -> Result<(), WriteFault> {
        sqlx::query(
            "INSERT INTO epochs (room, epoch, began_seq, access_key, join_key) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(row)
        .bind(to_sql(epoch))
        .bind(to_sql(began_seq))
        .bind(&access_key[..])
        .bind(&join_key[..])
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), WriteFault> {
        sqlx::query(sql).execute(&mut self.connection).await?;
        Ok(())
    }
}

fn add<'t, T>(arguments: &mut SqliteArguments, value: T) -> Result<(), WriteFault>
where
    T: sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    arguments.add(value).map_err(|error| WriteFault::Failed(sqlx::Error::Encode(error)))
}

fn damaged(error: StoreError) -> WriteFault {
    match error {
        StoreError::Damaged(what) => WriteFault::Damaged(what),
        _ => WriteFault::Damaged("value"),
    }
}

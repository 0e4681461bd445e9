//! What the writer task does inside a transaction.

use super::dialect::{Dialect, Source};
use super::error::{StoreError, WriteFault};
use super::read::{StoredEntry, from_sql, key_of, to_sql};
use super::rows::{chunks, statement_size, with_rows};
use crate::access::RoomHead;
use sotto_protocol::{CreateRoom, Door, DoorId, EntryId, EntryKind, RoomId};
use sqlx::any::AnyArguments;
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe, Connection as _, Row as _};
use std::collections::HashMap;

/// Writes the database.
pub(crate) struct WriteStore {
    connection: AnyConnection,
    source: Source,
    /// Whether the connection broke, and another one is to be made.
    is_broken: bool,
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

/// Holds the rooms for this transaction, always in the same order, so that relays on one database never wait for each other in
/// a circle. What they are is read afterwards, by a statement of its own that sees what others have committed meanwhile.
const HOLD: (&str, &str) = (
    "WITH wanted (room_id) AS (VALUES ",
    ") SELECT r.number FROM rooms r JOIN wanted w ON w.room_id = r.room_id ORDER BY r.number FOR UPDATE OF r",
);
const ROOMS: (&str, &str) = (
    "WITH wanted (room_id) AS (VALUES ",
    ") SELECT r.room_id, r.number, r.epoch, r.last_handshake_seq,
        (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq, e.join_key
    FROM wanted w JOIN rooms r ON r.room_id = w.room_id JOIN epochs e ON e.room = r.number AND e.epoch = r.epoch",
);

impl WriteStore {
    pub(super) fn new(connection: AnyConnection, source: Source) -> Self {
        Self { connection, source, is_broken: false }
    }

    /// Closes the connection; SQLite moves its write-ahead log into the database.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await.map_err(StoreError::Open)
    }

    /// Whether others write this database, too: what is remembered about a room is then worth nothing.
    pub(crate) fn is_shared(&self) -> bool {
        self.source.dialect == Dialect::Postgres
    }

    /// Begins a transaction, on a new connection if the last one broke.
    pub(crate) async fn begin(&mut self) -> Result<(), WriteFault> {
        if self.is_broken {
            self.connection = self.source.connect().await.map_err(WriteFault::Unreachable)?;
            self.is_broken = false;
        }
        match self.source.dialect {
            Dialect::Sqlite => self.run("BEGIN IMMEDIATE").await,
            Dialect::Postgres => self.run("BEGIN").await,
        }
    }

    /// Makes the transaction durable.
    pub(crate) async fn commit(&mut self) -> Result<(), WriteFault> {
        self.run("COMMIT").await
    }

    /// Undoes the transaction, if there is one: SQLite may have ended it by itself when the disk was full. A connection that
    /// cannot even do that is given up; the server then undoes the transaction.
    pub(crate) async fn roll_back(&mut self) {
        let outcome = self.run("ROLLBACK").await;
        // "no transaction is active" is the only other answer to be expected of SQLite.
        self.is_broken |= outcome.is_err() && self.source.dialect == Dialect::Postgres;
    }

    /// Those of the rooms that exist, as they are in this transaction. Until its end nobody else changes them.
    pub(crate) async fn rooms(&mut self, wanted: &[RoomId]) -> Result<Vec<(RoomId, StoredRoom)>, WriteFault> {
        let mut found = Vec::with_capacity(wanted.len());
        if self.source.dialect == Dialect::Postgres {
            let mut wanted = wanted.to_vec();
            // The statements' rows come in order of the number; between statements the ids decide.
            wanted.sort_unstable_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
            for chunk in chunks(&wanted) {
                self.rows_of(HOLD, chunk).await?;
            }
        }
        for chunk in chunks(wanted) {
            for row in self.rows_of(ROOMS, chunk).await? {
                let id = RoomId::try_from(row.get::<&[u8], _>("room_id"));
                let number = |name| from_sql(row.get::<Option<i64>, _>(name).unwrap_or(0)).map_err(damaged);
                let head = RoomHead {
                    epoch: number("epoch")?,
                    head_seq: number("head_seq")?,
                    last_handshake_seq: number("last_handshake_seq")?,
                };
                let join_key = key_of(row.get("join_key")).map_err(damaged)?;
                let room = StoredRoom { row: row.get("number"), head, join_key };
                found.push((id.map_err(|_| WriteFault::Damaged("room id"))?, room));
            }
        }
        Ok(found)
    }

    async fn rows_of(
        &mut self,
        (before, after): (&'static str, &'static str),
        chunk: &[RoomId],
    ) -> Result<Vec<sqlx::any::AnyRow>, WriteFault> {
        let mut arguments = AnyArguments::default();
        for room in chunk {
            add(&mut arguments, room.as_bytes().to_vec())?;
        }
        let sql = with_rows(self.source.dialect, before, (1, chunk.len()), after);
        Ok(sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(&mut self.connection).await?)
    }

    /// Makes a room, at epoch 0 with an empty log; none if another relay has made it meanwhile.
    pub(crate) async fn insert_room(
        &mut self,
        create: &CreateRoom,
    ) -> Result<Option<StoredRoom>, WriteFault> {
        let row: Option<i64> = sqlx::query_scalar(
            "INSERT INTO rooms (room_id, epoch, last_handshake_seq) VALUES ($1, 0, 0)
                ON CONFLICT DO NOTHING RETURNING number",
        )
        .bind(&create.room.as_bytes()[..])
        .fetch_optional(&mut self.connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        self.insert_epoch(row, 0, 0, &create.access_key, &create.join_key).await?;
        Ok(Some(StoredRoom { row, head: RoomHead::default(), join_key: create.join_key }))
    }

    /// Access key and join key that a room was made with.
    pub(crate) async fn first_keys(&mut self, row: i64) -> Result<([u8; 32], [u8; 32]), WriteFault> {
        let row = sqlx::query("SELECT access_key, join_key FROM epochs WHERE room = $1 AND epoch = 0")
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
            let mut arguments = AnyArguments::default();
            for (row, id) in chunk {
                add(&mut arguments, *row)?;
                add(&mut arguments, id.as_bytes().to_vec())?;
            }
            let sql = with_rows(
                self.source.dialect,
                "WITH wanted (room, entry_id) AS (VALUES ",
                (2, chunk.len()),
                ") SELECT e.room, e.entry_id, e.seq, e.kind, e.entry FROM wanted w
                    JOIN entries e ON e.room = w.room AND e.entry_id = w.entry_id",
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
            let mut arguments = AnyArguments::default();
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
                self.source.dialect,
                "INSERT INTO entries (room, seq, kind, epoch, entry_id, entry) VALUES ",
                (6, size),
                "",
            );
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Whether the door is open.
    pub(crate) async fn has_door(&mut self, row: i64, door: &DoorId) -> Result<bool, WriteFault> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT room FROM doors WHERE room = $1 AND door_id = $2")
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
        sqlx::query("UPDATE rooms SET epoch = $1, last_handshake_seq = $2 WHERE number = $3")
            .bind(to_sql(epoch))
            .bind(to_sql(seq))
            .bind(row)
            .execute(&mut self.connection)
            .await?;
        sqlx::query("INSERT INTO cards (room, card) VALUES ($1, $2) ON CONFLICT (room) DO UPDATE SET card = excluded.card")
            .bind(row)
            .bind(record.card)
            .execute(&mut self.connection)
            .await?;
        sqlx::query("DELETE FROM doors WHERE room = $1").bind(row).execute(&mut self.connection).await?;
        let mut doors = record.doors.into_iter();
        while let Some(size) = statement_size(doors.len()) {
            let mut arguments = AnyArguments::default();
            for door in doors.by_ref().take(size) {
                add(&mut arguments, row)?;
                add(&mut arguments, door.id.as_bytes().to_vec())?;
                add(&mut arguments, door.wrap)?;
            }
            let sql = with_rows(
                self.source.dialect,
                "INSERT INTO doors (room, door_id, wrap) VALUES ",
                (3, size),
                "",
            );
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
            "INSERT INTO epochs (room, epoch, began_seq, access_key, join_key) VALUES ($1, $2, $3, $4, $5)",
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

fn add<'t, T>(arguments: &mut AnyArguments, value: T) -> Result<(), WriteFault>
where
    T: sqlx::Encode<'t, sqlx::Any> + sqlx::Type<sqlx::Any>,
{
    arguments.add(value).map_err(|error| WriteFault::Failed(sqlx::Error::Encode(error)))
}

fn damaged(error: StoreError) -> WriteFault {
    match error {
        StoreError::Damaged(what) => WriteFault::Damaged(what),
        _ => WriteFault::Damaged("value"),
    }
}

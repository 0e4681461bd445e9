//! What the writer task does inside a transaction.

mod administer;
mod entries;
mod epochs;
mod publish;
mod push;
mod registers;
mod sweep;

pub(in crate::store) use administer::delete_room;
pub(crate) use entries::NewEntry;
pub(crate) use epochs::HandshakeRecord;
pub(crate) use push::NewPush;
pub(crate) use registers::Registers;
pub(crate) use sweep::Swept;
pub(in crate::store) use sweep::longest_s;

use super::admin::{QUOTAS, quotas_of};
use super::dialect::{Dialect, Source, bounded};
use super::epochs::Epochs;
use super::error::{StoreError, WriteFault};
use super::file::OpenFiles;
use super::read::{from_sql, key_of, to_sql};
use super::rows::{chunks, statement_size, with_rows};
use crate::access::RoomHead;
use sotto_protocol::RoomId;
use sqlx::any::AnyArguments;
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe, Connection as _, Row as _};
use std::time::Duration;
use tokio::time::timeout;

/// Writes the database.
pub(crate) struct WriteStore {
    connection: AnyConnection,
    source: Source,
    /// How often the operator has changed something, as far as this knows.
    changes: i64,
    /// The operator's bound of the database, before any was set.
    max_bytes: Option<u64>,
    files: OpenFiles,
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

/// Holds the rooms for this transaction, always in the same order, so that relays on one database never wait for each other in
/// a circle. What they are is read afterwards, by a statement of its own that sees what others have committed meanwhile.
const HOLD: (&str, &str) = (
    "WITH wanted (room_id) AS (VALUES ",
    ") SELECT r.number FROM rooms r JOIN wanted w ON w.room_id = r.room_id ORDER BY r.room_id FOR UPDATE OF r",
);
const ROOMS: (&str, &str) = (
    "WITH wanted (room_id) AS (VALUES ",
    ") SELECT r.room_id, r.number, r.epoch, r.began_seq, r.last_handshake_seq, r.cut_seq,
        (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq, e.join_key
    FROM wanted w JOIN rooms r ON r.room_id = w.room_id
        JOIN epochs e ON e.room = r.number AND e.began_seq = r.began_seq",
);

impl WriteStore {
    pub(in crate::store) fn new(
        connection: AnyConnection,
        source: Source,
        files: OpenFiles,
        max_bytes: Option<u64>,
    ) -> Self {
        Self { connection, source, changes: 0, max_bytes, files, is_broken: false }
    }

    /// Epochs, as they are in this transaction.
    pub(crate) fn epochs(&mut self) -> Epochs<'_> {
        Epochs(&mut self.connection)
    }

    /// Closes the connection; SQLite moves its write-ahead log into the database.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await.map_err(StoreError::Open)
    }

    /// Whether others write this database, too: what is remembered about a room is then worth nothing.
    pub(crate) fn is_shared(&self) -> bool {
        self.source.dialect == Dialect::Postgres
    }

    /// Whether the operator has changed something beside this relay since the last time: what is remembered about rooms is then
    /// worth nothing. A quota of the database holds from here on.
    pub(crate) async fn notice_changes(&mut self) -> Result<bool, WriteFault> {
        let row = sqlx::query(QUOTAS).fetch_one(&mut self.connection).await?;
        let (changes, quotas) = quotas_of(&row);
        if changes == self.changes {
            return Ok(false);
        }
        self.changes = changes;
        if self.source.dialect == Dialect::Sqlite {
            let page_bytes: i64 =
                sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut self.connection).await?;
            // SQLite's own bound, where there is none.
            let max_bytes = quotas.max_database_bytes.or(self.max_bytes).unwrap_or(1 << 44);
            let sql = bounded(max_bytes, u64::try_from(page_bytes).unwrap_or(4096));
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await?;
        }
        Ok(true)
    }

    /// Begins a transaction, on a new connection if the last one broke.
    pub(crate) async fn begin(&mut self) -> Result<(), WriteFault> {
        self.files.check()?;
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
        self.run("COMMIT").await?;
        // What was committed into a file that is gone is not durable.
        self.files.check()
    }

    /// Undoes the transaction, if there is one: SQLite may have ended it by itself when the disk was full. A connection that
    /// cannot even do that `within` a time is given up; the server then undoes the transaction.
    pub(crate) async fn roll_back(&mut self, fault: &WriteFault, within: Duration) {
        let outcome = timeout(within, self.run("ROLLBACK")).await;
        let is_broken = !matches!(outcome, Ok(Ok(()))) || matches!(fault, WriteFault::Unreachable(_));
        // "no transaction is active" is the only other answer to be expected of SQLite.
        self.is_broken |= is_broken && self.source.dialect == Dialect::Postgres;
    }

    /// Says nothing more on this connection: the next transaction makes another one, and the server undoes what was begun, or
    /// has committed it.
    pub(crate) fn give_up_connection(&mut self) {
        self.is_broken = true;
    }

    /// Lets no other relay make these until the end of the transaction: rooms that are not there yet cannot be held, and two relays that make the
    /// same ones in another order would wait for each other. By hashes of their ids, always in the same order.
    pub(crate) async fn hold_makings(&mut self, mut made: Vec<i64>) -> Result<(), WriteFault> {
        if self.source.dialect == Dialect::Sqlite {
            return Ok(());
        }
        made.sort_unstable();
        made.dedup();
        for number in made {
            sqlx::query("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)")
                .bind(number)
                .fetch_one(&mut self.connection)
                .await?;
        }
        Ok(())
    }

    /// Those of the rooms that exist, as they are in this transaction. Until its end nobody else changes them.
    pub(crate) async fn rooms(&mut self, wanted: &[RoomId]) -> Result<Vec<(RoomId, StoredRoom)>, WriteFault> {
        let mut found = Vec::with_capacity(wanted.len());
        if self.source.dialect == Dialect::Postgres {
            let mut wanted = wanted.to_vec();
            // As the statement orders its rows.
            wanted.sort_unstable_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
            for chunk in chunks(self.source.dialect, &wanted) {
                self.rows_of(HOLD, chunk).await?;
            }
        }
        for chunk in chunks(self.source.dialect, wanted) {
            for row in self.rows_of(ROOMS, chunk).await? {
                let id = RoomId::try_from(row.get::<&[u8], _>("room_id"));
                let number = |name| from_sql(row.get::<Option<i64>, _>(name).unwrap_or(0));
                let head = RoomHead {
                    epoch: number("epoch")?,
                    began_seq: number("began_seq")?,
                    head_seq: number("head_seq")?,
                    last_handshake_seq: number("last_handshake_seq")?,
                    cut_seq: number("cut_seq")?,
                };
                let join_key = key_of(row.get("join_key"))?;
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

    /// Holds a room that was not among those of this transaction, unless somebody else writes it now. Whether it is held:
    /// waiting here could be waiting in a circle.
    async fn hold_if_free(&mut self, row: i64) -> Result<bool, WriteFault> {
        if self.source.dialect == Dialect::Sqlite {
            return Ok(true);
        }
        let held: Option<i64> =
            sqlx::query_scalar("SELECT number FROM rooms WHERE number = $1 FOR UPDATE SKIP LOCKED")
                .bind(row)
                .fetch_optional(&mut self.connection)
                .await?;
        Ok(held.is_some())
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

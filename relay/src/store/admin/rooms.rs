//! Rooms by their ids, which only their members know: an operator learns one from a member who complains, or asks.

use super::{AdminStore, CHANGED, date};
use crate::store::dialect::Dialect;
use crate::store::dialect::empty_log;
use crate::store::error::WriteFault;
use crate::store::leftovers::sweep_leftovers;
use crate::store::write::delete_room;
use serde::Serialize;
use sotto_protocol::RoomId;
use sqlx::Row as _;
use std::time::Duration;

/// Between two pieces, so that a relay that runs writes meanwhile.
const SWEEP_PAUSE: Duration = Duration::from_millis(5);

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomSummary {
    /// The current epoch.
    pub epoch: i64,
    /// How many epochs there were, those that were voided included.
    pub epochs: i64,
    /// How many entries the log has.
    pub entries: i64,
    /// How many of them are there by their hash alone.
    pub dropped: i64,
    /// How long the others are together.
    pub bytes: i64,
    /// The day of the last entry.
    pub last_entry: Option<String>,
    /// How many doors are open.
    pub doors: i64,
    /// How long messages are kept, in seconds; nothing: as long as the operator has it.
    pub retention_s: Option<i64>,
}

/// PostgreSQL's sums and lengths are of other types than its columns.
const ROOM: &str = "SELECT r.epoch, r.retention_s,
        (SELECT count(*) FROM epochs e WHERE e.room = r.number) AS epochs,
        (SELECT count(*) FROM entries e WHERE e.room = r.number) AS entries,
        (SELECT count(*) FROM entries e WHERE e.room = r.number AND e.entry IS NULL) AS dropped,
        (SELECT CAST(coalesce(sum(length(e.entry)), 0) AS BIGINT) FROM entries e WHERE e.room = r.number) AS bytes,
        (SELECT max(e.stored_hour) FROM entries e WHERE e.room = r.number) AS last_hour,
        (SELECT count(*) FROM doors d WHERE d.room = r.number) AS doors
    FROM rooms r WHERE r.room_id = $1";

impl AdminStore {
    /// A room, if there is one.
    pub(crate) async fn room(&self, room: &RoomId) -> Result<Option<RoomSummary>, WriteFault> {
        let row = sqlx::query(ROOM).bind(room.as_bytes().to_vec()).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| RoomSummary {
            epoch: row.get("epoch"),
            epochs: row.get("epochs"),
            entries: row.get("entries"),
            dropped: row.get("dropped"),
            bytes: row.get("bytes"),
            last_entry: row.get::<Option<i64>, _>("last_hour").map(|hour| date(hour.div_euclid(24))),
            doors: row.get("doors"),
            retention_s: row.get("retention_s"),
        }))
    }

    /// Deletes a room with everything in it.
    pub(crate) async fn delete_room(&self, room: &RoomId) -> Result<bool, WriteFault> {
        let mut transaction = self.begin().await?;
        // Whoever writes to it is waited for, and finds it gone afterwards.
        let find = match self.dialect {
            Dialect::Sqlite => "SELECT number FROM rooms WHERE room_id = $1",
            Dialect::Postgres => "SELECT number FROM rooms WHERE room_id = $1 FOR UPDATE",
        };
        let row: Option<i64> =
            sqlx::query_scalar(find).bind(room.as_bytes().to_vec()).fetch_optional(&mut *transaction).await?;
        let Some(row) = row else { return Ok(false) };
        delete_room(&mut transaction, row, room).await?;
        sqlx::query(CHANGED).execute(&mut *transaction).await?;
        transaction.commit().await?;
        self.sweep().await?;
        empty_log(self.dialect, &self.pool).await;
        Ok(true)
    }

    /// Removes what is left of deleted rooms, as far as no relay is at it.
    async fn sweep(&self) -> Result<(), WriteFault> {
        loop {
            let mut transaction = self.begin().await?;
            let has_more = sweep_leftovers(&mut transaction, self.dialect).await?;
            transaction.commit().await?;
            if !has_more {
                return Ok(());
            }
            tokio::time::sleep(SWEEP_PAUSE).await;
        }
    }

    /// Keeps a room's messages so long; nothing: as long as the operator has it.
    pub(crate) async fn retain(&self, room: &RoomId, seconds: Option<i64>) -> Result<bool, WriteFault> {
        let done = sqlx::query("UPDATE rooms SET retention_s = $1 WHERE room_id = $2")
            .bind(seconds)
            .bind(room.as_bytes().to_vec())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

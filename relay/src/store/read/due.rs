//! Rooms whose oldest messages are too old. They are looked for outside the writer, some rooms at a time.

use super::{ReadStore, to_sql};
use crate::store::StoreError;
use crate::store::write::longest_s;
use sqlx::Row as _;

/// Rooms that are looked at together.
const ROOMS_MAX: i64 = 512;

const DUE: &str = "SELECT r.number, CASE WHEN (e.stored_hour + 1) * 3600 +
            CASE WHEN r.retention_s < $1 THEN r.retention_s ELSE $1 END <= $2 THEN 1 ELSE 0 END AS is_due
    FROM rooms r LEFT JOIN entries e ON e.room = r.number AND e.seq = r.dropped_seq + 1
    WHERE r.number > $3 ORDER BY r.number LIMIT $4";

/// Some of the rooms.
#[derive(Debug)]
pub(crate) struct Due {
    /// Those that have something to drop, by the relay's numbers of them.
    pub rooms: Vec<i64>,
    /// After which to go on; nothing where there are no more.
    pub after: Option<i64>,
}

impl ReadStore {
    /// Of the next rooms after that number those that have messages which are older than they are kept.
    pub(crate) async fn due(
        &self,
        now_ms: u64,
        retention_s: Option<u64>,
        after: i64,
    ) -> Result<Due, StoreError> {
        let rows = sqlx::query(DUE)
            .bind(longest_s(retention_s))
            .bind(to_sql(now_ms / 1000))
            .bind(after)
            .bind(ROOMS_MAX)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let is_all = i64::try_from(rows.len()).is_ok_and(|count| count < ROOMS_MAX);
        let last = rows.last().map(|row| row.get("number"));
        let due = rows.iter().filter(|row| row.get::<i64, _>("is_due") == 1);
        Ok(Due { rooms: due.map(|row| row.get("number")).collect(), after: last.filter(|_| !is_all) })
    }
}

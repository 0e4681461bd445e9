//! What time ends: bodies of old messages, doors, and push subscriptions.

use super::{WriteStore, damaged, to_sql};
use crate::clock::day_of;
use crate::store::{Body, StoredEntry, WriteFault};
use sotto_protocol::EntryKind;
use sqlx::Row as _;

/// Rooms, entries and doors that one sweep takes on, so that nobody waits long for it.
const ROOMS_MAX: i64 = 64;
const ENTRIES_MAX: i64 = 256;
const DOORS_MAX: i64 = 512;
/// An hour, in seconds: how exactly the age of an entry is known.
const HOUR_S: i64 = 60 * 60;
/// As good as for ever, and far from overflowing.
const FOR_EVER_S: i64 = 1 << 40;

/// What a sweep came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Bodies that were dropped.
    pub entries: u64,
    /// Doors that were closed.
    pub doors: u64,
    /// Whether there was more than one sweep takes on.
    pub has_more: bool,
}

const DUE: &str =
    "SELECT r.number, r.dropped_seq, CASE WHEN r.retention_s < $1 THEN r.retention_s ELSE $1 END AS kept_s
    FROM rooms r JOIN entries e ON e.room = r.number AND e.seq = r.dropped_seq + 1
    WHERE (e.stored_hour + 1) * 3600 + CASE WHEN r.retention_s < $1 THEN r.retention_s ELSE $1 END <= $2
    ORDER BY r.number LIMIT $3";

impl WriteStore {
    /// Drops bodies that are older than their room keeps them, or the operator, and closes doors whose time has come. The
    /// hashes stay.
    pub(crate) async fn sweep(&mut self, now_ms: u64, retention_s: Option<u64>) -> Result<Swept, WriteFault> {
        let mut swept = Swept::default();
        let now_s = to_sql(now_ms / 1000);
        let longest_s = retention_s.map_or(FOR_EVER_S, |seconds| to_sql(seconds).min(FOR_EVER_S));
        let due = sqlx::query(DUE)
            .bind(longest_s)
            .bind(now_s)
            .bind(ROOMS_MAX)
            .fetch_all(&mut self.connection)
            .await?;
        let mut left = ENTRIES_MAX;
        for room in &due {
            let (row, dropped_seq, kept_s) =
                (room.get("number"), room.get("dropped_seq"), room.get::<i64, _>("kept_s"));
            if left == 0 {
                break;
            }
            if self.hold_if_free(row).await? {
                // The last hour that is over for so long.
                let last_hour = (now_s - kept_s).div_euclid(HOUR_S) - 1;
                left -= self.drop_bodies(row, dropped_seq, last_hour, left, &mut swept).await?;
            }
        }
        swept.has_more = left == 0 || i64::try_from(due.len()).is_ok_and(|count| count == ROOMS_MAX);
        self.close_doors(now_ms, &mut swept).await?;
        swept.has_more |= self.end_pushes(to_sql(day_of(now_ms).into())).await?;
        Ok(swept)
    }

    /// Goes on from where the last sweep stopped, as far as entries are that old. How many it looked at.
    async fn drop_bodies(
        &mut self,
        row: i64,
        dropped_seq: i64,
        last_hour: i64,
        count: i64,
        swept: &mut Swept,
    ) -> Result<i64, WriteFault> {
        let entries = sqlx::query(
            "SELECT number, seq, kind, stored_hour, entry, hash FROM entries
                WHERE room = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(row)
        .bind(dropped_seq)
        .bind(count)
        .fetch_all(&mut self.connection)
        .await?;
        let mut looked_at = 0;
        let mut last_seq = dropped_seq;
        for entry in entries.iter().take_while(|entry| entry.get::<i64, _>("stored_hour") <= last_hour) {
            let stored = StoredEntry::of(entry).map_err(damaged)?;
            if stored.kind == EntryKind::Message && matches!(stored.body, Body::Whole(_)) {
                sqlx::query("UPDATE entries SET entry = NULL, hash = $1 WHERE number = $2")
                    .bind(stored.hash().to_vec())
                    .bind(entry.get::<i64, _>("number"))
                    .execute(&mut self.connection)
                    .await?;
                swept.entries += 1;
            }
            last_seq = to_sql(stored.seq);
            looked_at += 1;
        }
        sqlx::query("UPDATE rooms SET dropped_seq = $1 WHERE number = $2 AND dropped_seq < $1")
            .bind(last_seq)
            .bind(row)
            .execute(&mut self.connection)
            .await?;
        Ok(looked_at)
    }

    async fn close_doors(&mut self, now_ms: u64, swept: &mut Swept) -> Result<(), WriteFault> {
        let expired = sqlx::query(
            "SELECT room, door_id FROM doors WHERE expires_at_ms IS NOT NULL AND expires_at_ms <= $1
                ORDER BY room LIMIT $2",
        )
        .bind(to_sql(now_ms))
        .bind(DOORS_MAX)
        .fetch_all(&mut self.connection)
        .await?;
        swept.has_more |= i64::try_from(expired.len()).is_ok_and(|count| count == DOORS_MAX);
        let mut held = None;
        for door in expired {
            let row: i64 = door.get("room");
            if held.is_none_or(|(other, _)| other != row) {
                held = Some((row, self.hold_if_free(row).await?));
            }
            if held.is_some_and(|(_, is_held)| is_held) {
                sqlx::query("DELETE FROM doors WHERE room = $1 AND door_id = $2 AND expires_at_ms <= $3")
                    .bind(row)
                    .bind(door.get::<Vec<u8>, _>("door_id"))
                    .bind(to_sql(now_ms))
                    .execute(&mut self.connection)
                    .await?;
                swept.doors += 1;
            }
        }
        Ok(())
    }
}

//! What time ends: bodies of old messages, doors, and push subscriptions. And what is left of rooms and epochs that are gone.

use super::{WriteStore, to_sql};
use crate::clock::day_of;
use crate::store::WriteFault;
use crate::store::leftovers::sweep_leftovers;
use sotto_protocol::entry_hash;
use sqlx::Row as _;

/// Entries, bytes of them, and doors that one sweep takes on, so that nobody waits long for it.
const ENTRIES_MAX: i64 = 256;
const ENTRY_BYTES_MAX: i64 = 4 * 1024 * 1024;
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
    /// How many of the rooms that it was to look at have nothing more to drop.
    pub done_rooms: usize,
}

/// What is left of one sweep's share.
struct Left {
    entries: i64,
    bytes: i64,
}

const KEPT: &str = "SELECT dropped_seq, CASE WHEN retention_s < $1 THEN retention_s ELSE $1 END AS kept_s
    FROM rooms WHERE number = $2";

/// Members are told the shortest retention by which anything was dropped here: an admin may have had another one meanwhile.
const AGED: &str = "UPDATE rooms SET dropped_aged_s = $1
    WHERE number = $2 AND (dropped_aged_s = 0 OR dropped_aged_s > $1)";

impl WriteStore {
    /// Drops bodies in these rooms that are older than their room keeps them, or the operator. The hashes stay.
    pub(crate) async fn sweep_bodies(
        &mut self,
        now_ms: u64,
        retention_s: Option<u64>,
        rooms: &[i64],
    ) -> Result<Swept, WriteFault> {
        let mut swept = Swept::default();
        let now_s = to_sql(now_ms / 1000);
        let longest_s = longest_s(retention_s);
        let mut left = Left { entries: ENTRIES_MAX, bytes: ENTRY_BYTES_MAX };
        for row in rooms {
            if left.entries <= 0 || left.bytes <= 0 {
                swept.has_more = true;
                break;
            }
            swept.done_rooms += 1;
            if !self.hold_if_free(*row).await? {
                continue;
            }
            let room =
                sqlx::query(KEPT).bind(longest_s).bind(*row).fetch_optional(&mut self.connection).await?;
            let Some(room) = room else { continue };
            // The last hour that is over for so long.
            let kept_s: i64 = room.get("kept_s");
            let last_hour = (now_s - kept_s).div_euclid(HOUR_S) - 1;
            let already = swept.entries;
            self.drop_bodies((*row, room.get("dropped_seq")), last_hour, &mut left, &mut swept).await?;
            if swept.entries > already {
                sqlx::query(AGED).bind(kept_s.max(1)).bind(*row).execute(&mut self.connection).await?;
            }
        }
        Ok(swept)
    }

    /// Closes doors whose time has come, ends subscriptions, and removes a piece of what is left of what is gone.
    pub(crate) async fn sweep_rest(&mut self, now_ms: u64) -> Result<Swept, WriteFault> {
        let mut swept = Swept::default();
        self.close_doors(now_ms, &mut swept).await?;
        swept.has_more |= self.end_pushes(to_sql(day_of(now_ms).into())).await?;
        swept.has_more |= sweep_leftovers(&mut self.connection, self.source.dialect).await?;
        Ok(swept)
    }

    /// Goes on from where the last sweep stopped, as far as entries are that old.
    async fn drop_bodies(
        &mut self,
        (row, dropped_seq): (i64, i64),
        last_hour: i64,
        left: &mut Left,
        swept: &mut Swept,
    ) -> Result<(), WriteFault> {
        let entries = sqlx::query(
            "SELECT seq, stored_hour, CASE WHEN kind = 2 THEN coalesce(CAST(length(entry) AS BIGINT), 0) ELSE 0 END
                AS length_bytes FROM entries WHERE room = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(row)
        .bind(dropped_seq)
        .bind(left.entries)
        .fetch_all(&mut self.connection)
        .await?;
        let mut last_seq = dropped_seq;
        for entry in entries.iter().take_while(|entry| entry.get::<i64, _>("stored_hour") <= last_hour) {
            if left.bytes <= 0 {
                break;
            }
            left.entries -= 1;
            let length_bytes: i64 = entry.get("length_bytes");
            last_seq = entry.get("seq");
            if length_bytes > 0 {
                left.bytes -= length_bytes;
                self.drop_body(row, last_seq).await?;
                swept.entries += 1;
            }
        }
        if left.entries <= 0 || left.bytes <= 0 {
            swept.has_more = true;
            swept.done_rooms -= 1;
        }
        sqlx::query("UPDATE rooms SET dropped_seq = $1 WHERE number = $2 AND dropped_seq < $1")
            .bind(last_seq)
            .bind(row)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    async fn drop_body(&mut self, row: i64, seq: i64) -> Result<(), WriteFault> {
        let body: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT entry FROM entries WHERE room = $1 AND seq = $2 AND entry IS NOT NULL",
        )
        .bind(row)
        .bind(seq)
        .fetch_optional(&mut self.connection)
        .await?;
        let Some(body) = body else { return Ok(()) };
        sqlx::query("UPDATE entries SET entry = NULL, hash = $1 WHERE room = $2 AND seq = $3")
            .bind(entry_hash(&body).to_vec())
            .bind(row)
            .bind(seq)
            .execute(&mut self.connection)
            .await?;
        Ok(())
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

/// How long messages are kept at most, in seconds.
pub(in crate::store) fn longest_s(retention_s: Option<u64>) -> i64 {
    retention_s.map_or(FOR_EVER_S, |seconds| to_sql(seconds).min(FOR_EVER_S))
}

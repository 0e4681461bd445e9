//! Stretches of the log. How long entries are is asked first, and only those are read that an answer has room for: one page of the
//! longest entries would else be gigabytes, on their way from the database or in its hands.

use super::{ReadStore, from_sql, head_of, key_of, to_sql};
use crate::access::{Effect, Readable, RoomHead};
use crate::store::StoreError;
use sotto_protocol::{Direction, EntryKind, LogEntry, Page, RoomId, limits};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Entries of other relays that are read at once.
const SINCE_MAX: i64 = 500;

macro_rules! lengths {
    ($which:literal, $order:literal) => {
        concat!(
            "SELECT e.seq, coalesce(CAST(length(e.entry) AS BIGINT), 0) AS length_bytes
                FROM rooms r JOIN entries e ON e.room = r.number
                WHERE r.number = $1 AND e.seq > $2 AND e.seq <= $3",
            $which,
            " ORDER BY e.seq ",
            $order,
            " LIMIT $4"
        )
    };
}

macro_rules! entries {
    ($which:literal) => {
        concat!(
            "SELECT e.seq, e.kind, e.entry, e.hash, p.access_key, p.by_door FROM entries e
                LEFT JOIN epochs p ON e.kind = 1 AND p.room = e.room AND p.began_seq = e.seq
                WHERE e.room = $1 AND e.seq >= $2 AND e.seq <= $3",
            $which,
            " ORDER BY e.seq LIMIT $4"
        )
    };
}

const LENGTHS_FORWARD: &str = lengths!("", "ASC");
const LENGTHS_BACKWARD: &str = lengths!("", "DESC");
const HANDSHAKE_LENGTHS_FORWARD: &str = lengths!(" AND e.kind <> 2", "ASC");
const HANDSHAKE_LENGTHS_BACKWARD: &str = lengths!(" AND e.kind <> 2", "DESC");
const ENTRIES: &str = entries!("");
const HANDSHAKES: &str = entries!(" AND e.kind <> 2");

const LENGTHS_SINCE: &str = "SELECT e.seq, coalesce(CAST(length(e.entry) AS BIGINT), 0) AS length_bytes
    FROM rooms r JOIN entries e ON e.room = r.number AND e.seq > $2
    WHERE r.room_id = $1 ORDER BY e.seq LIMIT $3";

const SINCE: &str =
    "SELECT e.seq, e.kind, e.entry, e.hash, e.epoch AS entry_epoch, p.access_key, p.by_door, p.is_cut,
        (SELECT min(v.began_seq) FROM epochs v
            WHERE v.room = e.room AND e.kind = 3 AND v.voided_seq = e.seq) AS bad_seq,
        r.epoch, r.began_seq AS room_began_seq, r.last_handshake_seq, r.cut_seq, e.seq AS head_seq
    FROM rooms r JOIN entries e ON e.room = r.number AND e.seq > $2 AND e.seq <= $3
        LEFT JOIN epochs p ON e.kind = 1 AND p.room = e.room AND p.began_seq = e.seq
    WHERE r.room_id = $1 ORDER BY e.seq";

/// What somebody can ask about a room of their own.
#[cfg(test)]
pub(in crate::store) const OF_MEMBERS: [&str; 4] =
    [LENGTHS_FORWARD, HANDSHAKE_LENGTHS_BACKWARD, ENTRIES, SINCE];

/// Places that fit into an answer together, by how long what is there is; a single longer one goes alone.
pub(super) struct Fitting {
    left_bytes: i64,
    is_empty: bool,
}

impl Fitting {
    pub(super) fn new() -> Self {
        Self { left_bytes: to_sql(limits::PAGE_MAX_BYTES as u64), is_empty: true }
    }

    /// Whether there is room for that, too.
    pub(super) fn takes(&mut self, length_bytes: i64) -> bool {
        self.left_bytes -= length_bytes;
        let fits = self.is_empty || self.left_bytes >= 0;
        self.is_empty = false;
        fits
    }
}

/// How many of the rows, each with its `length_bytes`, fit together.
fn fitting(rows: &[AnyRow], limit: usize) -> &[AnyRow] {
    let mut answer = Fitting::new();
    let count = rows.iter().take(limit).take_while(|row| answer.takes(row.get("length_bytes"))).count();
    rows.get(..count).unwrap_or(rows)
}

impl ReadStore {
    /// A stretch of the log, within what may be read.
    pub(crate) async fn page(
        &self,
        row: i64,
        (from, direction): (u64, Direction),
        limit: u32,
        readable: Readable,
    ) -> Result<Page, StoreError> {
        let (after_seq, up_to_seq) = match direction {
            Direction::Forward => (readable.after_seq.max(from), readable.up_to_seq),
            Direction::Backward => (readable.after_seq, readable.up_to_seq.min(from.saturating_sub(1))),
        };
        let (lengths, entries) = match (direction, readable.handshakes_only) {
            (Direction::Forward, false) => (LENGTHS_FORWARD, ENTRIES),
            (Direction::Backward, false) => (LENGTHS_BACKWARD, ENTRIES),
            (Direction::Forward, true) => (HANDSHAKE_LENGTHS_FORWARD, HANDSHAKES),
            (Direction::Backward, true) => (HANDSHAKE_LENGTHS_BACKWARD, HANDSHAKES),
        };
        let there = sqlx::query(lengths)
            .bind(row)
            .bind(to_sql(after_seq))
            .bind(to_sql(up_to_seq))
            .bind(i64::from(limit) + 1)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let fitting = fitting(&there, limit as usize);
        let seq_of = |row: Option<&AnyRow>| row.map(|row| row.get::<i64, _>("seq"));
        let (Some(first), Some(last)) = (seq_of(fitting.first()), seq_of(fitting.last())) else {
            return Ok(Page { entries: Vec::new(), more: false });
        };
        // Retention may have dropped bodies since, which makes it shorter; nothing makes it longer.
        let rows = sqlx::query(entries)
            .bind(row)
            .bind(first.min(last))
            .bind(first.max(last))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let mut entries = rows.iter().map(log_entry).collect::<Result<Vec<_>, _>>()?;
        if direction == Direction::Backward {
            entries.reverse();
        }
        Ok(Page { entries, more: fitting.len() < there.len() })
    }

    /// What came after an entry, each with the epoch that it is of, and the room's state at the last of them; none where there
    /// is nothing. Not all at once, if it is much.
    pub(crate) async fn since(
        &self,
        room: &RoomId,
        after_seq: u64,
    ) -> Result<Option<(RoomHead, Vec<(u64, Effect, LogEntry)>)>, StoreError> {
        let there = sqlx::query(LENGTHS_SINCE)
            .bind(&room.as_bytes()[..])
            .bind(to_sql(after_seq))
            .bind(SINCE_MAX)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let Some(last) = fitting(&there, there.len()).last() else { return Ok(None) };
        let rows = sqlx::query(SINCE)
            .bind(&room.as_bytes()[..])
            .bind(to_sql(after_seq))
            .bind(last.get::<i64, _>("seq"))
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let Some(last) = rows.last() else { return Ok(None) };
        let head = head_of(last)?;
        let entries = rows.iter().map(|row| {
            let bad_seq = row.get::<Option<i64>, _>("bad_seq").map(from_sql).transpose()?;
            let effect = match bad_seq {
                Some(bad_seq) => Effect::Rewind { bad_seq },
                None if row.get::<Option<i64>, _>("is_cut") == Some(1) => Effect::Cut,
                None => Effect::None,
            };
            Ok((from_sql(row.get("entry_epoch"))?, effect, log_entry(row)?))
        });
        Ok(Some((head, entries.collect::<Result<_, StoreError>>()?)))
    }
}

/// An entry as clients get it: with what was registered beside it, or what is left of it.
fn log_entry(row: &AnyRow) -> Result<LogEntry, StoreError> {
    let kind = u8::try_from(row.get::<i64, _>("kind")).ok().and_then(EntryKind::from_code);
    let kind = kind.ok_or(StoreError::Damaged("entry kind"))?;
    let (entry, dropped) = match row.get::<Option<Vec<u8>>, _>("entry") {
        Some(entry) => (entry, None),
        None => (Vec::new(), Some(key_of(&row.get::<Option<Vec<u8>>, _>("hash").unwrap_or_default())?)),
    };
    let access_key = row.get::<Option<Vec<u8>>, _>("access_key").map(|key| key_of(&key)).transpose()?;
    let by_door = row.get::<Option<i64>, _>("by_door").filter(|_| kind == EntryKind::Handshake);
    let seq = from_sql(row.get("seq"))?;
    Ok(LogEntry { seq, kind, entry, access_key, dropped, by_door: by_door.map(|by_door| by_door == 1) })
}

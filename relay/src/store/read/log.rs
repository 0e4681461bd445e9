//! Stretches of the log. Of entries that are long it is asked first how long they are, and only those are read that an answer has room
//! for: one page of the longest would else be gigabytes, on their way from the database or in its hands.

use super::{ReadStore, from_sql, head_of, key_of, to_sql};
use crate::access::{Effect, Readable, RoomHead};
use crate::store::StoreError;
use sotto_protocol::{Direction, EntryKind, LogEntry, Page, RoomId, limits};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::HashMap;

/// Entries of other relays that are read at once.
const SINCE_MAX: i64 = 500;

/// Bodies that are not longer come at once, with what tells how long the others are; the others when it is known that they fit.
macro_rules! page {
    ($which:literal, $order:literal) => {
        concat!(
            "SELECT e.seq, e.kind, CAST(length(e.entry) AS BIGINT) AS length_bytes,
                CASE WHEN e.entry IS NULL THEN e.hash WHEN length(e.entry) <= 4096 THEN e.entry END AS body,
                p.access_key
            FROM rooms r JOIN entries e ON e.room = r.number
                LEFT JOIN epochs p ON e.kind IN (1, 4) AND p.room = e.room AND p.began_seq = e.seq
            WHERE r.number = $1 AND e.seq > $2 AND e.seq <= $3",
            $which,
            " ORDER BY e.seq ",
            $order,
            " LIMIT $4"
        )
    };
}

macro_rules! long_bodies {
    ($which:literal) => {
        concat!(
            "SELECT seq, CAST(length(entry) AS BIGINT) AS length_bytes, CASE WHEN entry IS NULL THEN hash ELSE entry END AS body
                FROM entries WHERE room = $1 AND seq >= $2 AND seq <= $3 AND (entry IS NULL OR length(entry) > 4096)",
            $which
        )
    };
}

const PAGE_FORWARD: &str = page!("", "ASC");
const PAGE_BACKWARD: &str = page!("", "DESC");
const HANDSHAKES_FORWARD: &str = page!(" AND e.kind <> 2", "ASC");
const HANDSHAKES_BACKWARD: &str = page!(" AND e.kind <> 2", "DESC");
const LONG_BODIES: &str = long_bodies!("");
const LONG_HANDSHAKES: &str = long_bodies!(" AND kind <> 2");

const LENGTHS_SINCE: &str = "SELECT e.seq, coalesce(CAST(length(e.entry) AS BIGINT), 0) AS length_bytes
    FROM rooms r JOIN entries e ON e.room = r.number AND e.seq > $2
    WHERE r.room_id = $1 ORDER BY e.seq LIMIT $3";

const SINCE: &str = "SELECT e.seq, e.kind, CAST(length(e.entry) AS BIGINT) AS length_bytes,
        coalesce(e.entry, e.hash) AS body, e.epoch AS entry_epoch, p.access_key, p.is_cut,
        (SELECT min(v.began_seq) FROM epochs v
            WHERE v.room = e.room AND e.kind = 3 AND v.voided_seq = e.seq) AS bad_seq,
        r.epoch, r.began_seq AS room_began_seq, r.last_handshake_seq, r.cut_seq, e.seq AS head_seq
    FROM rooms r JOIN entries e ON e.room = r.number AND e.seq > $2 AND e.seq <= $3
        LEFT JOIN epochs p ON e.kind IN (1, 4) AND p.room = e.room AND p.began_seq = e.seq
    WHERE r.room_id = $1 ORDER BY e.seq";

/// Queries that a member can cause.
#[cfg(test)]
pub(in crate::store) const OF_MEMBERS: [&str; 4] = [PAGE_FORWARD, HANDSHAKES_BACKWARD, LONG_BODIES, SINCE];

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
    let length_of = |row: &AnyRow| row.get::<Option<i64>, _>("length_bytes").unwrap_or(0);
    let count = rows.iter().take(limit).take_while(|row| answer.takes(length_of(row))).count();
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
        let (page, long_bodies) = match (direction, readable.handshakes_only) {
            (Direction::Forward, false) => (PAGE_FORWARD, LONG_BODIES),
            (Direction::Backward, false) => (PAGE_BACKWARD, LONG_BODIES),
            (Direction::Forward, true) => (HANDSHAKES_FORWARD, LONG_HANDSHAKES),
            (Direction::Backward, true) => (HANDSHAKES_BACKWARD, LONG_HANDSHAKES),
        };
        let there = sqlx::query(page)
            .bind(row)
            .bind(to_sql(after_seq))
            .bind(to_sql(up_to_seq))
            .bind(i64::from(limit) + 1)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let fitting = fitting(&there, limit as usize);
        let mut bodies: Vec<Option<Body>> = fitting.iter().map(body_of).collect::<Result<_, _>>()?;
        if bodies.iter().any(Option::is_none) {
            let seqs: Vec<i64> = fitting.iter().map(|row| row.get("seq")).collect();
            let bounds = (seqs.iter().min().copied(), seqs.iter().max().copied());
            let bounds = (bounds.0.unwrap_or_default(), bounds.1.unwrap_or_default());
            let mut long = self.long_bodies(long_bodies, row, bounds).await?;
            for (seq, body) in seqs.iter().zip(&mut bodies).filter(|(_, body)| body.is_none()) {
                *body = long.remove(seq);
            }
        }
        let entries = fitting.iter().zip(bodies).map(|(row, body)| log_entry(row, body));
        Ok(Page { entries: entries.collect::<Result<_, _>>()?, more: fitting.len() < there.len() })
    }

    /// Bodies that did not come with a page, and of those that were dropped since, the hash.
    async fn long_bodies(
        &self,
        sql: &'static str,
        row: i64,
        (first, last): (i64, i64),
    ) -> Result<HashMap<i64, Body>, StoreError> {
        let rows = sqlx::query(sql).bind(row).bind(first).bind(last).fetch_all(&self.pool).await;
        let rows = rows.map_err(StoreError::Open)?;
        rows.iter()
            .filter_map(|row| body_of(row).transpose().map(|body| Ok((row.get("seq"), body?))))
            .collect()
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
            Ok((from_sql(row.get("entry_epoch"))?, effect, log_entry(row, body_of(row)?)?))
        });
        Ok(Some((head, entries.collect::<Result<_, StoreError>>()?)))
    }
}

/// What is left of an entry.
enum Body {
    Whole(Vec<u8>),
    Dropped([u8; 32]),
}

/// Of a row with `length_bytes`, where there are bytes, and `body`: these, or the hash. Nothing where they did not come with it.
fn body_of(row: &AnyRow) -> Result<Option<Body>, StoreError> {
    let Some(body) = row.get::<Option<Vec<u8>>, _>("body") else { return Ok(None) };
    Ok(Some(match row.get::<Option<i64>, _>("length_bytes") {
        Some(_) => Body::Whole(body),
        None => Body::Dropped(key_of(&body)?),
    }))
}

/// An entry as clients get it: with what was registered beside it, or what is left of it.
fn log_entry(row: &AnyRow, body: Option<Body>) -> Result<LogEntry, StoreError> {
    let kind = u8::try_from(row.get::<i64, _>("kind")).ok().and_then(EntryKind::from_code);
    let kind = kind.ok_or(StoreError::Damaged("entry kind"))?;
    let (entry, dropped) = match body.ok_or(StoreError::Damaged("entry"))? {
        Body::Whole(entry) => (entry, None),
        Body::Dropped(hash) => (Vec::new(), Some(hash)),
    };
    let access_key = row.get::<Option<Vec<u8>>, _>("access_key").map(|key| key_of(&key)).transpose()?;
    let seq = from_sql(row.get("seq"))?;
    Ok(LogEntry { seq, kind, entry, access_key, dropped })
}

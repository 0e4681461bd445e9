//! What is read outside the writer: openings, pages, cards, what the relay holds for epochs. Where it matters that parts of
//! an answer belong together, they come from one statement, hence one snapshot.

mod epochs;
mod push;
mod state;

pub(crate) use epochs::HeldPart;

use super::dialect::Dialect;
use super::entry::{Body, StoredEntry};
use super::error::StoreError;
use super::rows::{chunks, with_rows};
use crate::access::{Effect, Readable, RoomHead};
use futures_util::TryStreamExt as _;
use sotto_protocol::{Direction, DoorId, EntryId, EntryKind, LogEntry, Page, RoomId, entry_hash, limits};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyPool, Arguments as _, AssertSqlSafe, Row as _};
use std::collections::HashMap;

/// Reads the database.
#[derive(Debug, Clone)]
pub(crate) struct ReadStore {
    pool: AnyPool,
    dialect: Dialect,
}

/// A room as it is at one moment, and the keys of one of its epochs.
#[derive(Debug)]
pub(crate) struct Opening {
    /// The relay's number of the room.
    pub row: i64,
    /// Its state.
    pub head: RoomHead,
    /// The epoch that was asked for, the good one first, then those of that number that were voided.
    pub epochs: Vec<EpochKey>,
}

/// An epoch, as far as opening a room with its key goes.
#[derive(Debug)]
pub(crate) struct EpochKey {
    /// Opens the room.
    pub access_key: [u8; 32],
    /// The handshake that began it.
    pub began_seq: u64,
    /// Where the log ends for its key, if it does.
    pub limit: Option<Limit>,
}

/// Where the log ends for a key of an earlier epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// The last entry that it opens: the cut, or the rewind that voided its epoch.
    pub seq: u64,
    /// The epoch that was current then.
    pub epoch: u64,
}

/// What is behind a door.
#[derive(Debug)]
pub(crate) enum CardLookup {
    /// The relay has no such room.
    UnknownRoom,
    /// The room has no such door.
    Closed,
    /// The door is open.
    Open {
        /// The room's state.
        head: RoomHead,
        /// The current epoch's join key.
        join_key: [u8; 32],
        /// Card and its sealed key, where they were asked for.
        card: Option<(Vec<u8>, Vec<u8>)>,
    },
}

const OPENING: &str = "SELECT r.number, r.epoch, r.began_seq AS room_began_seq, r.last_handshake_seq, r.cut_seq,
        (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq, e.access_key, e.began_seq, e.voided_seq,
        CASE WHEN e.voided_seq > 0 THEN (SELECT min(v.epoch) - 1 FROM epochs v
            WHERE v.room = e.room AND v.voided_seq = e.voided_seq) END AS restored_epoch,
        (SELECT c.began_seq FROM epochs c
            WHERE c.room = e.room AND c.is_cut = 1 AND c.voided_seq = 0 AND c.began_seq > e.began_seq
            ORDER BY c.began_seq LIMIT 1) AS first_cut_seq,
        (SELECT c.epoch FROM epochs c
            WHERE c.room = e.room AND c.is_cut = 1 AND c.voided_seq = 0 AND c.began_seq > e.began_seq
            ORDER BY c.began_seq LIMIT 1) AS first_cut_epoch
    FROM rooms r LEFT JOIN epochs e ON e.room = r.number AND e.epoch = $2
    WHERE r.room_id = $1
    ORDER BY CASE WHEN e.voided_seq = 0 THEN 0 ELSE 1 END, e.began_seq DESC LIMIT 16";

const LIMIT: &str = "SELECT e.voided_seq,
        (SELECT min(c.began_seq) FROM epochs c
            WHERE c.room = e.room AND c.is_cut = 1 AND c.voided_seq = 0 AND c.began_seq > e.began_seq) AS first_cut_seq
    FROM epochs e WHERE e.room = $1 AND e.began_seq = $2";

const DOOR: &str = "SELECT r.epoch, r.began_seq AS room_began_seq, r.last_handshake_seq, r.cut_seq,
        (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq, e.join_key, d.wrap,
        CASE WHEN $3 THEN (SELECT card FROM cards WHERE room = r.number) END AS card
    FROM rooms r JOIN epochs e ON e.room = r.number AND e.began_seq = r.began_seq
        LEFT JOIN doors d ON d.room = r.number AND d.door_id = $2
            AND (d.expires_at_ms IS NULL OR d.expires_at_ms > $4)
    WHERE r.room_id = $1";

const ENTRY: &str =
    "SELECT e.seq, e.kind, e.entry, e.hash FROM rooms r JOIN entries e ON e.room = r.number AND e.entry_id = $2
    WHERE r.room_id = $1";

const SINCE: &str = "SELECT e.seq, e.kind, e.entry, e.hash, e.epoch AS entry_epoch, p.access_key, p.by_door, p.is_cut,
        (SELECT min(v.began_seq) FROM epochs v WHERE v.room = e.room AND e.kind = 3 AND v.voided_seq = e.seq) AS bad_seq,
        r.epoch, r.began_seq AS room_began_seq, r.last_handshake_seq, r.cut_seq, e.seq AS head_seq
    FROM rooms r JOIN entries e ON e.room = r.number AND e.seq > $2
        LEFT JOIN epochs p ON e.kind = 1 AND p.room = e.room AND p.began_seq = e.seq
    WHERE r.room_id = $1 ORDER BY e.seq LIMIT 500";

const HEADS: (&str, &str) = (
    "WITH wanted (room_id) AS (VALUES ",
    ") SELECT r.room_id, (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq
        FROM wanted w JOIN rooms r ON r.room_id = w.room_id",
);

macro_rules! page {
    ($which:literal, $order:literal) => {
        concat!(
            "SELECT e.seq, e.kind, e.entry, e.hash, p.access_key, p.by_door FROM entries e
                LEFT JOIN epochs p ON e.kind = 1 AND p.room = e.room AND p.began_seq = e.seq
                WHERE e.room = $1 AND e.seq > $2 AND e.seq <= $3",
            $which,
            " ORDER BY e.seq ",
            $order,
            " LIMIT $4"
        )
    };
}

const PAGE_FORWARD: &str = page!("", "ASC");
const PAGE_BACKWARD: &str = page!("", "DESC");
const HANDSHAKES_FORWARD: &str = page!(" AND e.kind <> 2", "ASC");
const HANDSHAKES_BACKWARD: &str = page!(" AND e.kind <> 2", "DESC");

impl ReadStore {
    pub(in crate::store) fn new(pool: AnyPool, dialect: Dialect) -> Self {
        Self { pool, dialect }
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// The room and the keys of `epoch`; none where there is no such room.
    pub(crate) async fn opening(&self, room: &RoomId, epoch: u64) -> Result<Option<Opening>, StoreError> {
        let rows = sqlx::query(OPENING)
            .bind(&room.as_bytes()[..])
            .bind(to_sql(epoch))
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let Some(first) = rows.first() else { return Ok(None) };
        let epochs = rows.iter().filter_map(|row| epoch_key(row).transpose()).collect::<Result<_, _>>()?;
        Ok(Some(Opening { row: first.get("number"), head: head_of(first)?, epochs }))
    }

    /// Whether a room of that id was deleted.
    pub(crate) async fn is_deleted(&self, room: &RoomId) -> Result<bool, StoreError> {
        let found = sqlx::query("SELECT room_hash FROM deleted_rooms WHERE room_hash = $1")
            .bind(&entry_hash(room.as_bytes())[..])
            .fetch_optional(&self.pool)
            .await;
        Ok(found.map_err(StoreError::Open)?.is_some())
    }

    /// The last entry that a key of an earlier epoch opens, if there is an end to it. Nothing where the epoch is gone.
    pub(crate) async fn limit(&self, row: i64, began_seq: u64) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query(LIMIT)
            .bind(row)
            .bind(to_sql(began_seq))
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let Some(row) = row else { return Ok(Some(0)) };
        let voided_seq = from_sql(row.get("voided_seq"))?;
        let cut_seq = row.get::<Option<i64>, _>("first_cut_seq").map(from_sql).transpose()?;
        Ok([cut_seq, (voided_seq > 0).then_some(voided_seq)].into_iter().flatten().min())
    }

    /// The door, if it is open now, with card and wrap if `with_card`.
    pub(crate) async fn door(
        &self,
        room: &RoomId,
        door: &DoorId,
        (with_card, now_ms): (bool, u64),
    ) -> Result<CardLookup, StoreError> {
        let row = sqlx::query(DOOR)
            .bind(&room.as_bytes()[..])
            .bind(&door.as_bytes()[..])
            .bind(with_card)
            .bind(to_sql(now_ms))
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let Some(row) = row else { return Ok(CardLookup::UnknownRoom) };
        let Some(wrap) = row.get::<Option<Vec<u8>>, _>("wrap") else { return Ok(CardLookup::Closed) };
        let join_key = key_of(row.get("join_key"))?;
        let card = row.get::<Option<Vec<u8>>, _>("card").map(|card| (card, wrap));
        Ok(CardLookup::Open { head: head_of(&row)?, join_key, card })
    }

    /// The entry of that id.
    pub(crate) async fn entry(&self, room: &RoomId, id: &EntryId) -> Result<Option<StoredEntry>, StoreError> {
        let row = sqlx::query(ENTRY)
            .bind(&room.as_bytes()[..])
            .bind(&id.as_bytes()[..])
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        row.map(|row| StoredEntry::of(&row)).transpose()
    }

    /// The last entry of each of these rooms.
    pub(crate) async fn heads(&self, rooms: &[RoomId]) -> Result<HashMap<RoomId, u64>, StoreError> {
        let mut heads = HashMap::with_capacity(rooms.len());
        for chunk in chunks(self.dialect, rooms) {
            let mut arguments = AnyArguments::default();
            for room in chunk {
                let added = arguments.add(room.as_bytes().to_vec());
                added.map_err(|error| StoreError::Open(sqlx::Error::Encode(error)))?;
            }
            let sql = with_rows(self.dialect, HEADS.0, (1, chunk.len()), HEADS.1);
            let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(&self.pool).await;
            for row in rows.map_err(StoreError::Open)? {
                let room = RoomId::try_from(row.get::<&[u8], _>("room_id"));
                let head_seq = from_sql(row.get::<Option<i64>, _>("head_seq").unwrap_or(0))?;
                heads.insert(room.map_err(|_| StoreError::Damaged("room id"))?, head_seq);
            }
        }
        Ok(heads)
    }

    /// What came after an entry, each with the epoch that it is of, and the room's state at the last of them; none where there
    /// is nothing. Not all at once, if it is much.
    pub(crate) async fn since(
        &self,
        room: &RoomId,
        after_seq: u64,
    ) -> Result<Option<(RoomHead, Vec<(u64, Effect, LogEntry)>)>, StoreError> {
        let rows = sqlx::query(SINCE)
            .bind(&room.as_bytes()[..])
            .bind(to_sql(after_seq))
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
        let sql = match (direction, readable.handshakes_only) {
            (Direction::Forward, false) => PAGE_FORWARD,
            (Direction::Backward, false) => PAGE_BACKWARD,
            (Direction::Forward, true) => HANDSHAKES_FORWARD,
            (Direction::Backward, true) => HANDSHAKES_BACKWARD,
        };
        let mut rows = sqlx::query(sql)
            .bind(row)
            .bind(to_sql(after_seq))
            .bind(to_sql(up_to_seq))
            .bind(i64::from(limit) + 1)
            .fetch(&self.pool);
        let mut page = Page { entries: Vec::new(), more: false };
        let mut bytes = 0;
        while let Some(row) = rows.try_next().await.map_err(StoreError::Open)? {
            let entry = log_entry(&row)?;
            bytes += entry.entry.len();
            let is_full = page.entries.len() >= limit as usize || bytes > limits::PAGE_MAX_BYTES;
            if is_full && !page.entries.is_empty() {
                page.more = true;
                break;
            }
            page.entries.push(entry);
        }
        Ok(page)
    }
}

/// An entry as clients get it: with what was registered beside it, or what is left of it.
fn log_entry(row: &AnyRow) -> Result<LogEntry, StoreError> {
    let StoredEntry { seq, kind, body } = StoredEntry::of(row)?;
    let (entry, dropped) = match body {
        Body::Whole(entry) => (entry, None),
        Body::Dropped(hash) => (Vec::new(), Some(hash)),
    };
    let access_key = row.get::<Option<Vec<u8>>, _>("access_key").map(|key| key_of(&key)).transpose()?;
    let by_door = row.get::<Option<i64>, _>("by_door").filter(|_| kind == EntryKind::Handshake);
    Ok(LogEntry { seq, kind, entry, access_key, dropped, by_door: by_door.map(|by_door| by_door == 1) })
}

/// The epoch of an opening's row, if it has one.
fn epoch_key(row: &AnyRow) -> Result<Option<EpochKey>, StoreError> {
    let Some(access_key) = row.get::<Option<Vec<u8>>, _>("access_key") else { return Ok(None) };
    let number = |name| row.get::<Option<i64>, _>(name).map(from_sql).transpose();
    let end = |seq: Option<u64>, epoch: Option<u64>| Some(Limit { seq: seq?, epoch: epoch? });
    let voided_seq = number("voided_seq")?.filter(|seq| *seq > 0);
    let ends = [
        end(voided_seq, number("restored_epoch")?),
        end(number("first_cut_seq")?, number("first_cut_epoch")?),
    ];
    Ok(Some(EpochKey {
        access_key: key_of(&access_key)?,
        began_seq: number("began_seq")?.unwrap_or(0),
        limit: ends.into_iter().flatten().min_by_key(|limit| limit.seq),
    }))
}

fn head_of(row: &AnyRow) -> Result<RoomHead, StoreError> {
    Ok(RoomHead {
        epoch: from_sql(row.get("epoch"))?,
        began_seq: from_sql(row.get("room_began_seq"))?,
        head_seq: from_sql(row.get::<Option<i64>, _>("head_seq").unwrap_or(0))?,
        last_handshake_seq: from_sql(row.get("last_handshake_seq"))?,
        cut_seq: from_sql(row.get("cut_seq"))?,
    })
}

/// Numbers of the protocol are unsigned, those of the database signed: what is too large is as good as the largest.
pub(in crate::store) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(in crate::store) fn from_sql(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Damaged("negative number"))
}

pub(in crate::store) fn key_of(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Damaged("key"))
}

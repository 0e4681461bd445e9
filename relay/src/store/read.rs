//! What is read outside the writer: openings, pages, cards. Each answer comes from one statement, hence one snapshot.

use super::dialect::Dialect;
use super::error::StoreError;
use super::rows::{chunks, with_rows};
use crate::access::{Readable, RoomHead};
use futures_util::TryStreamExt as _;
use sotto_protocol::{Direction, DoorId, EntryId, EntryKind, LogEntry, Page, RoomId, limits};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyPool, Arguments as _, AssertSqlSafe, Row as _};
use std::collections::HashMap;

/// Reads the database.
#[derive(Debug, Clone)]
pub(crate) struct ReadStore {
    pool: AnyPool,
    dialect: Dialect,
}

/// A room as it is at one moment, and the key of one of its epochs.
#[derive(Debug)]
pub(crate) struct Opening {
    /// The relay's number of the room.
    pub row: i64,
    /// Its state.
    pub head: RoomHead,
    /// Access key and beginning of the epoch that was asked for, if the relay knows it.
    pub access: Option<([u8; 32], u64)>,
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

/// An entry that is on disk.
#[derive(Debug)]
pub(crate) struct StoredEntry {
    /// Its place.
    pub seq: u64,
    /// What it is.
    pub kind: EntryKind,
    /// Its bytes.
    pub entry: Vec<u8>,
}

const OPENING: &str = "SELECT r.number, r.epoch, r.last_handshake_seq,
        (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq, e.access_key, e.began_seq
    FROM rooms r LEFT JOIN epochs e ON e.room = r.number AND e.epoch = $2
    WHERE r.room_id = $1";

const DOOR: &str = "SELECT r.epoch, r.last_handshake_seq,
        (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq, e.join_key, d.wrap,
        CASE WHEN $3 THEN (SELECT card FROM cards WHERE room = r.number) END AS card
    FROM rooms r JOIN epochs e ON e.room = r.number AND e.epoch = r.epoch
        LEFT JOIN doors d ON d.room = r.number AND d.door_id = $2
    WHERE r.room_id = $1";

const ENTRY: &str =
    "SELECT e.seq, e.kind, e.entry FROM rooms r JOIN entries e ON e.room = r.number AND e.entry_id = $2
    WHERE r.room_id = $1";

const SINCE: &str =
    "SELECT e.seq, e.kind, e.entry, e.epoch AS entry_epoch, p.access_key, r.epoch, r.last_handshake_seq
    FROM rooms r JOIN entries e ON e.room = r.number AND e.seq > $2
        LEFT JOIN epochs p ON e.kind = 1 AND p.room = e.room AND p.epoch = e.epoch + 1
    WHERE r.room_id = $1 ORDER BY e.seq LIMIT 500";

const HEADS: (&str, &str) = (
    "WITH wanted (room_id) AS (VALUES ",
    ") SELECT r.room_id, (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq
        FROM wanted w JOIN rooms r ON r.room_id = w.room_id",
);

macro_rules! page {
    ($which:literal, $order:literal) => {
        concat!(
            "SELECT e.seq, e.kind, e.entry, p.access_key FROM entries e
                LEFT JOIN epochs p ON e.kind = 1 AND p.room = e.room AND p.epoch = e.epoch + 1
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
const HANDSHAKES_FORWARD: &str = page!(" AND e.kind = 1", "ASC");
const HANDSHAKES_BACKWARD: &str = page!(" AND e.kind = 1", "DESC");

impl ReadStore {
    pub(super) fn new(pool: AnyPool, dialect: Dialect) -> Self {
        Self { pool, dialect }
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// The room and the access key of `epoch`; none where there is no such room.
    pub(crate) async fn opening(&self, room: &RoomId, epoch: u64) -> Result<Option<Opening>, StoreError> {
        let row = sqlx::query(OPENING)
            .bind(&room.as_bytes()[..])
            .bind(to_sql(epoch))
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let Some(row) = row else { return Ok(None) };
        let access = match row.get::<Option<Vec<u8>>, _>("access_key") {
            Some(key) => Some((key_of(&key)?, from_sql(row.get("began_seq"))?)),
            None => None,
        };
        Ok(Some(Opening { row: row.get("number"), head: head_of(&row)?, access }))
    }

    /// The door, with card and wrap if `with_card`.
    pub(crate) async fn door(
        &self,
        room: &RoomId,
        door: &DoorId,
        with_card: bool,
    ) -> Result<CardLookup, StoreError> {
        let row = sqlx::query(DOOR)
            .bind(&room.as_bytes()[..])
            .bind(&door.as_bytes()[..])
            .bind(with_card)
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
        row.map(|row| stored_entry(&row)).transpose()
    }

    /// The last entry of each of these rooms.
    pub(crate) async fn heads(&self, rooms: &[RoomId]) -> Result<HashMap<RoomId, u64>, StoreError> {
        let mut heads = HashMap::with_capacity(rooms.len());
        for chunk in chunks(rooms) {
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
    ) -> Result<Option<(RoomHead, Vec<(u64, LogEntry)>)>, StoreError> {
        let rows = sqlx::query(SINCE)
            .bind(&room.as_bytes()[..])
            .bind(to_sql(after_seq))
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let Some(last) = rows.last() else { return Ok(None) };
        let head = RoomHead {
            epoch: from_sql(last.get("epoch"))?,
            head_seq: from_sql(last.get("seq"))?,
            last_handshake_seq: from_sql(last.get("last_handshake_seq"))?,
        };
        let entries = rows.iter().map(|row| {
            let StoredEntry { seq, kind, entry } = stored_entry(row)?;
            let access_key =
                row.get::<Option<Vec<u8>>, _>("access_key").map(|key| key_of(&key)).transpose()?;
            Ok((from_sql(row.get("entry_epoch"))?, LogEntry { seq, kind, entry, access_key }))
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
            let StoredEntry { seq, kind, entry } = stored_entry(&row)?;
            bytes += entry.len();
            let is_full = page.entries.len() >= limit as usize || bytes > limits::PAGE_MAX_BYTES;
            if is_full && !page.entries.is_empty() {
                page.more = true;
                break;
            }
            let access_key =
                row.get::<Option<Vec<u8>>, _>("access_key").map(|key| key_of(&key)).transpose()?;
            page.entries.push(LogEntry { seq, kind, entry, access_key });
        }
        Ok(page)
    }
}

fn stored_entry(row: &AnyRow) -> Result<StoredEntry, StoreError> {
    let kind = u8::try_from(row.get::<i64, _>("kind")).ok().and_then(EntryKind::from_code);
    let kind = kind.ok_or(StoreError::Damaged("entry kind"))?;
    Ok(StoredEntry { seq: from_sql(row.get("seq"))?, kind, entry: row.get("entry") })
}

fn head_of(row: &AnyRow) -> Result<RoomHead, StoreError> {
    Ok(RoomHead {
        epoch: from_sql(row.get("epoch"))?,
        head_seq: from_sql(row.get::<Option<i64>, _>("head_seq").unwrap_or(0))?,
        last_handshake_seq: from_sql(row.get("last_handshake_seq"))?,
    })
}

/// Numbers of the protocol are unsigned, those of the database signed: what is too large is as good as the largest.
pub(super) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn from_sql(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Damaged("negative number"))
}

pub(super) fn key_of(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Damaged("key"))
}

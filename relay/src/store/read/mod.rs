//! What is read outside the writer: openings, pages, cards, what the relay holds for epochs. Where it matters that parts of
//! an answer belong together, they come from one statement, hence one snapshot.

mod due;
mod epochs;
pub(super) mod log;
mod push;
mod state;

pub(crate) use epochs::HeldPart;

use super::dialect::Dialect;
use super::entry::{Found, StoredEntry};
use super::epochs::Epochs;
use super::error::StoreError;
use super::known::{Wanted, known_entries};
use super::rows::{chunks, with_rows};
use crate::access::{NOBODYS_KEY, RoomHead};
use sotto_protocol::{DoorId, Dropped, EntryId, RoomId, entry_hash};
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
    /// How long the room wants its messages kept, in seconds.
    pub retention_s: Option<u64>,
    /// What was dropped of them.
    pub dropped: Option<Dropped>,
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

impl EpochKey {
    /// None, which is as much work as any. A signature by its key proves nothing.
    pub(crate) const NONE: Self = Self { access_key: NOBODYS_KEY, began_seq: 0, limit: None };
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
    /// It has.
    Found {
        /// The room's state.
        head: RoomHead,
        /// The current epoch's join key.
        join_key: [u8; 32],
        /// The door, if it is open.
        door: Option<OpenDoor>,
    },
}

/// A door that is open.
#[derive(Debug)]
pub(crate) struct OpenDoor {
    /// A holder of its secret signs by it.
    pub key: [u8; 32],
    /// The card's sealed key.
    pub wrap: Vec<u8>,
    /// How long the card is.
    pub card_bytes: u64,
    /// The card, where it was asked for.
    pub card: Option<Vec<u8>>,
}

/// Of the epochs of one number there may be any number that were voided: the last of them are enough to tell a client that comes back.
/// Everything else about them is looked up only for those that are shown.
const OPENING: &str = "WITH room AS (SELECT * FROM rooms WHERE room_id = $1),
    latest AS (SELECT * FROM epochs WHERE room = (SELECT number FROM room) AND epoch = $2 ORDER BY began_seq DESC LIMIT 16),
    good AS (SELECT * FROM epochs WHERE room = (SELECT number FROM room) AND epoch = $2 AND voided_seq = 0),
    shown AS (SELECT * FROM good UNION SELECT * FROM latest)
    SELECT r.number, r.epoch, r.began_seq AS room_began_seq, r.last_handshake_seq, r.cut_seq,
        r.retention_s, r.dropped_seq, r.dropped_aged_s, (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq, e.access_key, e.began_seq, e.voided_seq,
        CASE WHEN e.voided_seq > 0 THEN (SELECT v.epoch - 1 FROM epochs v
            WHERE v.room = e.room AND v.voided_seq = e.voided_seq ORDER BY v.began_seq LIMIT 1) END AS restored_epoch,
        (SELECT c.began_seq FROM epochs c
            WHERE c.room = e.room AND c.is_cut = 1 AND c.voided_seq = 0 AND c.began_seq > e.began_seq
            ORDER BY c.began_seq LIMIT 1) AS first_cut_seq,
        (SELECT c.epoch FROM epochs c
            WHERE c.room = e.room AND c.is_cut = 1 AND c.voided_seq = 0 AND c.began_seq > e.began_seq
            ORDER BY c.began_seq LIMIT 1) AS first_cut_epoch
    FROM room r LEFT JOIN shown e ON e.room = r.number
    ORDER BY CASE WHEN e.voided_seq = 0 THEN 0 ELSE 1 END, e.began_seq DESC LIMIT 17";

const DOOR: &str = "SELECT r.epoch, r.began_seq AS room_began_seq, r.last_handshake_seq, r.cut_seq,
        (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq, e.join_key, d.door_key, d.wrap,
        (SELECT CAST(length(card) AS BIGINT) FROM cards WHERE room = r.number) AS card_bytes,
        CASE WHEN $3 THEN (SELECT card FROM cards WHERE room = r.number) END AS card
    FROM rooms r JOIN epochs e ON e.room = r.number AND e.began_seq = r.began_seq
        LEFT JOIN doors d ON d.room = r.number AND d.door_id = $2
            AND (d.expires_at_ms IS NULL OR d.expires_at_ms > $4)
    WHERE r.room_id = $1";

const HEADS: (&str, &str) = (
    "WITH wanted (room_id) AS (VALUES ",
    ") SELECT r.room_id, (SELECT max(seq) FROM entries WHERE room = r.number) AS head_seq
        FROM wanted w JOIN rooms r ON r.room_id = w.room_id",
);

/// Queries that a client without any proof can cause.
#[cfg(test)]
pub(in crate::store) const OF_STRANGERS: [&str; 2] = [OPENING, DOOR];

impl ReadStore {
    pub(in crate::store) fn new(pool: AnyPool, dialect: Dialect) -> Self {
        Self { pool, dialect }
    }

    #[cfg(test)]
    pub(in crate::store) fn pool(&self) -> &AnyPool {
        &self.pool
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
        let retention_s = first.get::<Option<i64>, _>("retention_s").map(from_sql).transpose()?;
        let up_to_seq = from_sql(first.get("dropped_seq"))?;
        let aged_s = from_sql(first.get("dropped_aged_s"))?;
        let dropped = (aged_s > 0).then_some(Dropped { up_to_seq, aged_s });
        let (row, head) = (first.get("number"), head_of(first)?);
        Ok(Some(Opening { row, head, retention_s, dropped, epochs }))
    }

    /// Whether a room of that id was deleted.
    pub(crate) async fn is_deleted(&self, room: &RoomId) -> Result<bool, StoreError> {
        let found = sqlx::query("SELECT room_hash FROM deleted_rooms WHERE room_hash = $1")
            .bind(&entry_hash(room.as_bytes())[..])
            .fetch_optional(&self.pool)
            .await;
        Ok(found.map_err(StoreError::Open)?.is_some())
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
        let wrap = row.get::<Option<Vec<u8>>, _>("wrap");
        let door = match wrap {
            Some(wrap) => {
                let card_bytes = from_sql(row.get::<Option<i64>, _>("card_bytes").unwrap_or(0))?;
                let key = key_of(row.get("door_key"))?;
                Some(OpenDoor { key, wrap, card_bytes, card: row.get("card") })
            }
            None => None,
        };
        Ok(CardLookup::Found { head: head_of(&row)?, join_key: key_of(row.get("join_key"))?, door })
    }

    /// What is known of a message that its sender has not found up to `read_seq`.
    pub(crate) async fn message(
        &self,
        row: i64,
        (id, read_seq): (EntryId, u64),
        entry: &[u8],
    ) -> Result<Option<Found>, StoreError> {
        let wanted = [Wanted { row, id, read_seq, length_bytes: entry.len() }];
        let mut connection = self.pool.acquire().await.map_err(StoreError::Open)?;
        let known = known_entries(&mut connection, self.dialect, &wanted).await?;
        let known = known.into_values().next().unwrap_or_default();
        Ok(StoredEntry::found_among(&known, read_seq, entry))
    }

    /// The relay's number of a room.
    pub(crate) async fn row(&self, room: &RoomId) -> Result<Option<i64>, StoreError> {
        let row =
            sqlx::query_scalar("SELECT number FROM rooms WHERE room_id = $1").bind(&room.as_bytes()[..]);
        row.fetch_optional(&self.pool).await.map_err(StoreError::Open)
    }

    /// Epochs, as they are now.
    pub(crate) async fn epochs<T>(
        &self,
        ask: impl AsyncFnOnce(&mut Epochs<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(StoreError::Open)?;
        ask(&mut Epochs(&mut connection)).await
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

//! What the relay holds for epochs: all of the current one to be looked at, capsules and links of past ones to be read, and
//! the status registers.

use super::log::Fitting;
use super::{ReadStore, from_sql, key_of, to_sql};
use crate::store::StoreError;
use futures_util::TryStreamExt as _;
use sotto_protocol::{CapsuleWrap, Door, DoorId, Held, HistoryReply, PastEpoch, Published, Status, limits};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// What is asked of the current epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HeldPart {
    /// All of it.
    All,
    /// The wrap of one door.
    DoorWrap(DoorId),
    /// The wrap of one tag.
    CapsuleWrap([u8; 16]),
}

const HELD: &str = "SELECT r.epoch,
        (SELECT l.link FROM history_links l WHERE l.room = r.number AND l.began_seq = r.began_seq) AS link
    FROM rooms r WHERE r.number = $1 AND r.began_seq = $2";

const WRAPS: &str = "SELECT
        (SELECT d.wrap FROM doors d WHERE d.room = r.number AND d.door_id = $3) AS door_wrap,
        (SELECT w.wrap FROM capsule_wraps w
            WHERE w.room = r.number AND w.began_seq = r.began_seq AND w.tag = $4) AS capsule_wrap
    FROM rooms r WHERE r.number = $1 AND r.began_seq = $2";

macro_rules! history {
    ($shown:literal, $from:literal) => {
        concat!(
            "SELECT e.epoch, ",
            $shown,
            " FROM rooms r JOIN epochs e ON e.room = r.number
                LEFT JOIN capsule_wraps w ON w.room = e.room AND w.began_seq = e.began_seq AND w.tag = $4
                LEFT JOIN capsules c ON c.room = w.room AND c.began_seq = w.began_seq
                LEFT JOIN epochs n ON n.room = e.room AND n.epoch = e.epoch + 1 AND n.voided_seq = 0
                LEFT JOIN history_links l ON l.room = n.room AND l.began_seq = n.began_seq
            WHERE r.number = $1 AND e.epoch < $2 AND e.voided_seq = 0",
            $from,
            " ORDER BY e.epoch DESC LIMIT $3"
        )
    };
}

const HISTORY_LENGTHS: &str = history!(
    "CAST(coalesce(length(c.capsule), 0) + coalesce(length(w.wrap), 0) + coalesce(length(l.link), 0) AS BIGINT)
        AS length_bytes",
    ""
);
const HISTORY: &str = history!("c.capsule, w.wrap, l.link", " AND e.epoch >= $5");

impl ReadStore {
    /// What is held for the epoch that `began_seq` began; nothing if it is not the current one any more.
    pub(crate) async fn held(
        &self,
        row: i64,
        began_seq: u64,
        part: HeldPart,
    ) -> Result<Option<Held>, StoreError> {
        let Some((epoch, history)) = self.current(row, began_seq).await? else {
            return Ok(None);
        };
        let mut held =
            Held { epoch, history, published: None, door_wrap: None, capsule_wrap: None, admin_keys: None };
        match part {
            HeldPart::DoorWrap(_) | HeldPart::CapsuleWrap(_) => {
                let (door, tag) = match part {
                    HeldPart::DoorWrap(door) => (door.as_bytes().to_vec(), Vec::new()),
                    HeldPart::CapsuleWrap(tag) => (Vec::new(), tag.to_vec()),
                    HeldPart::All => (Vec::new(), Vec::new()),
                };
                let wraps = sqlx::query(WRAPS)
                    .bind(row)
                    .bind(to_sql(began_seq))
                    .bind(door)
                    .bind(tag)
                    .fetch_optional(&self.pool)
                    .await
                    .map_err(StoreError::Open)?;
                let Some(wraps) = wraps else { return Ok(None) };
                held.door_wrap = wraps.get("door_wrap");
                held.capsule_wrap = wraps.get("capsule_wrap");
            }
            HeldPart::All => {
                held.published = self.published(row, began_seq).await?;
                let keys = self.epochs(async |epochs| epochs.current_admin_keys(row).await).await?;
                let keys = keys.chunks(32).map(|key| key_of(key).map(Into::into));
                held.admin_keys = Some(keys.collect::<Result<_, _>>()?);
                // Between these statements another handshake may have come.
                if self.current(row, began_seq).await?.is_none() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(held))
    }

    /// Past epochs before `before`, the latest first.
    pub(crate) async fn history(
        &self,
        row: i64,
        before: u64,
        limit: u32,
        tag: Option<[u8; 16]>,
    ) -> Result<HistoryReply, StoreError> {
        let tag = || tag.map(|tag| tag.to_vec()).unwrap_or_default();
        let there = sqlx::query(HISTORY_LENGTHS)
            .bind(row)
            .bind(to_sql(before))
            .bind(i64::from(limit) + 1)
            .bind(tag())
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let mut answer = Fitting::new();
        let lengths = there.iter().take(limit as usize).map(|row| row.get("length_bytes"));
        let count = lengths.take_while(|length| answer.takes(*length)).count();
        let Some(last) = count.checked_sub(1).and_then(|last| there.get(last)) else {
            return Ok(HistoryReply { epochs: Vec::new(), more: false });
        };
        let mut rows = sqlx::query(HISTORY)
            .bind(row)
            .bind(to_sql(before))
            .bind(to_sql(count as u64))
            .bind(tag())
            .bind(last.get::<i64, _>("epoch"))
            .fetch(&self.pool);
        let mut reply = HistoryReply { epochs: Vec::new(), more: count < there.len() };
        // A rewind may have put other epochs in the place of those that were measured.
        let mut answer = Fitting::new();
        while let Some(row) = rows.try_next().await.map_err(StoreError::Open)? {
            let part = |name| row.get::<Option<Vec<u8>>, _>(name);
            let (capsule, wrap, link) = (part("capsule"), part("wrap"), part("link"));
            let lengths = [&capsule, &wrap, &link].map(|part| part.as_ref().map_or(0, Vec::len));
            if !answer.takes(to_sql(lengths.iter().sum::<usize>() as u64)) {
                reply.more = true;
                break;
            }
            reply.epochs.push(PastEpoch { epoch: from_sql(row.get("epoch"))?, capsule, wrap, link });
        }
        Ok(reply)
    }

    /// All registers of the epoch that `began_seq` began; nothing if it is not the current one any more.
    pub(crate) async fn statuses(&self, row: i64, began_seq: u64) -> Result<Option<Vec<Status>>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.register_id, s.value FROM rooms r LEFT JOIN registers s ON s.room = r.number
                WHERE r.number = $1 AND r.began_seq = $2",
        )
        .bind(row)
        .bind(to_sql(began_seq))
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::Open)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let status = |row: &AnyRow| {
            let register = sized::<16>(row.get::<Option<Vec<u8>>, _>("register_id")?);
            let value = sized::<{ limits::STATUS_VALUE_BYTES }>(row.get::<Option<Vec<u8>>, _>("value")?);
            Some(register.and_then(|register| Ok(Status { register, value: value? })))
        };
        rows.iter().filter_map(status).collect::<Result<Vec<_>, _>>().map(Some)
    }

    /// How many registers of a room there are besides this one.
    pub(crate) async fn count_registers(&self, row: i64, besides: &[u8; 16]) -> Result<usize, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM registers WHERE room = $1 AND register_id <> $2")
                .bind(row)
                .bind(&besides[..])
                .fetch_one(&self.pool)
                .await
                .map_err(StoreError::Open)?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn current(&self, row: i64, began_seq: u64) -> Result<Option<(u64, Option<Vec<u8>>)>, StoreError> {
        let row = sqlx::query(HELD)
            .bind(row)
            .bind(to_sql(began_seq))
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        row.map(|row| Ok((from_sql(row.get("epoch"))?, row.get("link")))).transpose()
    }

    async fn published(&self, row: i64, began_seq: u64) -> Result<Option<Published>, StoreError> {
        let card: Option<Vec<u8>> = sqlx::query_scalar("SELECT card FROM cards WHERE room = $1")
            .bind(row)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let Some(card) = card else { return Ok(None) };
        let doors = sqlx::query(
            "SELECT door_id, door_key, wrap, expires_at_ms FROM doors WHERE room = $1 ORDER BY door_id",
        )
        .bind(row)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::Open)?;
        let capsule: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT capsule FROM capsules WHERE room = $1 AND began_seq = $2")
                .bind(row)
                .bind(to_sql(began_seq))
                .fetch_optional(&self.pool)
                .await
                .map_err(StoreError::Open)?;
        let wraps = sqlx::query(
            "SELECT tag, wrap, owner FROM capsule_wraps WHERE room = $1 AND began_seq = $2 ORDER BY tag",
        )
        .bind(row)
        .bind(to_sql(began_seq))
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::Open)?;
        let doors = doors.iter().map(door_of).collect::<Result<Vec<_>, _>>()?;
        let wraps = wraps.iter().map(wrap_of).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Published { card, doors, capsule, capsule_wraps: (!wraps.is_empty()).then_some(wraps) }))
    }
}

fn door_of(row: &AnyRow) -> Result<Door, StoreError> {
    let id = DoorId::try_from(row.get::<&[u8], _>("door_id")).map_err(|_| StoreError::Damaged("door id"))?;
    let expires_at_ms = row.get::<Option<i64>, _>("expires_at_ms").map(from_sql).transpose()?;
    Ok(Door { id, wrap: row.get("wrap"), expires_at_ms, key: key_of(row.get("door_key"))? })
}

fn wrap_of(row: &AnyRow) -> Result<CapsuleWrap, StoreError> {
    let owner = row.get::<Option<Vec<u8>>, _>("owner").map(|owner| key_of(&owner)).transpose()?;
    Ok(CapsuleWrap { tag: sized(row.get("tag"))?, wrap: row.get("wrap"), owner })
}

fn sized<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Damaged("length"))
}

//! Epochs of a room, as rights are judged by them: alike inside the writer's transaction and outside of it, before something is
//! queued. Each question finds a few short rows by an index, however many epochs a room has had.

use super::entry::Found;
use super::error::StoreError;
use super::read::{from_sql, key_of, to_sql};
use crate::access::{JudgedEpoch, is_among};
use sotto_protocol::{DoorId, EntryId, EntryKind};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

/// Reads epochs on a connection.
pub(crate) struct Epochs<'c>(pub(super) &'c mut AnyConnection);

macro_rules! epoch_where {
    ($which:literal) => {
        concat!(
            "SELECT epoch, began_seq, access_key, join_key, by_door, is_confirmed, door_id FROM epochs
                WHERE room = $1 AND voided_seq = 0 AND ",
            $which
        )
    };
}

/// The room-admin keys of an epoch: those of the last handover up to it.
const ADMINS: &str =
    "SELECT admin_keys FROM epochs WHERE room = $1 AND is_handover = 1 AND voided_seq = 0 AND began_seq <= $2
    ORDER BY began_seq DESC LIMIT 1";

/// The room-admin keys that came with each handover since a place.
const HANDOVERS: &str = "SELECT admin_keys FROM epochs WHERE room = $1 AND is_handover = 1 AND voided_seq = 0 AND began_seq >= $2";

const UNCONFIRMED: &str =
    "SELECT began_seq FROM epochs WHERE room = $1 AND is_confirmed = 0 AND voided_seq = 0 LIMIT $2";

const LIMIT: &str = "SELECT e.voided_seq,
        (SELECT min(c.began_seq) FROM epochs c
            WHERE c.room = e.room AND c.is_cut = 1 AND c.voided_seq = 0 AND c.began_seq > e.began_seq) AS first_cut_seq
    FROM epochs e WHERE e.room = $1 AND e.began_seq = $2";

const NEXT: &str = "SELECT e.seq, e.kind, e.entry_id, h.hash FROM entries e
        JOIN handshake_hashes h ON h.room = e.room AND h.seq = e.seq
    WHERE e.room = $1 AND e.kind <> 2 AND e.seq > $2 ORDER BY e.seq LIMIT 1";

const VOIDED_BY: &str = "SELECT v.voided_seq AS seq, h.hash FROM epochs v
        JOIN handshake_hashes h ON h.room = v.room AND h.seq = v.voided_seq
    WHERE v.room = $1 AND v.began_seq = $2 AND v.voided_seq > 0";

/// Queries that a client can cause with a room of its own, or by signing with any key.
#[cfg(test)]
pub(super) const OF_ANYBODY: [&str; 8] = [
    epoch_where!("epoch = $2"),
    epoch_where!("began_seq = $2"),
    ADMINS,
    HANDOVERS,
    UNCONFIRMED,
    LIMIT,
    NEXT,
    VOIDED_BY,
];

impl Epochs<'_> {
    /// The epoch of that number.
    pub(crate) async fn numbered(&mut self, row: i64, epoch: u64) -> Result<Option<JudgedEpoch>, StoreError> {
        self.find(epoch_where!("epoch = $2"), row, epoch).await
    }

    /// The epoch that the handshake at `began_seq` began.
    pub(crate) async fn begun_by(
        &mut self,
        row: i64,
        began_seq: u64,
    ) -> Result<Option<JudgedEpoch>, StoreError> {
        self.find(epoch_where!("began_seq = $2"), row, began_seq).await
    }

    async fn find(
        &mut self,
        sql: &'static str,
        row: i64,
        number: u64,
    ) -> Result<Option<JudgedEpoch>, StoreError> {
        let found = sqlx::query(sql).bind(row).bind(to_sql(number)).fetch_optional(&mut *self.0).await;
        found.map_err(StoreError::Open)?.map(|row| epoch_of(&row)).transpose()
    }

    /// SHA-256 of the handshake or rewind at a place.
    pub(crate) async fn handshake_hash(
        &mut self,
        row: i64,
        seq: u64,
    ) -> Result<Option<[u8; 32]>, StoreError> {
        let hash: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT hash FROM handshake_hashes WHERE room = $1 AND seq = $2")
                .bind(row)
                .bind(to_sql(seq))
                .fetch_optional(&mut *self.0)
                .await
                .map_err(StoreError::Open)?;
        hash.map(|hash| key_of(&hash)).transpose()
    }

    /// What is known of a handshake that follows the one at `known_seq`: it was stored only if none came between, so it is the next one,
    /// or it is not there.
    pub(crate) async fn handshake(
        &mut self,
        row: i64,
        known_seq: u64,
        (id, hash): (EntryId, &[u8; 32]),
    ) -> Result<Option<Found>, StoreError> {
        let next = sqlx::query(NEXT).bind(row).bind(to_sql(known_seq)).fetch_optional(&mut *self.0).await;
        let Some(next) = next.map_err(StoreError::Open)? else { return Ok(None) };
        let is_same = next.get::<i64, _>("kind") != i64::from(EntryKind::Rewind.code())
            && key_of(next.get("hash"))? == *hash;
        if is_same {
            return Ok(Some(Found::Same(from_sql(next.get("seq"))?)));
        }
        Ok((next.get::<&[u8], _>("entry_id") == id.as_bytes()).then_some(Found::Other))
    }

    /// Where a rewind is that was stored: it has voided what it names.
    pub(crate) async fn rewind(
        &mut self,
        row: i64,
        bad_seq: u64,
        hash: &[u8; 32],
    ) -> Result<Option<u64>, StoreError> {
        let by = sqlx::query(VOIDED_BY).bind(row).bind(to_sql(bad_seq)).fetch_optional(&mut *self.0).await;
        let Some(by) = by.map_err(StoreError::Open)? else { return Ok(None) };
        if key_of(by.get("hash"))? == *hash { from_sql(by.get("seq")).map(Some) } else { Ok(None) }
    }

    /// The room-admin keys that count in the epoch that `began_seq` began, end to end.
    pub(crate) async fn admin_keys(&mut self, row: i64, began_seq: u64) -> Result<Vec<u8>, StoreError> {
        let keys: Option<Vec<u8>> = sqlx::query_scalar(ADMINS)
            .bind(row)
            .bind(to_sql(began_seq))
            .fetch_optional(&mut *self.0)
            .await
            .map_err(StoreError::Open)?;
        Ok(keys.unwrap_or_default())
    }

    /// The room-admin keys that count now.
    pub(crate) async fn current_admin_keys(&mut self, row: i64) -> Result<Vec<u8>, StoreError> {
        self.admin_keys(row, i64::MAX.unsigned_abs()).await
    }

    /// How many joins there are that no one has confirmed; counted up to `most`.
    pub(crate) async fn unconfirmed_joins(&mut self, row: i64, most: u64) -> Result<u64, StoreError> {
        let joins: Result<Vec<i64>, _> =
            sqlx::query_scalar(UNCONFIRMED).bind(row).bind(to_sql(most)).fetch_all(&mut *self.0).await;
        Ok(joins.map_err(StoreError::Open)?.len() as u64)
    }

    /// Whether no handover since `bad_seq` has taken the key from those who administer the room.
    pub(crate) async fn survives_handovers(
        &mut self,
        row: i64,
        bad_seq: u64,
        key: &[u8; 32],
    ) -> Result<bool, StoreError> {
        let handovers: Vec<Vec<u8>> = sqlx::query_scalar(HANDOVERS)
            .bind(row)
            .bind(to_sql(bad_seq))
            .fetch_all(&mut *self.0)
            .await
            .map_err(StoreError::Open)?;
        Ok(handovers.iter().all(|keys| is_among(key, keys)))
    }

    /// The last entry that the key of the epoch opens which `began_seq` began, if there is an end to it. 0 where the epoch is gone.
    pub(crate) async fn limit(&mut self, row: i64, began_seq: u64) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query(LIMIT)
            .bind(row)
            .bind(to_sql(began_seq))
            .fetch_optional(&mut *self.0)
            .await
            .map_err(StoreError::Open)?;
        let Some(row) = row else { return Ok(Some(0)) };
        let voided_seq = from_sql(row.get("voided_seq"))?;
        let cut_seq = row.get::<Option<i64>, _>("first_cut_seq").map(from_sql).transpose()?;
        Ok([cut_seq, (voided_seq > 0).then_some(voided_seq)].into_iter().flatten().min())
    }
}

fn epoch_of(row: &AnyRow) -> Result<JudgedEpoch, StoreError> {
    Ok(JudgedEpoch {
        epoch: from_sql(row.get("epoch"))?,
        began_seq: from_sql(row.get("began_seq"))?,
        access_key: key_of(row.get("access_key"))?,
        join_key: key_of(row.get("join_key"))?,
        by_door: row.get::<i64, _>("by_door") == 1,
        is_confirmed: row.get::<i64, _>("is_confirmed") == 1,
        door: row.get::<Option<&[u8]>, _>("door_id").map(door_of).transpose()?,
    })
}

fn door_of(bytes: &[u8]) -> Result<DoorId, StoreError> {
    DoorId::try_from(bytes).map_err(|_| StoreError::Damaged("door id"))
}

//! Rooms and their epochs: beginning one, and voiding what came after it.

use super::{StoredRoom, WriteStore, from_sql, key_of, to_sql};
use crate::access::RoomHead;
use crate::store::WriteFault;
use crate::store::leftovers::leave_behind;
use sotto_protocol::{CreateRoom, DoorId, Handover, Published};
use sqlx::Row as _;

/// What comes with a handshake, for the epoch that it begins.
#[derive(Debug)]
pub(crate) struct HandshakeRecord {
    /// Opens the room.
    pub access_key: [u8; 32],
    /// Permits one handshake through a door.
    pub join_key: [u8; 32],
    /// What is kept for the epoch.
    pub published: Published,
    /// The epoch before, for newcomers.
    pub history: Option<Vec<u8>>,
    /// Whether it came through a door: then it can be voided until somebody confirms it.
    pub by_door: bool,
    /// Whether keys of earlier epochs open nothing after it.
    pub is_cut: bool,
    /// Through which door it came.
    pub door: Option<DoorId>,
    /// Who administers the room from it on; nothing where that stays as it was.
    pub handover: Option<Handover>,
}

/// An epoch that begins.
struct NewEpoch<'n> {
    /// Access key and join key.
    keys: (&'n [u8; 32], &'n [u8; 32]),
    /// The door through which the handshake came that begins it.
    door: Option<DoorId>,
    is_cut: bool,
    /// Who administers the room from it on, where that is said.
    admin_keys: Option<Vec<u8>>,
}

impl WriteStore {
    /// Makes a room, at epoch 0 with an empty log; none if another relay has made it meanwhile.
    pub(crate) async fn insert_room(
        &mut self,
        create: &CreateRoom,
    ) -> Result<Option<StoredRoom>, WriteFault> {
        let row: Option<i64> = sqlx::query_scalar(
            "INSERT INTO rooms (room_id, epoch, began_seq, last_handshake_seq, cut_seq, dropped_seq)
                VALUES ($1, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING RETURNING number",
        )
        .bind(&create.room.as_bytes()[..])
        .fetch_optional(&mut self.connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let keys = (&create.access_key, &create.join_key);
        let first = NewEpoch { keys, door: None, is_cut: false, admin_keys: Some(create.admin_key.to_vec()) };
        self.insert_epoch(row, (0, 0), first).await?;
        Ok(Some(StoredRoom { row, head: RoomHead::default(), join_key: create.join_key }))
    }

    /// Access key, join key and room-admin key that a room was made with.
    pub(crate) async fn first_keys(
        &mut self,
        row: i64,
    ) -> Result<([u8; 32], [u8; 32], [u8; 32]), WriteFault> {
        let sql = "SELECT access_key, join_key, admin_keys FROM epochs WHERE room = $1 AND began_seq = 0";
        let row = sqlx::query(sql).bind(row).fetch_one(&mut self.connection).await?;
        let key = |name| key_of(row.get(name));
        Ok((key("access_key")?, key("join_key")?, key("admin_keys")?))
    }

    /// Leads a room into the epoch that the handshake at `head.began_seq` begins.
    pub(crate) async fn begin_epoch(
        &mut self,
        row: i64,
        head: RoomHead,
        record: HandshakeRecord,
    ) -> Result<(), WriteFault> {
        let new = NewEpoch {
            keys: (&record.access_key, &record.join_key),
            door: record.door.filter(|_| record.by_door),
            is_cut: record.is_cut,
            admin_keys: record.handover.map(|handover| handover.keys.iter().flat_map(|key| **key).collect()),
        };
        self.insert_epoch(row, (head.epoch, head.began_seq), new).await?;
        self.set_head(row, head).await?;
        self.publish(row, head.began_seq, record.published).await?;
        if record.is_cut {
            self.forget_pushes_before(row, head.began_seq).await?;
        }
        if let Some(link) = record.history {
            self.set_history(row, head.began_seq, link).await?;
        }
        self.forget_registers(row).await
    }

    /// Voids the epochs since `bad_seq`, by the rewind at `head.last_handshake_seq`, and has what was kept for
    /// them swept. The room is then as `head` says, but for its last cut, which is given back.
    pub(crate) async fn go_back(
        &mut self,
        row: i64,
        bad_seq: u64,
        head: RoomHead,
    ) -> Result<u64, WriteFault> {
        sqlx::query(
            "UPDATE epochs SET voided_seq = $1, door_id = NULL WHERE room = $2 AND began_seq >= $3 AND voided_seq = 0",
        )
        .bind(to_sql(head.last_handshake_seq))
        .bind(row)
        .bind(to_sql(bad_seq))
        .execute(&mut self.connection)
        .await?;
        leave_behind(&mut self.connection, row, (bad_seq, head.last_handshake_seq)).await?;
        self.forget_pushes_since(row, bad_seq).await?;
        let cut_seq: Option<i64> = sqlx::query_scalar(
            "SELECT max(began_seq) FROM epochs WHERE room = $1 AND is_cut = 1 AND voided_seq = 0",
        )
        .bind(row)
        .fetch_one(&mut self.connection)
        .await?;
        let cut_seq = from_sql(cut_seq.unwrap_or(0))?;
        self.set_head(row, RoomHead { cut_seq, ..head }).await?;
        self.forget_registers(row).await?;
        Ok(cut_seq)
    }

    /// Takes the handshake that began an epoch for good.
    pub(crate) async fn confirm(&mut self, row: i64, began_seq: u64) -> Result<(), WriteFault> {
        sqlx::query("UPDATE epochs SET is_confirmed = 1, door_id = NULL WHERE room = $1 AND began_seq = $2")
            .bind(row)
            .bind(to_sql(began_seq))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    async fn set_head(&mut self, row: i64, head: RoomHead) -> Result<(), WriteFault> {
        sqlx::query(
            "UPDATE rooms SET epoch = $1, began_seq = $2, last_handshake_seq = $3, cut_seq = $4 WHERE number = $5",
        )
        .bind(to_sql(head.epoch))
        .bind(to_sql(head.began_seq))
        .bind(to_sql(head.last_handshake_seq))
        .bind(to_sql(head.cut_seq))
        .bind(row)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    async fn insert_epoch(
        &mut self,
        row: i64,
        (epoch, began_seq): (u64, u64),
        new: NewEpoch<'_>,
    ) -> Result<(), WriteFault> {
        let NewEpoch { keys: (access_key, join_key), door, is_cut, admin_keys } = new;
        let by_door = door.is_some();
        sqlx::query(
            "INSERT INTO epochs (room, began_seq, epoch, access_key, join_key, by_door, is_confirmed, is_cut,
                voided_seq, admin_keys, is_handover, door_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11)",
        )
        .bind(row)
        .bind(to_sql(began_seq))
        .bind(to_sql(epoch))
        .bind(&access_key[..])
        .bind(&join_key[..])
        .bind(i64::from(by_door))
        .bind(i64::from(!by_door))
        .bind(i64::from(is_cut))
        .bind(admin_keys.clone().unwrap_or_default())
        .bind(i64::from(admin_keys.is_some()))
        .bind(door.map(|door| door.as_bytes().to_vec()))
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

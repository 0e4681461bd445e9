//! What room-admin keys are for: deleting a room, and saying how long its messages are kept.

use super::{WriteStore, to_sql};
use crate::store::WriteFault;
use crate::store::leftovers::leave_room_behind;
use sotto_protocol::{RoomId, entry_hash};
use sqlx::AnyConnection;

/// Tables with few rows of a room; the room itself comes last. What may be much goes later, in pieces.
const DELETE: [&str; 5] = [
    "DELETE FROM doors WHERE room = $1",
    "DELETE FROM cards WHERE room = $1",
    "DELETE FROM registers WHERE room = $1",
    "DELETE FROM push_subscriptions WHERE room = $1",
    "DELETE FROM rooms WHERE number = $1",
];

impl WriteStore {
    /// Deletes a room, and remembers that it was there. What it had much of is removed by sweeps.
    pub(crate) async fn delete_room(&mut self, row: i64, room: &RoomId) -> Result<(), WriteFault> {
        delete_room(&mut self.connection, row, room).await
    }

    /// Notes that a room token is used. Whether it was not before.
    pub(crate) async fn spend_room_token(
        &mut self,
        hash: &[u8; 32],
        period: u32,
    ) -> Result<bool, WriteFault> {
        let spent =
            "INSERT INTO spent_room_tokens (token_hash, period) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let done =
            sqlx::query(spent).bind(&hash[..]).bind(i64::from(period)).execute(&mut self.connection).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether a room of that id was deleted.
    pub(crate) async fn is_deleted(&mut self, room: &RoomId) -> Result<bool, WriteFault> {
        let found = sqlx::query("SELECT room_hash FROM deleted_rooms WHERE room_hash = $1")
            .bind(&entry_hash(room.as_bytes())[..])
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(found.is_some())
    }

    /// Keeps messages so long; nothing: as long as the operator has it.
    pub(crate) async fn set_retention(&mut self, row: i64, seconds: Option<u64>) -> Result<(), WriteFault> {
        sqlx::query("UPDATE rooms SET retention_s = $1 WHERE number = $2")
            .bind(seconds.map(to_sql))
            .bind(row)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}

/// Deletes a room, and remembers that it was there. What it had much of is removed by sweeps.
pub(in crate::store) async fn delete_room(
    connection: &mut AnyConnection,
    row: i64,
    room: &RoomId,
) -> Result<(), WriteFault> {
    sqlx::query("INSERT INTO deleted_rooms (room_hash) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(&entry_hash(room.as_bytes())[..])
        .execute(&mut *connection)
        .await?;
    for sql in DELETE {
        sqlx::query(sql).bind(row).execute(&mut *connection).await?;
    }
    leave_room_behind(connection, row).await
}

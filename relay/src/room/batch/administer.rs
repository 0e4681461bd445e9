//! What room-admin keys are for, and what the relay does by itself.

use super::entries::is_current;
use super::{Batch, Verdict};
use crate::access::{Grant, is_among};
use crate::room::operation::Sweep;
use crate::store::{Registers, StoredRoom, Swept, WriteFault};
use sotto_protocol::{ErrorCode, Reply, RoomId};
use tokio::sync::oneshot;

impl Batch<'_> {
    /// The whole room, by an admin's key.
    pub(super) async fn delete(
        &mut self,
        room_id: RoomId,
        grant: Grant,
        key: &[u8; 32],
    ) -> Result<Verdict, WriteFault> {
        self.flush().await?;
        match self.administered(&room_id, grant, key).await? {
            Err(code) => Ok(code.into()),
            Ok(room) => {
                self.store.delete_room(room.row, &room_id).await?;
                self.rooms.remove(&room_id);
                self.gone.push(room_id);
                Ok(Verdict::Judged(Reply::Done))
            }
        }
    }

    /// How long messages are kept, by an admin's key.
    pub(super) async fn retain(
        &mut self,
        room_id: RoomId,
        (grant, key): (Grant, &[u8; 32]),
        seconds: Option<u64>,
    ) -> Result<Verdict, WriteFault> {
        match self.administered(&room_id, grant, key).await? {
            Err(code) => Ok(code.into()),
            Ok(room) => {
                self.store.set_retention(room.row, seconds).await?;
                Ok(Verdict::Judged(Reply::Done))
            }
        }
    }

    async fn administered(
        &mut self,
        room: &RoomId,
        grant: Grant,
        key: &[u8; 32],
    ) -> Result<Result<StoredRoom, ErrorCode>, WriteFault> {
        let Some(room) = self.rooms.get(room).copied() else { return Ok(Err(ErrorCode::UnknownRoom)) };
        if let Err(code) = is_current(grant, &room) {
            return Ok(Err(code));
        }
        let keys = self.store.epochs().current_admin_keys(room.row).await?;
        Ok(if is_among(key, &keys) { Ok(room) } else { Err(ErrorCode::BadSignature) })
    }

    /// Values of status registers, if their epoch is still the current one.
    pub(super) async fn registers(
        &mut self,
        registers: Registers,
        done: oneshot::Sender<()>,
    ) -> Result<Verdict, WriteFault> {
        let room = self.rooms.get(&registers.room);
        let is_current =
            room.is_some_and(|room| room.row == registers.row && room.head.began_seq == registers.began_seq);
        if is_current {
            self.store.set_registers(registers.row, registers.values).await?;
        }
        // Whoever waited may have gone.
        self.tasks.push(Box::new(move || _ = done.send(())));
        Ok(Verdict::Judged(Reply::Done))
    }

    /// What time ends.
    pub(super) async fn sweep(
        &mut self,
        sweep: Sweep,
        done: oneshot::Sender<Swept>,
    ) -> Result<Verdict, WriteFault> {
        self.flush().await?;
        let swept = match sweep {
            Sweep::Bodies { retention_s, rooms } => {
                self.store.sweep_bodies(self.sure_ms, retention_s, &rooms).await?
            }
            Sweep::Rest => self.store.sweep_rest(self.sure_ms).await?,
        };
        self.tasks.push(Box::new(move || _ = done.send(swept)));
        Ok(Verdict::Judged(Reply::Done))
    }
}

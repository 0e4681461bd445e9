//! Push subscriptions. They are written in the order of the log, so that a cut leaves none of before it.

use super::entries::is_current;
use super::{Batch, Verdict};
use crate::access::Grant;
use crate::push::GonePush;
use crate::store::{NewPush, WriteFault};
use sotto_protocol::{ErrorCode, Reply, RoomId, WireError, limits};

impl Batch<'_> {
    /// A device that wants to be woken.
    pub(super) async fn subscribe(
        &mut self,
        room: RoomId,
        grant: Grant,
        push: &NewPush,
    ) -> Result<Verdict, WriteFault> {
        let Some(room) = self.rooms.get(&room).copied() else { return Ok(ErrorCode::UnknownRoom.into()) };
        if let Err(code) = is_current(grant, &room) {
            return Ok(code.into());
        }
        let max = limits::PUSH_SUBSCRIPTIONS_MAX;
        if self.store.subscribe((room.row, room.head.began_seq), push, max).await? {
            Ok(Verdict::Judged(Reply::Done))
        } else {
            let error = WireError::with_limit(ErrorCode::LimitExceeded, max as u64);
            Ok(Verdict::Judged(Reply::Error(error)))
        }
    }

    /// A device that wants to be woken no more.
    pub(super) async fn unsubscribe(
        &mut self,
        room: RoomId,
        grant: Grant,
        id: &[u8; 16],
    ) -> Result<Verdict, WriteFault> {
        let Some(room) = self.rooms.get(&room).copied() else { return Ok(ErrorCode::UnknownRoom.into()) };
        if grant.room != room.row {
            return Ok(ErrorCode::RoomNotOpen.into());
        }
        self.store.unsubscribe(room.row, id).await?;
        Ok(Verdict::Judged(Reply::Done))
    }

    /// A subscription that its push service does not know any more.
    pub(super) async fn forget_push(&mut self, gone: &GonePush) -> Result<Verdict, WriteFault> {
        self.store.forget_push(gone.room.1, &gone.id, &gone.sealed).await?;
        Ok(Verdict::Judged(Reply::Done))
    }
}

//! Wedge and repair: voiding a handshake, confirming a join, publishing again what is wrong.

use super::writer::{AppendedRewind, Operation, Repair};
use super::{ReplyTo, Rooms};
use crate::access::{published_is_in_shape, rewind_is_signed};
use sotto_protocol::{AppendRewind, ConfirmJoin, ErrorCode, RepairEpoch, Rewind, decode, entry_hash};

impl Rooms {
    /// Appends a rewind. Its signature is checked here, before the queue; whether its key may, and whether there is something to
    /// void, where it is written.
    pub(crate) fn rewind(&self, append: AppendRewind, reply_to: ReplyTo) {
        let AppendRewind { room, rewind: entry, published } = append;
        let Ok(rewind) = decode::<Rewind>(&entry) else {
            return reply_to.error(ErrorCode::BadEntry);
        };
        if rewind.card_hash != entry_hash(&published.card) {
            return reply_to.error(ErrorCode::BadEntry);
        }
        if let Err(error) = published_is_in_shape(&published) {
            return reply_to.error(error);
        }
        let Some(open) = reply_to.session().room(&room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        if !rewind_is_signed(&room, &rewind) {
            return reply_to.error(ErrorCode::BadSignature);
        }
        let rewind = AppendedRewind { room, grant: open.grant, rewind, entry, published };
        self.writer.submit(Operation::Rewind(Box::new(rewind)), reply_to);
    }

    /// Takes a join for good.
    pub(crate) fn confirm(&self, confirm: ConfirmJoin, reply_to: ReplyTo) {
        if reply_to.session().room(&confirm.room).is_none() {
            return reply_to.error(ErrorCode::RoomNotOpen);
        }
        self.writer.submit(Operation::Confirm(confirm), reply_to);
    }

    /// Keeps something else for the current epoch.
    pub(crate) fn repair(&self, repair: RepairEpoch, reply_to: ReplyTo) {
        let RepairEpoch { room, epoch, published, history, last_handshake_seq: known_seq } = repair;
        if let Some(Err(error)) = published.as_ref().map(published_is_in_shape) {
            return reply_to.error(error);
        }
        let Some(open) = reply_to.session().room(&room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        let repair = Repair { room, grant: open.grant, epoch, known_seq, published, history };
        self.writer.submit(Operation::Repair(Box::new(repair)), reply_to);
    }
}

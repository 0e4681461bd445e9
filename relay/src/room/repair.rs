//! Wedge and repair: voiding a handshake, confirming a join, publishing again what is wrong.

use super::judge::{judge_confirm, judge_rewind};
use super::operation::{AppendedRewind, ConfirmedJoin, Operation, Repair};
use super::{ReplyTo, Rooms, read_failed};
use crate::access::{confirms, may_append, published_is_in_shape, rewind_is_signed, said_to};
use sotto_protocol::{AppendRewind, ConfirmJoin, ErrorCode, RepairEpoch, Reply, Rewind, decode, entry_hash};

impl Rooms {
    /// Appends a rewind, if its signature is good and its key may: that is judged here, before the queue, and once more where it is
    /// written.
    pub(crate) async fn rewind(&self, append: AppendRewind, reply_to: ReplyTo) {
        let AppendRewind { room, rewind: entry, published } = append;
        let Ok(rewind) = decode::<Rewind>(&entry) else {
            return reply_to.error(ErrorCode::BadEntry);
        };
        let Some(open) = reply_to.session().room(&room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        if let Err(error) = published_is_in_shape(&published) {
            return reply_to.error(error);
        }
        if rewind.published_hash != published.hash() {
            return reply_to.error(ErrorCode::BadEntry);
        }
        if !rewind_is_signed(&room, &rewind) {
            return reply_to.error(ErrorCode::BadSignature);
        }
        let (row, epoch) = (open.grant.room, open.live.head().epoch);
        let judged = self.read.epochs(async |epochs| judge_rewind(epochs, row, &rewind, epoch).await).await;
        match judged {
            Ok(Ok(_)) => {
                let hash = entry_hash(&entry);
                let rewind = AppendedRewind { room, grant: open.grant, rewind, entry, hash, published };
                self.writer.submit(Operation::Rewind(Box::new(rewind)), reply_to);
            }
            Ok(Err(code)) => {
                let hash = entry_hash(&entry);
                let known =
                    self.read.epochs(async |epochs| epochs.rewind(row, rewind.bad_seq, &hash).await).await;
                match known {
                    // It was written before, and what it voids is not there any more.
                    Ok(Some(seq)) => reply_to.send(Reply::Appended(seq)),
                    Ok(None) => {
                        let standing = open.live.standing(reply_to.session().id(), open.grant);
                        reply_to.error(said_to(standing, code));
                    }
                    Err(error) => reply_to.send(read_failed(&error)),
                }
            }
            Err(error) => reply_to.send(read_failed(&error)),
        }
    }

    /// Takes a join for good, at the word of a key that may.
    pub(crate) async fn confirm(&self, confirm: ConfirmJoin, reply_to: ReplyTo) {
        let Some(open) = reply_to.session().room(&confirm.room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        let row = open.grant.room;
        let judged = self.read.epochs(async |epochs| judge_confirm(epochs, row, &confirm).await).await;
        let code = match judged {
            Ok(Ok(join)) => {
                let signature = &confirm.signature;
                if confirms(&join.key, &confirm.room, confirm.seq, &join.entry, signature) {
                    if join.is_confirmed {
                        return reply_to.send(Reply::Done);
                    }
                    let confirmed = ConfirmedJoin { grant: open.grant, confirm, key: join.key };
                    return self.writer.submit(Operation::Confirm(Box::new(confirmed)), reply_to);
                }
                ErrorCode::BadSignature
            }
            Ok(Err(code)) => code,
            Err(error) => return reply_to.send(read_failed(&error)),
        };
        let standing = open.live.standing(reply_to.session().id(), open.grant);
        reply_to.error(said_to(standing, code));
    }

    /// Keeps something else for the current epoch.
    pub(crate) fn repair(&self, repair: RepairEpoch, reply_to: ReplyTo) {
        let RepairEpoch { room, epoch, published, history, last_handshake_seq: known_seq } = repair;
        let Some(open) = reply_to.session().room(&room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        if let Some(Err(error)) = published.as_ref().map(published_is_in_shape) {
            return reply_to.error(error);
        }
        let standing = open.live.standing(reply_to.session().id(), open.grant);
        if let Err(code) = may_append(standing, epoch, open.live.head()) {
            return reply_to.error(code);
        }
        let repair = Repair { room, grant: open.grant, epoch, known_seq, published, history };
        self.writer.submit(Operation::Repair(Box::new(repair)), reply_to);
    }
}

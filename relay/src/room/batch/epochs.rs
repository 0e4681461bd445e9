//! What is wrong with an epoch and can be put right: rewinds, confirmed joins, repairs.

use super::entries::is_current;
use super::{Batch, Verdict};
use crate::access::{Effect, Grant, RoomHead, may_append, said_to};
use crate::room::judge::{judge_confirm, judge_rewind};
use crate::room::operation::{AppendedRewind, ConfirmedJoin, Repair};
use crate::store::{NewEntry, StoredRoom, WriteFault};
use sotto_protocol::{DropWraps, EntryKind, ErrorCode, LogEntry, Reply, Rewind, WireError};

/// When to go on with what is more than one transaction takes on.
const GO_ON_MS: u64 = 50;

impl Batch<'_> {
    /// A rewind: the handshake that it names is good no longer, and neither is anything after it.
    pub(super) async fn rewind(&mut self, appended: AppendedRewind) -> Result<Verdict, WriteFault> {
        let AppendedRewind { room: room_id, grant, rewind, entry, hash, published } = appended;
        let Some(room) = self.rooms.get(&room_id).copied() else { return Ok(ErrorCode::UnknownRoom.into()) };
        let id = Rewind::entry_id(&entry);
        if let Some(seq) = self.store.epochs().rewind(room.row, rewind.bad_seq, &hash).await? {
            return Ok(Verdict::Judged(Reply::Appended(seq)));
        }
        if grant.room != room.row {
            return Ok(ErrorCode::RoomNotOpen.into());
        }
        let judged = judge_rewind(&mut self.store.epochs(), room.row, &rewind, room.head.epoch).await?;
        let before = match judged {
            Ok(before) => before,
            Err(code) => return Ok(said_to(self.standing(grant, &room).await?, code).into()),
        };
        self.flush().await?;
        let (seq, kind, epoch) = (room.head.head_seq + 1, EntryKind::Rewind, before.epoch);
        let began_seq = before.began_seq;
        let head = RoomHead { epoch, began_seq, head_seq: seq, last_handshake_seq: seq, cut_seq: 0 };
        let log_entry = LogEntry { kind, ..LogEntry::message(seq, entry) };
        self.announce(room_id, epoch, &log_entry, Effect::Rewind { bad_seq: rewind.bad_seq });
        let new = NewEntry { row: room.row, seq, kind, epoch, id, entry: log_entry.entry };
        self.insert_handshake(new, hash).await?;
        let cut_seq = self.store.go_back(room.row, rewind.bad_seq, head).await?;
        self.store.publish(room.row, began_seq, published).await?;
        let head = RoomHead { cut_seq, ..head };
        self.rooms.insert(room_id, StoredRoom { row: room.row, head, join_key: before.join_key });
        Ok(Verdict::Judged(Reply::Appended(seq)))
    }

    /// A member's word for a join: nobody voids it any more without an admin's key. Its signature was checked before.
    pub(super) async fn confirm(&mut self, confirmed: &ConfirmedJoin) -> Result<Verdict, WriteFault> {
        let ConfirmedJoin { grant, confirm, key } = confirmed;
        let Some(room) = self.rooms.get(&confirm.room).copied() else {
            return Ok(ErrorCode::UnknownRoom.into());
        };
        if grant.room != room.row {
            return Ok(ErrorCode::RoomNotOpen.into());
        }
        let judged = judge_confirm(&mut self.store.epochs(), room.row, confirm).await?;
        let code = match judged {
            Ok(judged) if judged.key == *key => {
                if !judged.is_confirmed {
                    self.store.confirm(room.row, confirm.seq).await?;
                }
                return Ok(Verdict::Judged(Reply::Done));
            }
            Ok(_) => ErrorCode::BadSignature,
            Err(code) => code,
        };
        Ok(said_to(self.standing(*grant, &room).await?, code).into())
    }

    /// A member's better publication for the current epoch.
    pub(super) async fn repair(&mut self, repair: Repair) -> Result<Verdict, WriteFault> {
        let Repair { room: room_id, grant, epoch, known_seq, published, history } = repair;
        let Some(room) = self.rooms.get(&room_id).copied() else { return Ok(ErrorCode::UnknownRoom.into()) };
        if let Err(code) = may_append(self.standing(grant, &room).await?, epoch, room.head) {
            return Ok(code.into());
        }
        // A rewind may have brought the room back into this epoch, with other things published.
        if known_seq != room.head.last_handshake_seq {
            return Ok(ErrorCode::StaleEpoch.into());
        }
        if let Some(published) = published {
            self.store.publish(room.row, room.head.began_seq, published).await?;
        }
        if let Some(link) = history {
            self.store.set_history(room.row, room.head.began_seq, link).await?;
        }
        Ok(Verdict::Judged(Reply::Done))
    }

    /// An account's wraps, at its own word.
    pub(super) async fn drop_wraps(&mut self, grant: Grant, drop: &DropWraps) -> Result<Verdict, WriteFault> {
        let Some(room) = self.rooms.get(&drop.room).copied() else {
            return Ok(ErrorCode::UnknownRoom.into());
        };
        if let Err(code) = is_current(grant, &room) {
            return Ok(code.into());
        }
        let has_more = self.store.drop_wraps(room.row, (&drop.tag, &drop.owner), drop.before).await?;
        let go_on = || Reply::Error(WireError::with_delay(ErrorCode::Overloaded, GO_ON_MS));
        Ok(Verdict::Judged(if has_more { go_on() } else { Reply::Done }))
    }
}

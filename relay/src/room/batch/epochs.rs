//! What is wrong with an epoch and can be put right: rewinds, confirmed joins, repairs.

use super::entries::{is_current, sent_before};
use super::{Batch, Verdict};
use crate::access::{Effect, Grant, RoomHead, confirms, is_among, may_append};
use crate::room::writer::{AppendedRewind, Repair};
use crate::store::{NewEntry, StoredRoom, WriteFault};
use sotto_protocol::{
    ConfirmJoin, DropWraps, EntryKind, ErrorCode, LogEntry, Reply, Rewind, RewindAuthority,
};

impl Batch<'_> {
    /// A rewind: the handshake that it names is good no longer, and neither is anything after it.
    pub(super) async fn rewind(&mut self, appended: AppendedRewind) -> Result<Verdict, WriteFault> {
        let AppendedRewind { room: room_id, grant, rewind, entry, published } = appended;
        let Some(room) = self.rooms.get(&room_id).copied() else { return Ok(ErrorCode::UnknownRoom.into()) };
        let id = Rewind::entry_id(&entry);
        if let Some(known) = self.known.get(&(room.row, id)) {
            return Ok(sent_before(known, EntryKind::Rewind, &entry));
        }
        if grant.room != room.row {
            return Ok(ErrorCode::RoomNotOpen.into());
        }
        self.flush().await?;
        let bad = self.store.epoch_begun_by(room.row, rewind.bad_seq).await?;
        let before = self.store.epoch(room.row, rewind.epoch).await?;
        let (Some(bad), Some(before)) = (bad, before) else { return Ok(ErrorCode::Conflict.into()) };
        let bad_entry = self.store.entry_at(room.row, rewind.bad_seq).await?;
        let is_it = bad.epoch.checked_sub(1) == Some(before.epoch)
            && bad_entry.is_some_and(|bad_entry| bad_entry.hash() == rewind.bad_entry);
        if !is_it {
            return Ok(ErrorCode::Conflict.into());
        }
        let may = rewind.access_key == before.access_key
            && match &rewind.authority {
                RewindAuthority::Access => bad.by_door && !bad.is_confirmed,
                // Who was removed must not undo that.
                RewindAuthority::Admin(key) => {
                    is_among(key, &before.admin_keys)
                        && self.store.survives_cuts(room.row, rewind.bad_seq, key).await?
                }
            };
        if !may {
            return Ok(ErrorCode::BadSignature.into());
        }
        let (seq, kind, epoch) = (room.head.head_seq + 1, EntryKind::Rewind, before.epoch);
        let began_seq = before.began_seq;
        let head = RoomHead { epoch, began_seq, head_seq: seq, last_handshake_seq: seq, cut_seq: 0 };
        let log_entry = LogEntry { kind, ..LogEntry::message(seq, entry) };
        self.announce(room_id, epoch, &log_entry, Effect::Rewind { bad_seq: rewind.bad_seq });
        self.insert(vec![NewEntry { row: room.row, seq, kind, epoch, id, entry: log_entry.entry }]).await?;
        let cut_seq = self.store.go_back(room.row, rewind.bad_seq, head).await?;
        self.store.publish(room.row, began_seq, published).await?;
        let head = RoomHead { cut_seq, ..head };
        self.rooms.insert(room_id, StoredRoom { row: room.row, head, join_key: before.join_key });
        Ok(Verdict::Judged(Reply::Appended(seq)))
    }

    /// A member's word for a join: nobody voids it any more without an admin's key.
    pub(super) async fn confirm(&mut self, confirm: &ConfirmJoin) -> Result<Verdict, WriteFault> {
        let Some(room) = self.rooms.get(&confirm.room).copied() else {
            return Ok(ErrorCode::UnknownRoom.into());
        };
        let join = self.store.epoch_begun_by(room.row, confirm.seq).await?.filter(|join| join.by_door);
        let Some(join) = join else { return Ok(ErrorCode::Conflict.into()) };
        let before = self.store.epoch(room.row, join.epoch.saturating_sub(1)).await?;
        let entry = self.store.entry_at(room.row, confirm.seq).await?;
        let (Some(before), Some(entry)) = (before, entry) else { return Ok(ErrorCode::Conflict.into()) };
        let key: &[u8; 32] = match &confirm.admin_key {
            None => &before.access_key,
            Some(key) if is_among(key, &self.store.trusted_admin_keys(room.row).await?) => key,
            Some(_) => return Ok(ErrorCode::BadSignature.into()),
        };
        if !confirms(key, &confirm.room, confirm.seq, &entry.hash(), &confirm.signature) {
            return Ok(ErrorCode::BadSignature.into());
        }
        if !join.is_confirmed {
            self.store.confirm(room.row, confirm.seq).await?;
        }
        Ok(Verdict::Judged(Reply::Done))
    }

    /// A member's better publication for the current epoch.
    pub(super) async fn repair(&mut self, repair: Repair) -> Result<Verdict, WriteFault> {
        let Repair { room: room_id, grant, epoch, known_seq, published, history } = repair;
        let Some(room) = self.rooms.get(&room_id).copied() else { return Ok(ErrorCode::UnknownRoom.into()) };
        if let Err(code) = may_append(grant, epoch, room.head).and_then(|()| is_current(grant, &room)) {
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
        self.store.drop_wraps(room.row, (&drop.tag, &drop.owner), drop.before).await?;
        Ok(Verdict::Judged(Reply::Done))
    }
}

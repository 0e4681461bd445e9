//! New rooms, messages and handshakes.

use super::{Batch, Verdict};
use crate::access::{
    Effect, Grant, RoomHead, Standing, handshake_is_next, is_in_reach, may_append, may_hand_over,
    room_access, said_to,
};
use crate::account::GoodToken;
use crate::room::operation::{Authority, Handshake};
use crate::store::{Found, NewEntry, StoredRoom, WriteFault};
use sotto_protocol::{
    CreateRoom, EntryHeader, EntryKind, ErrorCode, LogEntry, Reply, RoomAccess, RoomId, limits,
};

impl Batch<'_> {
    pub(super) async fn create(
        &mut self,
        create: &CreateRoom,
        token: Option<GoodToken>,
    ) -> Result<Verdict, WriteFault> {
        // What is known of a room here counts, and not what was written of it: entries may be waiting to be.
        if !self.rooms.contains_key(&create.room) {
            if self.store.is_deleted(&create.room).await? {
                return Ok(ErrorCode::RoomDeleted.into());
            }
            let is_allowed = match token {
                Some(token) => self.store.spend_room_token(&token.hash, token.period).await?,
                None => true,
            };
            if is_allowed && let Some(room) = self.store.insert_room(create).await? {
                self.rooms.insert(create.room, room);
                return Ok(Verdict::Judged(Reply::Created));
            }
            // Another relay has made it since this transaction read the rooms.
            self.rooms.extend(self.store.rooms(&[create.room]).await?);
            if !is_allowed && !self.rooms.contains_key(&create.room) {
                return Ok(ErrorCode::TokenNeeded.into());
            }
        }
        let Some(room) = self.rooms.get(&create.room) else { return Ok(ErrorCode::Internal.into()) };
        let keys = self.store.first_keys(room.row).await?;
        let is_same = keys == (create.access_key, create.join_key, create.admin_key);
        Ok(if is_same { Verdict::Judged(Reply::Created) } else { ErrorCode::RoomExists.into() })
    }

    pub(super) async fn append(
        &mut self,
        room_id: RoomId,
        grant: Grant,
        (header, read_seq): (EntryHeader, u64),
        entry: Vec<u8>,
    ) -> Result<Verdict, WriteFault> {
        let Some(room) = self.rooms.get(&room_id).copied() else { return Ok(ErrorCode::UnknownRoom.into()) };
        if let Err(code) = is_in_reach(read_seq, room.head) {
            return Ok(said_to(self.standing(grant, &room).await?, code).into());
        }
        if let Some(verdict) = self.sent_before((room.row, header.id), read_seq, &entry) {
            return self.said_of(verdict, grant, &room).await;
        }
        if let Err(code) = may_append(self.standing(grant, &room).await?, header.epoch, room.head) {
            return Ok(code.into());
        }
        let head = RoomHead { head_seq: room.head.head_seq + 1, ..room.head };
        self.rooms.insert(room_id, StoredRoom { head, ..room });
        let (row, seq, kind) = (room.row, head.head_seq, EntryKind::Message);
        self.note_taken((row, header.id), seq, &entry);
        let log_entry = LogEntry::message(seq, entry);
        self.announce(room_id, header.epoch, &log_entry, Effect::None);
        let entry = log_entry.entry;
        self.pending.push(NewEntry { row, seq, kind, epoch: header.epoch, id: header.id, entry });
        Ok(Verdict::Judged(Reply::Appended(seq)))
    }

    pub(super) async fn handshake(&mut self, handshake: Handshake) -> Result<Verdict, WriteFault> {
        let Handshake { room: room_id, known_seq, header, entry, hash, record, authority } = handshake;
        let Some(room) = self.rooms.get(&room_id).copied() else { return Ok(ErrorCode::UnknownRoom.into()) };
        // What the room's last handshake is named as nothing has followed.
        let found = match known_seq == room.head.last_handshake_seq {
            true => None,
            false => self.store.epochs().handshake(room.row, known_seq, (header.id, &hash)).await?,
        };
        if let Some(found) = found {
            let verdict = match found {
                Found::Same(seq) => Verdict::Judged(Reply::Appended(seq)),
                Found::Other => ErrorCode::EntryIdReused.into(),
            };
            return match authority {
                Authority::Member(grant) => self.said_of(verdict, grant, &room).await,
                Authority::Joiner { .. } => Ok(verdict),
            };
        }
        // The right is checked first: a client without it must not learn what has changed in the room.
        let is_allowed = match authority {
            Authority::Member(grant) => match self.standing(grant, &room).await? {
                Standing::Ended => Err(ErrorCode::RoomNotOpen),
                Standing::Earlier => {
                    handshake_is_next(known_seq, header.epoch, room.head).and(Err(ErrorCode::RoomNotOpen))
                }
                Standing::Current => Ok(()),
            },
            Authority::Joiner { join_key, .. } if join_key != room.join_key => Err(ErrorCode::BadSignature),
            Authority::Joiner { door, .. } if !self.store.has_door(room.row, &door, self.now_ms).await? => {
                Err(ErrorCode::DoorClosed)
            }
            Authority::Joiner { .. } => Ok(()),
        };
        let is_allowed = is_allowed.and_then(|()| handshake_is_next(known_seq, header.epoch, room.head));
        if let Err(code) = is_allowed {
            return Ok(code.into());
        }
        // Whoever was there before a join can void it until it is confirmed, and with it all that came after it: also this cut, if
        // it were them that it removes.
        let most = if record.by_door { limits::UNCONFIRMED_JOINS_MAX } else { 1 };
        let waits_for_joins = record.by_door || record.is_cut || record.handover.is_some();
        if waits_for_joins && self.store.epochs().unconfirmed_joins(room.row, most).await? >= most {
            return Ok(ErrorCode::JoinUnconfirmed.into());
        }
        if let Some(handover) = &record.handover {
            let keys = self.store.epochs().current_admin_keys(room.row).await?;
            if !may_hand_over(handover, &keys) {
                return Ok(ErrorCode::BadSignature.into());
            }
        }
        self.flush().await?;
        let (seq, epoch) = (room.head.head_seq + 1, room.head.epoch + 1);
        let cut_seq = if record.is_cut { seq } else { room.head.cut_seq };
        let head = RoomHead { epoch, began_seq: seq, head_seq: seq, last_handshake_seq: seq, cut_seq };
        let kind = EntryKind::of_commit(record.by_door);
        let log_entry = LogEntry { seq, kind, entry, access_key: Some(record.access_key), dropped: None };
        let effect = if record.is_cut { Effect::Cut } else { Effect::None };
        self.announce(room_id, header.epoch, &log_entry, effect);
        self.rooms.insert(room_id, StoredRoom { row: room.row, head, join_key: record.join_key });
        let new =
            NewEntry { row: room.row, seq, kind, epoch: header.epoch, id: header.id, entry: log_entry.entry };
        self.insert_handshake(new, hash).await?;
        self.store.begin_epoch(room.row, head, record).await?;
        Ok(Verdict::Judged(Reply::Appended(seq)))
    }
}

/// Whether somebody is in the current epoch of this very room.
pub(super) fn is_current(grant: Grant, room: &StoredRoom) -> Result<(), ErrorCode> {
    match room_access(grant, room.head) {
        RoomAccess::Full if grant.room == room.row => Ok(()),
        RoomAccess::Full | RoomAccess::Handshakes => Err(ErrorCode::RoomNotOpen),
    }
}

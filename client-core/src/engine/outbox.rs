//! Messages and commits on their way to the relay.

use super::{Engine, connection::Purpose, sync::refusal};
use crate::{
    ClientError,
    api::{Outcome, Ticket},
    room::OwnInvite,
};
use sotto_crypto::{
    link::{InviteLink, InviteSecret},
    message::MessageId,
    room::{Invite, InviteId, RoomChange},
};
use sotto_protocol::{ErrorCode, Reply, Request, RoomId};

/// How often a commit that lost its race is made again.
const ATTEMPTS_MAX: u32 = 50;

/// A change to a room that a person wants: tried until it is in the log.
pub struct Intent {
    pub ticket: Ticket,
    pub room: RoomId,
    pub wish: Wish,
    pub attempts: u32,
}

/// What is wanted.
pub enum Wish {
    /// An invite; once a commit for it was made, with its id.
    Invite { max_uses: Option<u32>, made: Option<InviteId> },
    /// An invite closed.
    Revoke(InviteId),
}

impl Engine {
    /// Sends what waits in a room that is open and read up to its head.
    pub(super) fn send_waiting(&mut self, id: RoomId) {
        self.give_up_refused_commit(id);
        self.settle_intents(id);
        if let Err(error) = self.begin_room(id) {
            self.tell(crate::Event::Problem(error));
        }
        self.send_commit(id);
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        match slot.sendable(|message| link.under_way.contains(message)) {
            Ok(appends) => {
                link.under_way.extend(appends.iter().map(|(message, _)| *message));
                for (message, append) in appends {
                    self.request(Purpose::Message(id, message), Request::Append(append));
                }
            }
            Err(error) => self.tell(crate::Event::Problem(error)),
        }
    }

    /// The log is read to its end: a commit that the relay refused and that is not there will not be.
    fn give_up_refused_commit(&mut self, id: RoomId) {
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        let Some(refused) = link.refused_commit.take() else { return };
        let is_pending = slot.record.pending.as_ref().is_some_and(|pending| pending.handshake.id == refused);
        if is_pending && let Err(error) = slot.discard_pending() {
            self.tell(crate::Event::Problem(error));
        }
    }

    /// The first commit of a room that was made here: from then on there is a card and a capsule, and messages go out.
    fn begin_room(&mut self, id: RoomId) -> Result<(), ClientError> {
        let Some(slot) = self.rooms.get_mut(&id) else { return Ok(()) };
        if slot.room.epoch() == 0 && slot.record.pending.is_none() {
            slot.commit(&RoomChange::Rotate, None)?;
        }
        Ok(())
    }

    pub(super) fn message_answered(&mut self, id: RoomId, message: MessageId, reply: &Reply) {
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        link.under_way.remove(&message);
        match reply {
            Reply::Appended(seq) => {
                // It has left the outbox where it was read in the log before.
                if slot.has_waiting(&message) {
                    if slot.acknowledge(&message, *seq) {
                        link.note_acknowledged(*seq);
                    } else {
                        self.pause(id);
                    }
                }
            }
            Reply::Error(error) => match error.code {
                ErrorCode::StaleEpoch | ErrorCode::EntryIdReused => {
                    slot.unseal(&message);
                    if slot.room.epoch() == link.opened_epoch {
                        self.pause(id);
                    }
                }
                // It goes out again, the same bytes, once all is read that has come since.
                ErrorCode::RoomNotOpen | ErrorCode::ReadOn => self.pause(id),
                code if code.is_passing() => self.wait(id, error),
                code => {
                    slot.fail(&message);
                    self.refuse_send(id, message, &ClientError::Refused(code));
                }
            },
            _ => self.pause(id),
        }
    }

    /// Ends every send whose message was read in the log, by this process or by another one of the same profile. That a message
    /// waits no more proves nothing: it may have been discarded.
    pub(super) fn finish_sends(&mut self) {
        let proven = core::mem::take(&mut self.proven);
        let is_waiting =
            |(room, id): &(RoomId, MessageId)| self.rooms.get(room).is_some_and(|slot| slot.has_waiting(id));
        let finished: Vec<_> = self.sends.keys().filter(|key| !is_waiting(key)).copied().collect();
        for key in finished {
            let Some(ticket) = self.sends.remove(&key) else { continue };
            let (room, id) = key;
            let is_proven = proven.contains(&key);
            self.done(
                ticket,
                if is_proven { Ok(Outcome::Sent { room, id }) } else { Err(ClientError::Discarded) },
            );
        }
    }

    /// Tells who waits for a message to be sent that it stays here.
    fn keep_send(&mut self, room: RoomId, id: MessageId, reason: &ClientError) {
        if let Some(ticket) = self.sends.remove(&(room, id)) {
            self.done(ticket, Ok(Outcome::Kept { room, id, reason: reason.clone() }));
        }
    }

    /// Tells who waits for a message to be sent that the relay refuses it for good: it stays here, and goes out no more by itself.
    fn refuse_send(&mut self, room: RoomId, id: MessageId, reason: &ClientError) {
        if let Some(ticket) = self.sends.remove(&(room, id)) {
            self.done(ticket, Ok(Outcome::Refused { room, id, reason: reason.clone() }));
        }
    }

    /// A person does not want a message sent. It is gone from here; whether others have it is only known where it was never sent.
    pub(super) fn discard(&mut self, room: RoomId, id: MessageId) -> Result<Outcome, ClientError> {
        if let Some(ended) = self.ended.get_mut(&room) {
            let is_found = ended.discard(&id);
            return if is_found {
                Ok(Outcome::Discarded { may_be_sent: false })
            } else {
                Err(ClientError::UnknownMessage)
            };
        }
        let slot = self.rooms.get_mut(&room).ok_or(ClientError::NotInRoom)?;
        let record = slot.waiting(&id).ok_or(ClientError::UnknownMessage)?;
        if record.acknowledged_seq.is_some() {
            return Err(ClientError::AlreadyStored);
        }
        let may_be_sent = record.was_sent && !record.has_failed;
        slot.drop_from_outbox(&id);
        Ok(Outcome::Discarded { may_be_sent })
    }

    pub(super) fn retry(&mut self, room: RoomId, id: MessageId) -> Result<Outcome, ClientError> {
        let slot = self.room_mut(room)?;
        if !slot.has_waiting(&id) {
            return Err(ClientError::UnknownMessage);
        }
        slot.retry(&id);
        Ok(Outcome::Retried)
    }

    /// Ends intents that are fulfilled, and makes a commit for the next one where none is pending.
    fn settle_intents(&mut self, id: RoomId) {
        for mut intent in core::mem::take(&mut self.intents) {
            if intent.room != id {
                self.intents.push(intent);
                continue;
            }
            match self.settle_intent(&mut intent) {
                Some(result) => self.done(intent.ticket, result),
                None => self.intents.push(intent),
            }
        }
    }

    fn settle_intent(&mut self, intent: &mut Intent) -> Option<Result<Outcome, ClientError>> {
        let relay = self.relay.clone();
        let Some(slot) = self.rooms.get_mut(&intent.room) else { return Some(Err(ClientError::NotInRoom)) };
        let pending_invite = slot
            .record
            .pending
            .as_ref()
            .map(|pending| pending.invite.as_ref().and_then(|invite| invite.link.door().ok()));
        match &mut intent.wish {
            Wish::Invite { made: made @ Some(_), .. } => {
                if let Some(view) = made.and_then(|id| slot.own_invite(&id, &relay)) {
                    return Some(Ok(Outcome::InviteCreated(view)));
                }
                if pending_invite == Some(*made) {
                    return None;
                }
                *made = None;
            }
            Wish::Invite { .. } => {}
            Wish::Revoke(invite) => {
                if slot.room.state().invite(invite).is_none() {
                    return Some(Ok(Outcome::InviteRevoked));
                }
            }
        }
        if pending_invite.is_some() {
            return None;
        }
        intent.attempts += 1;
        if intent.attempts > ATTEMPTS_MAX {
            return Some(Err(ClientError::TooManyConflicts));
        }
        self.commit_for(intent).err().map(Err)
    }

    fn commit_for(&mut self, intent: &mut Intent) -> Result<(), ClientError> {
        let bug = |_| ClientError::Bug("an invite could not be made");
        let now_ms = self.now_ms;
        let Some(slot) = self.rooms.get_mut(&intent.room) else { return Err(ClientError::NotInRoom) };
        match &mut intent.wish {
            Wish::Invite { max_uses, made } => {
                let secret = InviteSecret::generate().map_err(bug)?;
                let inviter = slot.own_account().ok_or(ClientError::NotInRoom)?;
                let invite = Invite::of_secret(&secret, inviter, *max_uses).map_err(bug)?;
                let epoch = slot.room.epoch() + 1;
                let link = InviteLink { room: intent.room, secret, inviter, epoch };
                *made = Some(invite.id);
                let own = OwnInvite { link, max_uses: *max_uses };
                slot.commit(&RoomChange::AddInvite(Box::new(invite), now_ms), Some(own))
            }
            Wish::Revoke(invite) => slot.commit(&RoomChange::RemoveInvite(*invite), None),
        }
    }

    /// Sends the pending commit, if there is one: always the same bytes.
    fn send_commit(&mut self, id: RoomId) {
        let (Some(slot), Some(link)) = (self.rooms.get(&id), self.links.get_mut(&id)) else { return };
        let Some(id_of_commit) = slot.record.pending.as_ref().map(|pending| pending.handshake.id) else {
            return;
        };
        if link.commit_under_way == Some(id_of_commit) {
            return;
        }
        if let Some(append) = slot.pending_append() {
            link.commit_under_way = Some(id_of_commit);
            self.request(Purpose::Commit(id), Request::AppendHandshake(append));
        }
    }

    pub(super) fn commit_answered(&mut self, id: RoomId, reply: &Reply) {
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        if !matches!(reply, Reply::Appended(_)) {
            link.commit_under_way = None;
        }
        match reply {
            // It takes effect when it comes through the log.
            Reply::Appended(seq) => {
                if slot.record.pending.is_some() {
                    link.note_acknowledged(*seq);
                }
            }
            Reply::Error(error) => match error.code {
                ErrorCode::Conflict | ErrorCode::RoomNotOpen | ErrorCode::StaleEpoch => self.pause(id),
                code if code.is_passing() => self.wait(id, error),
                _ => {
                    // It may be in the log all the same: until that is read, this device must be able to follow it.
                    link.refused_commit = slot.record.pending.as_ref().map(|pending| pending.handshake.id);
                    self.fail_intents(id, &refusal(reply));
                    self.pause(id);
                }
            },
            _ => self.pause(id),
        }
    }

    /// Tells everyone who waits for a message of this room to be sent that it stays here.
    pub(super) fn keep_sends(&mut self, room: RoomId, reason: &ClientError) {
        for id in self.sends_of(room) {
            self.keep_send(room, id, reason);
        }
    }

    /// Tells everyone who waits for a message of this room that it is never sent.
    pub(super) fn fail_sends(&mut self, room: RoomId, error: &ClientError) {
        for id in self.sends_of(room) {
            if let Some(ticket) = self.sends.remove(&(room, id)) {
                self.done(ticket, Err(error.clone()));
            }
        }
    }

    fn sends_of(&self, room: RoomId) -> Vec<MessageId> {
        self.sends.keys().filter(|(of, _)| *of == room).map(|(_, id)| *id).collect()
    }

    pub(super) fn fail_intents(&mut self, id: RoomId, error: &ClientError) {
        for intent in core::mem::take(&mut self.intents) {
            if intent.room == id {
                self.done(intent.ticket, Err(error.clone()));
            } else {
                self.intents.push(intent);
            }
        }
    }
}

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
        self.settle_intents(id);
        if let Err(error) = self.begin_room(id) {
            self.tell(crate::Event::Problem(error));
        }
        self.send_commit(id);
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        match slot.sendable(|message| link.under_way.contains(message)) {
            Ok(appends) => {
                for (message, append) in appends {
                    link.under_way.insert(message);
                    let request = Request::Append(append);
                    let purpose = Purpose::Message(id, message);
                    // `request` needs the whole engine; the link is looked up again in the next round.
                    self.in_flight.insert(self.next_request, purpose);
                    let frame = sotto_protocol::ClientFrame { request: self.next_request, body: request };
                    self.next_request = self.next_request.wrapping_add(1).max(1);
                    self.step.frames.push(sotto_protocol::encode(&frame));
                }
            }
            Err(error) => self.tell(crate::Event::Problem(error)),
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
                slot.acknowledge(&message, *seq);
                link.backoff.reset();
            }
            Reply::Error(error) => match error.code {
                ErrorCode::StaleEpoch | ErrorCode::EntryIdReused => {
                    slot.unseal(&message);
                    if slot.room.epoch() == link.opened_epoch {
                        self.pause(id);
                    }
                }
                ErrorCode::RoomNotOpen => self.pause(id),
                code if code.is_passing() => {
                    self.pause(id);
                    self.fail_send(id, message, ClientError::Refused(code));
                }
                code => {
                    slot.fail(&message);
                    self.fail_send(id, message, ClientError::Refused(code));
                }
            },
            _ => self.pause(id),
        }
    }

    /// Ends every send whose message the relay has: acknowledged, or come back through the log; to this process or to another
    /// one of the same profile.
    pub(super) fn finish_sends(&mut self) {
        let is_waiting =
            |(room, id): &(RoomId, MessageId)| self.rooms.get(room).is_some_and(|slot| slot.is_waiting(id));
        let finished: Vec<_> = self.sends.keys().filter(|key| !is_waiting(key)).copied().collect();
        for (room, id) in finished {
            if let Some(ticket) = self.sends.remove(&(room, id)) {
                self.done(ticket, Ok(Outcome::Sent { room, id }));
            }
        }
    }

    fn fail_send(&mut self, room: RoomId, id: MessageId, error: ClientError) {
        if let Some(ticket) = self.sends.remove(&(room, id)) {
            self.done(ticket, Err(error));
        }
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
            Reply::Appended(_) => link.backoff.reset(),
            Reply::Error(error) => match error.code {
                ErrorCode::Conflict | ErrorCode::RoomNotOpen | ErrorCode::StaleEpoch => self.pause(id),
                code if code.is_passing() => {
                    self.pause(id);
                    self.fail_intents(id, &refusal(reply));
                }
                _ => {
                    if let Err(error) = slot.discard_pending() {
                        self.tell(crate::Event::Problem(error));
                    }
                    self.fail_intents(id, &refusal(reply));
                }
            },
            _ => self.pause(id),
        }
    }

    /// Tells everyone who waits for a message of this room to be sent. The messages stay.
    pub(super) fn fail_sends(&mut self, room: RoomId, error: &ClientError) {
        let waiting: Vec<_> = self.sends.keys().filter(|(of, _)| *of == room).copied().collect();
        for (room, id) in waiting {
            self.fail_send(room, id, error.clone());
        }
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

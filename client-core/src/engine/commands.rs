//! What a person wants done.

use super::{
    Engine,
    join::JoinFlow,
    outbox::{Intent, Wish},
};
use crate::{
    ClientError,
    address::parse_link,
    api::{Alarm, Command, Event, Outcome, RoomSuite, Ticket},
    room::{Cursor, EpochRecord, RoomPhase, RoomRecord, RoomSlot},
};
use sotto_crypto::{
    identity::{Certificate, check_display_name, check_room_name},
    room::{InviteId, Room, Suite},
};
use sotto_protocol::{Chain, RoomId};

impl Engine {
    pub(super) fn command(&mut self, ticket: Ticket, command: Command) {
        let result = match command {
            Command::CreateRoom { name, display_name, suite } => {
                self.create_room(ticket, &name, &display_name, suite)
            }
            Command::CreateInvite { room, max_uses } => {
                self.intend(ticket, room, Wish::Invite { max_uses, made: None })
            }
            Command::RevokeInvite { room, invite } => self.revoke(ticket, room, InviteId::new(invite)),
            Command::Join { link, display_name } => self.join(ticket, &link, &display_name),
            Command::Send { room, text } => self.send(ticket, room, text),
            Command::Retry { room, message } => {
                self.retry(room, message).map(|outcome| self.done(ticket, Ok(outcome)))
            }
            Command::Discard { room, message } => {
                self.discard(room, message).map(|outcome| self.done(ticket, Ok(outcome)))
            }
            Command::PutAlarmsAside { room, seen } => {
                self.put_alarms_aside(room, &seen).map(|outcome| self.done(ticket, Ok(outcome)))
            }
        };
        if let Err(error) = result {
            self.done(ticket, Err(error));
        }
    }

    fn certificate(&mut self, display_name: &str) -> Result<Certificate, ClientError> {
        let name = check_display_name(display_name).map_err(bad_name)?;
        let certificate = self.profile.certificate(&name, self.now_ms)?;
        if self.profile.display_name.as_ref() != Some(&name) {
            self.profile.display_name = Some(name);
            self.is_profile_dirty = true;
        }
        Ok(certificate)
    }

    fn create_room(
        &mut self,
        ticket: Ticket,
        name: &str,
        display_name: &str,
        suite: RoomSuite,
    ) -> Result<(), ClientError> {
        let name = check_room_name(name).map_err(bad_name)?;
        let certificate = self.certificate(display_name)?;
        let suite = match suite {
            RoomSuite::Hybrid => Suite::Hybrid,
            RoomSuite::Classical => Suite::Classical,
        };
        let bug = |_| ClientError::Bug("the room could not be made");
        let own = self.profile.own_device(certificate);
        let room = Room::create(suite, &name, &own).map_err(bug)?;
        let id = room.id();
        let message_secret = room.secrets().map_err(bug)?.message.clone();
        let first =
            EpochRecord { message_secret, change: Default::default(), event: None, entry_hash: [0; 32] };
        let record = RoomRecord {
            phase: RoomPhase::Creating,
            last_handshake_seq: 0,
            awaited_join: None,
            roster: room.roster().clone(),
            epochs: [(0, first)].into(),
            invites: Vec::new(),
            pending: None,
            alarms: Default::default(),
            damage: None,
            incarnation: None,
            blocked_seq: None,
            verified_handshake_seq: 0,
            reread_from: None,
            past_names: Default::default(),
        };
        let cursor = Cursor { chain: Chain::start(&id), epoch: 0, end: None };
        self.rooms.insert(id, RoomSlot::new(room, record, cursor));
        self.links.entry(id).or_default();
        self.creations.insert(id, ticket);
        self.tell(Event::RoomsChanged);
        Ok(())
    }

    fn intend(&mut self, ticket: Ticket, room: RoomId, wish: Wish) -> Result<(), ClientError> {
        let slot = self.room_mut(room)?;
        if slot.is_stopped() {
            return Err(ClientError::RoomStopped);
        }
        self.intents.push(Intent { ticket, room, wish, attempts: 0 });
        Ok(())
    }

    fn revoke(&mut self, ticket: Ticket, room: RoomId, invite: InviteId) -> Result<(), ClientError> {
        let slot = self.room_mut(room)?;
        slot.room.state().invite(&invite).ok_or(ClientError::UnknownInvite)?;
        self.intend(ticket, room, Wish::Revoke(invite))
    }

    fn join(&mut self, ticket: Ticket, link: &str, display_name: &str) -> Result<(), ClientError> {
        let (address, link) = parse_link(link)?;
        if address != self.relay {
            return Err(ClientError::OtherRelay(address.origin().to_owned()));
        }
        if self.is_in(&link.room) {
            return Err(ClientError::AlreadyInRoom);
        }
        if let Some(join) = self.joins.iter_mut().find(|join| join.link.room == link.room) {
            if !join.is_left_over {
                return Err(ClientError::AlreadyInRoom);
            }
            // What an earlier process began is brought to its end first: its name and its place in the room stand already.
            join.ticket = ticket;
            join.is_left_over = false;
            return Ok(());
        }
        let certificate = self.certificate(display_name)?;
        link.door().map_err(|_| ClientError::BadLink)?;
        self.joins.push(JoinFlow {
            ticket,
            is_left_over: false,
            link,
            certificate,
            joining: None,
            last_handshake_seq: 0,
            is_under_way: false,
            attempts: 0,
            retry_at_ms: None,
            backoff: Default::default(),
            refused_at: None,
        });
        Ok(())
    }

    fn send(&mut self, ticket: Ticket, room: RoomId, text: String) -> Result<(), ClientError> {
        let now_ms = self.now_ms;
        let id = self.room_mut(room)?.enqueue(text, now_ms)?;
        self.sends.insert((room, id), ticket);
        Ok(())
    }

    fn put_alarms_aside(&mut self, room: RoomId, seen: &[Alarm]) -> Result<Outcome, ClientError> {
        match self.ended.get_mut(&room) {
            Some(ended) => ended.put_alarms_aside(seen),
            None => self.room_mut(room)?.put_alarms_aside(seen),
        }
        Ok(Outcome::AlarmsPutAside)
    }

    /// Whether this device is in a room for all that it knows: a join that the log does not show yet may be made again.
    pub(super) fn is_in(&self, room: &RoomId) -> bool {
        self.rooms.get(room).is_some_and(|slot| slot.record.awaited_join.is_none())
    }

    /// A room that this profile is in.
    pub(super) fn room_mut(&mut self, room: RoomId) -> Result<&mut RoomSlot, ClientError> {
        let error =
            if self.ended.contains_key(&room) { ClientError::Removed } else { ClientError::NotInRoom };
        self.rooms.get_mut(&room).ok_or(error)
    }
}

fn bad_name(error: sotto_crypto::identity::NameError) -> ClientError {
    use sotto_crypto::identity::NameError;
    ClientError::BadName(match error {
        NameError::Empty => "it is empty",
        NameError::TooLong => "it is too long",
        NameError::Invisible => "it has characters that cannot be shown",
        NameError::Marks => "it has accents that cannot be shown",
    })
}

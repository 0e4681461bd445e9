//! Joining by a link. Nothing of it is stored before the relay has acknowledged it.

use super::{Engine, connection::Purpose, sync::refusal};
use crate::{
    ClientError,
    api::{Event, Outcome, Ticket},
    room::{EpochEvent, EpochRecord, RoomPhase, RoomRecord, RoomSlot},
    timeline::TimelineBody,
};
use sotto_crypto::{
    CryptoError,
    identity::Certificate,
    link::InviteLink,
    room::{JoinRequest, Joining, policy::Violation},
};
use sotto_protocol::{
    AppendHandshake, CardReply, CardRequest, DoorId, ErrorCode, JoinAuthority, Reply, Request, entry_hash,
    join_statement,
};

/// How often a join that lost its race is made again.
const ATTEMPTS_MAX: u32 = 50;
/// Longest pause between two attempts, per attempt made, in milliseconds.
const PAUSE_PER_ATTEMPT_MS: u64 = 40;

/// A join on its way.
pub struct JoinFlow {
    pub ticket: Ticket,
    pub link: InviteLink,
    pub door: DoorId,
    pub certificate: Certificate,
    /// Made and sent, not acknowledged.
    pub joining: Option<Box<Joining>>,
    /// The handshake that the card stands on.
    pub last_handshake_seq: u64,
    pub is_under_way: bool,
    pub attempts: u32,
    pub retry_at_ms: Option<u64>,
}

impl Engine {
    pub(super) fn restart_joins(&mut self) {
        for join in &mut self.joins {
            join.is_under_way = false;
            join.retry_at_ms = None;
        }
    }

    pub(super) fn advance_joins(&mut self) {
        let now_ms = self.now_ms;
        let mut joined = Vec::new();
        for index in 0..self.joins.len() {
            let Some(join) = self.joins.get_mut(index) else { continue };
            if join.joining.is_none() && self.rooms.contains_key(&join.link.room) {
                joined.push((join.ticket, join.link.room));
                continue;
            }
            if join.is_under_way || join.retry_at_ms.is_some_and(|at_ms| now_ms < at_ms) {
                continue;
            }
            join.is_under_way = true;
            join.retry_at_ms = None;
            let ticket = join.ticket;
            if join.joining.is_some() {
                self.send_join(ticket);
            } else {
                let request = CardRequest { room: join.link.room, door: join.door };
                self.request(Purpose::Card(ticket), Request::Card(request));
            }
        }
        for (ticket, room) in joined {
            self.end_join(ticket, Ok(Outcome::Joined(room)));
        }
    }

    fn join_mut(&mut self, ticket: Ticket) -> Option<&mut JoinFlow> {
        self.joins.iter_mut().find(|join| join.ticket == ticket)
    }

    fn end_join(&mut self, ticket: Ticket, result: Result<Outcome, ClientError>) {
        self.joins.retain(|join| join.ticket != ticket);
        self.done(ticket, result);
    }

    fn retry_join(&mut self, ticket: Ticket) {
        let (random, now_ms) = (self.random(), self.now_ms);
        let Some(join) = self.join_mut(ticket) else { return };
        join.joining = None;
        join.is_under_way = false;
        join.attempts += 1;
        if join.attempts > ATTEMPTS_MAX {
            return self.end_join(ticket, Err(ClientError::TooManyConflicts));
        }
        join.retry_at_ms = Some(now_ms + random % (PAUSE_PER_ATTEMPT_MS * u64::from(join.attempts)));
    }

    pub(super) fn card_answered(&mut self, ticket: Ticket, reply: Reply) {
        let device = self.profile.device();
        let Some(join) = self.join_mut(ticket) else { return };
        let CardReply { epoch, last_handshake_seq, card, wrap } = match reply {
            Reply::Card(card) => card,
            reply => {
                let error = refusal(&reply);
                return self.end_join(ticket, Err(error));
            }
        };
        let request = JoinRequest {
            link: &join.link,
            card: &card,
            wrap: &wrap,
            epoch,
            certificate: &join.certificate,
            device,
        };
        match request.join() {
            Ok(joining) => {
                join.joining = Some(Box::new(joining));
                join.last_handshake_seq = last_handshake_seq;
                self.send_join(ticket);
            }
            Err(error) => {
                let error = join_error(&error, join.link.epoch);
                self.end_join(ticket, Err(error));
            }
        }
    }

    fn send_join(&mut self, ticket: Ticket) {
        let (authority, challenge) = (self.relay.authority().to_owned(), self.challenge());
        let (Some(join), Some(challenge)) = (self.join_mut(ticket), challenge) else { return };
        let (room, last_handshake_seq) = (join.link.room, join.last_handshake_seq);
        let Some(joining) = &join.joining else { return };
        let handshake = joining.handshake.clone();
        let statement =
            join_statement(&authority, &challenge, &room, joining.epoch, &joining.door, &handshake.entry);
        let authority = JoinAuthority { door: joining.door, signature: joining.join_key.sign(&statement) };
        let append = AppendHandshake {
            room,
            last_handshake_seq,
            entry: handshake.entry,
            access_key: handshake.access_key,
            join_key: handshake.join_key,
            card: handshake.card,
            doors: handshake.doors,
            join: Some(authority),
        };
        self.request(Purpose::Join(ticket), Request::AppendHandshake(append));
    }

    pub(super) fn join_answered(&mut self, ticket: Ticket, reply: &Reply) {
        match reply {
            Reply::Appended(seq) => self.install(ticket, *seq),
            Reply::Error(error) => match error.code {
                // The join key of an epoch that is over does not verify either.
                ErrorCode::Conflict | ErrorCode::BadSignature | ErrorCode::StaleEpoch => {
                    self.retry_join(ticket)
                }
                _ => self.end_join(ticket, Err(refusal(reply))),
            },
            _ => self.end_join(ticket, Err(ClientError::MalformedFrame)),
        }
    }

    /// The relay has the join: from now on the room is stored.
    fn install(&mut self, ticket: Ticket, seq: u64) {
        let Some(joining) = self.join_mut(ticket).and_then(|join| join.joining.take()) else { return };
        let Joining { room, handshake, chain, epoch, is_inviter_present, .. } = *joining;
        if !is_inviter_present {
            self.tell(Event::Problem(ClientError::InviterGone));
        }
        let id = room.id();
        let Ok(secrets) = room.secrets() else {
            return self.end_join(ticket, Err(ClientError::Bug("the room has no secrets")));
        };
        let event = room.roster().get(room.own_leaf()).map(|own| EpochEvent {
            account: own.account,
            name: own.display_name.clone(),
            body: TimelineBody::Joined,
        });
        let first = EpochRecord {
            message_secret: secrets.message.clone(),
            change: Default::default(),
            event,
            entry_hash: entry_hash(&handshake.entry),
        };
        let record = RoomRecord {
            phase: RoomPhase::Open,
            last_handshake_seq: seq,
            joined_seq: seq,
            roster: room.roster().clone(),
            epochs: [(room.epoch(), first)].into(),
            invites: Vec::new(),
            pending: None,
            alarm: None,
            damage: None,
            incarnation: None,
        };
        let mut slot = RoomSlot::new(room, record, RoomSlot::cursor_after_join(chain, epoch));
        // Another process of this profile may have joined by the same link: the later join has replaced the earlier leaf.
        if let Some(other) = self.rooms.get(&id) {
            if other.record.joined_seq > seq {
                return self.end_join(ticket, Ok(Outcome::Joined(id)));
            }
            slot.revision = other.revision;
        }
        self.links.entry(id).or_default();
        self.rooms.insert(id, slot);
        self.tell(Event::RoomsChanged);
        self.end_join(ticket, Ok(Outcome::Joined(id)));
    }
}

fn join_error(error: &CryptoError, link_epoch: u64) -> ClientError {
    match error {
        CryptoError::WrongEpoch { found, .. } if *found < link_epoch => ClientError::OldCard,
        CryptoError::Forbidden(Violation::InviteUsedUp | Violation::InviteNotOpen) => {
            ClientError::InviteClosed
        }
        CryptoError::Forbidden(Violation::AccountPresent) => ClientError::AlreadyInRoom,
        CryptoError::Forbidden(Violation::RoomFull) => ClientError::RoomFull,
        CryptoError::Forbidden(_) => ClientError::NotAllowed,
        CryptoError::NewerVersion => ClientError::NewerRoom,
        CryptoError::NoRandomness => ClientError::Bug("the system gives no randomness"),
        _ => ClientError::DamagedCard,
    }
}

//! Joining by a link.
//!
//! A join is stored before it is sent, as a commit is: if this process dies before it hears the relay's answer, the next one
//! sends the same bytes again and is told their place in the log. Once the relay has acknowledged it, the room is stored in its
//! place.

use super::{
    Engine,
    connection::{Purpose, asked_delay_ms},
    link::Link,
    sync::refusal,
};
use crate::{
    ClientError,
    api::{Event, Outcome, Ticket},
    backoff::Backoff,
    room::{EpochEvent, EpochRecord, RoomPhase, RoomRecord, RoomSlot, append_handshake},
    store::{Change, Table, Value},
    timeline::TimelineBody,
};
use minicbor::{Decode, Encode};
use sotto_crypto::{
    CryptoError,
    identity::Certificate,
    link::InviteLink,
    room::{JoinRequest, Joining, policy::Violation},
};
use sotto_protocol::{
    CardReply, ErrorCode, JoinAuthority, Reply, Request, WireError, entry_hash, join_statement,
};

/// How often a join that lost its race is made again.
const ATTEMPTS_MAX: u32 = 50;
/// Longest pause between two attempts, per attempt made, in milliseconds.
const PAUSE_PER_ATTEMPT_MS: u64 = 40;

/// A join on its way.
pub struct JoinFlow {
    pub ticket: Ticket,
    /// Whether an earlier process began it: then nobody waits for it, unless the link is opened again.
    pub is_left_over: bool,
    pub link: InviteLink,
    pub certificate: Certificate,
    /// Made and sent, not acknowledged.
    pub joining: Option<Box<Joining>>,
    /// The handshake that the card stands on.
    pub last_handshake_seq: u64,
    pub is_under_way: bool,
    pub attempts: u32,
    pub retry_at_ms: Option<u64>,
    /// Counts how often the relay asked to wait.
    pub backoff: Backoff,
    /// The last handshake and the epoch for which the relay refused the signature of a join.
    pub refused_at: Option<(u64, u64)>,
}

/// A join as it is stored.
#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredJoin {
    #[n(0)]
    link: InviteLink,
    #[cbor(n(1), with = "minicbor::bytes")]
    certificate: Vec<u8>,
    #[n(2)]
    last_handshake_seq: u64,
    #[cbor(n(3), with = "crate::store::wiped_bytes")]
    joining: Value,
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
        let Some(challenge) = self.challenge() else { return };
        let authority = self.relay.authority().to_owned();
        for index in 0..self.joins.len() {
            let Some(join) = self.joins.get_mut(index) else { continue };
            let is_in =
                self.rooms.get(&join.link.room).is_some_and(|slot| slot.record.awaited_join.is_none());
            if join.joining.is_none() && is_in {
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
                match join.link.card_request(&authority, &challenge) {
                    Ok(request) => {
                        self.request(Purpose::Card(ticket), Request::JoinTurn(request));
                    }
                    Err(_) => self.end_join(ticket, Err(ClientError::Bug("the invite has no door"))),
                }
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
        if let Some(room) = self.join_mut(ticket).map(|join| join.link.room) {
            self.other_changes.push(Change::Delete(Table::Join, room.as_bytes().to_vec()));
        }
        self.joins.retain(|join| join.ticket != ticket);
        self.done(ticket, result);
    }

    /// Takes a join up again that an earlier process has stored.
    pub fn resume_join(&mut self, ticket: Ticket, value: &Value) -> Result<(), ClientError> {
        let damaged = |_| ClientError::Bug("a stored join is damaged");
        let StoredJoin { link, certificate, last_handshake_seq, joining } =
            sotto_protocol::decode(value).map_err(|_| ClientError::Bug("a stored join is damaged"))?;
        let joining = Joining::load(link.room, self.profile.device(), &joining).map_err(damaged)?;
        self.joins.push(JoinFlow {
            ticket,
            is_left_over: true,
            link,
            certificate: Certificate::verify(&certificate).map_err(damaged)?,
            joining: Some(Box::new(joining)),
            last_handshake_seq,
            is_under_way: false,
            attempts: 0,
            retry_at_ms: None,
            backoff: Backoff::default(),
            refused_at: None,
        });
        Ok(())
    }

    /// Notes that a join has to be stored before it is sent.
    fn store_join(&mut self, ticket: Ticket) -> Result<(), ClientError> {
        let bug = |_| ClientError::Bug("a join could not be stored");
        let Some(join) = self.join_mut(ticket) else { return Ok(()) };
        let Some(joining) = &join.joining else { return Ok(()) };
        let stored = StoredJoin {
            link: join.link.clone(),
            certificate: join.certificate.as_bytes().to_vec(),
            last_handshake_seq: join.last_handshake_seq,
            joining: joining.save().map_err(bug)?,
        };
        let key = join.link.room.as_bytes().to_vec();
        self.other_changes.push(Change::Put(Table::Join, key, crate::room::encode(&stored)));
        Ok(())
    }

    fn retry_join(&mut self, ticket: Ticket) {
        let (random, now_ms) = (self.random(), self.now_ms);
        let Some(join) = self.join_mut(ticket) else { return };
        join.joining = None;
        join.is_under_way = false;
        join.attempts += 1;
        // A left-over join that was not in the log came to nothing, and nobody waits for it.
        if join.attempts > ATTEMPTS_MAX || join.is_left_over {
            return self.end_join(ticket, Err(ClientError::TooManyConflicts));
        }
        join.retry_at_ms = Some(now_ms + random % (PAUSE_PER_ATTEMPT_MS * u64::from(join.attempts)));
    }

    /// The relay asks to wait: what was made stays as it is. A person is told why.
    fn wait_to_join(&mut self, ticket: Ticket, error: &WireError) {
        let (random, now_ms) = (self.random(), self.now_ms);
        let Some(join) = self.join_mut(ticket) else { return };
        let retry_in_ms = join.backoff.next_delay_ms(random).max(asked_delay_ms(error, random));
        join.is_under_way = false;
        join.retry_at_ms = Some(now_ms + retry_in_ms);
        let room = join.link.room;
        self.tell(Event::Waiting { room, code: error.code, retry_in_ms });
    }

    /// Others come in before: asked again when the relay says, for the place in its line is kept. A join that was made already is made
    /// anew, since somebody comes in before it.
    fn wait_for_turn(&mut self, ticket: Ticket, error: &WireError) {
        let retry_in_ms = asked_delay_ms(error, self.random());
        let now_ms = self.now_ms;
        let Some(join) = self.join_mut(ticket) else { return };
        join.joining = None;
        join.is_under_way = false;
        join.retry_at_ms = Some(now_ms + retry_in_ms);
        let room = join.link.room;
        self.tell(Event::Waiting { room, code: error.code, retry_in_ms });
    }

    pub(super) fn card_answered(&mut self, ticket: Ticket, reply: Reply) {
        let Some(certificate) = self.join_mut(ticket).map(|join| join.certificate.clone()) else { return };
        let own = self.profile.own_device(certificate);
        let Some(join) = self.join_mut(ticket) else { return };
        let CardReply { epoch, last_handshake_seq, card, wrap, .. } = match reply {
            Reply::Card(card) => card,
            Reply::Error(error) if error.code == ErrorCode::NotYourTurn => {
                return self.wait_for_turn(ticket, &error);
            }
            Reply::Error(error) if error.code.is_passing() => return self.wait_to_join(ticket, &error),
            reply => {
                let error = refusal(&reply);
                return self.end_join(ticket, Err(error));
            }
        };
        // Nobody else's change explains why the same room refused a signature.
        if join.refused_at == Some((last_handshake_seq, epoch)) {
            return self.end_join(ticket, Err(ClientError::AddressDiffers));
        }
        let request = JoinRequest { link: &join.link, card: &card, wrap: &wrap, epoch, own: &own };
        match request.join() {
            Ok(joining) => {
                join.joining = Some(Box::new(joining));
                join.last_handshake_seq = last_handshake_seq;
                match self.store_join(ticket) {
                    Ok(()) => self.send_join(ticket),
                    Err(error) => self.end_join(ticket, Err(error)),
                }
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
        let authority = JoinAuthority { door: joining.door, signature: joining.join_key().sign(&statement) };
        let append = append_handshake(room, last_handshake_seq, handshake, Some(authority));
        self.request(Purpose::Join(ticket), Request::AppendHandshake(append));
    }

    pub(super) fn join_answered(&mut self, ticket: Ticket, reply: &Reply) {
        match reply {
            // Where it says that the join is, the log has to show.
            Reply::Appended(_) => self.install(ticket),
            Reply::Error(error) if error.code == ErrorCode::NotYourTurn => self.wait_for_turn(ticket, error),
            Reply::Error(error) if error.code.is_passing() => self.wait_to_join(ticket, error),
            Reply::Error(error) => match error.code {
                // The join key of an epoch that is over does not verify either.
                code @ (ErrorCode::Conflict | ErrorCode::BadSignature | ErrorCode::StaleEpoch) => {
                    if let Some(join) = self.join_mut(ticket).filter(|_| code == ErrorCode::BadSignature) {
                        let epoch = join.joining.as_ref().map(|joining| joining.epoch);
                        join.refused_at = epoch.map(|epoch| (join.last_handshake_seq, epoch));
                    }
                    self.retry_join(ticket)
                }
                _ => self.end_join(ticket, Err(refusal(reply))),
            },
            _ => self.end_join(ticket, Err(ClientError::MalformedFrame)),
        }
    }

    /// The relay has the join: from now on the room is stored. Its place in the log is found by its bytes.
    fn install(&mut self, ticket: Ticket) {
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
            // The last one that the card's writer had verified was not later.
            last_handshake_seq: chain.seq,
            awaited_join: Some(entry_hash(&handshake.entry)),
            roster: room.roster().clone(),
            epochs: [(room.epoch(), first)].into(),
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
        let mut slot = RoomSlot::new(room, record, RoomSlot::cursor_after_join(chain, epoch));
        slot.see_end(chain.seq, self.moment());
        // Another process of this profile may have joined by the same link: the later join, which leads to the later epoch, has
        // replaced the earlier leaf.
        let is_later =
            |other: &RoomSlot| other.record.awaited_join.is_none() && other.room.epoch() >= slot.room.epoch();
        if self.rooms.get(&id).is_some_and(is_later) {
            return self.end_join(ticket, Ok(Outcome::Joined(id)));
        }
        if let Some(other) = self.rooms.remove(&id) {
            (slot.revision, slot.outbox, slot.record.alarms) =
                (other.revision, other.outbox, other.record.alarms);
            // What was acknowledged before this join is in a part of the log that this device only hashes now.
            slot.send_again();
        }
        // Who was removed comes back: what was not sent, and what was found, is still there.
        if let Some(ended) = self.ended.remove(&id) {
            slot.revision = ended.revision;
            (slot.outbox, slot.record.alarms) = ended.into_parts();
            self.other_changes.push(Change::Delete(Table::Ended, id.as_bytes().to_vec()));
        }
        // Whatever stopped an earlier membership on this connection is of no concern.
        self.links.insert(id, Link::default());
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
        CryptoError::Forbidden(Violation::DeviceRevoked) => ClientError::Removed,
        CryptoError::Forbidden(_) => ClientError::NotAllowed,
        CryptoError::NewerVersion => ClientError::NewerRoom,
        CryptoError::NoRandomness => ClientError::Bug("the system gives no randomness"),
        _ => ClientError::DamagedCard,
    }
}

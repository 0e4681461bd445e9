//! Frames in and out, and which answer belongs to which question.

use super::{Engine, link::Phase};
use crate::{
    ClientError,
    api::{ConnectionState, Event, Ticket},
};
use sotto_crypto::message::MessageId;
use sotto_protocol::{
    Challenge, ClientFrame, Incarnation, LogEntry, PROTOCOL_VERSION, RelayFrame, Reply, Request, RoomId,
    Welcome, limits::CLOCK_SKEW_TOLERATED_MS,
};

/// The connection.
pub enum Connection {
    /// There is none.
    Offline,
    /// There is none yet, or the relay has not greeted.
    Connecting,
    /// The relay has greeted.
    Online {
        /// To be signed on this connection.
        challenge: Challenge,
        /// Which life of the relay's database this is.
        incarnation: Incarnation,
    },
}

/// What was known when a room was asked to be opened: another process may have read on since.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub epoch: u64,
    pub cursor_seq: u64,
    pub last_handshake_seq: u64,
}

/// What a question was asked for.
#[derive(Debug, Clone)]
pub enum Purpose {
    Create(RoomId),
    Open(RoomId, Asked),
    Handshakes(RoomId),
    Page(RoomId),
    Message(RoomId, MessageId),
    Commit(RoomId),
    Card(Ticket),
    Join(Ticket),
}

impl Engine {
    pub(super) fn request(&mut self, purpose: Purpose, body: Request) {
        let request = self.next_request;
        self.next_request = self.next_request.wrapping_add(1).max(1);
        self.in_flight.insert(request, purpose);
        self.step.frames.push(sotto_protocol::encode(&ClientFrame { request, body }));
    }

    pub(super) const fn challenge(&self) -> Option<Challenge> {
        match self.connection {
            Connection::Online { challenge, .. } => Some(challenge),
            _ => None,
        }
    }

    pub(super) fn receive(&mut self, frame: &[u8]) {
        match sotto_protocol::decode(frame) {
            Ok(RelayFrame::Welcome(welcome)) => self.welcome(&welcome),
            Ok(RelayFrame::Reply(request, reply)) => {
                if let Some(purpose) = self.in_flight.remove(&request) {
                    self.answer(purpose, reply);
                }
            }
            Ok(RelayFrame::Entry(room, entry)) => self.live_entry(room, entry),
            // A room that is gone is asked for once more: the answer says so to whoever uses it.
            Ok(RelayFrame::Behind(room) | RelayFrame::Gone(room)) => {
                if let Some(link) = self.links.get_mut(&room) {
                    link.reopen();
                }
            }
            // Nobody here writes or reads status registers yet.
            Ok(RelayFrame::Status(..)) => {}
            // A relay that sends nonsense now and then is worked around; what it left out shows as a gap.
            Err(_) => self.tell(Event::Problem(ClientError::MalformedFrame)),
        }
    }

    fn welcome(&mut self, welcome: &Welcome) {
        if welcome.version != PROTOCOL_VERSION {
            let error = ClientError::UnknownProtocolVersion(welcome.version);
            self.tell(Event::Problem(error.clone()));
            for join in core::mem::take(&mut self.joins) {
                self.done(join.ticket, Err(error.clone()));
            }
            return;
        }
        self.connection =
            Connection::Online { challenge: welcome.challenge, incarnation: welcome.incarnation };
        self.backoff.reset();
        // Numbers begin anew, so that they do not link one connection to the next.
        self.in_flight.clear();
        self.next_request = 1;
        self.links.values_mut().for_each(super::link::Link::reset);
        self.rooms.values_mut().for_each(crate::room::RoomSlot::allow_reading_again);
        self.tell(Event::Connection(ConnectionState::Online));
        let skew_ms = i128::from(self.now_ms) - i128::from(welcome.now_ms);
        if skew_ms.unsigned_abs() > u128::from(CLOCK_SKEW_TOLERATED_MS) {
            self.tell(Event::ClockSkew(i64::try_from(skew_ms).unwrap_or(i64::MAX)));
        }
        self.restart_joins();
    }

    pub(super) fn disconnect(&mut self) {
        self.connection = Connection::Offline;
        self.in_flight.clear();
        self.links.values_mut().for_each(super::link::Link::reset);
        let random = self.random();
        let retry_in_ms = self.backoff.next_delay_ms(random);
        self.tell(Event::Connection(ConnectionState::Offline { retry_in_ms }));
    }

    fn answer(&mut self, purpose: Purpose, reply: Reply) {
        match (purpose, reply) {
            (Purpose::Create(room), reply) => self.created(room, &reply),
            (Purpose::Open(room, asked), reply) => self.opened(room, asked, reply),
            (Purpose::Handshakes(room), Reply::Page(page)) => self.handshakes(room, &page),
            (Purpose::Page(room), Reply::Page(page)) => self.page(room, &page),
            (Purpose::Handshakes(room) | Purpose::Page(room), _) => self.pause(room),
            (Purpose::Message(room, id), reply) => self.message_answered(room, id, &reply),
            (Purpose::Commit(room), reply) => self.commit_answered(room, &reply),
            (Purpose::Card(ticket), reply) => self.card_answered(ticket, reply),
            (Purpose::Join(ticket), reply) => self.join_answered(ticket, &reply),
        }
    }

    fn live_entry(&mut self, room: RoomId, entry: LogEntry) {
        let Some(link) = self.links.get_mut(&room) else { return };
        link.head_seq = link.head_seq.max(entry.seq);
        if link.phase == Phase::Live {
            self.read(room, &[entry]);
        }
    }

    /// Opens the room again after a while: longer each time.
    pub(super) fn pause(&mut self, room: RoomId) {
        let (random, now_ms) = (self.random(), self.now_ms);
        if let Some(link) = self.links.get_mut(&room) {
            link.reopen();
            // Several answers to what was sent together are one failure.
            if link.retry_at_ms.is_none() {
                link.retry_at_ms = Some(now_ms + link.backoff.next_delay_ms(random));
            }
        }
    }

    pub(super) fn next_wake_ms(&self) -> Option<u64> {
        self.challenge()?;
        let rooms = self.links.values().filter_map(|link| link.retry_at_ms);
        let joins = self.joins.iter().filter_map(|join| join.retry_at_ms);
        rooms.chain(joins).min()
    }
}

//! Frames in and out, and which answer belongs to which question.

use super::{Engine, link::Phase};
use crate::{
    ClientError,
    api::{Alarm, ConnectionState, Event, Ticket},
    room::Moment,
};
use sotto_crypto::message::MessageId;
use sotto_protocol::{
    Challenge, ClientFrame, Incarnation, LogEntry, PROTOCOL_VERSION, RelayFrame, Reply, Request, RoomId,
    Welcome, WireError, limits::CLOCK_SKEW_TOLERATED_MS,
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
        /// When that was.
        at: Moment,
    },
}

/// What was known when a room was asked to be opened: another process may have read on since.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub epoch: u64,
    pub cursor_seq: u64,
    pub last_handshake_seq: u64,
    /// When it was asked.
    pub at: Moment,
    /// The last place at which the relay had said that it has something of this device.
    pub acknowledged_seq: Option<u64>,
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

/// The longest that a relay may have a client wait, in milliseconds.
const ASKED_DELAY_MAX_MS: u64 = 60_000;

/// How long to wait where the relay asks for it, within bounds: as long as it says or up to half as long again, so that a crowd that was
/// told the same does not come back in the same moment. `random` is any random number.
pub fn asked_delay_ms(error: &WireError, random: u64) -> u64 {
    let asked_ms = error.retry_after_ms.unwrap_or_default().min(ASKED_DELAY_MAX_MS);
    asked_ms + random % (asked_ms / 2 + 1)
}

impl Engine {
    pub(super) fn request(&mut self, purpose: Purpose, body: Request) -> u32 {
        let request = self.next_request;
        self.next_request = self.next_request.wrapping_add(1).max(1);
        self.in_flight.insert(request, purpose);
        self.step.frames.push(sotto_protocol::encode(&ClientFrame { request, body }));
        request
    }

    /// A request whose answer moves a room to its next phase: only this answer, and only while the room is in `phase`.
    pub(super) fn request_in_phase(&mut self, room: RoomId, phase: Phase, purpose: Purpose, body: Request) {
        let request = self.request(purpose, body);
        if let Some(link) = self.links.get_mut(&room) {
            link.phase = phase;
            link.awaited = Some(request);
        }
    }

    fn is_awaited(&mut self, room: &RoomId, request: u32) -> bool {
        self.links
            .get_mut(room)
            .is_some_and(|link| link.awaited.take_if(|awaited| *awaited == request).is_some())
    }

    /// This moment by the relay's clock, as it has gone on since its greeting, and by this device's.
    pub(super) fn moment(&self) -> Moment {
        let own_ms = self.now_ms;
        match self.connection {
            Connection::Online { at, .. } => {
                Moment { relay_ms: at.relay_ms.saturating_add(own_ms.saturating_sub(at.own_ms)), own_ms }
            }
            _ => Moment { relay_ms: own_ms, own_ms },
        }
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
                    self.answer(request, purpose, reply);
                }
            }
            Ok(RelayFrame::Entry(room, entry)) => self.live_entry(room, entry),
            // A room that is gone is asked for once more: the answer says so.
            Ok(RelayFrame::Behind(room) | RelayFrame::Gone(room)) => self.behind(room),
            // Nobody here writes or reads status registers yet.
            Ok(RelayFrame::Status(..)) => {}
            // A relay that sends nonsense now and then is worked around; what it left out shows as a gap.
            Err(_) => self.malformed(),
        }
    }

    /// A frame that cannot be read may have been an answer: what waits for one is begun again, after a while.
    fn malformed(&mut self) {
        self.tell(Event::Problem(ClientError::MalformedFrame));
        let waiting: Vec<RoomId> =
            self.links.iter().filter(|(_, link)| link.awaited.is_some()).map(|(id, _)| *id).collect();
        for room in waiting {
            self.pause(room);
        }
    }

    /// The relay has left entries out. While the room is being opened that changes nothing: the answer says what there is.
    pub(super) fn behind(&mut self, room: RoomId) {
        let Some(link) = self.links.get_mut(&room) else { return };
        match link.phase {
            Phase::Closed | Phase::Opening | Phase::Stopped => {}
            Phase::Handshakes | Phase::Reading | Phase::Live if link.has_progress => link.reopen(),
            // A relay that says nothing else is not asked without end.
            Phase::Handshakes | Phase::Reading | Phase::Live => self.pause(room),
        }
    }

    fn welcome(&mut self, welcome: &Welcome) {
        // One greeting a connection: another one would make answers under way count for nothing.
        if !matches!(self.connection, Connection::Connecting) {
            return self.malformed();
        }
        if welcome.version != PROTOCOL_VERSION {
            let error = ClientError::UnknownProtocolVersion(welcome.version);
            self.tell(Event::Problem(error.clone()));
            for join in core::mem::take(&mut self.joins) {
                self.done(join.ticket, Err(error.clone()));
            }
            return;
        }
        let at = Moment { relay_ms: welcome.now_ms, own_ms: self.now_ms };
        let Welcome { challenge, incarnation, .. } = *welcome;
        self.connection = Connection::Online { challenge, incarnation, at };
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

    fn answer(&mut self, request: u32, purpose: Purpose, reply: Reply) {
        // A greeting alone is no sign that the next attempt to connect need not wait.
        if !matches!(reply, Reply::Error(_)) {
            self.backoff.reset();
        }
        match (purpose, reply) {
            (Purpose::Message(room, id), reply) => self.message_answered(room, id, &reply),
            (Purpose::Commit(room), reply) => self.commit_answered(room, &reply),
            (Purpose::Card(ticket), reply) => self.card_answered(ticket, reply),
            (Purpose::Join(ticket), reply) => self.join_answered(ticket, &reply),
            // These move a room from one phase to the next: an answer to an earlier question must not.
            (
                Purpose::Create(room)
                | Purpose::Open(room, _)
                | Purpose::Handshakes(room)
                | Purpose::Page(room),
                _,
            ) if !self.is_awaited(&room, request) => {}
            (Purpose::Create(room), reply) => self.created(room, &reply),
            (Purpose::Open(room, asked), reply) => self.opened(room, asked, reply),
            (Purpose::Handshakes(room), Reply::Page(page)) => self.handshakes(room, &page),
            (Purpose::Page(room), Reply::Page(page)) => self.page(room, &page),
            (Purpose::Handshakes(room) | Purpose::Page(room), Reply::Error(error)) => {
                self.wait(room, &error);
            }
            (Purpose::Handshakes(room) | Purpose::Page(room), _) => self.pause(room),
        }
    }

    fn live_entry(&mut self, room: RoomId, entry: LogEntry) {
        let Some(link) = self.links.get_mut(&room) else { return };
        link.head_seq = link.head_seq.max(entry.seq);
        if link.phase != Phase::Live {
            return;
        }
        let next_seq = self.rooms.get(&room).map_or(0, |slot| slot.cursor.chain.seq + 1);
        let is_bodiless = entry.dropped.is_some() && entry.seq == next_seq;
        if let Some(slot) = self.rooms.get_mut(&room).filter(|_| is_bodiless) {
            // What is pushed has its body.
            slot.raise(Alarm::BodyMissing(entry.seq));
        }
        self.read(room, &[entry]);
        self.look_at_the_end_again(room);
    }

    /// Opens a room again now and then while something is said in it, so that it is known within a part of the time for which bodies are
    /// kept that what was said since is not old.
    fn look_at_the_end_again(&mut self, room: RoomId) {
        const LEAST_MS: u64 = 60 * 60 * 1000;
        let (Some(slot), Some(link)) = (self.rooms.get(&room), self.links.get_mut(&room)) else { return };
        let (Some(kept_s), Some(end)) = (link.kept_s, slot.cursor.end) else { return };
        let after_ms = (kept_s.saturating_mul(1000) / 4).max(LEAST_MS);
        if link.phase == Phase::Live && self.now_ms.saturating_sub(end.own_ms) > after_ms {
            link.reopen();
        }
    }

    /// Opens the room again after a while: longer each time.
    pub(super) fn pause(&mut self, room: RoomId) {
        self.pause_for(room, 0);
    }

    /// The relay asks to wait: as long as it says, or longer. A person is told why.
    pub(super) fn wait(&mut self, room: RoomId, error: &WireError) {
        let in_ms = self.pause_for(room, asked_delay_ms(error, self.random()));
        if let Some(retry_in_ms) = in_ms.filter(|_| error.code.is_passing()) {
            self.tell(Event::Waiting { room, code: error.code, retry_in_ms });
        }
    }

    /// Opens the room again after `least_ms` or longer. Gives in how long, where it was not to be opened later already.
    fn pause_for(&mut self, room: RoomId, least_ms: u64) -> Option<u64> {
        let (random, now_ms) = (self.random(), self.now_ms);
        let link = self.links.get_mut(&room)?;
        link.reopen();
        // Several answers to what was sent together are one failure.
        if link.retry_at_ms.is_some() || link.phase == Phase::Stopped {
            return None;
        }
        let in_ms = link.backoff.next_delay_ms(random).max(least_ms);
        link.retry_at_ms = Some(now_ms + in_ms);
        Some(in_ms)
    }

    pub(super) fn next_wake_ms(&self) -> Option<u64> {
        self.challenge()?;
        let rooms = self.links.values().filter_map(|link| link.retry_at_ms);
        let joins = self.joins.iter().filter_map(|join| join.retry_at_ms);
        rooms.chain(joins).min()
    }
}

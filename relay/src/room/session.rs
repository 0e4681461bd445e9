//! What one connection has proven, and what it is owed.

use super::hub::{Hub, LiveRoom, Seen};
use super::outbox::Outbox;
use super::reply::ReplyTo;
use crate::access::Grant;
use crate::lock::lock;
use crate::wire;
use sotto_protocol::{Challenge, ErrorCode, RelayFrame, Reply, RoomId, WireError, limits};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// One connection, as rooms see it.
pub(crate) struct Session {
    /// Tells sessions apart within this run of the relay.
    id: u64,
    challenge: Challenge,
    /// `host[:port]` under which the client reached the relay, lower case.
    authority: Box<str>,
    outbox: Outbox,
    /// Weight of the requests that are not answered yet.
    in_flight: AtomicU32,
    /// Bytes of theirs that wait to be written.
    queued_bytes: AtomicUsize,
    opened: Mutex<Opened>,
}

#[derive(Default)]
struct Opened {
    rooms: HashMap<RoomId, OpenRoom>,
    /// By what tags it has asked to be woken, by room.
    subscriptions: HashMap<RoomId, HashSet<[u8; 16]>>,
    /// In what rooms it has asked for a turn to join.
    turns: HashSet<RoomId>,
    is_ended: bool,
}

/// A room that is open on this connection.
#[derive(Clone)]
pub(crate) struct OpenRoom {
    /// What was proven.
    pub grant: Grant,
    /// The room's live feed.
    pub live: Arc<LiveRoom>,
}

/// What a connection had to do with when it ended.
pub(super) struct Left {
    /// Rooms that were open on it.
    pub rooms: Vec<RoomId>,
    /// Rooms in which it had asked for a turn to join.
    pub turns: Vec<RoomId>,
}

/// Rooms in which one connection may wait for a turn to join at one time.
const TURNS_MAX: usize = 8;

/// Whether a room could be opened.
pub(super) enum Admission {
    /// Yes, or there is nobody left to tell.
    Done,
    /// The live feed went away meanwhile: enter the room again.
    Again(ReplyTo),
}

impl Session {
    /// A new connection with its challenge.
    pub(crate) fn new(
        id: u64,
        challenge: Challenge,
        authority: Box<str>,
        live_queue_max_bytes: usize,
    ) -> Self {
        Self {
            id,
            challenge,
            authority,
            outbox: Outbox::new(live_queue_max_bytes),
            in_flight: AtomicU32::new(0),
            queued_bytes: AtomicUsize::new(0),
            opened: Mutex::default(),
        }
    }

    /// Tells sessions apart.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// What is to be signed on this connection.
    pub(crate) fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// Under which name the client reached the relay.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// What is still to be sent.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Queues a frame of the protocol.
    pub(crate) fn send(&self, frame: &RelayFrame) {
        self.outbox.push(wire::frame(frame));
    }

    /// Answers a request that was never under way.
    pub(crate) fn refuse(&self, request: u32, error: WireError) {
        self.outbox.push(wire::reply(request, Reply::Error(error)));
    }

    /// Weight of the requests under way.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Acquire)
    }

    pub(super) fn add_in_flight(&self, weight: u32) {
        self.in_flight.fetch_add(weight, Ordering::AcqRel);
    }

    pub(super) fn remove_in_flight(&self, weight: u32) {
        self.in_flight.fetch_sub(weight, Ordering::AcqRel);
    }

    /// Bytes that this connection has waiting to be written.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes.load(Ordering::Acquire)
    }

    pub(super) fn add_queued_bytes(&self, bytes: usize) {
        self.queued_bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(super) fn remove_queued_bytes(&self, bytes: usize) {
        self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Whether any room is open here.
    pub(crate) fn follows_a_room(&self) -> bool {
        !lock(&self.opened).rooms.is_empty()
    }

    /// The room, if it is open here.
    pub(super) fn room(&self, room: &RoomId) -> Option<OpenRoom> {
        lock(&self.opened).rooms.get(room).cloned()
    }

    /// Whether this connection may have one more subscription in a room, or has this one.
    pub(super) fn may_subscribe(&self, room: &RoomId, tag: &[u8; 16]) -> bool {
        let mut opened = lock(&self.opened);
        let tags = opened.subscriptions.entry(*room).or_default();
        let fits = tags.len() < limits::PUSH_SUBSCRIPTIONS_OF_CONNECTION_MAX;
        tags.contains(tag) || (fits && tags.insert(*tag))
    }

    /// Opens a room and answers, in one step with subscribing: what comes later is pushed after the answer.
    pub(super) fn admit(
        self: &Arc<Self>,
        live: &Arc<LiveRoom>,
        (grant, seen): (Grant, Seen),
        reply: ReplyTo,
    ) -> Admission {
        let mut opened = lock(&self.opened);
        if opened.is_ended {
            return Admission::Done;
        }
        let is_new = !opened.rooms.contains_key(live.id());
        if is_new && opened.rooms.len() >= limits::OPEN_ROOMS_PER_CONNECTION_MAX {
            let limit = limits::OPEN_ROOMS_PER_CONNECTION_MAX as u64;
            reply.error(WireError::with_limit(ErrorCode::LimitExceeded, limit));
            return Admission::Done;
        }
        match live.subscribe(self, grant, seen, reply) {
            Ok(()) => {
                let room = OpenRoom { grant, live: Arc::clone(live) };
                opened.rooms.insert(*live.id(), room);
                Admission::Done
            }
            Err(reply) => Admission::Again(reply),
        }
    }

    /// Whether this connection may wait for its turn to join that room, or does. One that has ended may not.
    pub(super) fn may_take_turn(&self, room: &RoomId) -> bool {
        let mut opened = lock(&self.opened);
        let fits = opened.turns.len() < TURNS_MAX;
        !opened.is_ended && (opened.turns.contains(room) || (fits && opened.turns.insert(*room)))
    }

    /// Its turn is over.
    pub(super) fn forget_turn(&self, room: &RoomId) {
        lock(&self.opened).turns.remove(room);
    }

    /// Ends the session: it leaves every room, and what is queued is dropped. What it has left.
    pub(super) fn end(&self, hub: &Hub) -> Left {
        let (rooms, turns) = {
            let mut opened = lock(&self.opened);
            opened.is_ended = true;
            (std::mem::take(&mut opened.rooms), std::mem::take(&mut opened.turns))
        };
        for room in rooms.values() {
            hub.leave(&room.live, self.id);
        }
        self.outbox.shut();
        Left { rooms: rooms.into_keys().collect(), turns: turns.into_iter().collect() }
    }
}

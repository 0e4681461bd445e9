//! Who follows which room.
//!
//! A room is in the hub while somebody follows it or is about to. Opening and publishing meet in one lock per room, so
//! that between the answer to an opening and the entries pushed after it there is neither a gap nor an overlap:
//!
//! - the opener enters the hub first and reads the database afterwards, so that whatever is committed later is published
//!   to a room that is already there;
//! - it takes the newer of what it read and what was published, and remembers it as `after_seq`;
//! - every entry after that is pushed, none before.
//!
//! Locks are taken in the order session, hub, room, outbox.

use super::reply::ReplyTo;
use super::run::Run;
use super::session::Session;
use crate::access::{Grant, RoomHead, room_access};
use crate::lock::lock;
use bytes::Bytes;
use sotto_protocol::{EntryKind, OpenedRoom, Reply, RoomId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The rooms that are followed.
#[derive(Default)]
pub(crate) struct Hub {
    rooms: Mutex<HashMap<RoomId, Arc<LiveRoom>>>,
}

/// One room that is followed.
pub(crate) struct LiveRoom {
    id: RoomId,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    head: RoomHead,
    subscribers: Vec<Subscriber>,
    is_gone: bool,
}

struct Subscriber {
    session: Arc<Session>,
    grant: Grant,
    after_seq: u64,
}

/// An entry that has just been committed.
#[derive(Debug)]
pub(super) struct LiveEntry {
    pub seq: u64,
    pub kind: EntryKind,
    /// The epoch that was current when it was stored.
    pub epoch: u64,
    /// As it goes out.
    pub frame: Bytes,
}

impl Hub {
    /// The room's live feed, made if nobody follows it yet. To be left again.
    pub(super) fn enter(&self, room: &RoomId) -> Arc<LiveRoom> {
        let mut rooms = lock(&self.rooms);
        let live =
            rooms.entry(*room).or_insert_with(|| Arc::new(LiveRoom { id: *room, state: Mutex::default() }));
        Arc::clone(live)
    }

    /// Takes a session out of a room, and the room out of the hub if that was the last one.
    pub(super) fn leave(&self, live: &Arc<LiveRoom>, session_id: u64) {
        let mut rooms = lock(&self.rooms);
        let mut state = lock(&live.state);
        state.subscribers.retain(|subscriber| subscriber.session.id() != session_id);
        remove_if_unused(&mut rooms, live, &mut state);
    }

    /// Takes a room out of the hub if nobody follows it.
    pub(super) fn leave_if_unused(&self, live: &Arc<LiveRoom>) {
        let mut rooms = lock(&self.rooms);
        remove_if_unused(&mut rooms, live, &mut lock(&live.state));
    }

    /// Pushes what has been committed to those who follow the room and may see it.
    pub(super) fn publish(&self, room: &RoomId, entries: &[LiveEntry], head: RoomHead) {
        let live = lock(&self.rooms).get(room).cloned();
        if let Some(live) = live {
            live.publish(entries, head);
        }
    }
}

fn remove_if_unused(rooms: &mut HashMap<RoomId, Arc<LiveRoom>>, live: &LiveRoom, state: &mut State) {
    if state.subscribers.is_empty() && !state.is_gone {
        state.is_gone = true;
        rooms.remove(&live.id);
    }
}

impl LiveRoom {
    /// Which room.
    pub(super) fn id(&self) -> &RoomId {
        &self.id
    }

    /// The room as it was last published or read: everything up to here is on disk, and was this when it was.
    pub(super) fn head(&self) -> RoomHead {
        lock(&self.state).head
    }

    /// Follows the room from now on and answers the opening. Gives the answer back if the room has left the hub.
    pub(super) fn subscribe(
        &self,
        session: &Arc<Session>,
        grant: Grant,
        seen: RoomHead,
        reply: ReplyTo,
    ) -> Result<(), ReplyTo> {
        let mut state = lock(&self.state);
        if state.is_gone {
            return Err(reply);
        }
        if seen.head_seq > state.head.head_seq {
            state.head = seen;
        }
        let head = state.head;
        let subscriber = Subscriber { session: Arc::clone(session), grant, after_seq: head.head_seq };
        match state.subscribers.iter_mut().find(|other| other.session.id() == session.id()) {
            Some(earlier) => *earlier = subscriber,
            None => state.subscribers.push(subscriber),
        }
        reply.send(Reply::Opened(OpenedRoom {
            access: room_access(grant, head),
            epoch: head.epoch,
            head_seq: head.head_seq,
            last_handshake_seq: head.last_handshake_seq,
        }));
        Ok(())
    }

    fn publish(&self, entries: &[LiveEntry], head: RoomHead) {
        let mut state = lock(&self.state);
        if head.head_seq > state.head.head_seq {
            state.head = head;
        }
        let runs = Run::of(entries);
        for subscriber in &state.subscribers {
            let seen = runs.iter().flat_map(|run| run.frames_for(subscriber.grant, subscriber.after_seq));
            subscriber.session.outbox().push_live(self.id, seen);
        }
    }
}

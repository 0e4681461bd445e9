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

use super::hints::StatusHint;
use super::reply::ReplyTo;
use super::run::Run;
use super::session::Session;
use crate::access::{Effect, Following, Grant, RoomHead, Standing, room_access, standing};
use crate::lock::lock;
use crate::store::Limit;
use crate::wire;
use bytes::Bytes;
use sotto_protocol::{EntryKind, OpenedRoom, RelayFrame, Reply, Retention, RoomAccess, RoomId, Status};
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
    /// Every entry up to here has been pushed to those who follow.
    pushed_seq: u64,
    subscribers: Vec<Subscriber>,
    is_gone: bool,
}

struct Subscriber {
    session: Arc<Session>,
    following: Following,
    after_seq: u64,
}

/// A room as its database row was when somebody opened it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub head: RoomHead,
    /// Where the log ends for the key that opened it.
    pub limit: Option<Limit>,
    /// How long messages are kept, and what was dropped.
    pub retention: Retention,
}

/// An entry that has just been committed.
#[derive(Debug)]
pub(super) struct LiveEntry {
    pub seq: u64,
    pub kind: EntryKind,
    /// The epoch that was current when it was stored.
    pub epoch: u64,
    /// What it changes about who may go on reading.
    pub effect: Effect,
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

    /// Passes on what was written into a register at another relay.
    pub(super) fn publish_status(&self, hint: &StatusHint) {
        let live = lock(&self.rooms).get(&hint.room).cloned();
        if let Some(live) = live {
            live.publish_status((hint.row, hint.began_seq), &hint.status);
        }
    }

    /// The rooms that somebody follows, and how far they were pushed.
    pub(super) fn followed(&self) -> Vec<(RoomId, u64)> {
        let rooms = lock(&self.rooms);
        let states = rooms.iter().map(|(id, live)| (*id, lock(&live.state)));
        states
            .filter(|(_, state)| !state.subscribers.is_empty())
            .map(|(id, state)| (id, state.pushed_seq))
            .collect()
    }

    /// How many rooms somebody follows, or is about to.
    pub(super) fn count(&self) -> usize {
        lock(&self.rooms).len()
    }

    /// How far a room was pushed, if somebody follows it.
    pub(super) fn pushed_seq(&self, room: &RoomId) -> Option<u64> {
        let live = lock(&self.rooms).get(room).cloned()?;
        let state = lock(&live.state);
        (!state.subscribers.is_empty()).then_some(state.pushed_seq)
    }

    /// Whether somebody follows the room who was not pushed what comes before `seq`.
    pub(super) fn misses_before(&self, room: &RoomId, seq: u64) -> bool {
        self.pushed_seq(room).is_some_and(|pushed_seq| pushed_seq + 1 < seq)
    }

    /// Pushes what has been committed to those who follow the room and may see it.
    pub(super) fn publish(&self, room: &RoomId, entries: &[LiveEntry], head: RoomHead) {
        let live = lock(&self.rooms).get(room).cloned();
        if let Some(live) = live {
            live.publish(entries, head);
        }
    }

    /// Tells those who follow a room that it was deleted, and takes it out of the hub.
    pub(super) fn close(&self, room: &RoomId) {
        let live = lock(&self.rooms).remove(room);
        if let Some(live) = live {
            live.close();
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

    /// What a connection may still do here, as far as this relay has heard.
    pub(super) fn standing(&self, session_id: u64, grant: Grant) -> Standing {
        let state = lock(&self.state);
        let standing = standing(grant, state.head, None);
        if standing == Standing::Current {
            return standing;
        }
        let subscriber = state.subscribers.iter().find(|other| other.session.id() == session_id);
        let is_ended = subscriber.is_none_or(|subscriber| subscriber.following.ended_seq.is_some());
        if is_ended { Standing::Ended } else { Standing::Earlier }
    }

    /// Follows the room from now on and answers the opening. Gives the answer back if the room has left the hub.
    pub(super) fn subscribe(
        &self,
        session: &Arc<Session>,
        grant: Grant,
        seen: Seen,
        reply: ReplyTo,
    ) -> Result<(), ReplyTo> {
        let mut state = lock(&self.state);
        if state.is_gone {
            return Err(reply);
        }
        if seen.head.head_seq > state.head.head_seq {
            state.head = seen.head;
        }
        let head = state.head;
        if (head.began_seq, head.cut_seq) != (seen.head.began_seq, seen.head.cut_seq) {
            // Whether the key still opens the room may have changed since it was read.
            return Err(reply);
        }
        if state.subscribers.is_empty() {
            // Nobody is owed anything older.
            state.pushed_seq = head.head_seq;
        }
        let following = Following { grant, ended_seq: seen.limit.map(|limit| limit.seq) };
        let subscriber = Subscriber { session: Arc::clone(session), following, after_seq: head.head_seq };
        match state.subscribers.iter_mut().find(|other| other.session.id() == session.id()) {
            Some(earlier) => *earlier = subscriber,
            None => state.subscribers.push(subscriber),
        }
        reply.send(Reply::Opened(Box::new(match seen.limit {
            // The room as it was at the end of what the key opens: what came later is no business of its holder's.
            Some(Limit { seq, epoch }) => OpenedRoom {
                access: RoomAccess::Handshakes,
                epoch,
                head_seq: seq,
                last_handshake_seq: seq,
                retention: None,
                safe_seq: None,
                behind: None,
                went_on: None,
            },
            None => {
                let access = room_access(grant, head);
                OpenedRoom {
                    access,
                    epoch: head.epoch,
                    head_seq: head.head_seq,
                    last_handshake_seq: head.last_handshake_seq,
                    retention: (access == RoomAccess::Full).then_some(seen.retention),
                    // This relay knows of no backup, and takes nothing back.
                    safe_seq: None,
                    behind: None,
                    went_on: None,
                }
            }
        })));
        Ok(())
    }

    /// Pushes a status register to those who are in its epoch, and in no other: a removed member may not have been told yet.
    pub(super) fn publish_status(&self, (row, began_seq): (i64, u64), status: &Status) {
        let frame = wire::frame(&RelayFrame::Status(self.id, *status));
        let state = lock(&self.state);
        for Subscriber { session, following, .. } in &state.subscribers {
            let is_of_its_epoch = (following.grant.room, following.grant.began_seq) == (row, began_seq);
            if following.ended_seq.is_none()
                && is_of_its_epoch
                && room_access(following.grant, state.head) == RoomAccess::Full
            {
                session.outbox().push_live(self.id, [&frame].into_iter());
            }
        }
    }

    fn close(&self) {
        let mut state = lock(&self.state);
        state.is_gone = true;
        let frame = wire::frame(&RelayFrame::Gone(self.id));
        for subscriber in state.subscribers.drain(..) {
            subscriber.session.outbox().push(frame.clone());
        }
    }

    fn publish(&self, entries: &[LiveEntry], head: RoomHead) {
        let mut state = lock(&self.state);
        if head.head_seq > state.head.head_seq {
            state.head = head;
        }
        // What others committed was perhaps found in the database before.
        let known = entries.partition_point(|entry| entry.seq <= state.pushed_seq);
        let entries = entries.get(known..).unwrap_or_default();
        let Some(last) = entries.last() else { return };
        state.pushed_seq = last.seq;
        let runs = Run::of(entries);
        for Subscriber { session, following, after_seq } in &mut state.subscribers {
            let seen = runs.iter().flat_map(|run| run.frames_for(following, *after_seq));
            session.outbox().push_live(self.id, seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_protocol::{Challenge, LogEntry, decode};
    use std::collections::VecDeque;

    const ROOM: RoomId = RoomId::new([1; 16]);
    const GRANT: Grant = Grant { room: 1, epoch: 0, began_seq: 0 };

    fn session(id: u64) -> Arc<Session> {
        Arc::new(Session::new(id, Challenge::new([0; 32]), "relay".into(), 1_000_000))
    }

    fn head(head_seq: u64) -> RoomHead {
        RoomHead { head_seq, ..RoomHead::default() }
    }

    fn entries(seqs: std::ops::RangeInclusive<u64>) -> Vec<LiveEntry> {
        let kind = EntryKind::Message;
        seqs.map(|seq| {
            let frame = wire::entry(&ROOM, &LogEntry::message(seq, vec![7; 40]));
            LiveEntry { seq, kind, epoch: 0, effect: Effect::None, frame }
        })
        .collect()
    }

    fn subscribe(live: &LiveRoom, session: &Arc<Session>, seen: u64) -> bool {
        let seen = Seen { head: head(seen), limit: None, retention: Retention::default() };
        live.subscribe(session, GRANT, seen, ReplyTo::new(Arc::clone(session), 1, 1)).is_ok()
    }

    /// Head of each answer, and seq of each entry, in order.
    fn received(session: &Session) -> Vec<(&'static str, u64)> {
        let mut pieces = VecDeque::new();
        session.outbox().take(&mut pieces, usize::MAX);
        let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.bytes).collect();
        let mut rest = &bytes[..];
        let mut received = Vec::new();
        while let [_, length, after @ ..] = rest {
            assert!(*length < 126, "these frames are short");
            let (payload, next) = after.split_at(usize::from(*length));
            received.push(match decode(payload).unwrap() {
                RelayFrame::Reply(_, Reply::Opened(opened)) => {
                    assert_eq!(opened.access, RoomAccess::Full);
                    ("opened at", opened.head_seq)
                }
                RelayFrame::Entry(_, entry) => ("entry", entry.seq),
                other => panic!("{other:?}"),
            });
            rest = next;
        }
        received
    }

    #[test]
    fn what_was_read_before_it_was_published_is_not_pushed_again() {
        let hub = Hub::default();
        let (early, late) = (session(1), session(2));
        let live = hub.enter(&ROOM);
        assert!(subscribe(&live, &early, 3));
        // Entries 4 to 6 are committed, `late` has read them, and only then they are published.
        assert!(subscribe(&live, &late, 6));
        hub.publish(&ROOM, &entries(4..=8), head(8));
        let all: Vec<_> = [("opened at", 3)].into_iter().chain((4..=8).map(|seq| ("entry", seq))).collect();
        assert_eq!(received(&early), all);
        assert_eq!(received(&late), [("opened at", 6), ("entry", 7), ("entry", 8)]);
    }

    #[test]
    fn what_was_published_before_it_was_read_is_in_the_answer() {
        let hub = Hub::default();
        let (early, late) = (session(1), session(2));
        let live = hub.enter(&ROOM);
        hub.publish(&ROOM, &entries(1..=4), head(4));
        assert!(subscribe(&live, &early, 2), "read before the commit, subscribed after it was published");
        hub.publish(&ROOM, &entries(5..=6), head(6));
        assert!(subscribe(&live, &late, 4));
        hub.publish(&ROOM, &entries(7..=7), head(7));
        assert_eq!(received(&early), [("opened at", 4), ("entry", 5), ("entry", 6), ("entry", 7)]);
        assert_eq!(received(&late), [("opened at", 6), ("entry", 7)]);
    }

    #[test]
    fn a_room_that_nobody_follows_leaves_the_hub_and_takes_nobody_in() {
        let hub = Hub::default();
        let (first, second) = (session(1), session(2));
        let live = hub.enter(&ROOM);
        assert!(subscribe(&live, &first, 0));
        hub.leave_if_unused(&live);
        assert!(Arc::ptr_eq(&live, &hub.enter(&ROOM)), "it is followed");
        hub.leave(&live, first.id());
        assert!(!subscribe(&live, &second, 0), "it is gone");
        assert!(!Arc::ptr_eq(&live, &hub.enter(&ROOM)));
    }
}

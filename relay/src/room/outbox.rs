//! What one connection is still to be sent: answers always, live entries up to a bound.
//!
//! Where live entries of a room no longer fit, the room is *behind*: one notice takes their place, and further entries of
//! that room are left out until the notice has gone out. The client then reads the log, which has them all.

use crate::limit::Share;
use crate::lock::lock;
use crate::metrics::metrics;
use crate::wire;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use sotto_protocol::{RelayFrame, RoomId};
use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;
use std::task::Waker;

/// Why the relay ends a connection, as a WebSocket close code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The relay stops.
    GoingAway,
    /// The peer breaks RFC 6455.
    Protocol,
    /// What the peer sends as text is none.
    Text,
    /// The peer sends nothing that can be understood.
    Policy,
    /// A message is so long that even skipping it is too much.
    TooBig,
    /// Nothing was opened.
    Unused,
    /// A message was begun and did not end.
    TooSlow,
}

impl CloseReason {
    /// RFC 6455, section 7.4.1; from 4000 on they are our own.
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::Protocol => 1002,
            Self::Text => 1007,
            Self::Policy => 1008,
            Self::TooBig => 1009,
            Self::Unused => 4001,
            Self::TooSlow => 4002,
        }
    }
}

/// The queue of one connection.
pub(crate) struct Outbox {
    state: Mutex<State>,
    waker: AtomicWaker,
    live_max_bytes: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Item>,
    live_bytes: usize,
    behind: HashSet<RoomId>,
    closing: Option<CloseReason>,
    is_shut: bool,
}

enum Item {
    Answer(Piece),
    Live(Bytes),
    Behind(RoomId),
}

/// What goes out in one piece, and the memory that is taken for it until it is written.
#[derive(Debug)]
pub(crate) struct Piece {
    pub bytes: Bytes,
    _share: Option<Box<Share>>,
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, _share: None }
    }
}

impl Outbox {
    pub(super) fn new(live_max_bytes: usize) -> Self {
        Self { state: Mutex::default(), waker: AtomicWaker::new(), live_max_bytes }
    }

    /// Queues an answer.
    pub(crate) fn push(&self, frame: Bytes) {
        self.push_within(frame, None);
    }

    /// Queues an answer, with the memory that is taken for it.
    pub(super) fn push_within(&self, bytes: Bytes, share: Option<Box<Share>>) {
        self.change(|state| state.queue.push_back(Item::Answer(Piece { bytes, _share: share })));
    }

    /// Queues live entries of a room, or the notice that they are left out.
    pub(super) fn push_live<'a>(&self, room: RoomId, frames: impl Iterator<Item = &'a Bytes>) {
        self.change(|state| {
            for frame in frames {
                if state.behind.contains(&room) {
                    return;
                }
                // A frame that is longer than the whole bound still fits into an empty queue.
                if state.live_bytes > 0 && state.live_bytes + frame.len() > self.live_max_bytes {
                    metrics().behind.inc();
                    state.behind.insert(room);
                    state.queue.push_back(Item::Behind(room));
                    return;
                }
                state.live_bytes += frame.len();
                state.queue.push_back(Item::Live(frame.clone()));
            }
        });
    }

    /// Asks the connection to send what is queued, and then to close.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.change(|state| state.closing = state.closing.or(Some(reason)));
        self.waker.wake();
    }

    /// Drops what is queued and takes nothing more.
    pub(super) fn shut(&self) {
        *lock(&self.state) = State { is_shut: true, ..State::default() };
    }

    /// Wakes the connection when there is something to do. Call before [`Self::take`].
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Moves frames over until `frames` holds `max_frames`; says why to close once everything has been taken.
    pub(crate) fn take(&self, frames: &mut VecDeque<Piece>, max_frames: usize) -> Option<CloseReason> {
        let mut state = lock(&self.state);
        while frames.len() < max_frames {
            let Some(item) = state.queue.pop_front() else { break };
            frames.push_back(match item {
                Item::Answer(piece) => piece,
                Item::Live(frame) => {
                    state.live_bytes = state.live_bytes.saturating_sub(frame.len());
                    frame.into()
                }
                Item::Behind(room) => {
                    state.behind.remove(&room);
                    wire::frame(&RelayFrame::Behind(room)).into()
                }
            });
        }
        if !state.queue.is_empty() {
            return None;
        }
        if state.queue.capacity() > max_frames {
            // A burst has passed: an idle connection keeps nothing of it.
            state.queue = VecDeque::new();
        }
        state.closing
    }

    /// Whether frames wait that [`Self::take`] has not moved yet.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.state).queue.is_empty()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let has_work_now = {
            let mut state = lock(&self.state);
            if state.is_shut {
                return;
            }
            let was_empty = state.queue.is_empty();
            change(&mut state);
            was_empty && !state.queue.is_empty()
        };
        if has_work_now {
            self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId::new([1; 16]);
    const OTHER: RoomId = RoomId::new([2; 16]);

    fn taken(outbox: &Outbox) -> Vec<Bytes> {
        let mut frames = VecDeque::new();
        outbox.take(&mut frames, usize::MAX);
        frames.into_iter().map(|piece| piece.bytes).collect()
    }

    fn behind(room: RoomId) -> Bytes {
        wire::frame(&RelayFrame::Behind(room))
    }

    #[test]
    fn a_full_queue_says_behind_once_and_resumes_when_read() {
        let outbox = Outbox::new(25);
        let frame = Bytes::from_static(&[7; 10]);
        let live = |room| outbox.push_live(room, [&frame].into_iter());
        for _ in 0..5 {
            live(ROOM);
        }
        assert_eq!(taken(&outbox), [frame.clone(), frame.clone(), behind(ROOM)]);
        live(ROOM);
        assert_eq!(
            taken(&outbox),
            std::slice::from_ref(&frame),
            "after the notice has gone out, entries follow again"
        );
    }

    #[test]
    fn each_room_is_behind_for_itself_and_answers_always_fit() {
        let outbox = Outbox::new(15);
        let frame = Bytes::from_static(&[7; 10]);
        outbox.push_live(ROOM, [&frame, &frame].into_iter());
        outbox.push_live(OTHER, [&frame].into_iter());
        outbox.push(frame.clone());
        assert_eq!(taken(&outbox), [frame.clone(), behind(ROOM), behind(OTHER), frame]);
    }

    #[test]
    fn an_entry_over_the_bound_fits_into_an_empty_queue() {
        let outbox = Outbox::new(5);
        let frame = Bytes::from_static(&[7; 10]);
        outbox.push_live(ROOM, [&frame].into_iter());
        assert_eq!(taken(&outbox), [frame]);
    }

    #[test]
    fn closing_comes_after_what_is_queued() {
        let outbox = Outbox::new(15);
        outbox.push(Bytes::from_static(b"a"));
        outbox.push(Bytes::from_static(b"b"));
        outbox.close(CloseReason::GoingAway);
        let mut frames = VecDeque::new();
        assert_eq!(outbox.take(&mut frames, 1), None);
        assert_eq!(outbox.take(&mut frames, 2), Some(CloseReason::GoingAway));
        assert_eq!(frames.len(), 2);
    }
}

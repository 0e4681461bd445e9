//! In what turn the writer takes what waits: rooms by turns, and in each room connections by turns. Nobody is behind more than one
//! share of everybody else, however much somebody has queued; and in what order one connection sent its operations, they come.
//!
//! What is long is taken by turns of its own: one transaction has room for some of it, and what is short never waits for more.

use super::operation::Queued;
use sotto_protocol::RoomId;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// How many operations one turn takes: as few as is still cheap.
const TURN_OPERATIONS: usize = 4;
/// What is longer than this has to wait where a transaction has enough of such.
pub(super) const LONG_BYTES: usize = 256 * 1024;
/// How much of a transaction may be such; of what is longer, one.
const LONG_MAX_BYTES: usize = 1024 * 1024;

/// Lanes that have something waiting, in the order of their turns.
struct Turns<K, L> {
    lanes: HashMap<K, L>,
    order: VecDeque<K>,
}

impl<K, L> Default for Turns<K, L> {
    fn default() -> Self {
        Self { lanes: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Copy + Eq + Hash, L: Default> Turns<K, L> {
    fn lane(&mut self, key: K) -> &mut L {
        self.lanes.entry(key).or_insert_with(|| {
            self.order.push_back(key);
            L::default()
        })
    }
}

/// A room, or what belongs to none.
type Room = Option<RoomId>;
/// A connection, or the relay itself.
type Connection = Option<u64>;

/// Everything that waits.
#[derive(Default)]
pub(super) struct Lanes {
    rooms: Turns<Room, Turns<Connection, VecDeque<Queued>>>,
    count: usize,
}

/// What was taken for one transaction.
#[derive(Default)]
pub(super) struct Taken {
    pub operations: VecDeque<Queued>,
    pub size_bytes: usize,
    long_bytes: usize,
}

impl Lanes {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Behind everything that the same connection has sent about that room.
    pub(super) fn add(&mut self, queued: Queued) {
        let room = queued.operation.room().copied();
        let connection = queued.reply_to.as_ref().map(|reply_to| reply_to.session().id());
        self.rooms.lane(room).lane(connection).push_back(queued);
        self.count += 1;
    }

    /// Takes what comes next, up to the bounds of a transaction: of bytes, what is short has so many.
    pub(super) fn take(&mut self, max_operations: usize, max_bytes: usize) -> Taken {
        let mut taken =
            Taken { operations: VecDeque::with_capacity(self.count.min(max_operations)), ..Taken::default() };
        // Rooms in which nothing can be taken now: they come first the next time.
        let mut waiting = VecDeque::new();
        while taken.operations.len() < max_operations && taken.size_bytes - taken.long_bytes < max_bytes {
            let Some(room) = self.rooms.order.pop_front() else { break };
            let Some(connections) = self.rooms.lanes.get_mut(&room) else { continue };
            let before = taken.operations.len();
            take_turn(connections, &mut taken);
            self.count -= taken.operations.len() - before;
            if connections.lanes.is_empty() {
                self.rooms.lanes.remove(&room);
            } else if taken.operations.len() == before {
                waiting.push_back(room);
            } else {
                self.rooms.order.push_back(room);
            }
        }
        while let Some(room) = waiting.pop_back() {
            self.rooms.order.push_front(room);
        }
        taken
    }
}

/// The next connection's turn, of those that can have one.
fn take_turn(connections: &mut Turns<Connection, VecDeque<Queued>>, taken: &mut Taken) {
    for _ in 0..connections.order.len() {
        let Some(connection) = connections.order.pop_front() else { return };
        let Some(lane) = connections.lanes.get_mut(&connection) else { continue };
        let before = taken.operations.len();
        while taken.operations.len() < before + TURN_OPERATIONS {
            let Some(size_bytes) = lane.front().map(|next| next.operation.size_bytes()) else { break };
            if size_bytes > LONG_BYTES {
                if taken.long_bytes > 0 && taken.long_bytes + size_bytes > LONG_MAX_BYTES {
                    break;
                }
                taken.long_bytes += size_bytes;
            }
            taken.size_bytes += size_bytes;
            taken.operations.extend(lane.pop_front());
        }
        let has_had_a_turn = taken.operations.len() > before;
        if lane.is_empty() {
            connections.lanes.remove(&connection);
        } else {
            connections.order.push_back(connection);
        }
        if has_had_a_turn {
            return;
        }
    }
}

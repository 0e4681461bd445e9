//! In what turn the writer takes what waits: rooms by turns, and in each room connections by turns. Nobody is behind more than one
//! share of everybody else, however much one client has queued; and in what order one connection sent its operations, they come.
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

    /// The same; its turn comes first.
    fn first_lane(&mut self, key: K) -> &mut L {
        if self.lanes.contains_key(&key) {
            self.order.retain(|other| *other != key);
        }
        self.order.push_front(key);
        self.lanes.entry(key).or_default()
    }

    fn remove(&mut self, key: K) {
        self.lanes.remove(&key);
        self.order.retain(|other| *other != key);
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
    /// Whose next operation is long and found no place, the first of them first.
    long: VecDeque<(Room, Connection)>,
    count: usize,
}

/// What was taken for one transaction.
#[derive(Default)]
pub(super) struct Taken {
    pub operations: VecDeque<Queued>,
    pub size_bytes: usize,
    long_bytes: usize,
}

impl Taken {
    fn add(&mut self, queued: Queued) {
        let size_bytes = queued.operation.size_bytes();
        self.size_bytes += size_bytes;
        if size_bytes > LONG_BYTES {
            self.long_bytes += size_bytes;
        }
        self.operations.push_back(queued);
    }

    fn has_room_for_long(&self, size_bytes: usize) -> bool {
        self.long_bytes == 0 || self.long_bytes + size_bytes <= LONG_MAX_BYTES
    }
}

fn key_of(queued: &Queued) -> (Room, Connection) {
    let connection = queued.reply_to.as_ref().map(|reply_to| reply_to.session().id());
    (queued.operation.room().copied(), connection)
}

impl Lanes {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Behind everything that the same connection has sent about that room.
    pub(super) fn add(&mut self, queued: Queued) {
        let (room, connection) = key_of(&queued);
        self.rooms.lane(room).lane(connection).push_back(queued);
        self.count += 1;
    }

    /// Gives back what was taken and could not be done: it comes first.
    pub(super) fn put_back(&mut self, operations: VecDeque<Queued>) {
        for queued in operations.into_iter().rev() {
            let (room, connection) = key_of(&queued);
            self.rooms.first_lane(room).first_lane(connection).push_front(queued);
            self.count += 1;
        }
    }

    /// Takes what comes next, up to the bounds of a transaction: of bytes, what is short has so many.
    pub(super) fn take(&mut self, max_operations: usize, max_bytes: usize) -> Taken {
        let operations = VecDeque::with_capacity(self.count.min(max_operations));
        let mut taken = Taken { operations, ..Taken::default() };
        self.take_long(&mut taken);
        // Rooms in which nothing can be taken now: they come first the next time.
        let mut waiting = VecDeque::new();
        while taken.operations.len() < max_operations && taken.size_bytes - taken.long_bytes < max_bytes {
            let Some(room) = self.rooms.order.pop_front() else { break };
            let Some(connections) = self.rooms.lanes.get_mut(&room) else { continue };
            let before = taken.operations.len();
            take_turn(room, connections, &mut taken, &mut self.long);
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

    /// What is long and has waited longest, whatever turns its room has had meanwhile.
    fn take_long(&mut self, taken: &mut Taken) {
        while let Some((room, connection)) = self.long.front().copied() {
            let connections = self.rooms.lanes.get_mut(&room);
            let lane = connections.and_then(|connections| connections.lanes.get_mut(&connection));
            let size_bytes =
                lane.as_ref().and_then(|lane| lane.front()).map(|next| next.operation.size_bytes());
            // It is not what comes next there any more.
            let Some((lane, size_bytes)) = lane.zip(size_bytes).filter(|(_, bytes)| *bytes > LONG_BYTES)
            else {
                self.long.pop_front();
                continue;
            };
            if !taken.has_room_for_long(size_bytes) {
                return;
            }
            self.long.pop_front();
            if let Some(next) = lane.pop_front() {
                taken.add(next);
                self.count -= 1;
            }
            let is_empty = lane.is_empty();
            if is_empty && let Some(connections) = self.rooms.lanes.get_mut(&room) {
                connections.remove(connection);
                if connections.lanes.is_empty() {
                    self.rooms.remove(room);
                }
            }
        }
    }
}

/// The next connection's turn, of those that can have one.
fn take_turn(
    room: Room,
    connections: &mut Turns<Connection, VecDeque<Queued>>,
    taken: &mut Taken,
    long: &mut VecDeque<(Room, Connection)>,
) {
    for _ in 0..connections.order.len() {
        let Some(connection) = connections.order.pop_front() else { return };
        let Some(lane) = connections.lanes.get_mut(&connection) else { continue };
        let before = taken.operations.len();
        while taken.operations.len() < before + TURN_OPERATIONS {
            let Some(size_bytes) = lane.front().map(|next| next.operation.size_bytes()) else { break };
            // A lane that waits for a place for a long operation comes before one that has just come.
            if size_bytes > LONG_BYTES && !(long.is_empty() && taken.has_room_for_long(size_bytes)) {
                if !long.contains(&(room, connection)) {
                    long.push_back((room, connection));
                }
                break;
            }
            if let Some(next) = lane.pop_front() {
                taken.add(next);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::operation::Operation;
    use crate::room::reply::ReplyTo;
    use crate::room::session::Session;
    use sotto_protocol::{Challenge, CreateRoom, EntryHeader, EntryId};
    use std::sync::Arc;

    struct Crowd(Vec<Arc<Session>>);

    impl Crowd {
        fn new() -> Self {
            let session = |id| Arc::new(Session::new(id, Challenge::new([0; 32]), "relay".into(), 1_000_000));
            Self((0..10).map(session).collect())
        }

        /// A message of that length in a room, whose first byte says which it is.
        fn message(&self, session: usize, room: u8, number: u8, bytes: usize) -> Queued {
            let grant = crate::access::Grant { room: 1, epoch: 0, began_seq: 0 };
            let header = EntryHeader { epoch: 0, id: EntryId::new([number; 16]) };
            let room = RoomId::new([room; 16]);
            let operation =
                Operation::Append { room, grant, header, read_seq: 0, entry: vec![number; bytes.max(1)] };
            Queued { operation, reply_to: Some(ReplyTo::new(Arc::clone(&self.0[session]), 1, 1)) }
        }
    }

    fn numbers(taken: &Taken) -> Vec<u8> {
        let number = |queued: &Queued| match &queued.operation {
            Operation::Append { entry, .. } => entry[0],
            _ => panic!("no message"),
        };
        taken.operations.iter().map(number).collect()
    }

    #[test]
    fn rooms_and_connections_take_turns_and_each_keeps_its_order() {
        let crowd = Crowd::new();
        let mut lanes = Lanes::default();
        for number in 0..100 {
            lanes.add(crowd.message(0, 1, number, 10));
        }
        lanes.add(crowd.message(1, 1, 200, 10));
        lanes.add(crowd.message(2, 2, 210, 10));
        let first = lanes.take(12, usize::MAX);
        assert_eq!(numbers(&first), [0, 1, 2, 3, 210, 200, 4, 5, 6, 7, 8, 9, 10, 11]);
        let mut back = first.operations;
        drop(back.drain(..6));
        lanes.put_back(back);
        assert_eq!(
            numbers(&lanes.take(8, usize::MAX)),
            [4, 5, 6, 7, 8, 9, 10, 11],
            "what is given back comes first"
        );
        let rest = numbers(&lanes.take(1000, usize::MAX));
        assert_eq!(rest, (12..100).collect::<Vec<_>>());
        assert!(lanes.is_empty());
    }

    #[test]
    fn what_is_long_comes_in_its_turn_and_holds_up_nothing_short() {
        const LONG: usize = LONG_BYTES + 1;
        let crowd = Crowd::new();
        let mut lanes = Lanes::default();
        for number in 0..50 {
            lanes.add(crowd.message(0, 1, number, LONG));
        }
        // In a room that talks all the time, one connection has a long operation.
        lanes.add(crowd.message(1, 2, 200, LONG));
        for transaction in 0..10 {
            lanes.add(crowd.message(2, 2, 100 + transaction, 10));
            let taken = lanes.take(1000, 1_000_000);
            let numbers = numbers(&taken);
            assert!(numbers.contains(&(100 + transaction)), "{numbers:?}");
            assert!(taken.long_bytes <= LONG_MAX_BYTES);
            if numbers.contains(&200) {
                return;
            }
        }
        panic!("what is long never came");
    }

    #[test]
    fn whatever_is_added_comes_out_once() {
        let crowd = Crowd::new();
        let mut lanes = Lanes::default();
        let mut random = 1_u64;
        let mut dice = |most: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % most
        };
        let (mut added, mut seen) = (0, 0);
        let mut last = std::collections::HashMap::new();
        for round in 0..2000 {
            for _ in 0..dice(6) {
                let (session, room) = (dice(10) as usize, dice(5) as u8);
                let bytes = if dice(10) == 0 { LONG_BYTES * (1 + dice(5) as usize) } else { 10 };
                lanes.add(crowd.message(session, room, (added % 251) as u8, bytes));
                added += 1;
            }
            let is_last = round == 1999;
            let mut taken = lanes.take(if is_last { usize::MAX } else { 3 + dice(5) as usize }, 1_000_000);
            if dice(3) == 0 && !is_last {
                let back = taken.operations.split_off(taken.operations.len() / 2);
                lanes.put_back(back);
            }
            for queued in &taken.operations {
                seen += 1;
                last.insert(key_of(queued), queued.operation.size_bytes());
            }
        }
        while !lanes.is_empty() {
            let taken = lanes.take(usize::MAX, usize::MAX).operations.len();
            assert!(taken > 0, "something is left and nothing comes");
            seen += taken;
        }
        assert_eq!(seen, added);
        let empty = CreateRoom {
            room: RoomId::new([0; 16]),
            access_key: [0; 32],
            join_key: [0; 32],
            token: None,
            admin_key: [0; 32],
        };
        lanes.add(Queued { operation: Operation::Create { create: empty, token: None }, reply_to: None });
        assert_eq!(lanes.take(10, 10).operations.len(), 1);
    }
}

//! Status registers: passed on at once, and written behind.
//!
//! A value is nobody's memory but its writer's, who writes it again; so it is acknowledged before it is on disk. What was written
//! since the last flush lies here, by room.

use super::held::open_fully;
use super::hints::StatusHint;
use super::{ReplyTo, Rooms, read_failed};
use crate::access::Grant;
use crate::clock::now_ms;
use crate::limit::whole_ms;
use crate::lock::lock;
use crate::store::Registers;
use sotto_protocol::{
    ErrorCode, Reply, RoomId, Status, StatusRequest, WireError, WriteStatus, limits, register_of,
};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// How long a register that is not written stays in memory.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// What was written lately.
#[derive(Default)]
pub(super) struct StatusBoard {
    rooms: Mutex<HashMap<RoomId, RoomStatus>>,
}

struct RoomStatus {
    /// The epoch that the values are of.
    grant: Grant,
    registers: HashMap<[u8; 16], Register>,
    /// When each connection wrote each register lately: others cannot use up a device's turn.
    turns: HashMap<(u64, [u8; 16]), Instant>,
    /// Which registers each connection has written: nobody has all of a room's.
    of_connection: HashMap<u64, HashSet<[u8; 16]>>,
}

impl RoomStatus {
    fn new(grant: Grant) -> Self {
        let (registers, turns, of_connection) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { grant, registers, turns, of_connection }
    }
}

struct Register {
    value: [u8; limits::STATUS_VALUE_BYTES],
    written: Instant,
    written_ms: u64,
    is_flushed: bool,
}

/// What a write comes to.
enum Written {
    Yes,
    TooSoon(Duration),
    /// The connection has written so many others.
    TooMany,
    /// It is one that is not in memory: it may be one too many.
    New(usize),
}

impl Rooms {
    /// Takes a value and passes it on.
    pub(crate) async fn write_status(&self, write: WriteStatus, reply_to: ReplyTo) {
        let WriteStatus { room, key, value } = write;
        // Who has not its key writes into another register.
        let status = Status { register: register_of(&key), value };
        let Some((open, _)) = open_fully(&reply_to, &room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        let session_id = reply_to.session().id();
        let written = match self.statuses.write(&room, (open.grant, session_id), &status, false) {
            Written::New(in_memory) => {
                let stored = match self.read.count_registers(open.grant.room, &status.register).await {
                    Ok(stored) => stored,
                    Err(error) => return reply_to.send(read_failed(&error)),
                };
                if stored.max(in_memory) >= limits::REGISTERS_MAX {
                    let limit = limits::REGISTERS_MAX as u64;
                    return reply_to.error(WireError::with_limit(ErrorCode::LimitExceeded, limit));
                }
                self.statuses.write(&room, (open.grant, session_id), &status, true)
            }
            written => written,
        };
        match written {
            Written::TooSoon(wait) => {
                return reply_to.error(WireError::with_delay(ErrorCode::Overloaded, whole_ms(wait)));
            }
            Written::TooMany => {
                let limit = limits::REGISTERS_OF_CONNECTION_MAX as u64;
                return reply_to.error(WireError::with_limit(ErrorCode::LimitExceeded, limit));
            }
            Written::Yes | Written::New(_) => {}
        }
        if reply_to.session().room(&room).is_none() {
            // It has ended meanwhile, and been forgotten before this.
            self.statuses.forget(&room, session_id);
        }
        let Grant { room: row, began_seq, .. } = open.grant;
        open.live.publish_status((row, began_seq), &status);
        reply_to.send(Reply::Done);
        self.hints.tell_status(&StatusHint { room, row, began_seq, status, at_ms: now_ms() });
    }

    /// All values of the current epoch: those on disk, and those that are newer.
    pub(crate) async fn read_statuses(&self, request: StatusRequest, reply_to: ReplyTo) {
        let Some((open, _)) = open_fully(&reply_to, &request.room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        // What is flushed between the two is in both, and what another relay has written since is on disk.
        let newer = self.statuses.unflushed_in(&request.room, open.grant);
        match self.read.statuses(open.grant.room, open.grant.began_seq).await {
            Ok(Some(stored)) => {
                let mut values: HashMap<_, _> =
                    stored.into_iter().map(|status| (status.register, status)).collect();
                values.extend(newer.into_iter().map(|status| (status.register, status)));
                reply_to.send(Reply::Statuses(values.into_values().collect()));
            }
            Ok(None) => reply_to.error(ErrorCode::RoomNotOpen),
            Err(error) => reply_to.send(read_failed(&error)),
        }
    }
}

impl StatusBoard {
    fn write(
        &self,
        room: &RoomId,
        (grant, session_id): (Grant, u64),
        status: &Status,
        takes_new: bool,
    ) -> Written {
        let mut rooms = lock(&self.rooms);
        let room = rooms.entry(*room).or_insert_with(|| RoomStatus::new(grant));
        if room.grant != grant {
            *room = RoomStatus::new(grant);
        }
        let (tick, now) = (Duration::from_millis(limits::STATUS_TICK_MS), Instant::now());
        let turn = (session_id, status.register);
        if let Some(age) = room.turns.get(&turn).map(|written| now.saturating_duration_since(*written))
            && age < tick
        {
            return Written::TooSoon(tick - age);
        }
        let own = room.of_connection.entry(session_id).or_default();
        if !own.contains(&status.register) && own.len() >= limits::REGISTERS_OF_CONNECTION_MAX {
            return Written::TooMany;
        }
        if !takes_new && !room.registers.contains_key(&status.register) {
            return Written::New(room.registers.len());
        }
        own.insert(status.register);
        room.turns.insert(turn, now);
        let register =
            Register { value: status.value, written: now, written_ms: now_ms(), is_flushed: false };
        room.registers.insert(status.register, register);
        Written::Yes
    }

    /// What is not on disk yet of one room.
    fn unflushed_in(&self, room: &RoomId, grant: Grant) -> Vec<Status> {
        let rooms = lock(&self.rooms);
        let room = rooms.get(room).filter(|room| room.grant == grant);
        let registers = room.into_iter().flat_map(|room| &room.registers);
        let registers = registers.filter(|(_, register)| !register.is_flushed);
        registers.map(|(id, register)| Status { register: *id, value: register.value }).collect()
    }

    /// What is not on disk yet.
    pub(super) fn unflushed(&self) -> Vec<Registers> {
        let rooms = lock(&self.rooms);
        let of = |(id, room): (&RoomId, &RoomStatus)| {
            let values = room.registers.iter().filter(|(_, register)| !register.is_flushed);
            let values: Vec<_> =
                values.map(|(id, register)| Status { register: *id, value: register.value }).collect();
            let Grant { room: row, began_seq, .. } = room.grant;
            (!values.is_empty()).then_some(Registers { room: *id, row, began_seq, values })
        };
        rooms.iter().filter_map(of).collect()
    }

    /// Remembers that these are on disk now, unless they have been written again.
    pub(super) fn flushed(&self, registers: &Registers) {
        let mut rooms = lock(&self.rooms);
        let room = rooms.get_mut(&registers.room);
        let Some(room) = room.filter(|room| room.grant.began_seq == registers.began_seq) else { return };
        for status in &registers.values {
            if let Some(register) = room.registers.get_mut(&status.register)
                && register.value == status.value
            {
                register.is_flushed = true;
            }
        }
    }

    /// It was written at another relay since, which keeps it. A word that was held back says nothing about what was written
    /// after it.
    pub(super) fn overtaken(&self, hint: &StatusHint) {
        let mut rooms = lock(&self.rooms);
        let room = rooms.get_mut(&hint.room);
        let Some(room) =
            room.filter(|room| (room.grant.room, room.grant.began_seq) == (hint.row, hint.began_seq))
        else {
            return;
        };
        if let Some(register) = room.registers.get_mut(&hint.status.register)
            && register.written_ms <= hint.at_ms
        {
            register.is_flushed = true;
        }
    }

    /// A connection has ended.
    pub(super) fn forget(&self, room: &RoomId, session_id: u64) {
        if let Some(room) = lock(&self.rooms).get_mut(room) {
            room.of_connection.remove(&session_id);
        }
    }

    /// Forgets what is on disk and has not been written for a while.
    pub(super) fn tidy(&self) {
        let mut rooms = lock(&self.rooms);
        rooms.retain(|_, room| {
            room.registers
                .retain(|_, register| !register.is_flushed || register.written.elapsed() < FORGET_AFTER);
            let tick = Duration::from_millis(limits::STATUS_TICK_MS);
            room.turns.retain(|_, written| written.elapsed() < tick);
            !room.registers.is_empty()
        });
    }
}

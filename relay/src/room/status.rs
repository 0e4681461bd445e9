//! Status registers: passed on at once, and written behind.
//!
//! A value is nobody's memory but its writer's, who writes it again; so it is acknowledged before it is on disk. What was written
//! since the last flush lies here, by room.

use super::held::open_fully;
use super::{ReplyTo, Rooms, read_failed};
use crate::access::Grant;
use crate::limit::whole_ms;
use crate::lock::lock;
use crate::store::Registers;
use sotto_protocol::{ErrorCode, Reply, RoomId, Status, StatusRequest, WireError, WriteStatus, limits};
use std::collections::HashMap;
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
}

struct Register {
    value: [u8; limits::STATUS_VALUE_BYTES],
    written: Instant,
    is_flushed: bool,
}

/// What a write comes to.
enum Written {
    Yes,
    TooSoon(Duration),
    /// It is one that is not in memory: it may be one too many.
    New(usize),
}

impl Rooms {
    /// Takes a value and passes it on.
    pub(crate) async fn write_status(&self, write: WriteStatus, reply_to: ReplyTo) {
        let WriteStatus { room, status } = write;
        let Some((open, _)) = open_fully(&reply_to, &room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        let written = match self.statuses.write(&room, open.grant, &status, false) {
            Written::New(in_memory) => {
                let stored = match self.read.count_registers(open.grant.room, &status.register).await {
                    Ok(stored) => stored,
                    Err(error) => return reply_to.send(read_failed(&error)),
                };
                if stored.max(in_memory) >= limits::REGISTERS_MAX {
                    let limit = limits::REGISTERS_MAX as u64;
                    return reply_to.error(WireError::with_limit(ErrorCode::LimitExceeded, limit));
                }
                self.statuses.write(&room, open.grant, &status, true)
            }
            written => written,
        };
        if let Written::TooSoon(wait) = written {
            return reply_to.error(WireError::with_delay(ErrorCode::Overloaded, whole_ms(wait)));
        }
        open.live.publish_status(&status);
        reply_to.send(Reply::Done);
        self.hints.tell_status(&room, &status).await;
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
    fn write(&self, room: &RoomId, grant: Grant, status: &Status, takes_new: bool) -> Written {
        let mut rooms = lock(&self.rooms);
        let room = rooms.entry(*room).or_insert_with(|| RoomStatus { grant, registers: HashMap::new() });
        if room.grant != grant {
            *room = RoomStatus { grant, registers: HashMap::new() };
        }
        let tick = Duration::from_millis(limits::STATUS_TICK_MS);
        match room.registers.get(&status.register).map(|register| register.written.elapsed()) {
            Some(age) if age < tick => return Written::TooSoon(tick - age),
            None if !takes_new => return Written::New(room.registers.len()),
            Some(_) | None => {}
        }
        let register = Register { value: status.value, written: Instant::now(), is_flushed: false };
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

    /// Somebody has written it at another relay since, which keeps it.
    pub(super) fn overtaken(&self, room: &RoomId, register: &[u8; 16]) {
        let mut rooms = lock(&self.rooms);
        if let Some(register) = rooms.get_mut(room).and_then(|room| room.registers.get_mut(register)) {
            register.is_flushed = true;
        }
    }

    /// Forgets what is on disk and has not been written for a while.
    pub(super) fn tidy(&self) {
        let mut rooms = lock(&self.rooms);
        rooms.retain(|_, room| {
            room.registers
                .retain(|_, register| !register.is_flushed || register.written.elapsed() < FORGET_AFTER);
            !room.registers.is_empty()
        });
    }
}

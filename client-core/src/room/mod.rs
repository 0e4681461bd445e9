//! One room on this device: what is stored of it, how its log is read, what waits to be sent.

mod alarms;
mod ended;
mod read;
mod record;
mod retention;
mod send;
mod view;

pub use alarms::Alarms;
pub use ended::{EndedRoom, StoredEnd};
pub use read::{Reading, Suspect};
pub use record::{
    Cursor, Damage, EpochEvent, EpochRecord, LogRecord, OutboxRecord, OwnInvite, PendingCommit, RoomPhase,
    RoomRecord, SeenEnd,
};
pub use retention::{Bodiless, Moment};
pub use send::append_handshake;

use crate::{
    ClientError,
    api::RoomEnd,
    store::{Change, Table, Value},
};
use sotto_crypto::{DeviceKey, identity::AccountId, message::MessageId, room::Room};
use sotto_protocol::RoomId;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A room as it is stored and as it is in memory; the two differ only between a step and its commit.
pub struct RoomSlot {
    /// The MLS room.
    pub room: Room,
    /// What changes with a handshake.
    pub record: RoomRecord,
    /// How far the log is read.
    pub cursor: Cursor,
    /// What waits to be sent, in order.
    pub outbox: BTreeMap<u64, OutboxRecord>,
    /// Counts commits of any process.
    pub revision: u64,
    /// How this device's membership ended, in the step in which it does.
    pub end: Option<RoomEnd>,
    dirty: Dirty,
}

#[derive(Default)]
struct Dirty {
    record: bool,
    group: bool,
    cursor: bool,
    changes: Vec<Change>,
}

/// The stored values of one room.
pub struct StoredRoom {
    /// [`Table::Room`].
    pub record: Value,
    /// [`Table::Group`].
    pub group: Value,
    /// [`Table::Cursor`].
    pub cursor: Value,
    /// [`Table::Outbox`]: keys and values.
    pub outbox: Vec<(Vec<u8>, Value)>,
    /// [`Table::Revision`].
    pub revision: u64,
}

impl RoomSlot {
    /// A room that is not stored yet.
    pub fn new(room: Room, record: RoomRecord, cursor: Cursor) -> Self {
        let dirty = Dirty { record: true, group: true, cursor: true, changes: Vec::new() };
        Self { room, record, cursor, outbox: BTreeMap::new(), revision: 0, end: None, dirty }
    }

    /// Reads a stored room.
    pub fn load(id: RoomId, device: DeviceKey, stored: &StoredRoom) -> Result<Self, ClientError> {
        let damaged = || ClientError::Bug("a stored room is damaged");
        Ok(Self {
            room: Room::load(id, device, &stored.group).map_err(|_| damaged())?,
            record: sotto_protocol::decode(&stored.record).map_err(|_| damaged())?,
            cursor: sotto_protocol::decode(&stored.cursor).map_err(|_| damaged())?,
            outbox: load_outbox(&stored.outbox)?,
            revision: stored.revision,
            end: None,
            dirty: Dirty::default(),
        })
    }

    /// What has to be stored since the last call, and the new revision with it.
    pub fn take_changes(&mut self) -> Result<Vec<Change>, ClientError> {
        let dirty = core::mem::take(&mut self.dirty);
        let mut changes = dirty.changes;
        let key = self.room.id().as_bytes().to_vec();
        if dirty.record {
            changes.push(Change::Put(Table::Room, key.clone(), encode(&self.record)));
        }
        if dirty.group {
            let saved = self.room.save().map_err(|_| ClientError::Bug("a room could not be saved"))?;
            changes.push(Change::Put(Table::Group, key.clone(), saved));
        }
        if dirty.cursor {
            changes.push(Change::Put(Table::Cursor, key.clone(), encode(&self.cursor)));
        }
        if !changes.is_empty() {
            self.revision += 1;
            changes.push(put_revision(&self.room.id(), self.revision));
        }
        Ok(changes)
    }

    /// What has to be stored of entries that were read, where the room itself is not stored any more.
    pub fn take_log_changes(&mut self) -> Vec<Change> {
        core::mem::take(&mut self.dirty).changes
    }

    /// Notes that the record changed.
    pub const fn touch_record(&mut self) {
        self.dirty.record = true;
    }

    fn touch_outbox(&mut self, position: u64) {
        let key = outbox_key(&self.room.id(), position);
        let change = match self.outbox.get(&position) {
            Some(record) => Change::Put(Table::Outbox, key, encode(record)),
            None => Change::Delete(Table::Outbox, key),
        };
        self.dirty.changes.push(change);
    }
}

/// A value as it is stored.
pub fn encode<T: minicbor::Encode<()>>(value: &T) -> Value {
    Zeroizing::new(sotto_protocol::encode(value))
}

/// The key of an entry in [`Table::Log`].
pub fn log_key(room: &RoomId, seq: u64) -> Vec<u8> {
    [room.as_bytes().as_slice(), &seq.to_be_bytes()].concat()
}

/// The key of a message in [`Table::Seen`].
pub fn seen_key(room: &RoomId, account: &AccountId, id: &MessageId) -> Vec<u8> {
    [room.as_bytes().as_slice(), account.as_bytes(), id].concat()
}

fn put_revision(room: &RoomId, revision: u64) -> Change {
    let value = Zeroizing::new(revision.to_be_bytes().to_vec());
    Change::Put(Table::Revision, room.as_bytes().to_vec(), value)
}

/// Keys and values of [`Table::Outbox`].
fn load_outbox(rows: &[(Vec<u8>, Value)]) -> Result<BTreeMap<u64, OutboxRecord>, ClientError> {
    let damaged = || ClientError::Bug("a stored room is damaged");
    let load = |(key, value): &(Vec<u8>, Value)| {
        let position = key.last_chunk::<8>().ok_or_else(damaged)?;
        let record = sotto_protocol::decode(value).map_err(|_| damaged())?;
        Ok((u64::from_be_bytes(*position), record))
    };
    rows.iter().map(load).collect()
}

fn outbox_key(room: &RoomId, position: u64) -> Vec<u8> {
    [room.as_bytes().as_slice(), &position.to_be_bytes()].concat()
}

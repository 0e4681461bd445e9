//! A room that this device is not in any more: what was said stays readable, what was not sent can be copied, and no key is left.

use super::{
    Alarms, OutboxRecord, RoomSlot, encode, load_outbox, outbox_key, put_revision,
    view::{members_of, names_of, outbox_view, people_in},
};
use crate::{
    ClientError,
    api::{Alarm, MemberView, OutboxView, RoomEnd, RoomView},
    names::{NameBook, PastNames},
    store::{Change, Table, Value},
};
use minicbor::{Decode, Encode};
use sotto_crypto::{
    identity::AccountId,
    message::MessageId,
    room::{Roster, Suite},
};
use sotto_protocol::RoomId;
use std::collections::BTreeMap;

/// What is stored of it.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
struct EndedRecord {
    #[n(0)]
    end: RoomEnd,
    #[n(1)]
    name: String,
    #[n(2)]
    is_post_quantum: bool,
    /// Who was in it as far as this device had read.
    #[n(3)]
    roster: Roster,
    #[n(4)]
    owner: AccountId,
    #[n(5)]
    me: Option<AccountId>,
    #[n(6)]
    alarms: Alarms,
    #[n(7)]
    head_seq: u64,
    #[n(8)]
    past_names: PastNames,
}

/// The stored values of one such room.
pub struct StoredEnd {
    /// [`Table::Ended`].
    pub record: Value,
    /// [`Table::Outbox`]: keys and values.
    pub outbox: Vec<(Vec<u8>, Value)>,
    /// [`Table::Revision`].
    pub revision: u64,
}

/// A room that this device is not in any more.
pub struct EndedRoom {
    id: RoomId,
    record: EndedRecord,
    outbox: BTreeMap<u64, OutboxRecord>,
    /// Counts commits of any process.
    pub revision: u64,
    changes: Vec<Change>,
}

impl EndedRoom {
    /// Takes the place of a room whose membership ended: everything that holds a key is deleted.
    pub fn of(slot: RoomSlot, end: RoomEnd) -> Self {
        let id = slot.room.id();
        let record = EndedRecord {
            end,
            name: slot.room.state().name.clone(),
            is_post_quantum: slot.room.suite() == Suite::Hybrid,
            owner: slot.room.state().owner,
            me: slot.record.roster.get(slot.room.own_leaf()).map(|own| own.account),
            roster: slot.record.roster,
            past_names: slot.record.past_names,
            alarms: slot.record.alarms,
            head_seq: slot.cursor.chain.seq,
        };
        let mut ended =
            Self { id, record, outbox: slot.outbox, revision: slot.revision, changes: Vec::new() };
        for table in [Table::Room, Table::Group, Table::Cursor, Table::Join] {
            ended.changes.push(Change::Delete(table, id.as_bytes().to_vec()));
        }
        for (position, record) in &mut ended.outbox {
            // Sealed bytes are of no use any more, and nothing of it is sent.
            record.sealed = None;
            record.acknowledged_seq = None;
            record.has_failed = true;
            ended.changes.push(Change::Put(Table::Outbox, outbox_key(&id, *position), encode(record)));
        }
        ended.touch();
        ended
    }

    /// Reads a stored one.
    pub fn load(id: RoomId, stored: &StoredEnd) -> Result<Self, ClientError> {
        let record = sotto_protocol::decode(&stored.record)
            .map_err(|_| ClientError::Bug("a stored room is damaged"))?;
        let outbox = load_outbox(&stored.outbox)?;
        Ok(Self { id, record, outbox, revision: stored.revision, changes: Vec::new() })
    }

    /// What was not sent, and the alarms, for a room that this device comes back to.
    pub fn into_parts(self) -> (BTreeMap<u64, OutboxRecord>, Alarms) {
        (self.outbox, self.record.alarms)
    }

    /// What has to be stored since the last call, and the new revision with it.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = core::mem::take(&mut self.changes);
        if !changes.is_empty() {
            self.revision += 1;
            changes.push(put_revision(&self.id, self.revision));
        }
        changes
    }

    /// Does not keep a message any more; false where none of that id waits.
    pub fn discard(&mut self, id: &MessageId) -> bool {
        let position = self.outbox.iter().find(|(_, record)| record.id == *id).map(|(position, _)| *position);
        let Some(position) = position else { return false };
        self.outbox.remove(&position);
        self.changes.push(Change::Delete(Table::Outbox, outbox_key(&self.id, position)));
        true
    }

    /// A person has seen the alarms.
    pub fn put_alarms_aside(&mut self, seen: &[Alarm]) {
        if self.record.alarms.put_aside(seen) {
            self.touch();
        }
    }

    /// The room in the list.
    pub fn view(&self) -> RoomView {
        RoomView {
            id: self.id,
            name: self.record.name.clone(),
            member_count: people_in(&self.record.roster),
            is_post_quantum: self.record.is_post_quantum,
            is_caught_up: true,
            alarms: self.record.alarms.view(),
            head_seq: self.record.head_seq,
            end: Some(self.record.end.clone()),
            tag: None,
        }
    }

    /// Who was in it.
    pub fn members(&self) -> Vec<MemberView> {
        members_of(&self.record.roster, self.record.owner, self.record.me, &self.names())
    }

    /// Every name by which a person was seen here.
    pub fn names(&self) -> NameBook {
        names_of(self.record.roster.iter().map(|(_, entry)| entry), &self.record.past_names)
    }

    /// Messages that were not sent, in the order in which they were written.
    pub fn outbox_view(&self) -> Vec<OutboxView> {
        outbox_view(&self.outbox)
    }

    fn touch(&mut self) {
        let key = self.id.as_bytes().to_vec();
        self.changes.push(Change::Put(Table::Ended, key, encode(&self.record)));
    }
}

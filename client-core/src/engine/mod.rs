//! The engine: what is known of the connection and of every room, and what to do next.
//!
//! `handle(input)` changes memory and notes what has to be stored, sent and told; [`Session`](crate::Session) stores it in one
//! transaction and only then lets it out. Nothing here does I/O or asks for the time.
//!
//! A file a concern: [`connection`] (frames in and out), [`sync`] (opening rooms, reading their logs), [`outbox`] (messages and
//! commits on their way), [`join`] and [`commands`].

mod commands;
mod connection;
mod join;
mod link;
mod outbox;
mod sync;

use crate::{
    ClientError,
    address::RelayAddress,
    api::{Command, ConnectionState, Event, Ticket},
    backoff::Backoff,
    profile::Profile,
    room::{EndedRoom, Reading, RoomSlot, seen_key},
    store::{Change, Table},
};
use connection::{Connection, Purpose};
use join::JoinFlow;
use link::Link;
use outbox::Intent;
use sotto_crypto::message::MessageId;
use sotto_protocol::RoomId;
use std::collections::{BTreeMap, HashMap, HashSet};

/// An input to the engine.
pub enum Input {
    /// The platform begins to connect.
    Connecting,
    /// The socket is open.
    Connected,
    /// A binary WebSocket message came in.
    Received(Vec<u8>),
    /// The socket is closed, or could not be opened.
    Disconnected,
    /// Time has passed: as much as [`Step::wake_in_ms`] said, or more.
    Tick,
    /// A person wants something.
    Command(Ticket, Command),
}

/// What a client is to do.
#[derive(Debug, Default)]
pub struct Step {
    /// To be sent in order, a binary WebSocket message each.
    pub frames: Vec<Vec<u8>>,
    /// To be told to the user interface.
    pub events: Vec<Event>,
    /// When to hand in [`Input::Tick`] at the latest, in milliseconds from now.
    pub wake_in_ms: Option<u64>,
}

/// Everything in memory.
pub struct Engine {
    pub(crate) relay: RelayAddress,
    pub(crate) profile: Profile,
    pub(crate) is_profile_dirty: bool,
    pub(crate) rooms: BTreeMap<RoomId, RoomSlot>,
    pub(crate) ended: BTreeMap<RoomId, EndedRoom>,
    links: BTreeMap<RoomId, Link>,
    connection: Connection,
    backoff: Backoff,
    in_flight: HashMap<u32, Purpose>,
    next_request: u32,
    joins: Vec<JoinFlow>,
    /// Changes that belong to no room in memory.
    other_changes: Vec<Change>,
    intents: Vec<Intent>,
    creations: HashMap<RoomId, Ticket>,
    sends: HashMap<(RoomId, MessageId), Ticket>,
    /// Messages of this device that were read in the log in this step, or found among those that were.
    proven: HashSet<(RoomId, MessageId)>,
    readings: Vec<(RoomId, Reading)>,
    step: Step,
    pub(crate) now_ms: u64,
}

impl Engine {
    /// An engine without rooms and without a connection.
    pub fn new(relay: RelayAddress, profile: Profile) -> Self {
        Self {
            relay,
            profile,
            is_profile_dirty: false,
            rooms: BTreeMap::new(),
            ended: BTreeMap::new(),
            links: BTreeMap::new(),
            connection: Connection::Offline,
            backoff: Backoff::default(),
            in_flight: HashMap::new(),
            next_request: 1,
            joins: Vec::new(),
            other_changes: Vec::new(),
            intents: Vec::new(),
            creations: HashMap::new(),
            sends: HashMap::new(),
            proven: HashSet::new(),
            readings: Vec::new(),
            step: Step::default(),
            now_ms: 0,
        }
    }

    /// Takes an input in. What was read of logs is left for [`Engine::readings`] and [`Engine::settle`].
    pub fn handle(&mut self, input: Input, now_ms: u64) {
        self.now_ms = now_ms;
        match input {
            Input::Connecting => {
                self.connection = Connection::Connecting;
                self.tell(Event::Connection(ConnectionState::Connecting));
            }
            Input::Connected => {}
            Input::Received(frame) => self.receive(&frame),
            Input::Disconnected => self.disconnect(),
            Input::Tick => {}
            Input::Command(ticket, command) => self.command(ticket, command),
        }
    }

    /// What was read and has to be looked up in storage before it is settled.
    pub fn readings(&mut self) -> &mut [(RoomId, Reading)] {
        &mut self.readings
    }

    /// Messages whose sending is awaited and that do not wait in an outbox any more: with the key in [`Table::Seen`] under which
    /// storage has each that was read in the log, whichever process read it.
    pub fn unproven(&self) -> Vec<(RoomId, MessageId, Vec<u8>)> {
        let unproven = |(room, id): &(RoomId, MessageId)| {
            let slot = self.rooms.get(room).filter(|slot| !slot.has_waiting(id))?;
            Some((*room, *id, seen_key(room, &slot.own_account()?, id)))
        };
        self.sends.keys().filter_map(unproven).collect()
    }

    /// Storage has a message among those that were read in the log.
    pub fn prove(&mut self, room: RoomId, id: MessageId) {
        self.proven.insert((room, id));
    }

    /// Settles what was read, and does whatever can be done next.
    pub fn settle(&mut self) {
        for (id, reading) in core::mem::take(&mut self.readings) {
            let Some(slot) = self.rooms.get_mut(&id) else { continue };
            let items = slot.settle(reading.rows);
            self.proven.extend(reading.own.into_iter().map(|message| (id, message)));
            if !items.is_empty() {
                self.tell(Event::Timeline(id, items));
            }
        }
        self.end_rooms();
        self.finish_sends();
        self.finish_creations();
        self.advance();
    }

    /// Everything that has to be stored, as one transaction.
    pub fn take_changes(&mut self) -> Result<Vec<Change>, ClientError> {
        let mut changes = Vec::new();
        if core::mem::take(&mut self.is_profile_dirty) {
            changes.push(Change::Put(Table::Profile, Vec::new(), self.profile.save()));
        }
        changes.append(&mut self.other_changes);
        let mut changed = Vec::new();
        for (id, slot) in &mut self.rooms {
            let of_room = slot.take_changes()?;
            if !of_room.is_empty() {
                changed.push(*id);
                changes.extend(of_room);
            }
        }
        for (id, ended) in &mut self.ended {
            let of_room = ended.take_changes();
            if !of_room.is_empty() {
                changed.push(*id);
                changes.extend(of_room);
            }
        }
        self.step.events.extend(changed.into_iter().map(Event::RoomChanged));
        Ok(changes)
    }

    /// What is to be done now that everything is stored.
    pub fn take_step(&mut self) -> Step {
        let mut step = core::mem::take(&mut self.step);
        step.wake_in_ms = self.next_wake_ms().map(|at_ms| at_ms.saturating_sub(self.now_ms).max(1));
        step
    }

    /// Storage failed: what is in memory and not stored must not be used. Rooms are loaded again, links opened again.
    pub fn forget_rooms(&mut self) {
        self.rooms.clear();
        self.ended.clear();
        self.readings.clear();
        self.links.clear();
        self.other_changes.clear();
        self.proven.clear();
        self.step = Step::default();
    }

    /// A room was loaded from storage, for the first time or because another process changed it.
    pub fn put_room(&mut self, slot: RoomSlot) {
        let id = slot.room.id();
        self.ended.remove(&id);
        self.links.entry(id).or_default();
        if self.rooms.insert(id, slot).is_none() {
            self.tell(Event::RoomsChanged);
        }
        self.tell(Event::RoomChanged(id));
    }

    /// A room that this device is not in any more was loaded from storage.
    pub fn put_ended(&mut self, id: RoomId, ended: EndedRoom) {
        self.links.remove(&id);
        if self.rooms.remove(&id).is_some() || !self.ended.contains_key(&id) {
            self.tell(Event::RoomsChanged);
        }
        self.ended.insert(id, ended);
        self.tell(Event::RoomChanged(id));
    }

    /// Another process removed a room.
    pub fn drop_room(&mut self, id: &RoomId) {
        self.rooms.remove(id);
        self.ended.remove(id);
        self.links.remove(id);
        self.tell(Event::RoomsChanged);
    }

    /// The revision of a room in memory.
    pub fn revision(&self, id: &RoomId) -> Option<u64> {
        let ended = self.ended.get(id).map(|ended| ended.revision);
        self.rooms.get(id).map(|slot| slot.revision).or(ended)
    }

    /// The rooms in memory.
    pub fn room_ids(&self) -> Vec<RoomId> {
        self.rooms.keys().chain(self.ended.keys()).copied().collect()
    }

    /// Rooms that this device is not in any more lose their keys; what was said and what was not sent stays.
    fn end_rooms(&mut self) {
        let ending = |(id, slot): (&RoomId, &RoomSlot)| slot.end.is_some().then_some(*id);
        let ids: Vec<RoomId> = self.rooms.iter().filter_map(ending).collect();
        for id in ids {
            let Some(mut slot) = self.rooms.remove(&id) else { continue };
            let Some(end) = slot.end.take() else { continue };
            self.links.remove(&id);
            self.other_changes.extend(slot.take_log_changes());
            self.ended.insert(id, EndedRoom::of(slot, end));
            self.fail_intents(id, &ClientError::Removed);
            self.fail_sends(id, &ClientError::Removed);
            self.tell(Event::Stopped(id, ClientError::Removed));
            self.tell(Event::RoomsChanged);
        }
    }

    /// Whether everything that the relay had at connecting has been read.
    pub fn is_caught_up(&self, id: &RoomId) -> bool {
        self.links.get(id).is_some_and(|link| link.is_caught_up)
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.step.events.push(event);
    }

    fn done(&mut self, ticket: Ticket, result: Result<crate::Outcome, ClientError>) {
        self.tell(Event::Done(ticket, result));
    }

    fn random(&self) -> u64 {
        // Only jitter comes from this: without randomness there is none.
        sotto_crypto::random_u64().unwrap_or_default()
    }
}

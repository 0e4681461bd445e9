//! A session: the engine over a platform's storage.
//!
//! Every input is one transaction: what other processes changed is read in, the engine takes the input, what it read is looked up,
//! everything is written, and only then do frames and events go out. So a crash at any moment leaves a state from which
//! the same work is done again with the same bytes.

use crate::{
    ClientError,
    address::RelayAddress,
    api::{Event, InviteView, MemberView, OutboxView, RoomView, Ticket},
    engine::{Engine, Input, Step},
    names::NameBook,
    profile::Profile,
    room::{EndedRoom, LogRecord, RoomSlot, StoredEnd, StoredRoom, log_key},
    store::{Change, Scan, Store, Table, Transaction, Value},
    timeline::TimelineItem,
};
use sotto_protocol::RoomId;
use std::collections::BTreeMap;

/// Why a step could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum SessionError<E: core::error::Error + 'static> {
    /// Storage failed; nothing was changed.
    #[error("storage failed: {0}")]
    Store(#[source] E),
    /// What is stored cannot be used.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A client of one relay, over one profile's storage.
pub struct Session<S: Store> {
    store: S,
    engine: Engine,
    next_ticket: u64,
}

impl<S: Store> Session<S> {
    /// Opens a profile, and makes a guest where there is none.
    ///
    /// # Errors
    /// [`SessionError::Store`] where storage fails; [`SessionError::Client`] where what is stored is damaged.
    pub async fn open(store: S, relay: RelayAddress, now_ms: u64) -> Result<Self, SessionError<S::Error>> {
        let profile = {
            let mut transaction = store.begin().await.map_err(SessionError::Store)?;
            match transaction.get(Table::Profile, &[]).await.map_err(SessionError::Store)? {
                Some(value) => Profile::load(&value)?,
                None => {
                    let profile = Profile::generate()?;
                    let changes = vec![Change::Put(Table::Profile, Vec::new(), profile.save())];
                    transaction.commit(changes).await.map_err(SessionError::Store)?;
                    profile
                }
            }
        };
        let mut session = Self { engine: Engine::new(relay, profile), store, next_ticket: 1 };
        session.resume_joins().await?;
        session.handle(Input::Tick, now_ms).await?;
        Ok(session)
    }

    /// Joins that were sent and not answered when an earlier process ended.
    async fn resume_joins(&mut self) -> Result<(), SessionError<S::Error>> {
        let stored = {
            let mut transaction = self.store.begin().await.map_err(SessionError::Store)?;
            transaction.scan(Scan::all(Table::Join, Vec::new())).await.map_err(SessionError::Store)?
        };
        for (_, value) in stored {
            let ticket = self.next_ticket();
            self.engine.resume_join(ticket, &value)?;
        }
        Ok(())
    }

    /// Takes an input in, stores what it changes, and says what is to be done.
    ///
    /// # Errors
    /// [`SessionError::Store`]: nothing was stored, and nothing was sent. What was under way on the connection is unknown then:
    /// open the session again.
    pub async fn handle(&mut self, input: Input, now_ms: u64) -> Result<Step, SessionError<S::Error>> {
        let result = self.step(input, now_ms).await;
        if result.is_err() {
            self.engine.forget_rooms();
        }
        result
    }

    async fn step(&mut self, input: Input, now_ms: u64) -> Result<Step, SessionError<S::Error>> {
        let mut transaction = self.store.begin().await.map_err(SessionError::Store)?;
        refresh(&mut self.engine, &mut transaction).await?;
        self.engine.handle(input, now_ms);
        for (_, reading) in self.engine.readings() {
            for check in reading.rows.iter_mut().filter_map(|row| row.check.as_mut()) {
                let seen =
                    transaction.get(Table::Seen, &check.seen_key).await.map_err(SessionError::Store)?;
                check.seen_at = seen.and_then(|value| number(&value));
                let known =
                    transaction.get(Table::Log, &check.claim_key).await.map_err(SessionError::Store)?;
                check.known_hash =
                    known.map(|value| log_record(&value)).transpose()?.map(|record| record.hash);
            }
            reading.look_up_among_themselves();
        }
        for (room, id, key) in self.engine.unproven() {
            if transaction.get(Table::Seen, &key).await.map_err(SessionError::Store)?.is_some() {
                self.engine.prove(room, id);
            }
        }
        self.engine.settle();
        let changes = self.engine.take_changes()?;
        if !changes.is_empty() {
            transaction.commit(changes).await.map_err(SessionError::Store)?;
        }
        let mut step = self.engine.take_step();
        for event in &mut step.events {
            if let Event::Timeline(room, items) = event {
                self.tag(room, items);
            }
        }
        Ok(step)
    }

    /// A name for the next command.
    pub const fn next_ticket(&mut self) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        ticket
    }

    /// The rooms, by name.
    #[must_use]
    pub fn rooms(&self) -> Vec<RoomView> {
        let view = |(id, slot): (&RoomId, &RoomSlot)| slot.view(self.engine.is_caught_up(id));
        let ended = self.engine.ended.values().map(EndedRoom::view);
        let mut rooms: Vec<_> = self.engine.rooms.iter().map(view).chain(ended).collect();
        let mut names = NameBook::default();
        rooms.iter().for_each(|room| names.add(*room.id.as_bytes(), &room.name));
        for room in &mut rooms {
            room.tag = names.room_tag(room.id.as_bytes(), &room.name);
        }
        rooms.sort_by_key(|room| (room.name.to_lowercase(), room.id));
        rooms
    }

    /// The people in a room; I come first. Empty where this profile is not in it.
    #[must_use]
    pub fn members(&self, room: &RoomId) -> Vec<MemberView> {
        let ended = || self.engine.ended.get(room).map(EndedRoom::members);
        self.engine.rooms.get(room).map(RoomSlot::members).or_else(ended).unwrap_or_default()
    }

    /// Everybody's open invites to a room, the newest first. Those that are used up or expired are not open.
    #[must_use]
    pub fn invites(&self, room: &RoomId) -> Vec<InviteView> {
        self.engine
            .rooms
            .get(room)
            .map(|slot| slot.invites(&self.engine.relay, self.engine.now_ms))
            .unwrap_or_default()
    }

    /// Messages of mine that are not in the log yet, in the order in which they were written.
    #[must_use]
    pub fn outbox(&self, room: &RoomId) -> Vec<OutboxView> {
        let ended = || self.engine.ended.get(room).map(EndedRoom::outbox_view);
        self.engine.rooms.get(room).map(RoomSlot::outbox_view).or_else(ended).unwrap_or_default()
    }

    /// The display name used last.
    #[must_use]
    pub fn suggested_name(&self) -> Option<String> {
        self.engine.profile.display_name.clone()
    }

    /// This profile's account id.
    #[must_use]
    pub fn account(&self) -> [u8; 16] {
        *self.engine.profile.account().as_bytes()
    }

    /// The newest `limit` items with a place before `before`, the oldest first.
    ///
    /// # Errors
    /// [`SessionError::Store`]; [`SessionError::Client`] where what is stored is damaged.
    pub async fn timeline(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<TimelineItem>, SessionError<S::Error>> {
        let mut transaction = self.store.begin().await.map_err(SessionError::Store)?;
        let mut items = Vec::new();
        let mut before = before;
        // Entries that nobody sees are passed over, so it may take more than one scan.
        while items.len() < limit {
            let scan = Scan {
                before: before.map(|seq| log_key(room, seq)),
                descending: true,
                limit,
                ..Scan::all(Table::Log, room.as_bytes().to_vec())
            };
            let rows = transaction.scan(scan).await.map_err(SessionError::Store)?;
            let Some((last, _)) = rows.last() else { break };
            before = Some(seq_of(last)?);
            let is_end = rows.len() < limit;
            for (_, value) in rows {
                items.extend(log_record(&value)?.item);
            }
            if is_end {
                break;
            }
        }
        items.truncate(limit);
        items.reverse();
        self.tag(room, &mut items);
        Ok(items)
    }

    /// Tags the senders of items by who is, and was, in the room now: for items that were given out before it changed.
    pub fn tag(&self, room: &RoomId, items: &mut [TimelineItem]) {
        let ended = || self.engine.ended.get(room).map(EndedRoom::names);
        let Some(names) = self.engine.rooms.get(room).map(RoomSlot::names).or_else(ended) else { return };
        // A gap has no sender.
        for item in items.iter_mut().filter(|item| !item.sender_name.is_empty()) {
            item.sender_tag = names.person_tag(&item.sender, &item.sender_name);
        }
    }
}

/// Reads in what other processes and tabs changed since.
async fn refresh<T: Transaction>(
    engine: &mut Engine,
    transaction: &mut T,
) -> Result<(), SessionError<T::Error>> {
    let rows = transaction.scan(Scan::all(Table::Revision, Vec::new())).await.map_err(SessionError::Store)?;
    let mut revisions = BTreeMap::new();
    for (key, value) in rows {
        if let (Ok(id), Some(revision)) = (RoomId::try_from(key.as_slice()), number(&value)) {
            revisions.insert(id, revision);
        }
    }
    for id in engine.room_ids() {
        if !revisions.contains_key(&id) {
            engine.drop_room(&id);
        }
    }
    for (id, revision) in revisions {
        if engine.revision(&id) == Some(revision) {
            continue;
        }
        let known_seq = engine.rooms.get(&id).map(|slot| slot.cursor.chain.seq);
        let ended = transaction.get(Table::Ended, id.as_bytes()).await.map_err(SessionError::Store)?;
        let outbox = Scan::all(Table::Outbox, id.as_bytes().to_vec());
        let outbox = transaction.scan(outbox).await.map_err(SessionError::Store)?;
        if let Some(record) = ended {
            let stored = StoredEnd { record, outbox, revision };
            engine.put_ended(id, EndedRoom::load(id, &stored)?);
        } else {
            let stored = stored_room(transaction, &id, outbox, revision).await?;
            engine.put_room(RoomSlot::load(id, engine.profile.device(), &stored)?);
        }
        if let Some(seq) = known_seq {
            let items = items_after(transaction, &id, seq).await?;
            if !items.is_empty() {
                engine.tell(Event::Timeline(id, items));
            }
        }
    }
    Ok(())
}

async fn stored_room<T: Transaction>(
    transaction: &mut T,
    id: &RoomId,
    outbox: Vec<(Vec<u8>, Value)>,
    revision: u64,
) -> Result<StoredRoom, SessionError<T::Error>> {
    let mut values = Vec::with_capacity(3);
    for table in [Table::Room, Table::Group, Table::Cursor] {
        let value = transaction.get(table, id.as_bytes()).await.map_err(SessionError::Store)?;
        values.push(value.ok_or(ClientError::Bug("a part of a stored room is missing"))?);
    }
    match <[Value; 3]>::try_from(values) {
        Ok([record, group, cursor]) => Ok(StoredRoom { record, group, cursor, outbox, revision }),
        Err(_) => Err(ClientError::Bug("a part of a stored room is missing").into()),
    }
}

async fn items_after<T: Transaction>(
    transaction: &mut T,
    id: &RoomId,
    seq: u64,
) -> Result<Vec<TimelineItem>, SessionError<T::Error>> {
    let scan = Scan { after: Some(log_key(id, seq)), ..Scan::all(Table::Log, id.as_bytes().to_vec()) };
    let rows = transaction.scan(scan).await.map_err(SessionError::Store)?;
    let mut items = Vec::new();
    for (_, value) in rows {
        items.extend(log_record(&value)?.item);
    }
    Ok(items)
}

fn log_record(value: &Value) -> Result<LogRecord, ClientError> {
    sotto_protocol::decode(value).map_err(|_| ClientError::Bug("a stored entry is damaged"))
}

fn number(value: &Value) -> Option<u64> {
    value.as_slice().try_into().ok().map(u64::from_be_bytes)
}

fn seq_of(key: &[u8]) -> Result<u64, ClientError> {
    let bytes = key.last_chunk::<8>().ok_or(ClientError::Bug("a stored key is damaged"))?;
    Ok(u64::from_be_bytes(*bytes))
}

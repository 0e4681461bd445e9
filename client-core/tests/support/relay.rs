//! A relay in memory: the protocol as `docs/PROTOCOL.md` has it, without sockets or disk, and with a dishonest side for tests.

use sotto_protocol::*;
use std::collections::{BTreeMap, HashMap, VecDeque};

pub type ConnectionId = usize;

const AUTHORITY: &str = "relay.example";

pub struct ModelRelay {
    /// How far back it looks for what was sent before.
    pub tail_max: u64,
    /// How often its database was put back from a copy.
    pub restored: u8,
    pub rooms: BTreeMap<RoomId, ModelRoom>,
    connections: HashMap<ConnectionId, ModelConnection>,
    next_connection: ConnectionId,
    /// Refuses every append with this code.
    pub refuse_appends: Option<ErrorCode>,
    /// Flips a bit in this entry whenever it is given out.
    pub damage: Option<u64>,
    pub now_ms: u64,
    /// Acknowledges messages and does not put them into the log.
    pub drops_acknowledged: bool,
    /// Answers a request with this instead of doing it.
    pub lie: Option<Lie>,
    /// Changes the answer to a request that was done.
    pub bend: Option<Bend>,
    /// Everything that was asked, in order.
    pub asked: Vec<Request>,
}

pub type Lie = Box<dyn FnMut(&Request) -> Option<Reply>>;
pub type Bend = Box<dyn FnMut(&Request, Reply) -> Reply>;

#[derive(Clone, Default)]
pub struct ModelRoom {
    pub log: Vec<LogEntry>,
    access_keys: Vec<([u8; 32], u64)>,
    join_key: [u8; 32],
    card: Vec<u8>,
    doors: Vec<Door>,
    last_handshake_seq: u64,
    /// What it says of that.
    pub retention: Retention,
}

#[derive(Default)]
struct ModelConnection {
    challenge: [u8; 32],
    open: HashMap<RoomId, u64>,
    out: VecDeque<Vec<u8>>,
}

impl ModelRoom {
    fn epoch(&self) -> u64 {
        self.access_keys.len() as u64 - 1
    }

    /// Drops the body at that place of the log, and says by what retention.
    pub fn drop_body(&mut self, at: usize, aged_s: u64) {
        let entry = &mut self.log[at];
        *entry = LogEntry { dropped: Some(entry.hash()), ..LogEntry::message(entry.seq, Vec::new()) };
        self.retention.dropped = Some(Dropped { up_to_seq: entry.seq, aged_s });
    }

    fn store(&mut self, append: AppendHandshake) -> LogEntry {
        let seq = self.log.len() as u64 + 1;
        let access_key = Some(append.access_key);
        let kind = EntryKind::of_commit(append.join.is_some());
        let entry = LogEntry { kind, access_key, ..LogEntry::message(seq, append.entry) };
        self.log.push(entry.clone());
        self.access_keys.push((append.access_key, seq));
        self.join_key = append.join_key;
        self.card = append.card;
        self.doors = append.doors;
        self.last_handshake_seq = seq;
        entry
    }
}

fn verify(key: &[u8; 32], statement: &[u8], signature: &[u8; 64]) -> bool {
    sotto_protocol::signature::verify(key, statement, signature).is_ok()
}

impl Default for ModelRelay {
    fn default() -> Self {
        Self {
            tail_max: limits::APPEND_TAIL_MAX,
            restored: 0,
            rooms: BTreeMap::new(),
            connections: HashMap::new(),
            next_connection: 0,
            refuse_appends: None,
            damage: None,
            now_ms: 0,
            drops_acknowledged: false,
            lie: None,
            bend: None,
            asked: Vec::new(),
        }
    }
}

impl ModelRelay {
    pub fn connect(&mut self) -> ConnectionId {
        self.next_connection += 1;
        let id = self.next_connection;
        let challenge = [id as u8; 32];
        let welcome = RelayFrame::Welcome(Welcome {
            version: PROTOCOL_VERSION,
            challenge: Challenge::new(challenge),
            incarnation: Incarnation::new([self.restored; 16]),
            now_ms: if self.now_ms == 0 { super::NOW_MS } else { self.now_ms },
        });
        let connection = ModelConnection { challenge, out: [encode(&welcome)].into(), ..Default::default() };
        self.connections.insert(id, connection);
        id
    }

    pub fn disconnect(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
    }

    pub fn next_frame(&mut self, id: ConnectionId) -> Option<Vec<u8>> {
        self.connections.get_mut(&id)?.out.pop_front()
    }

    pub fn receive(&mut self, id: ConnectionId, frame: &[u8]) {
        let ClientFrame { request, body } = decode(frame).expect("clients send whole frames");
        self.asked.push(body.clone());
        if let Some(reply) = self.lie.as_mut().and_then(|lie| lie(&body)) {
            return self.send(id, &RelayFrame::Reply(request, reply));
        }
        let asked = body.clone();
        let result = match body {
            Request::Create(create) => self.create(create),
            Request::Open(open) => self.open(id, open),
            Request::Append(append) => self.append(id, append),
            Request::AppendHandshake(append) => self.append_handshake(id, append),
            Request::Page(page) => self.page(id, page),
            Request::Card(card) | Request::JoinTurn(card) => self.card(id, card),
            _ => Err(ErrorCode::MalformedFrame),
        };
        let (reply, live) = match result {
            Ok((reply, live)) => (reply, live),
            Err(code) => (Reply::Error(code.into()), None),
        };
        let reply = match &mut self.bend {
            Some(bend) => bend(&asked, reply),
            None => reply,
        };
        self.send(id, &RelayFrame::Reply(request, reply));
        if let Some((room, entry)) = live {
            self.publish(room, &entry);
        }
    }

    /// Sends a frame that nobody asked for.
    pub fn send(&mut self, id: ConnectionId, frame: &RelayFrame) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.out.push_back(encode(frame));
        }
    }

    /// How often something was asked.
    pub fn count(&self, is_it: impl Fn(&Request) -> bool) -> usize {
        self.asked.iter().filter(|request| is_it(request)).count()
    }

    /// As a member's own handshake that is in order: nothing is checked.
    pub fn accept(&mut self, append: AppendHandshake) {
        let room = append.room;
        let entry = self.rooms.get_mut(&room).unwrap().store(append);
        self.publish(room, &entry);
    }

    /// As a member could: an entry with a right header and nothing in it.
    pub fn append_garbage(&mut self, room: RoomId) {
        let room = self.rooms.get_mut(&room).unwrap();
        let header = EntryHeader { epoch: room.epoch(), id: EntryId::new([0x99; 16]) };
        let mut entry = header.to_bytes().to_vec();
        entry.extend_from_slice(&[0; 300]);
        let seq = room.log.len() as u64 + 1;
        room.log.push(LogEntry::message(seq, entry));
    }

    fn publish(&mut self, room: RoomId, entry: &LogEntry) {
        let epoch = self.rooms[&room].epoch();
        let entry = self.given_out(entry);
        for connection in self.connections.values_mut() {
            let Some(opened) = connection.open.get(&room) else { continue };
            if *opened == epoch || entry.kind.is_handshake() {
                connection.out.push_back(encode(&RelayFrame::Entry(room, entry.clone())));
            }
        }
    }

    fn given_out(&self, entry: &LogEntry) -> LogEntry {
        let mut entry = entry.clone();
        if self.damage == Some(entry.seq) {
            *entry.entry.last_mut().unwrap() ^= 1;
        }
        entry
    }

    fn create(&mut self, create: CreateRoom) -> Answer {
        let room = self.rooms.entry(create.room).or_default();
        if room.access_keys.is_empty() {
            room.access_keys.push((create.access_key, 0));
            room.join_key = create.join_key;
        }
        Ok((Reply::Created, None))
    }

    fn open(&mut self, id: ConnectionId, open: OpenRoom) -> Answer {
        let room = self.rooms.get(&open.room).ok_or(ErrorCode::UnknownRoom)?;
        let connection = self.connections.get_mut(&id).unwrap();
        let (key, _) = room.access_keys.get(open.epoch as usize).ok_or(ErrorCode::BadSignature)?;
        let challenge = Challenge::new(connection.challenge);
        let statement = open_statement(AUTHORITY, &challenge, &open.room, open.epoch);
        if !verify(key, &statement, &open.signature) {
            return Err(ErrorCode::BadSignature);
        }
        connection.open.insert(open.room, open.epoch);
        let is_current = open.epoch == room.epoch();
        let opened = OpenedRoom {
            access: if is_current { RoomAccess::Full } else { RoomAccess::Handshakes },
            epoch: room.epoch(),
            head_seq: room.log.len() as u64,
            last_handshake_seq: room.last_handshake_seq,
            retention: is_current.then_some(room.retention),
            safe_seq: None,
            behind: None,
            went_on: None,
        };
        Ok((Reply::Opened(Box::new(opened)), None))
    }

    fn append(&mut self, id: ConnectionId, append: Append) -> Answer {
        let opened = self.connections[&id].open.get(&append.room).copied();
        let room = self.rooms.get_mut(&append.room).ok_or(ErrorCode::UnknownRoom)?;
        let (header, _) = EntryHeader::split(&append.entry).map_err(|_| ErrorCode::BadEntry)?;
        let head_seq = room.log.len() as u64;
        if head_seq.checked_sub(append.read_seq).is_none_or(|tail| tail > self.tail_max) {
            return Err(ErrorCode::ReadOn);
        }
        let mut tail = room.log.iter().skip(append.read_seq as usize);
        if let Some(known) = tail.find(|known| known.hash() == entry_hash(&append.entry)) {
            return Ok((Reply::Appended(known.seq), None));
        }
        if let Some(code) = self.refuse_appends {
            return Err(code);
        }
        if header.epoch != room.epoch() {
            return Err(ErrorCode::StaleEpoch);
        }
        if opened != Some(room.epoch()) {
            return Err(ErrorCode::RoomNotOpen);
        }
        let seq = room.log.len() as u64 + 1;
        let entry = LogEntry::message(seq, append.entry);
        if self.drops_acknowledged {
            return Ok((Reply::Appended(seq), None));
        }
        room.log.push(entry.clone());
        Ok((Reply::Appended(seq), Some((append.room, entry))))
    }

    fn append_handshake(&mut self, id: ConnectionId, append: AppendHandshake) -> Answer {
        let connection = &self.connections[&id];
        let opened = connection.open.get(&append.room).copied();
        let challenge = Challenge::new(connection.challenge);
        let room = self.rooms.get_mut(&append.room).ok_or(ErrorCode::UnknownRoom)?;
        if let Some(known) = room.log.iter().find(|known| known.entry == append.entry) {
            return Ok((Reply::Appended(known.seq), None));
        }
        if append.last_handshake_seq != room.last_handshake_seq {
            return Err(ErrorCode::Conflict);
        }
        match &append.join {
            None if opened != Some(room.epoch()) => return Err(ErrorCode::RoomNotOpen),
            None => {}
            Some(join) => {
                if !room.doors.iter().any(|door| door.id == join.door) {
                    return Err(ErrorCode::DoorClosed);
                }
                let statement = join_statement(
                    AUTHORITY,
                    &challenge,
                    &append.room,
                    room.epoch(),
                    &join.door,
                    &append.entry,
                );
                if !verify(&room.join_key, &statement, &join.signature) {
                    return Err(ErrorCode::BadSignature);
                }
            }
        }
        let entry = room.store(append.clone());
        Ok((Reply::Appended(entry.seq), Some((append.room, entry))))
    }

    fn page(&mut self, id: ConnectionId, page: PageRequest) -> Answer {
        let opened = self.connections[&id].open.get(&page.room).copied().ok_or(ErrorCode::RoomNotOpen)?;
        let room = self.rooms.get(&page.room).ok_or(ErrorCode::UnknownRoom)?;
        let is_full = opened == room.epoch();
        let since = room.access_keys[opened as usize].1;
        let may_see = |entry: &&LogEntry| {
            let is_handshake = entry.kind.is_handshake();
            if is_full { !page.handshakes_only || is_handshake } else { is_handshake && entry.seq > since }
        };
        let mut found: Vec<LogEntry> = match page.direction {
            Direction::Forward => {
                room.log.iter().filter(|entry| entry.seq > page.from).filter(may_see).cloned().collect()
            }
            Direction::Backward => {
                room.log.iter().rev().filter(|entry| entry.seq < page.from).filter(may_see).cloned().collect()
            }
        };
        // Small pages, so that tests see several.
        let more = found.len() > 7;
        found.truncate(7);
        let entries = found.iter().map(|entry| self.given_out(entry)).collect();
        Ok((Reply::Page(Page { entries, more }), None))
    }

    fn card(&mut self, id: ConnectionId, request: CardRequest) -> Answer {
        let challenge = Challenge::new(self.connections[&id].challenge);
        let room = self.rooms.get(&request.room).ok_or(ErrorCode::UnknownRoom)?;
        let door = room.doors.iter().find(|door| door.id == request.door).ok_or(ErrorCode::DoorClosed)?;
        let statement = card_statement(AUTHORITY, &challenge, &request.room, &request.door);
        if !verify(&door.key, &statement, &request.signature) {
            return Err(ErrorCode::DoorClosed);
        }
        let card = CardReply {
            epoch: room.epoch(),
            last_handshake_seq: room.last_handshake_seq,
            card: room.card.clone(),
            wrap: door.wrap.clone(),
            turn_ms: None,
        };
        Ok((Reply::Card(card), None))
    }
}

type Answer = Result<(Reply, Option<(RoomId, LogEntry)>), ErrorCode>;

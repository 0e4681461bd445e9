//! A room in use: writers and readers that know no more than clients do, and a journal of what they were told.

use crate::support::*;
use ed25519_dalek::SigningKey;
use sotto_protocol::{
    CapsuleWrap, DoorId, ErrorCode, LogEntry, OpenRoom, Published, RelayFrame, Reply, Request, RoomAccess,
    entry_hash,
};
use sotto_test_services::Dice;
use sqlx::AnyConnection;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Longer than a relay that restarts, or waits for its database, takes to answer.
const ANSWER: Duration = Duration::from_secs(15);
pub const PAUSE: Duration = Duration::from_millis(10);

/// What the members of a room know together.
pub struct Shared {
    /// Whoever connects takes the next one.
    relays: Vec<String>,
    connected: AtomicUsize,
    pub admin: SigningKey,
    /// Whether the database may go away, so that the relay has faults of its own.
    has_faults: bool,
    known: Mutex<Known>,
    journal: Mutex<Journal>,
    is_over: AtomicBool,
    /// The last entry, once nobody writes any more.
    last_seq: AtomicU64,
}

/// The room as the last handshake that somebody was told of has left it.
#[derive(Clone)]
pub struct Known {
    pub room: Room,
    /// The handshakes that led into its epochs, in order.
    pub chain: Vec<(u64, Vec<u8>)>,
    pub card: Vec<u8>,
    pub doors: Vec<DoorId>,
}

#[derive(Default)]
struct Journal {
    acknowledged: Vec<(u64, Vec<u8>)>,
    refused: Vec<Vec<u8>>,
    /// Refused at last, with an earlier copy of which nobody knows.
    doubtful: Vec<Vec<u8>>,
    /// How long messages are kept: what was acknowledged last.
    retention: Option<u64>,
    statuses: HashSet<[u8; 256]>,
}

/// What a request came to, however often it was sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Settled {
    Appended(u64),
    Refused(ErrorCode),
    /// Refused, after it was sent before without an answer: an earlier copy may still be on its way, and a rewind makes its epoch the
    /// current one again.
    Doubtful(ErrorCode),
}

impl Shared {
    /// Makes the room, and an admin in its epoch 1. Everybody uses one of `relays` from then on.
    pub async fn create(relay: &str, relays: &[String], has_faults: bool) -> Arc<Self> {
        let admin = signing_key();
        let mut room = Room::new();
        let mut client = Client::connect(relay).await;
        client.create(&room).await;
        client.open(&room).await;
        let mut commit = room.commit(&[]);
        room.hand_over(&mut commit, &[&admin]);
        let (entry, card) = (commit.entry.clone(), commit.card.clone());
        let seq = client.send_commit(&mut room, commit).await;
        let known = Known { room, chain: vec![(seq, entry.clone())], card, doors: Vec::new() };
        let journal = Journal { acknowledged: vec![(seq, entry)], ..Journal::default() };
        Arc::new(Self {
            relays: relays.to_vec(),
            connected: AtomicUsize::new(0),
            admin,
            has_faults,
            known: Mutex::new(known),
            journal: Mutex::new(journal),
            is_over: AtomicBool::new(false),
            last_seq: AtomicU64::new(0),
        })
    }

    fn next_relay(&self) -> &str {
        &self.relays[self.connected.fetch_add(1, Ordering::Relaxed) % self.relays.len()]
    }

    pub fn known(&self) -> Known {
        self.known.lock().unwrap().clone()
    }

    /// Somebody was told of a handshake or rewind. Of several it is the last in the log that counts.
    pub fn advance(&self, next: Known) {
        let mut known = self.known.lock().unwrap();
        if next.room.last_handshake_seq > known.room.last_handshake_seq {
            *known = next;
        }
    }

    /// Somebody was told that something else is kept for the epoch after that handshake.
    pub fn note_published(&self, last_handshake_seq: u64, published: &Published) {
        let mut known = self.known.lock().unwrap();
        if known.room.last_handshake_seq == last_handshake_seq {
            known.card = published.card.clone();
            known.doors = published.doors.iter().map(|door| door.id).collect();
        }
    }

    pub fn note_retention(&self, seconds: Option<u64>) {
        self.journal.lock().unwrap().retention = seconds;
    }

    pub fn note_status(&self, value: [u8; 256]) {
        self.journal.lock().unwrap().statuses.insert(value);
    }

    pub fn was_written(&self, value: &[u8; 256]) -> bool {
        self.journal.lock().unwrap().statuses.contains(value)
    }

    pub fn acknowledge(&self, seq: u64, entry: Vec<u8>) {
        self.journal.lock().unwrap().acknowledged.push((seq, entry));
    }

    /// How many entries were acknowledged.
    pub fn count(&self) -> usize {
        self.journal.lock().unwrap().acknowledged.len()
    }

    pub fn refuse(&self, entry: Vec<u8>) {
        self.journal.lock().unwrap().refused.push(entry);
    }

    fn doubt(&self, entry: Vec<u8>) {
        self.journal.lock().unwrap().doubtful.push(entry);
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Nobody begins anything new.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }
}

/// A connection that is made again whenever it breaks.
pub struct Link {
    shared: Arc<Shared>,
    client: Option<Client>,
    /// The last entry when the room was opened.
    head_seq: u64,
}

impl Link {
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), client: None, head_seq: 0 }
    }

    /// The answer; none where the relay went away, or had a fault that passes: then it may have done it or not.
    pub async fn ask(&mut self, make: impl FnOnce(&Client) -> Request) -> Option<Reply> {
        let client = self.client.as_mut()?;
        let request = make(client);
        match timeout(ANSWER, client.try_ask(request)).await {
            Ok(Some(Reply::Error(error))) if error.code.is_passing() => {
                let is_fault = error.code == ErrorCode::Internal;
                assert!(self.shared.has_faults || !is_fault, "a fault without a reason");
                sleep(PAUSE).await;
                None
            }
            Ok(Some(reply)) => Some(reply),
            Ok(None) | Err(_) => {
                self.client = None;
                None
            }
        }
    }

    /// Opens the room, on a new connection if there is none.
    pub async fn open(&mut self, room: &Room) -> Option<RoomAccess> {
        if self.client.is_none() {
            let connecting = Client::try_connect(self.shared.next_relay(), &[]);
            match timeout(ANSWER, connecting).await {
                Ok(Ok(client)) => self.client = Some(client),
                _ => {
                    sleep(PAUSE).await;
                    return None;
                }
            }
        }
        let open = |client: &Client| {
            let signature = room.open_signature(client, room.epoch());
            Request::Open(OpenRoom { room: room.id, epoch: room.epoch(), signature })
        };
        match self.ask(open).await? {
            Reply::Opened(opened) => {
                self.head_seq = opened.head_seq;
                Some(opened.access)
            }
            other => panic!("a room that is there does not open: {other:?}"),
        }
    }

    /// Sends the same bytes until there is an answer that stays.
    pub async fn settle(&mut self, request: &Request) -> Settled {
        loop {
            match self.ask(|_| request.clone()).await {
                Some(Reply::Appended(seq)) => return Settled::Appended(seq),
                Some(Reply::Error(error)) if error.code != ErrorCode::RoomNotOpen => {
                    return Settled::Refused(error.code);
                }
                Some(Reply::Error(_)) | None => {
                    let room = self.shared.known().room;
                    while self.open(&room).await.is_none() {}
                }
                Some(other) => panic!("{other:?}"),
            }
        }
    }

    /// The same for a message of somebody who has read up to `read_seq`, and reads on before sending it again.
    pub async fn settle_message(&mut self, room: &Room, mut read_seq: u64, entry: &[u8]) -> Settled {
        let mut is_unanswered = false;
        loop {
            match self.ask(|_| append_after(room, read_seq, entry)).await {
                Some(Reply::Appended(seq)) => return Settled::Appended(seq),
                Some(Reply::Error(error)) if error.code != ErrorCode::RoomNotOpen => {
                    let code = error.code;
                    return if is_unanswered { Settled::Doubtful(code) } else { Settled::Refused(code) };
                }
                Some(Reply::Error(_)) => {}
                None => is_unanswered = true,
                Some(other) => panic!("{other:?}"),
            }
            let (room, access) = loop {
                let room = self.shared.known().room;
                if let Some(access) = self.open(&room).await {
                    break (room, access);
                }
            };
            // Who may read only handshakes names the same place: messages of an epoch that is over become no more.
            if access == RoomAccess::Full
                && let Some(missed) = self.page_after(&room, read_seq).await
            {
                if let Some(found) = missed.iter().find(|missed| missed.entry == entry) {
                    return Settled::Appended(found.seq);
                }
                read_seq = missed.last().map_or(read_seq, |last| last.seq);
            }
        }
    }

    pub async fn page_after(&mut self, room: &Room, seq: u64) -> Option<Vec<LogEntry>> {
        let page = timeout(ANSWER, self.client.as_mut()?.try_page_after(room, seq)).await;
        if !matches!(page, Ok(Some(_))) {
            self.client = None;
        }
        page.ok().flatten()
    }

    /// What is pushed soon: `Err` where nothing comes, none where the relay is gone.
    async fn pushed(&mut self) -> Result<Option<RelayFrame>, ()> {
        let Some(client) = self.client.as_mut() else { return Ok(None) };
        let pushed = timeout(Duration::from_millis(100), client.try_pushed()).await;
        if matches!(pushed, Ok(None)) {
            self.client = None;
        }
        pushed.map_err(|_| ())
    }
}

/// Writes messages, of whatever epoch the room is in.
pub async fn write(shared: Arc<Shared>) {
    let mut link = Link::new(&shared);
    while !shared.is_over() {
        let room = shared.known().room;
        if link.open(&room).await != Some(RoomAccess::Full) {
            sleep(PAUSE).await;
            continue;
        }
        let mut read_seq = link.head_seq;
        while !shared.is_over() {
            let entry = entry(room.epoch(), &random::<100>());
            match link.settle_message(&room, read_seq, &entry).await {
                Settled::Appended(seq) => {
                    shared.acknowledge(seq, entry);
                    // What is written next is none of what is there by now.
                    read_seq = seq;
                }
                Settled::Refused(code) => {
                    assert_eq!(code, ErrorCode::StaleEpoch);
                    shared.refuse(entry);
                    break;
                }
                Settled::Doubtful(code) => {
                    assert_eq!(code, ErrorCode::StaleEpoch);
                    shared.doubt(entry);
                    break;
                }
            }
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Follows the room live, reads what it missed after each break, and gives the chain over everything, in its order.
pub async fn follow(shared: Arc<Shared>) -> Vec<[u8; 32]> {
    let mut link = Link::new(&shared);
    let mut seen: Vec<[u8; 32]> = Vec::new();
    loop {
        let room = shared.known().room;
        if link.open(&room).await != Some(RoomAccess::Full) {
            sleep(PAUSE).await;
            continue;
        }
        let Some(missed) = link.page_after(&room, seen.len() as u64).await else { continue };
        for entry in &missed {
            take(&mut seen, entry);
        }
        loop {
            let last_seq = shared.last_seq.load(Ordering::Acquire);
            if last_seq > 0 && seen.len() as u64 >= last_seq {
                return seen;
            }
            match link.pushed().await {
                // After a handshake, the room is to be opened by the next epoch's key.
                Ok(Some(RelayFrame::Entry(_, entry))) => {
                    if !take(&mut seen, &entry) || entry.access_key.is_some() {
                        break;
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(()) => break,
            }
        }
    }
}

/// Goes on by an entry. Whether it was next, or seen before and the same.
fn take(seen: &mut Vec<[u8; 32]>, entry: &LogEntry) -> bool {
    let place = entry.seq as usize - 1;
    let before = place.checked_sub(1).map_or([0; 32], |before| seen.get(before).copied().unwrap_or([0; 32]));
    if place > seen.len() {
        return false;
    }
    let hash = entry.dropped.unwrap_or_else(|| entry_hash(&entry.entry));
    let link = entry_hash(&[&before[..], &entry.seq.to_be_bytes(), &hash].concat());
    match seen.get(place) {
        Some(known) => assert_eq!(*known, link, "entry {} is another one than before", entry.seq),
        None => seen.push(link),
    }
    true
}

/// Compares the log with the journal, and what is kept for the last epoch with what was published. Gives the chain.
pub async fn verify(shared: &Arc<Shared>, relay: &str, database: &mut AnyConnection) -> Vec<[u8; 32]> {
    let known = shared.known();
    let mut client = Client::connect(relay).await;
    let opened = client.open(&known.room).await;
    assert_eq!(opened.access, RoomAccess::Full, "the last handshake that somebody was told of is the last");
    let log = client.whole_log(&known.room).await;
    assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>(), "each once, without gaps");
    let Journal { acknowledged, refused, doubtful, retention, .. } =
        std::mem::take(&mut *shared.journal.lock().unwrap());
    // A message that was refused in the end may have come later by a copy that was under way.
    let doubtful: HashSet<_> = doubtful.iter().map(|entry| entry_hash(entry)).collect();
    let mut late = HashSet::new();
    let mut at: HashMap<u64, [u8; 32]> = HashMap::new();
    for (seq, entry) in &acknowledged {
        assert_eq!(at.insert(*seq, entry_hash(entry)), None, "two were given place {seq}");
    }
    let refused: HashSet<_> = refused.iter().map(|entry| entry_hash(entry)).collect();
    let mut seen = Vec::new();
    for entry in &log {
        let hash = entry.dropped.unwrap_or_else(|| entry_hash(&entry.entry));
        if doubtful.contains(&hash) {
            assert!(late.insert(hash), "once at most");
        } else {
            assert_eq!(at.get(&entry.seq), Some(&hash), "at the place that was acknowledged");
        }
        assert!(!refused.contains(&hash), "what was refused is not there");
        assert!(take(&mut seen, entry));
    }
    assert_eq!(acknowledged.len() + late.len(), log.len(), "as many as were acknowledged");
    let held = Request::Held(sotto_protocol::HeldRequest { room: known.room.id, door: None, tag: None });
    let Reply::Held(held) = client.ask(held).await else { panic!("nothing is held") };
    let published = held.published.expect("a card was published");
    assert_eq!(published.card, known.card);
    let doors: HashSet<_> = published.doors.iter().map(|door| door.id).collect();
    assert_eq!(doors, known.doors.iter().copied().collect());
    let stored: Option<i64> = sqlx::query_scalar("SELECT retention_s FROM rooms WHERE room_id = $1")
        .bind(&known.room.id.as_bytes()[..])
        .fetch_one(database)
        .await
        .unwrap();
    assert_eq!(stored, retention.map(|seconds| seconds as i64));
    shared.last_seq.store(log.len() as u64, Ordering::Release);
    seen
}

/// What a handshake publishes for its epoch.
pub fn publication(dice: &mut Dice) -> Published {
    let doors: Vec<_> = (0..1 << dice.below(3)).map(|_| DoorId::new(random())).collect();
    let wrap = |tag| CapsuleWrap { tag: [tag; 16], wrap: random::<64>().to_vec(), owner: None };
    Published {
        capsule: Some(random::<64>().to_vec()),
        capsule_wraps: Some(vec![wrap(1), wrap(2)]),
        ..published(&doors, &random::<64>())
    }
}

//! A relay in this process, clients that speak the protocol by hand, and rooms with keys that any test can hold.

use ed25519_dalek::{Signer as _, SigningKey};
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_protocol::{
    Append, AppendHandshake, CapsuleWrap, CardRequest, ClientFrame, Direction, Door, DoorId, ErrorCode,
    LogEntry, OpenRoom, OpenedRoom, Page, PageRequest, Published, ROOM_SOCKET_PATH, RelayFrame, Reply,
    Request, RoomId, Welcome, WireError, card_statement, decode, encode, entry_hash,
};
use sotto_relay::{Config, Database, Limits, RunningRelay, SecretUrl, Strictness, start};
use sotto_test_services::Postgres;
use sqlx::{AnyConnection, Connection as _};
use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

#[path = "made_room.rs"]
mod made_room;

pub use made_room::*;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough to be sure that nothing comes.
pub const SILENCE: Duration = Duration::from_millis(200);

pub struct TestRelay {
    pub running: RunningRelay,
    pub data: TempDir,
}

impl TestRelay {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let running = start_on(data.path(), change).await;
        Self { running, data }
    }

    pub fn authority(&self) -> String {
        self.running.addr().to_string()
    }

    pub async fn connect(&self) -> Client {
        Client::connect(&self.authority()).await
    }

    /// A connection to the relay's database, beside it.
    pub async fn database(&self) -> AnyConnection {
        database_in(self.data.path()).await
    }
}

/// A connection to the database that goes with a data folder.
pub async fn database_in(data: &Path) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let file = || format!("sqlite://{}", data.join("relay.db").display());
    AnyConnection::connect(&database_url(data).unwrap_or_else(file)).await.unwrap()
}

/// Whether these are the tests on PostgreSQL.
pub fn is_on_postgres() -> bool {
    env!("CARGO_CRATE_NAME").ends_with("on_postgres")
}

/// The PostgreSQL database that goes with a data folder, where the tests run on PostgreSQL.
pub fn database_url(data: &Path) -> Option<String> {
    if !is_on_postgres() {
        return None;
    }
    let file = data.join("test-database");
    if let Ok(url) = std::fs::read_to_string(&file) {
        return Some(url);
    }
    let url = Postgres::new_shared_database().unwrap();
    std::fs::create_dir_all(data).unwrap();
    std::fs::write(file, &url).unwrap();
    Some(url)
}

pub async fn start_on(data: &Path, change: impl FnOnce(&mut Config)) -> RunningRelay {
    let mut config = Config::new("127.0.0.1:0".parse().unwrap(), data);
    // All tests come from one address, which plays a proxy where others are needed.
    config.limits = Limits::new(Strictness::Off);
    config.accounts.trusted_proxies = vec![std::net::Ipv4Addr::LOCALHOST.into()];
    if let Some(url) = database_url(data) {
        config.database = Database::Postgres(SecretUrl::new(url));
    }
    change(&mut config);
    start(config).await.unwrap()
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub authority: String,
    pub welcome: Welcome,
    pushed: VecDeque<RelayFrame>,
    next_request: u32,
}

impl Client {
    pub async fn connect(authority: &str) -> Self {
        Self::try_connect(authority, &[]).await.unwrap()
    }

    pub async fn try_connect(authority: &str, headers: &[(&'static str, &str)]) -> tungstenite::Result<Self> {
        let mut request = format!("ws://{authority}{ROOM_SOCKET_PATH}").into_client_request()?;
        let mut named = authority.to_owned();
        for (name, value) in headers {
            if *name == "host" {
                named = (*value).to_owned();
            }
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (mut socket, _) = connect_async(request).await?;
        let first = socket.next().await.ok_or(tungstenite::Error::ConnectionClosed)??;
        let welcome = match decode(&first.into_data()) {
            Ok(RelayFrame::Welcome(welcome)) => welcome,
            Ok(other) => panic!("expected a welcome, got {other:?}"),
            // It closes already.
            Err(_) => return Err(tungstenite::Error::ConnectionClosed),
        };
        Ok(Self { socket, authority: named, welcome, pushed: VecDeque::new(), next_request: 1 })
    }

    /// Sends a request and gives its number.
    pub async fn send(&mut self, body: Request) -> u32 {
        let request = self.next_request;
        self.next_request += 1;
        let bytes = encode(&ClientFrame { request, body });
        self.socket.send(Message::binary(bytes)).await.unwrap();
        request
    }

    pub async fn ask(&mut self, body: Request) -> Reply {
        let request = self.send(body).await;
        self.reply_to(request).await
    }

    pub async fn reply_to(&mut self, request: u32) -> Reply {
        loop {
            match self.read().await {
                RelayFrame::Reply(number, reply) if number == request => return reply,
                other => self.pushed.push_back(other),
            }
        }
    }

    pub async fn refusal(&mut self, body: Request) -> WireError {
        match self.ask(body).await {
            Reply::Error(error) => error,
            other => panic!("expected an error, got {other:?}"),
        }
    }

    pub async fn refusal_code(&mut self, body: Request) -> ErrorCode {
        self.refusal(body).await.code
    }

    /// The next frame from the wire.
    pub async fn read(&mut self) -> RelayFrame {
        tokio::time::timeout(PATIENCE, self.read_frame()).await.expect("the relay is silent")
    }

    async fn read_frame(&mut self) -> RelayFrame {
        loop {
            match self.socket.next().await.expect("the relay closed").expect("the relay is gone") {
                Message::Binary(bytes) => return decode(&bytes).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// The next frame that answers nothing.
    pub async fn pushed(&mut self) -> RelayFrame {
        match self.pushed.pop_front() {
            Some(frame) => frame,
            None => self.read().await,
        }
    }

    pub async fn pushed_entry(&mut self) -> (RoomId, LogEntry) {
        match self.pushed().await {
            RelayFrame::Entry(room, entry) => (room, entry),
            other => panic!("expected an entry, got {other:?}"),
        }
    }

    pub async fn expect_silence(&mut self) {
        assert!(self.pushed.is_empty(), "{:?}", self.pushed);
        if let Ok(frame) = tokio::time::timeout(SILENCE, self.read_frame()).await {
            panic!("expected nothing, got {frame:?}");
        }
    }

    pub async fn create(&mut self, room: &Room) {
        assert_eq!(self.ask(Request::Create(room.creation())).await, Reply::Created);
    }

    pub async fn try_open(&mut self, room: &Room, epoch: u64) -> Reply {
        let signature = room.open_signature(self, epoch);
        self.ask(Request::Open(OpenRoom { room: room.id, epoch, signature })).await
    }

    pub async fn open_at(&mut self, room: &Room, epoch: u64) -> OpenedRoom {
        match self.try_open(room, epoch).await {
            Reply::Opened(opened) => *opened,
            other => panic!("expected the room to open, got {other:?}"),
        }
    }

    pub async fn open(&mut self, room: &Room) -> OpenedRoom {
        self.open_at(room, room.epoch()).await
    }

    pub async fn append(&mut self, room: &Room, entry: &[u8]) -> u64 {
        appended(self.ask(append(room, entry)).await)
    }

    /// Leads a room that is open here into its next epoch, and opens it again.
    pub async fn commit(&mut self, room: &mut Room, doors: &[DoorId]) -> u64 {
        let commit = room.commit(doors);
        self.send_commit(room, commit).await
    }

    /// Sends a commit, or what it was made into, and opens the room again.
    pub async fn send_commit(&mut self, room: &mut Room, commit: AppendHandshake) -> u64 {
        let seq = appended(self.ask(Request::AppendHandshake(commit)).await);
        room.last_handshake_seq = seq;
        self.open(room).await;
        seq
    }

    pub async fn page(&mut self, room: &Room, from: u64, direction: Direction, limit: u32) -> Page {
        self.page_of(PageRequest { room: room.id, from, direction, limit, handshakes_only: false }).await
    }

    pub async fn page_of(&mut self, request: PageRequest) -> Page {
        match self.ask(Request::Page(request)).await {
            Reply::Page(page) => page,
            other => panic!("expected a page, got {other:?}"),
        }
    }

    /// Everything that this connection may read of the room, oldest first.
    pub async fn whole_log(&mut self, room: &Room) -> Vec<LogEntry> {
        let mut entries: Vec<LogEntry> = Vec::new();
        loop {
            let from = entries.last().map_or(0, |entry| entry.seq);
            let page = self.page(room, from, Direction::Forward, 500).await;
            entries.extend(page.entries);
            if !page.more {
                return entries;
            }
        }
    }

    /// Opens a room, or gives nothing where the relay refuses or goes away.
    pub async fn try_open_or_leave(&mut self, room: &Room) -> Option<()> {
        let signature = room.open_signature(self, room.epoch());
        let open = Request::Open(OpenRoom { room: room.id, epoch: room.epoch(), signature });
        match self.try_ask(open).await? {
            Reply::Opened(_) => Some(()),
            _ => None,
        }
    }

    /// Everything after that place, or nothing where the relay refuses or goes away.
    pub async fn try_page_after(&mut self, room: &Room, mut from: u64) -> Option<Vec<LogEntry>> {
        let mut entries = Vec::new();
        loop {
            let (direction, limit) = (Direction::Forward, 500);
            let request = PageRequest { room: room.id, from, direction, limit, handshakes_only: false };
            let Reply::Page(page) = self.try_ask(Request::Page(request)).await? else { return None };
            from = page.entries.last().map_or(from, |last| last.seq);
            entries.extend(page.entries);
            if !page.more {
                return Some(entries);
            }
        }
    }

    /// The next frame that answers nothing; none when the relay goes away.
    pub async fn try_pushed(&mut self) -> Option<RelayFrame> {
        match self.pushed.pop_front() {
            Some(frame) => Some(frame),
            None => self.try_read().await,
        }
    }

    /// The answer, or nothing where the relay goes away.
    pub async fn try_ask(&mut self, body: Request) -> Option<Reply> {
        let request = self.next_request;
        self.next_request += 1;
        self.socket.send(Message::binary(encode(&ClientFrame { request, body }))).await.ok()?;
        loop {
            match self.try_read().await? {
                RelayFrame::Reply(number, reply) if number == request => return Some(reply),
                other => self.pushed.push_back(other),
            }
        }
    }

    async fn try_read(&mut self) -> Option<RelayFrame> {
        loop {
            match self.socket.next().await?.ok()? {
                Message::Binary(bytes) => return Some(decode(&bytes).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    pub async fn card(&mut self, room: &Room, door: DoorId) -> Reply {
        self.ask(self.card_request(room.id, door)).await
    }

    pub fn card_request(&self, room: RoomId, door: DoorId) -> Request {
        Request::Card(self.signed_card_request(room, door))
    }

    pub fn turn_request(&self, room: RoomId, door: DoorId) -> Request {
        Request::JoinTurn(self.signed_card_request(room, door))
    }

    fn signed_card_request(&self, room: RoomId, door: DoorId) -> CardRequest {
        let statement = card_statement(&self.authority, &self.welcome.challenge, &room, &door);
        let signature = door_secret(&door).sign(&statement).to_bytes();
        CardRequest { room, door, signature }
    }
}

/// What a test holds of a door, by its id.
pub fn door_secret(door: &DoorId) -> SigningKey {
    SigningKey::from_bytes(&entry_hash(door.as_bytes()))
}

pub fn door(id: DoorId) -> Door {
    let key = public(&door_secret(&id));
    Door { id, wrap: [b"wrap ", &id.as_bytes()[..]].concat(), expires_at_ms: None, key }
}

pub fn capsule_wrap(tag: u8, what: &str) -> CapsuleWrap {
    CapsuleWrap { tag: [tag; 16], wrap: what.as_bytes().to_vec(), owner: None }
}

pub fn published(doors: &[DoorId], card: &[u8]) -> Published {
    Published {
        card: card.to_vec(),
        doors: doors.iter().copied().map(door).collect(),
        capsule: None,
        capsule_wraps: None,
    }
}

pub fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&random())
}

pub fn public(key: &SigningKey) -> [u8; 32] {
    key.verifying_key().to_bytes()
}

pub fn error(code: ErrorCode) -> Reply {
    Reply::Error(code.into())
}

/// Of somebody who has read nothing, which is enough while the log is short.
pub fn append(room: &Room, entry: &[u8]) -> Request {
    append_after(room, 0, entry)
}

/// Of somebody who has read so far.
pub fn append_after(room: &Room, read_seq: u64, entry: &[u8]) -> Request {
    Request::Append(Append { room: room.id, entry: entry.to_vec(), read_seq })
}

pub fn appended(reply: Reply) -> u64 {
    match reply {
        Reply::Appended(seq) => seq,
        other => panic!("expected the entry to be appended, got {other:?}"),
    }
}

pub fn seqs(entries: &[LogEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}

/// Appends until the relay refuses; gives what was refused.
pub async fn fill(client: &mut Client, room: &Room, stored: &mut Vec<Vec<u8>>) -> Vec<u8> {
    loop {
        let entry = entry(0, &random::<20_000>());
        match client.ask(append_after(room, stored.len() as u64, &entry)).await {
            Reply::Appended(seq) => {
                stored.push(entry);
                assert_eq!(seq, stored.len() as u64);
            }
            Reply::Error(error) => {
                assert_eq!(error.code, ErrorCode::StorageFull);
                assert!(error.retry_after_ms.is_some());
                return entry;
            }
            other => panic!("{other:?}"),
        }
        assert!(stored.len() < 2000, "the disk never gets full");
    }
}

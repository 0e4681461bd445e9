//! Several relays on one database wake each other: "something is new in these rooms".
//!
//! A hint says no more than that. The database is the truth, and a hint that is lost is made up for by looking into it once
//! a second. The server that carries them is not trusted: nobody waits for it, and what is not authenticated is not heard.

use super::envelope::{Opener, Sealer};
use super::hub::Hub;
use super::publish::Work;
use crate::clock::now_ms;
use crate::config::SecretUrl;
use crate::store::ReadStore;
use futures_util::StreamExt as _;
use sotto_protocol::{RoomId, Status, decode, encode};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use zeroize::Zeroizing;

/// What relays say to each other on NATS: ids of rooms.
const SUBJECT: &str = "sotto.rooms";
/// A write into a status register: the room's id, the relay's number of it, the handshake that began the epoch, the register
/// and its value. It is written behind anyway, and what is lost here is written again.
const STATUS_SUBJECT: &str = "sotto.status";
/// What waits to be told. A server that takes nothing has nothing told to it: the database is looked into anyway.
const WAITING_MAX: usize = 1024;
/// How long telling one thing may take.
const TELL_WITHIN: Duration = Duration::from_secs(5);
/// Rooms in one message: well below the megabyte that NATS takes.
const ROOMS_MAX: usize = 1024;
/// How often the database is asked, whatever hints came.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Tells other relays, if there are any.
#[derive(Clone)]
pub(super) struct Hints {
    nats: Option<Nats>,
}

#[derive(Clone)]
struct Nats {
    client: async_nats::Client,
    sealer: Sealer,
    waiting: mpsc::Sender<(&'static str, Vec<u8>)>,
}

/// A register that was written at another relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatusHint {
    pub room: RoomId,
    /// The relay's number of the room.
    pub row: i64,
    /// The epoch it is of, by the handshake that began it.
    pub began_seq: u64,
    pub status: Status,
    /// When, by the clock of the relay where it was written.
    pub at_ms: u64,
}

impl StatusHint {
    fn to_bytes(&self) -> Vec<u8> {
        let numbers = [self.row.to_be_bytes(), self.began_seq.to_be_bytes()].concat();
        [&self.room.as_bytes()[..], &numbers, &encode(&self.status)].concat()
    }

    fn read(bytes: &[u8], at_ms: u64) -> Option<Self> {
        let (room, rest) = bytes.split_at_checked(RoomId::LEN)?;
        let (row, rest) = rest.split_first_chunk()?;
        let (began_seq, status) = rest.split_first_chunk()?;
        let (row, began_seq) = (i64::from_be_bytes(*row), u64::from_be_bytes(*began_seq));
        let room = RoomId::try_from(room).ok()?;
        Some(Self { room, row, began_seq, status: decode(status).ok()?, at_ms })
    }
}

/// Why there are no hints.
#[derive(Debug, thiserror::Error)]
pub enum HintError {
    /// The server is not to be had.
    #[error("cannot reach the NATS server: {0}")]
    Connect(async_nats::ConnectError),
    /// Its address is none.
    #[error("the address of the NATS server is not of the form nats://host:4222")]
    Address,
    /// It does not let us listen.
    #[error("cannot listen to the NATS server: {0}")]
    Subscribe(async_nats::SubscribeError),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(getrandom::Error),
}

/// Whether that is the address of a NATS server: all that can be said of it without asking there.
pub(crate) fn check_address(url: &SecretUrl) -> Result<(), HintError> {
    let address: async_nats::ServerAddr = url.reveal().parse().map_err(|_| HintError::Address)?;
    let is_known = matches!(address.scheme(), "nats" | "tls" | "ws" | "wss");
    if is_known && !address.host().is_empty() { Ok(()) } else { Err(HintError::Address) }
}

/// The tasks that listen and look; they end when this is dropped.
pub(super) struct Listening(Vec<JoinHandle<()>>);

impl Drop for Listening {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Hints {
    /// Connects to the server, which may come and go from then on.
    pub(super) async fn connect(
        url: Option<&SecretUrl>,
        key: Zeroizing<[u8; 32]>,
    ) -> Result<Self, HintError> {
        let Some(url) = url else { return Ok(Self { nats: None }) };
        let mut sender = [0; 8];
        getrandom::fill(&mut sender).map_err(HintError::Random)?;
        let client = async_nats::ConnectOptions::new()
            .name("sotto-relay")
            .event_callback(|event| async move {
                match event {
                    async_nats::Event::Disconnected => {
                        tracing::warn!(
                            "the NATS server is gone: other relays' entries come up to a second later"
                        )
                    }
                    async_nats::Event::Connected => tracing::info!("connected to the NATS server"),
                    _ => {}
                }
            })
            .connect(url.reveal())
            .await
            .map_err(HintError::Connect)?;
        let (waiting, to_tell) = mpsc::channel(WAITING_MAX);
        let sealer = Sealer::new(key, sender);
        tokio::spawn(tell(client.clone(), sealer.clone(), to_tell));
        Ok(Self { nats: Some(Nats { client, sealer, waiting }) })
    }

    /// Whether the server is there, where one is used.
    pub(super) fn is_connected(&self) -> Option<bool> {
        self.nats.as_ref().map(|nats| is_connected(&nats.client))
    }

    /// Listens for what other relays write, and looks for it in the database.
    pub(super) async fn listen(
        &self,
        hub: Arc<Hub>,
        read: ReadStore,
        publisher: mpsc::Sender<Work>,
        is_shared: bool,
    ) -> Result<Listening, HintError> {
        let mut tasks = vec![tokio::spawn(look(hub, read, publisher.clone(), is_shared))];
        if !is_shared {
            return Ok(Listening(tasks));
        }
        if let Some(Nats { client, sealer, .. }) = &self.nats {
            let messages = client.subscribe(SUBJECT).await.map_err(HintError::Subscribe)?;
            let statuses = client.subscribe(STATUS_SUBJECT).await.map_err(HintError::Subscribe)?;
            tasks.push(tokio::spawn(hear(messages, sealer.opener(SUBJECT, now_ms()), publisher.clone())));
            tasks.push(tokio::spawn(hear_statuses(
                statuses,
                sealer.opener(STATUS_SUBJECT, now_ms()),
                publisher,
            )));
        }
        Ok(Listening(tasks))
    }

    /// Passes a register's value on.
    pub(super) fn tell_status(&self, hint: &StatusHint) {
        self.say(STATUS_SUBJECT, || hint.to_bytes());
    }

    /// Tells the others. A hint that cannot be sent is lost, which costs them a second.
    pub(super) fn tell(&self, rooms: impl Iterator<Item = RoomId>) {
        if self.nats.is_none() {
            return;
        }
        let rooms: Vec<_> = rooms.collect();
        for some in rooms.chunks(ROOMS_MAX) {
            self.say(SUBJECT, || some.iter().flat_map(|room| *room.as_bytes()).collect());
        }
    }

    /// The writer and the publisher never wait for this.
    fn say(&self, subject: &'static str, content: impl FnOnce() -> Vec<u8>) {
        let Some(nats) = self.nats.as_ref().filter(|nats| is_connected(&nats.client)) else { return };
        if let Ok(place) = nats.waiting.try_reserve() {
            place.send((subject, content()));
        }
    }
}

/// Says what waits, in the order in which it is counted. It ends when nobody can say anything more.
async fn tell(
    client: async_nats::Client,
    sealer: Sealer,
    mut waiting: mpsc::Receiver<(&'static str, Vec<u8>)>,
) {
    while let Some((subject, content)) = waiting.recv().await {
        let message = sealer.seal(subject, now_ms(), &content);
        // Not told in time, it is lost. The client itself is gone only when the relay stops.
        let _ = timeout(TELL_WITHIN, client.publish(subject, message.into())).await;
    }
}

async fn hear(mut messages: async_nats::Subscriber, mut opener: Opener, publisher: mpsc::Sender<Work>) {
    while let Some(message) = messages.next().await {
        let Some((rooms, _)) = opener.open(now_ms(), &message.payload) else { continue };
        let rooms = rooms.chunks(RoomId::LEN).filter_map(|id| RoomId::try_from(id).ok()).collect();
        if publisher.send(Work::CatchUp(rooms)).await.is_err() {
            return;
        }
    }
}

async fn hear_statuses(
    mut messages: async_nats::Subscriber,
    mut opener: Opener,
    publisher: mpsc::Sender<Work>,
) {
    while let Some(message) = messages.next().await {
        let Some((content, at_ms)) = opener.open(now_ms(), &message.payload) else { continue };
        let Some(hint) = StatusHint::read(content, at_ms) else { continue };
        if publisher.send(Work::Status(Box::new(hint))).await.is_err() {
            return;
        }
    }
}

fn is_connected(client: &async_nats::Client) -> bool {
    client.connection_state() == async_nats::connection::State::Connected
}

/// Where this relay is the only one, only the operator may have changed something beside it, and leaves a note then.
async fn look(hub: Arc<Hub>, read: ReadStore, publisher: mpsc::Sender<Work>, is_shared: bool) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut changes = None;
    loop {
        ticks.tick().await;
        if !is_shared {
            let before = changes;
            // What cannot be read now is seen at the next look.
            changes = read.changes().await.ok().or(before);
            if changes == before {
                continue;
            }
        }
        let followed = hub.followed();
        let heads = match read.heads(&followed.iter().map(|(room, _)| *room).collect::<Vec<_>>()).await {
            Ok(heads) => heads,
            Err(error) => {
                tracing::warn!(%error, "the database cannot be looked into");
                continue;
            }
        };
        let (mut behind, mut gone) = (Vec::new(), Vec::new());
        for (room, pushed_seq) in followed {
            match heads.get(&room) {
                None => gone.push(room),
                Some(head_seq) if *head_seq > pushed_seq => behind.push(room),
                Some(_) => {}
            }
        }
        if !gone.is_empty() && publisher.send(Work::Gone(gone)).await.is_err() {
            return;
        }
        if !behind.is_empty() && publisher.send(Work::CatchUp(behind)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    fn hint(value: u8) -> StatusHint {
        let status = Status { register: [2; 16], value: [value; 256] };
        StatusHint { room: RoomId::new([1; 16]), row: 7, began_seq: 9, status, at_ms: 0 }
    }

    #[test]
    fn a_hint_survives_the_round_trip_and_nonsense_is_none() {
        let bytes = hint(3).to_bytes();
        assert_eq!(StatusHint::read(&bytes, 0), Some(hint(3)));
        for cut in 0..bytes.len() {
            assert_eq!(StatusHint::read(&bytes[..cut], 0), None, "cut at {cut}");
        }
    }

    /// It greets, and then reads nothing more and stays connected.
    #[tokio::test]
    async fn a_server_that_takes_nothing_holds_up_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stalling = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let info = "INFO {\"server_id\":\"x\",\"version\":\"2.10.0\",\"max_payload\":1048576,\"headers\":true}\r\n";
            stream.write_all(info.as_bytes()).await.unwrap();
            let mut heard = Vec::new();
            while !heard.windows(4).any(|window| window == b"PING") {
                stream.read_buf(&mut heard).await.unwrap();
            }
            stream.write_all(b"PONG\r\n").await.unwrap();
            std::future::pending::<()>().await;
        });
        let url = SecretUrl::new(format!("nats://{address}"));
        let hints = Hints::connect(Some(&url), [7; 32].into()).await.unwrap();
        assert_eq!(hints.is_connected(), Some(true));
        let nats = hints.nats.as_ref().unwrap();
        let began = Instant::now();
        // More than a socket takes, all in all.
        for round in 0_u32.. {
            for _ in 0..500 {
                hints.tell_status(&hint(7));
            }
            hints.tell(std::iter::once(RoomId::new([7; 16])));
            tokio::time::sleep(Duration::from_millis(1)).await;
            if round > 100 && nats.waiting.capacity() == 0 {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the server takes it all");
        }
        let began = Instant::now();
        for _ in 0..10_000 {
            hints.tell_status(&hint(8));
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(nats.waiting.capacity(), 0, "what waits is bounded, and the rest is dropped");
        stalling.abort();
    }
}

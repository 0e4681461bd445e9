//! Several relays on one database wake each other: "something is new in these rooms".
//!
//! A hint says no more than that. The database is the truth, and a hint that is lost is made up for by looking into it once
//! a second.

use super::hub::Hub;
use super::publish::Work;
use crate::config::SecretUrl;
use crate::store::ReadStore;
use futures_util::StreamExt as _;
use sotto_protocol::{RoomId, Status, decode, encode};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// What relays say to each other on NATS: the sender's number, then ids of rooms.
const SUBJECT: &str = "sotto.rooms";
/// What somebody wrote into a status register: the sender's number, the room's id, the register and its value. It is written
/// behind anyway, and what is lost here is written again.
const STATUS_SUBJECT: &str = "sotto.status";
const SENDER_BYTES: usize = 8;
/// Rooms in one message: well below the megabyte that NATS takes.
const ROOMS_MAX: usize = 1024;
/// How often the database is asked, whatever hints came.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Tells other relays, if there are any.
#[derive(Clone)]
pub(super) struct Hints {
    nats: Option<(async_nats::Client, [u8; SENDER_BYTES])>,
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
    pub(super) async fn connect(url: Option<&SecretUrl>) -> Result<Self, HintError> {
        let Some(url) = url else { return Ok(Self { nats: None }) };
        let mut sender = [0; SENDER_BYTES];
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
        Ok(Self { nats: Some((client, sender)) })
    }

    /// Whether the server is there, where one is used.
    pub(super) fn is_connected(&self) -> Option<bool> {
        self.nats.as_ref().map(|(client, _)| is_connected(client))
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
        if let Some((client, own)) = &self.nats {
            let messages = client.subscribe(SUBJECT).await.map_err(HintError::Subscribe)?;
            let statuses = client.subscribe(STATUS_SUBJECT).await.map_err(HintError::Subscribe)?;
            tasks.push(tokio::spawn(hear(messages, *own, publisher.clone())));
            tasks.push(tokio::spawn(hear_statuses(statuses, *own, publisher)));
        }
        Ok(Listening(tasks))
    }

    /// Passes a register's value on.
    pub(super) async fn tell_status(&self, room: &RoomId, status: &Status) {
        let Some((client, sender)) = self.nats.as_ref().filter(|(client, _)| is_connected(client)) else {
            return;
        };
        let payload = [&sender[..], room.as_bytes(), &encode(status)].concat();
        // The client itself is gone only when the relay stops.
        let _ = client.publish(STATUS_SUBJECT, payload.into()).await;
    }

    /// Tells the others. A hint that cannot be sent is lost, which costs them a second.
    pub(super) async fn tell(&self, rooms: impl Iterator<Item = RoomId>) {
        let Some((client, sender)) = self.nats.as_ref().filter(|(client, _)| is_connected(client)) else {
            return;
        };
        let rooms: Vec<_> = rooms.collect();
        for some in rooms.chunks(ROOMS_MAX) {
            let mut payload = sender.to_vec();
            payload.extend(some.iter().flat_map(|room| room.as_bytes()));
            // The client itself is gone only when the relay stops.
            let _ = client.publish(SUBJECT, payload.into()).await;
        }
    }
}

async fn hear(mut messages: async_nats::Subscriber, own: [u8; SENDER_BYTES], publisher: mpsc::Sender<Work>) {
    while let Some(message) = messages.next().await {
        let Some((sender, rooms)) = message.payload.split_at_checked(SENDER_BYTES) else { continue };
        if sender == own {
            continue;
        }
        let rooms = rooms.chunks(RoomId::LEN).filter_map(|id| RoomId::try_from(id).ok()).collect();
        if publisher.send(Work::CatchUp(rooms)).await.is_err() {
            return;
        }
    }
}

async fn hear_statuses(
    mut messages: async_nats::Subscriber,
    own: [u8; SENDER_BYTES],
    publisher: mpsc::Sender<Work>,
) {
    while let Some(message) = messages.next().await {
        let Some((sender, rest)) = message.payload.split_at_checked(SENDER_BYTES) else { continue };
        let Some((room, status)) = rest.split_at_checked(RoomId::LEN) else { continue };
        let (Ok(room), Ok(status)) = (RoomId::try_from(room), decode(status)) else { continue };
        if sender != own && publisher.send(Work::Status(room, Box::new(status))).await.is_err() {
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

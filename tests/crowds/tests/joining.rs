//! A crowd that comes in by one link at one moment, with real engines and a real relay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops where it fails, and says what it measured"
)]

use futures_util::{SinkExt as _, StreamExt as _};
use sotto_client_core::{
    Command, Event, Input, MemoryStore, Outcome, RelayAddress, RoomSuite, Session, Step, Ticket,
};
use sotto_protocol::ROOM_SOCKET_PATH;
use sotto_relay::{Config, start};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

const CROWD: usize = 100;
const ALL_WITHIN: Duration = Duration::from_secs(60);

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// A device: its engine, and a socket.
struct Device {
    session: Session<MemoryStore>,
    socket: Option<WebSocketStream<MaybeTlsStream<TcpStream>>>,
    relay: String,
    /// Everything that its engine does takes so many times as long.
    slowness: u32,
    wake_at: Option<Instant>,
    outcomes: Vec<(Ticket, Result<Outcome, String>)>,
    /// How often it was told that others come before.
    waits: usize,
}

impl Device {
    async fn new(relay: &str, slowness: u32) -> Self {
        let address = RelayAddress::parse(relay).unwrap();
        let session = Session::open(MemoryStore::default(), address, now_ms()).await.unwrap();
        let relay = relay.to_owned();
        Self { session, socket: None, relay, slowness, wake_at: None, outcomes: Vec::new(), waits: 0 }
    }

    async fn give(&mut self, input: Input) {
        let began = Instant::now();
        let step = self.session.handle(input, now_ms()).await.unwrap();
        sleep(began.elapsed() * (self.slowness - 1)).await;
        let Step { frames, events, wake_in_ms } = step;
        for event in events {
            match event {
                Event::Done(ticket, result) => {
                    self.outcomes.push((ticket, result.map_err(|error| error.to_string())));
                }
                Event::Waiting { .. } => self.waits += 1,
                _ => {}
            }
        }
        self.wake_at = wake_in_ms.map(|in_ms| Instant::now() + Duration::from_millis(in_ms));
        for frame in frames {
            self.socket.as_mut().unwrap().send(Message::binary(frame)).await.unwrap();
        }
    }

    async fn connect(&mut self) {
        self.give(Input::Connecting).await;
        let url = format!("{}{ROOM_SOCKET_PATH}", self.relay.replace("http://", "ws://"));
        self.socket = Some(connect_async(url).await.unwrap().0);
        self.give(Input::Connected).await;
    }

    /// Goes on until that is done.
    async fn outcome(&mut self, ticket: Ticket) -> Outcome {
        loop {
            if let Some((_, result)) = self.outcomes.iter().find(|(of, _)| *of == ticket) {
                return result.clone().unwrap();
            }
            let wakes_in = self.wake_at.map_or(ALL_WITHIN, |at| at.saturating_duration_since(Instant::now()));
            match timeout(wakes_in, self.socket.as_mut().unwrap().next()).await {
                Ok(Some(Ok(Message::Binary(bytes)))) => self.give(Input::Received(bytes.to_vec())).await,
                Ok(Some(Ok(_))) => {}
                Ok(other) => panic!("the relay has closed: {other:?}"),
                Err(_) => {
                    self.wake_at = None;
                    self.give(Input::Tick).await;
                }
            }
        }
    }

    async fn does(&mut self, command: Command) -> Outcome {
        let ticket = self.session.next_ticket();
        self.give(Input::Command(ticket, command)).await;
        self.outcome(ticket).await
    }
}

/// Everybody in a class opens the same link at the same moment, under the usual limits of a relay. Who is in leaves the line to the
/// others and goes: what the present members do with each join is not measured here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_people_come_in_by_one_link_at_once_the_slowest_slowed_fourfold() {
    let data = tempfile::tempdir().unwrap();
    let relay = start(Config::new("127.0.0.1:0".parse().unwrap(), data.path())).await.unwrap();
    let address = format!("http://{}", relay.addr());
    let mut ada = Device::new(&address, 1).await;
    ada.connect().await;
    let create =
        Command::CreateRoom { name: "Assembly".into(), display_name: "Ada".into(), suite: RoomSuite::Hybrid };
    let Outcome::RoomCreated(room) = ada.does(create).await else { panic!("no room") };
    let Outcome::InviteCreated(invite) = ada.does(Command::CreateInvite { room, max_uses: None }).await
    else {
        panic!("no invite")
    };
    let link = invite.link.unwrap();

    // An engine stays on the thread that made it; each has one of its own, as each has a device of its own.
    let ready = Arc::new(Barrier::new(CROWD));
    let crowd: Vec<_> = (0..CROWD)
        .map(|number| {
            let (address, link, ready) = (address.clone(), link.clone(), Arc::clone(&ready));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut device = Device::new(&address, if number == 0 { 4 } else { 1 }).await;
                    device.connect().await;
                    ready.wait();
                    let began = Instant::now();
                    let join = Command::Join { link, display_name: format!("Person {number}") };
                    assert_eq!(device.does(join).await, Outcome::Joined(room), "{number}");
                    (began.elapsed(), device.waits)
                })
            })
        })
        .collect();
    let joined = tokio::task::spawn_blocking(|| crowd.into_iter().map(|one| one.join().unwrap()).collect());
    let mut in_after: Vec<(Duration, usize)> = joined.await.unwrap();
    let slow = in_after[0];
    in_after.sort_unstable();
    let (last, middle) = (in_after[CROWD - 1].0, in_after[CROWD / 2].0);
    println!(
        "{CROWD} joined: the middle after {middle:?}, the last after {last:?}, the slow one after {slow:?}"
    );
    assert!(last < ALL_WITHIN, "the last after {last:?}");
    relay.shutdown().await;
}

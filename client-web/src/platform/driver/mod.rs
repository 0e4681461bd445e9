//! The loop around the engine: takes in what happens, hands it to the session, and does what the session asks for.
//!
//! Everything that happens (a frame, a timer, a click) becomes one [`Wake`] in one queue, so that the session is never entered twice.

mod connection;
mod rooms;

use super::address;
use super::clock::now_ms;
use super::socket::SocketEvent;
use super::store::{IdbStore, StoreError};
use crate::model::route::Route;
use crate::state::{Phase, Trouble, Ui};
use connection::Connection;
use dioxus::prelude::*;
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender};
use futures_channel::oneshot;
use rooms::Rooms;
use sotto_client_core::{
    ClientError, Command, ConnectionState, Event, Input, Outcome, RelayAddress, Session, SessionError, Ticket,
};
use sotto_protocol::RoomId;
use std::collections::HashMap;
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// Something that happened.
pub enum Wake {
    /// The views want something.
    Ask(Ask),
    /// On the socket of this number.
    Socket(u64, SocketEvent),
    /// The engine wanted to be woken.
    Tick,
    /// It is time to connect again, unless another attempt came first.
    Retry(u64),
    /// The page is looked at again, or the network is back.
    Returned,
}

/// What the views can want.
pub enum Ask {
    /// A command, and where its outcome goes.
    Run(Command, oneshot::Sender<Result<Outcome, ClientError>>),
    /// A command whose outcome nobody waits for: it shows.
    Do(Command),
    /// To say something in a room.
    Send(RoomId, String),
    /// To see a room, or none.
    Show(Option<RoomId>),
    /// Older entries of the open room.
    LoadOlder,
    /// Newer entries of the open room.
    LoadNewer,
    /// The newest entries of the open room.
    LoadNewest,
    /// That the open room counts as read.
    MarkRead,
    /// To connect now.
    Reconnect,
    /// That a bounced message of the open room be forgotten: by its text.
    Discard(String),
}

/// The name of this profile's database.
const DATABASE: &str = "sotto";

type SessionFailure = SessionError<StoreError>;

/// Who waits for a command.
enum Waiting {
    View(oneshot::Sender<Result<Outcome, ClientError>>),
    Sending(RoomId, String),
}

struct Driver {
    ui: Ui,
    session: Session<IdbStore>,
    connection: Connection,
    rooms: Rooms,
    waiting: HashMap<Ticket, Waiting>,
}

/// Opens storage and session, and runs until the page ends or storage fails.
pub async fn run(mut ui: Ui, wakes: UnboundedSender<Wake>, mut happened: UnboundedReceiver<Wake>) {
    let mut driver = match open(ui, wakes).await {
        Ok(driver) => driver,
        Err(trouble) => return ui.phase.set(Phase::Broken(trouble)),
    };
    ui.phase.set(Phase::Ready);
    if let Err(failure) = driver.serve(&mut happened).await {
        ui.phase.set(Phase::Broken(trouble_of(failure)));
    }
}

async fn open(mut ui: Ui, wakes: UnboundedSender<Wake>) -> Result<Driver, Trouble> {
    let relay =
        RelayAddress::parse(&address::origin()).map_err(|e| Trouble::Engine(e.explain().to_string()))?;
    let connection = Connection::new(relay.socket_url(), wakes);
    let store = IdbStore::open(DATABASE).await.map_err(Trouble::Store)?;
    let session = Session::open(store, relay, now_ms()).await.map_err(trouble_of)?;
    let mut driver = Driver { ui, session, connection, rooms: Rooms::default(), waiting: HashMap::new() };
    driver.rooms.read_all(&driver.session, ui).await.map_err(trouble_of)?;
    ui.suggested_name.set(driver.session.suggested_name().unwrap_or_default());
    let room = ui.route.peek().room();
    driver.rooms.show(room, &driver.session, ui).await.map_err(trouble_of)?;
    Ok(driver)
}

fn trouble_of(failure: SessionFailure) -> Trouble {
    match failure {
        SessionError::Store(error) => Trouble::Store(error),
        SessionError::Client(error) => Trouble::Engine(error.explain().to_string()),
    }
}

impl Driver {
    async fn serve(&mut self, happened: &mut UnboundedReceiver<Wake>) -> Result<(), SessionFailure> {
        self.connect().await?;
        while let Ok(wake) = happened.recv().await {
            match wake {
                Wake::Ask(ask) => self.answer(ask).await?,
                Wake::Socket(number, event) if self.connection.is_current(number) => match event {
                    SocketEvent::Opened => {
                        self.connection.opened();
                        self.feed(Input::Connected).await?;
                    }
                    SocketEvent::Received(frame) => self.feed(Input::Received(frame)).await?,
                    SocketEvent::Closed => self.disconnected().await?,
                },
                Wake::Socket(..) => {}
                Wake::Tick => {
                    self.connection.ticked();
                    self.feed(Input::Tick).await?;
                }
                Wake::Retry(number) if self.connection.is_waiting_for(number) => self.connect().await?,
                Wake::Retry(_) => {}
                Wake::Returned => {
                    self.rooms.mark_read_if_seen(self.ui);
                    self.answer(Ask::Reconnect).await?;
                }
            }
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), SessionFailure> {
        self.feed(Input::Connecting).await?;
        if self.connection.open().is_err() {
            self.disconnected().await?;
        }
        Ok(())
    }

    async fn disconnected(&mut self) -> Result<(), SessionFailure> {
        self.connection.closed();
        self.feed(Input::Disconnected).await
    }

    /// Hands one input to the session and does everything that follows from it.
    async fn feed(&mut self, input: Input) -> Result<(), SessionFailure> {
        let step = self.session.handle(input, now_ms()).await?;
        self.connection.send(&step.frames);
        if let Some(delay_ms) = step.wake_in_ms {
            self.connection.tick_in(delay_ms, now_ms());
        }
        for event in step.events {
            self.publish(event).await?;
        }
        Ok(())
    }

    async fn publish(&mut self, event: Event) -> Result<(), SessionFailure> {
        if matches!(event, Event::Done(_, Ok(_)) | Event::Timeline(..) | Event::CaughtUp(_)) {
            self.waited();
        }
        match event {
            Event::Done(ticket, outcome) => self.done(ticket, outcome),
            Event::RoomChanged(room) | Event::CaughtUp(room) => {
                self.rooms.changed(room, &self.session, self.ui)
            }
            Event::RoomsChanged => {
                self.rooms.read_all(&self.session, self.ui).await?;
                // The address may already name a room that was just joined, here or in another tab.
                let room = self.ui.route.peek().room();
                self.rooms.show(room, &self.session, self.ui).await?;
                self.ui.suggested_name.set(self.session.suggested_name().unwrap_or_default());
                spawn_local(persist());
            }
            Event::Timeline(room, items) => self.rooms.arrived(room, items, &self.session, self.ui),
            Event::Connection(state) => {
                if let ConnectionState::Offline { retry_in_ms } = state {
                    self.connection.retry_in(retry_in_ms);
                } else {
                    self.ui.problem.set(None);
                    self.rooms.started_again(self.ui);
                }
                self.ui.connection.set(state);
            }
            Event::Stopped(room, why) => self.rooms.stopped(room, why, self.ui),
            Event::Problem(problem) => self.ui.problem.set(Some(problem)),
            Event::Waiting { code, .. } => self.ui.problem.set(Some(ClientError::Refused(code))),
            Event::ClockSkew(skew_ms) => self.ui.skew_ms.set(Some(skew_ms)),
        }
        Ok(())
    }

    fn done(&mut self, ticket: Ticket, outcome: Result<Outcome, ClientError>) {
        match (self.waiting.remove(&ticket), outcome) {
            (Some(Waiting::View(view)), outcome) => {
                if let Ok(Outcome::Joined(_)) = &outcome {
                    // Also where someone went elsewhere meanwhile: it is of no use any more.
                    address::forget_invite();
                }
                if let Ok(Outcome::RoomCreated(room) | Outcome::Joined(room)) = &outcome {
                    self.enter(*room);
                }
                // A view that is gone needs no answer.
                let _ = view.send(outcome);
            }
            // What is in the outbox already is shown from there.
            (Some(Waiting::Sending(room, text)), Err(why)) if !self.is_shown_as_failed(&room, &text) => {
                self.rooms.bounced(room, text, why, self.ui);
            }
            _ => {}
        }
    }

    /// The relay takes something again: that it asked to wait is no news any more.
    fn waited(&mut self) {
        let is_over =
            matches!(&*self.ui.problem.peek(), Some(ClientError::Refused(code)) if code.is_passing());
        if is_over {
            self.ui.problem.set(None);
        }
    }

    fn is_shown_as_failed(&self, room: &RoomId, text: &str) -> bool {
        self.session.outbox(room).iter().any(|waiting| waiting.has_failed && waiting.text == text)
    }

    /// Goes into a room that was just made or joined, unless someone went elsewhere meanwhile: in place of the form. Back leads to the
    /// rooms, also for who came by an invite link.
    fn enter(&self, room: RoomId) {
        let route = self.ui.route.peek().clone();
        match route {
            Route::NewRoom | Route::OpenLink => self.ui.replace(Route::Room(room)),
            Route::Invited => {
                address::replace(&Route::Home);
                self.ui.go(Route::Room(room));
            }
            _ => {}
        }
    }

    async fn answer(&mut self, ask: Ask) -> Result<(), SessionFailure> {
        match ask {
            Ask::Run(command, view) => self.command(command, Waiting::View(view)).await?,
            Ask::Do(command) => {
                let ticket = self.session.next_ticket();
                self.feed(Input::Command(ticket, command)).await?;
            }
            Ask::Send(room, text) => {
                let waiting = Waiting::Sending(room, text.clone());
                self.command(Command::Send { room, text }, waiting).await?;
            }
            Ask::Show(room) => self.rooms.show(room, &self.session, self.ui).await?,
            Ask::LoadOlder => self.rooms.load_older(&self.session, self.ui).await?,
            Ask::LoadNewer => self.rooms.load_newer(&self.session, self.ui).await?,
            Ask::LoadNewest => self.rooms.load_newest(&self.session, self.ui).await?,
            Ask::MarkRead => self.rooms.mark_read_if_seen(self.ui),
            Ask::Reconnect if self.connection.is_offline() => self.connect().await?,
            Ask::Reconnect => {}
            Ask::Discard(text) => self.rooms.discard(&text, self.ui),
        }
        Ok(())
    }

    async fn command(&mut self, command: Command, waiting: Waiting) -> Result<(), SessionFailure> {
        let ticket = self.session.next_ticket();
        self.waiting.insert(ticket, waiting);
        self.feed(Input::Command(ticket, command)).await
    }
}

/// Asks the browser to keep what is stored even when space is short: there is no other copy of it.
async fn persist() {
    if let Some(promise) = web_sys::window().and_then(|window| window.navigator().storage().persist().ok()) {
        // A browser that refuses may still keep it.
        let _ = JsFuture::from(promise).await;
    }
}

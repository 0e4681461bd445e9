//! What the views read and the platform's loop publishes.

use crate::model::grouping::Me;
use crate::model::route::Route;
use crate::model::window::Window;
use crate::platform::address;
use crate::platform::dom;
use crate::platform::driver::{Ask, Wake};
use crate::platform::store::StoreError;
use dioxus::prelude::*;
use futures_channel::mpsc::UnboundedSender;
use futures_channel::oneshot;
use sotto_client_core::{
    ClientError, Command, ConnectionState, InviteView, MemberView, OutboxView, Outcome, RoomView,
};
use sotto_protocol::RoomId;
use std::collections::HashMap;

/// How far the application has come.
#[derive(Clone, PartialEq, Eq)]
pub enum Phase {
    /// Storage is being opened.
    Opening,
    /// Everything can be used.
    Ready,
    /// Nothing can be used, and why.
    Broken(Trouble),
}

/// Why nothing can be used.
#[derive(Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Storage.
    Store(StoreError),
    /// The engine: cause and remedy.
    Engine(String),
}

/// A room in the list.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomSummary {
    /// What the engine says about it.
    pub view: RoomView,
    /// What was said last, if anything was.
    pub preview: Option<Preview>,
    /// How many messages of others were not read.
    pub unread: usize,
}

/// What was said last in a room.
#[derive(Clone, PartialEq, Eq)]
pub struct Preview {
    /// By whom; `None` if it was me.
    pub who: Option<String>,
    /// What; `None` if it was sent with a newer version.
    pub text: Option<String>,
    /// When, as far as that can be: never later than it came here.
    pub at_ms: u64,
}

/// The room that is open.
#[derive(Clone, PartialEq)]
pub struct OpenRoom {
    /// Which.
    pub room: RoomId,
    /// The stretch of its timeline that is drawn.
    pub window: Window,
    /// The last entry that had been read when it was opened.
    pub unread_after: Option<u64>,
    /// What waits to be sent.
    pub outbox: Vec<OutboxView>,
    /// What could not be sent.
    pub bounced: Vec<Bounced>,
    /// Why nothing more of it can be read or sent for now, if so.
    pub stopped: Option<ClientError>,
    /// Who is in it.
    pub members: Vec<MemberView>,
    /// My invite links to it.
    pub invites: Vec<InviteView>,
    /// Who I am in it.
    pub me: Me,
}

/// A message that the engine or the relay refused. It is kept until its writer decides.
#[derive(Clone, PartialEq, Eq)]
pub struct Bounced {
    /// The text.
    pub text: String,
    /// Why.
    pub why: ClientError,
}

/// What lies over everything else.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// The room switcher.
    Switcher,
    /// The list of shortcuts.
    Shortcuts,
}

/// Where in a room's timeline someone is, unless at its end.
#[derive(Clone, PartialEq)]
pub struct ScrollPlace {
    /// The first element in view.
    pub id: String,
    /// How many pixels below the top of the timeline it begins.
    pub top: f64,
}

/// Everything that is shown, and the way to ask for more. A handle: copying it copies nothing.
#[derive(Clone, Copy, PartialEq)]
pub struct Ui {
    /// How far the application has come.
    pub phase: Signal<Phase>,
    /// Where we are.
    pub route: Signal<Route>,
    /// The connection to the relay.
    pub connection: Signal<ConnectionState>,
    /// All rooms.
    pub rooms: Signal<Vec<RoomSummary>>,
    /// The open room.
    pub open: Signal<Option<OpenRoom>>,
    /// Something that is wrong and belongs to nothing that was asked for.
    pub problem: Signal<Option<ClientError>>,
    /// By how much this device's clock is ahead of the relay's.
    pub skew_ms: Signal<Option<i64>>,
    /// The name used last.
    pub suggested_name: Signal<String>,
    /// Whether the window is too narrow for more than one pane.
    pub is_narrow: Signal<bool>,
    /// What lies over everything else.
    pub overlay: Signal<Overlay>,
    /// Whether the end of the open room's timeline is in view.
    pub is_at_newest: Signal<bool>,
    /// What was typed and not sent, by room.
    pub drafts: Signal<HashMap<RoomId, String>>,
    /// Where each room was left; those left at their end are not in it.
    pub places: Signal<HashMap<RoomId, ScrollPlace>>,
    wakes: CopyValue<UnboundedSender<Wake>>,
}

impl Ui {
    /// An empty state. Within a component only.
    pub fn new(wakes: UnboundedSender<Wake>) -> Self {
        Self {
            phase: Signal::new(Phase::Opening),
            route: Signal::new(address::current()),
            connection: Signal::new(ConnectionState::Connecting),
            rooms: Signal::new(Vec::new()),
            open: Signal::new(None),
            problem: Signal::new(None),
            skew_ms: Signal::new(None),
            suggested_name: Signal::new(String::new()),
            is_narrow: Signal::new(dom::is_narrow()),
            overlay: Signal::new(Overlay::None),
            is_at_newest: Signal::new(true),
            drafts: Signal::new(HashMap::new()),
            places: Signal::new(HashMap::new()),
            wakes: CopyValue::new(wakes),
        }
    }

    /// Goes somewhere; back leads here.
    pub fn go(mut self, route: Route) {
        if *self.route.peek() != route {
            address::push(&route);
            self.arrive(route);
        }
    }

    /// Goes somewhere in place of here.
    pub fn replace(mut self, route: Route) {
        address::replace(&route);
        self.arrive(route);
    }

    /// Takes note of where the browser is now.
    pub fn arrive(&mut self, route: Route) {
        self.ask(Ask::Show(route.room()));
        self.overlay.set(Overlay::None);
        self.route.set(route);
    }

    /// Tells the loop something.
    pub fn ask(&self, ask: Ask) {
        // The loop ends only with the page.
        let _ = self.wakes.peek().unbounded_send(Wake::Ask(ask));
    }

    /// Gives the engine a command and waits for its end.
    pub async fn run(self, command: Command) -> Result<Outcome, ClientError> {
        let (done, outcome) = oneshot::channel();
        self.ask(Ask::Run(command, done));
        outcome.await.unwrap_or(Err(ClientError::Bug("the engine has stopped")))
    }

    /// A room of the list.
    pub fn summary(&self, room: &RoomId) -> Option<RoomSummary> {
        self.rooms.read().iter().find(|summary| summary.view.id == *room).cloned()
    }
}

/// The state, from within any component.
pub fn use_ui() -> Ui {
    use_context::<Ui>()
}

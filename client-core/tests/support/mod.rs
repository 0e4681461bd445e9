//! A world for the engine: a relay in memory, people with stores, and a network that can be told to fail.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]

pub mod lies;
pub mod member;
pub mod relay;

use pollster::block_on;
use relay::{ConnectionId, ModelRelay};
use sotto_client_core::{
    Alarm, Command, ConnectionState, Event, Input, MemoryStore, OutboxView, Outcome, RelayAddress, RoomId,
    RoomSuite, RoomView, Session, Ticket, TimelineBody, TimelineItem,
};
use std::{cell::RefCell, collections::VecDeque, rc::Rc};

pub const NOW_MS: u64 = 1_790_000_000_000;

/// What the network does to the next frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The next frame to the relay is lost, and the connection with it.
    LoseRequest,
    /// The next frame is done by the relay, but its answer is lost, and the connection with it.
    LoseReply,
}

/// A device: a session, and its connection.
pub struct Device {
    pub session: Session<MemoryStore>,
    pub store: MemoryStore,
    pub events: Vec<Event>,
    pub fault: Option<Fault>,
    pub clock_offset_ms: i64,
    name: String,
    relay: Rc<RefCell<ModelRelay>>,
    connection: Option<ConnectionId>,
    now_ms: u64,
    wake_at_ms: Option<u64>,
}

/// The relay that everybody shares.
pub type World = Rc<RefCell<ModelRelay>>;

pub fn world() -> World {
    Rc::new(RefCell::new(ModelRelay::default()))
}

pub fn address() -> RelayAddress {
    RelayAddress::parse("http://relay.example").unwrap()
}

impl Device {
    pub fn new(relay: &Rc<RefCell<ModelRelay>>, name: &str) -> Self {
        Self::over(relay, name, MemoryStore::default())
    }

    /// Another process of the same profile.
    pub fn another_process(&self) -> Self {
        Self::over(&self.relay, &self.name, self.store.clone())
    }

    fn over(relay: &Rc<RefCell<ModelRelay>>, name: &str, store: MemoryStore) -> Self {
        let session = block_on(Session::open(store.clone(), address(), NOW_MS)).unwrap();
        Self {
            session,
            store,
            events: Vec::new(),
            fault: None,
            clock_offset_ms: 0,
            name: name.into(),
            relay: Rc::clone(relay),
            connection: None,
            now_ms: NOW_MS,
            wake_at_ms: None,
        }
    }

    /// As after a crash: only what is stored is left.
    pub fn restart(self) -> Self {
        self.disconnect_quietly();
        Self::over(&self.relay, &self.name, self.store)
    }

    fn disconnect_quietly(&self) {
        if let Some(connection) = self.connection {
            self.relay.borrow_mut().disconnect(connection);
        }
    }

    pub fn connect(&mut self) {
        self.give(Input::Connecting);
        self.connection = Some(self.relay.borrow_mut().connect());
        self.give(Input::Connected);
    }

    pub fn disconnect(&mut self) {
        self.disconnect_quietly();
        self.connection = None;
        self.give(Input::Disconnected);
    }

    /// Offline, and staying so until `connect`.
    pub fn disconnect_for_good(&mut self) {
        self.disconnect();
        self.events.retain(|event| !matches!(event, Event::Connection(_)));
    }

    /// The connection, for what the relay sends on it unasked.
    pub fn connection(&self) -> ConnectionId {
        self.connection.expect("is connected")
    }

    /// The next frame of the relay, to be given later.
    pub fn hold_frame(&mut self) -> Vec<u8> {
        self.relay.borrow_mut().next_frame(self.connection()).expect("the relay has sent something")
    }

    /// Takes in what the relay has sent, without letting time pass.
    pub fn take_frames(&mut self) {
        while self.take_one() {}
    }

    pub fn give(&mut self, input: Input) {
        let now_ms = self.now_ms.checked_add_signed(self.clock_offset_ms).unwrap();
        let step = block_on(self.session.handle(input, now_ms)).unwrap();
        self.events.extend(step.events);
        self.wake_at_ms = step.wake_in_ms.map(|in_ms| self.now_ms + in_ms);
        for frame in step.frames {
            let Some(connection) = self.connection else { break };
            match self.fault.take() {
                Some(Fault::LoseRequest) => self.disconnect(),
                Some(Fault::LoseReply) => {
                    self.relay.borrow_mut().receive(connection, &frame);
                    self.disconnect();
                }
                None => self.relay.borrow_mut().receive(connection, &frame),
            }
        }
    }

    /// Takes one frame in; false where there is none.
    pub fn take_one(&mut self) -> bool {
        let frame = self.connection.and_then(|connection| self.relay.borrow_mut().next_frame(connection));
        let is_some = frame.is_some();
        if let Some(frame) = frame {
            self.give(Input::Received(frame));
        }
        is_some
    }

    pub fn wake(&mut self) -> bool {
        let Some(at_ms) = self.wake_at_ms.take() else { return false };
        self.now_ms = self.now_ms.max(at_ms);
        self.give(Input::Tick);
        true
    }

    pub fn command(&mut self, command: Command) -> Ticket {
        let ticket = self.session.next_ticket();
        self.give(Input::Command(ticket, command));
        ticket
    }

    pub fn outcome(&self, ticket: Ticket) -> Option<Result<Outcome, sotto_client_core::ClientError>> {
        self.events.iter().find_map(|event| match event {
            Event::Done(done, result) if *done == ticket => Some(result.clone()),
            _ => None,
        })
    }

    pub fn expect(&self, ticket: Ticket) -> Outcome {
        self.outcome(ticket).expect("the command ended").expect("the command ended well")
    }

    pub fn creates(&mut self, name: &str) -> Ticket {
        let (name, display_name) = (name.to_owned(), self.name.clone());
        self.command(Command::CreateRoom { name, display_name, suite: RoomSuite::Hybrid })
    }

    pub fn invites(&mut self, room: RoomId, max_uses: Option<u32>) -> Ticket {
        self.command(Command::CreateInvite { room, max_uses })
    }

    pub fn link(&self, ticket: Ticket) -> String {
        match self.expect(ticket) {
            Outcome::InviteCreated(invite) => invite.link.expect("my own has a link"),
            other => panic!("not an invite: {other:?}"),
        }
    }

    pub fn joins(&mut self, link: &str) -> Ticket {
        self.command(Command::Join { link: link.into(), display_name: self.name.clone() })
    }

    pub fn says(&mut self, room: RoomId, text: &str) -> Ticket {
        self.command(Command::Send { room, text: text.into() })
    }

    pub fn timeline(&self, room: RoomId) -> Vec<TimelineItem> {
        block_on(self.session.timeline(&room, None, 10_000)).unwrap()
    }

    /// What was said, as stored.
    pub fn texts(&self, room: RoomId) -> Vec<String> {
        texts(&self.timeline(room))
    }

    /// What was said, as told by events.
    pub fn told(&self, room: RoomId) -> Vec<String> {
        let items = self.events.iter().filter_map(|event| match event {
            Event::Timeline(id, items) if *id == room => Some(items),
            _ => None,
        });
        items.flat_map(|items| texts(items)).collect()
    }

    pub fn outbox(&self, room: RoomId) -> Vec<OutboxView> {
        self.session.outbox(&room)
    }

    pub fn view(&self, room: RoomId) -> RoomView {
        self.session.rooms().into_iter().find(|view| view.id == room).expect("the room is listed")
    }

    /// The gravest alarm that is neither settled nor put aside.
    pub fn alarm(&self, room: RoomId) -> Option<Alarm> {
        self.view(room).alarms.iter().find(|view| !view.is_settled).map(|view| view.alarm)
    }

    /// Every alarm that a person has not put aside.
    pub fn alarms(&self, room: RoomId) -> Vec<Alarm> {
        self.view(room).alarms.iter().map(|view| view.alarm).collect()
    }

    pub fn member_names(&self, room: RoomId) -> Vec<String> {
        self.session.members(&room).into_iter().map(|member| member.display_name).collect()
    }

    pub fn is_online(&self) -> bool {
        let last = self.events.iter().rev().find_map(|event| match event {
            Event::Connection(state) => Some(*state),
            _ => None,
        });
        last == Some(ConnectionState::Online)
    }
}

fn texts(items: &[TimelineItem]) -> Vec<String> {
    let text = |item: &TimelineItem| match &item.body {
        TimelineBody::Text(text) => Some(text.clone()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// Delivers frames in turns, reconnects whoever lost the connection, and lets time pass, until nothing is left to do.
pub fn settle(devices: &mut [&mut Device]) {
    let mut reconnects: VecDeque<usize> = VecDeque::new();
    for _ in 0..100_000 {
        let mut is_quiet = true;
        for (index, device) in devices.iter_mut().enumerate() {
            is_quiet &= !device.take_one();
            if device.connection.is_none()
                && device.events.iter().any(|event| matches!(event, Event::Connection(_)))
            {
                reconnects.push_back(index);
            }
        }
        if let Some(index) = reconnects.pop_front() {
            if devices[index].connection.is_none() {
                devices[index].connect();
            }
            is_quiet = false;
        }
        if is_quiet && !devices.iter_mut().any(|device| device.wake()) {
            return;
        }
    }
    panic!("the world does not come to rest");
}

/// A room with these people in it: the first one made it.
pub fn room_of(devices: &mut [&mut Device]) -> (RoomId, String) {
    for device in devices.iter_mut() {
        device.connect();
    }
    let ticket = devices[0].creates("Garden");
    settle(devices);
    let Outcome::RoomCreated(room) = devices[0].expect(ticket) else { panic!("not a room") };
    let ticket = devices[0].invites(room, None);
    settle(devices);
    let link = devices[0].link(ticket);
    for index in 1..devices.len() {
        let ticket = devices[index].joins(&link);
        settle(devices);
        assert_eq!(devices[index].expect(ticket), Outcome::Joined(room));
    }
    (room, link)
}

//! The engine with a socket: connects, sends and receives, wakes up, and hands events on.

use crate::{
    args::Place,
    connect::{Refusal, Socket, connect},
    failure::Failure,
    profile,
    store::SqliteStore,
};
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_client_core::{
    ClientError, Command, ConnectionState, Event, Input, Outcome, RelayAddress, Session, Step, Ticket,
};
use std::{
    collections::VecDeque,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

/// The relay pings every 30 s: after this long without a sign of it the connection is given up.
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// How often it is looked whether another process of the profile has written something.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// A session of one profile with one relay.
pub struct Client {
    /// The engine.
    pub session: Session<SqliteStore>,
    store: SqliteStore,
    place: Place,
    relay: RelayAddress,
    socket: Option<Socket>,
    events: VecDeque<Event>,
    connect_at: Option<Instant>,
    wake_at: Option<Instant>,
    heard_at: Instant,
    /// When to look for what other processes wrote, if at all.
    watch_at: Option<Instant>,
    failures: u32,
    refusal: Refusal,
}

impl Client {
    /// Opens the profile. Connects as soon as it is asked for an event.
    pub async fn open(place: &Place, relay: Option<RelayAddress>) -> Result<Self, Failure> {
        let (relay, store) = profile::open(place, relay).await?;
        let session = Session::open(store.clone(), relay.clone(), now_ms()).await?;
        Ok(Self {
            session,
            store,
            place: place.clone(),
            relay,
            socket: None,
            events: VecDeque::new(),
            connect_at: Some(Instant::now()),
            wake_at: None,
            heard_at: Instant::now(),
            watch_at: None,
            failures: 0,
            refusal: Refusal::Silent,
        })
    }

    /// From now on what other processes of the profile write is noticed within a second, without a word from the relay.
    pub fn watch(&mut self) {
        self.watch_at = Some(Instant::now());
    }

    /// This relay is good: from now on the profile uses it by itself.
    pub fn remember_relay(&self) -> Result<(), Failure> {
        profile::remember(&self.place, &self.relay)
    }

    /// How many attempts to connect have failed one after the other.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Gives a command to the engine.
    pub async fn command(&mut self, command: Command) -> Result<Ticket, Failure> {
        let ticket = self.session.next_ticket();
        self.input(Input::Command(ticket, command)).await?;
        Ok(ticket)
    }

    /// The next event; connects and reconnects on the way.
    pub async fn next_event(&mut self) -> Result<Event, Failure> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            self.turn().await?;
        }
    }

    /// Waits until the relay has greeted. Gives up when it cannot be reached at first try.
    pub async fn connect_first(&mut self) -> Result<(), Failure> {
        loop {
            match self.next_event().await? {
                Event::Connection(ConnectionState::Online) => return Ok(()),
                Event::Connection(ConnectionState::Offline { .. }) if self.failures > 0 => {
                    return Err(self.unreachable());
                }
                Event::Problem(error @ ClientError::UnknownProtocolVersion(_)) => return Err(error.into()),
                event => self.note(&event),
            }
        }
    }

    /// Waits for the end of a command that was given while the relay was connected. Gives up when the connection is lost twice:
    /// whether the command is done then only shows later.
    pub async fn finish(&mut self, ticket: Ticket) -> Result<Outcome, Failure> {
        let mut losses = 0;
        loop {
            match self.next_event().await? {
                Event::Done(done, result) if done == ticket => return Ok(result?),
                Event::Connection(ConnectionState::Offline { .. }) if losses > 0 => {
                    let remedy = "It may have been done, or be done by the next command that reaches the relay. Look before you do it \
                                  again: `sotto rooms`, `sotto invite ROOM --list`.";
                    return Err(Failure::kept(format!("not confirmed: {}", self.why_offline()), remedy));
                }
                Event::Connection(ConnectionState::Offline { .. }) => losses += 1,
                event => self.note(&event),
            }
        }
    }

    /// Why there is no connection.
    pub fn why_offline(&self) -> String {
        if self.socket.is_some() {
            return format!("the relay at {} has not answered yet", self.relay.origin());
        }
        self.refusal.message(&self.relay)
    }

    /// Says that there is no connection, and what to do.
    pub fn unreachable(&self) -> Failure {
        Failure::new(self.why_offline(), self.refusal.remedy())
    }

    /// Says on standard error what belongs to no command.
    #[allow(clippy::unused_self, reason = "reads as the client's own voice")]
    pub fn note(&self, event: &Event) {
        match event {
            Event::ClockSkew(skew_ms) => crate::output::warn(&format!(
                "this device's clock is {} {} the relay's: times will look wrong to others. Set the clock.",
                crate::output::duration(skew_ms.unsigned_abs()),
                if *skew_ms > 0 { "ahead of" } else { "behind" },
            )),
            Event::Problem(error) => crate::output::warn(&error.explain().to_string()),
            Event::Waiting { code, retry_in_ms, .. } => crate::output::note(&format!(
                "{}. Trying again in {} s.",
                code.describe(),
                retry_in_ms.div_ceil(1000)
            )),
            _ => {}
        }
    }

    async fn input(&mut self, input: Input) -> Result<(), Failure> {
        let Step { frames, events, wake_in_ms } = self.session.handle(input, now_ms()).await?;
        self.wake_at = wake_in_ms.map(|in_ms| Instant::now() + Duration::from_millis(in_ms));
        for event in events {
            if let Event::Connection(ConnectionState::Offline { retry_in_ms }) = event {
                self.connect_at = Some(Instant::now() + Duration::from_millis(retry_in_ms));
            }
            self.events.push_back(event);
        }
        let Some(socket) = &mut self.socket else { return Ok(()) };
        let mut is_broken = false;
        for frame in frames {
            is_broken |= socket.feed(Message::Binary(frame.into())).await.is_err();
        }
        // A broken socket shows itself when it is read.
        let _ = is_broken || socket.flush().await.is_err();
        Ok(())
    }

    async fn turn(&mut self) -> Result<(), Failure> {
        let (wake_at, watch_at) = (self.wake_at, self.watch_at);
        let wake = async { sleep_until(wake_at.unwrap_or_else(Instant::now)).await };
        let watch = async { sleep_until(watch_at.unwrap_or_else(Instant::now)).await };
        let Some(socket) = &mut self.socket else {
            let connect_at = self.connect_at.unwrap_or_else(Instant::now);
            tokio::select! {
                () = sleep_until(connect_at) => return self.connect().await,
                () = watch, if watch_at.is_some() => return self.look_around().await,
                () = wake, if wake_at.is_some() => {}
            }
            self.wake_at = None;
            return self.input(Input::Tick).await;
        };
        let silent_at = self.heard_at + SILENCE_MAX;
        tokio::select! {
            message = socket.next() => {
                self.heard_at = Instant::now();
                match message {
                    Some(Ok(Message::Binary(frame))) => self.input(Input::Received(frame.to_vec())).await,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => self.disconnected().await,
                    Some(Ok(_)) => Ok(()),
                }
            }
            () = sleep_until(silent_at) => self.disconnected().await,
            () = watch, if watch_at.is_some() => self.look_around().await,
            () = wake, if wake_at.is_some() => {
                self.wake_at = None;
                self.input(Input::Tick).await
            }
        }
    }

    /// What another process of the profile wrote is taken in.
    async fn look_around(&mut self) -> Result<(), Failure> {
        self.watch_at = Some(Instant::now() + WATCH_EVERY);
        if self.store.was_written_elsewhere().await? { self.input(Input::Tick).await } else { Ok(()) }
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        self.connect_at = None;
        self.input(Input::Connecting).await?;
        match connect(&self.relay).await {
            Ok(socket) => {
                self.socket = Some(socket);
                self.heard_at = Instant::now();
                self.failures = 0;
                self.input(Input::Connected).await
            }
            Err(refusal) => {
                let earliest = Instant::now() + refusal.wait();
                self.refusal = refusal;
                self.disconnected().await?;
                self.connect_at = self.connect_at.map(|at| at.max(earliest));
                Ok(())
            }
        }
    }

    async fn disconnected(&mut self) -> Result<(), Failure> {
        self.socket = None;
        self.failures += 1;
        self.input(Input::Disconnected).await
    }

    /// Closes the socket in good order, so that the relay has everything that was sent.
    pub async fn close(mut self) {
        if let Some(mut socket) = self.socket.take() {
            let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
        }
    }
}

/// The time, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

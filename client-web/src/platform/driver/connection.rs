//! The one connection to the relay: its socket, and the timers around it.

use super::Wake;
use crate::platform::clock;
use crate::platform::socket::Socket;
use futures_channel::mpsc::UnboundedSender;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

/// A connection that comes and goes.
pub struct Connection {
    url: String,
    wakes: UnboundedSender<Wake>,
    /// Rises with every attempt: events of earlier ones are recognised by it.
    attempt: u64,
    socket: Option<Socket>,
    is_open: bool,
    is_waiting: bool,
    next_tick_at_ms: Option<u64>,
}

impl Connection {
    /// Not connected yet.
    pub const fn new(url: String, wakes: UnboundedSender<Wake>) -> Self {
        Self {
            url,
            wakes,
            attempt: 0,
            socket: None,
            is_open: false,
            is_waiting: false,
            next_tick_at_ms: None,
        }
    }

    /// Begins to connect.
    ///
    /// # Errors
    /// The browser's, where the address is not allowed.
    pub fn open(&mut self) -> Result<(), JsValue> {
        self.closed();
        self.is_waiting = false;
        self.attempt += 1;
        let (number, wakes) = (self.attempt, self.wakes.clone());
        self.socket = Some(Socket::connect(&self.url, move |event| {
            let _ = wakes.unbounded_send(Wake::Socket(number, event));
        })?);
        Ok(())
    }

    /// Takes note that the socket is open.
    pub const fn opened(&mut self) {
        self.is_open = true;
    }

    /// Lets the socket go.
    pub fn closed(&mut self) {
        self.socket = None;
        self.is_open = false;
    }

    /// Whether an event belongs to the socket that is there now.
    pub const fn is_current(&self, number: u64) -> bool {
        self.socket.is_some() && number == self.attempt
    }

    /// Whether there is neither a socket nor an attempt at one.
    pub const fn is_offline(&self) -> bool {
        self.socket.is_none()
    }

    /// Sends frames in order. Without an open socket there are none to send.
    pub fn send(&self, frames: &[Vec<u8>]) {
        if let (Some(socket), true) = (&self.socket, self.is_open) {
            for frame in frames {
                socket.send(frame);
            }
        }
    }

    /// Tries again later.
    pub fn retry_in(&mut self, delay_ms: u64) {
        self.is_waiting = true;
        let (number, wakes) = (self.attempt, self.wakes.clone());
        spawn_local(async move {
            clock::sleep(delay_ms).await;
            let _ = wakes.unbounded_send(Wake::Retry(number));
        });
    }

    /// Whether a retry is the one that is waited for.
    pub const fn is_waiting_for(&self, number: u64) -> bool {
        self.is_waiting && number == self.attempt
    }

    /// Wakes the engine later, unless it will be woken sooner anyway.
    pub fn tick_in(&mut self, delay_ms: u64, now_ms: u64) {
        let at_ms = now_ms.saturating_add(delay_ms);
        if self.next_tick_at_ms.is_some_and(|next| next <= at_ms) {
            return;
        }
        self.next_tick_at_ms = Some(at_ms);
        let wakes = self.wakes.clone();
        spawn_local(async move {
            clock::sleep(delay_ms).await;
            let _ = wakes.unbounded_send(Wake::Tick);
        });
    }

    /// Takes note that the engine was woken.
    pub const fn ticked(&mut self) {
        self.next_tick_at_ms = None;
    }
}

//! One WebSocket to the relay: bytes in, bytes out.

use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, MessageEvent, WebSocket};

/// What happens on a socket.
pub enum SocketEvent {
    /// It is open.
    Opened,
    /// A frame came.
    Received(Vec<u8>),
    /// It is closed, or never opened. The last event of a socket.
    Closed,
}

/// An open or opening socket. Dropping it closes it, silently.
pub struct Socket {
    inner: WebSocket,
    on_open: Closure<dyn FnMut()>,
    on_message: Closure<dyn FnMut(MessageEvent)>,
    on_close: Closure<dyn FnMut()>,
}

impl Socket {
    /// Begins to connect. `happened` hears of everything, never from within this call.
    ///
    /// # Errors
    /// The browser's, where the address is not allowed.
    pub fn connect(url: &str, happened: impl Fn(SocketEvent) + 'static) -> Result<Self, JsValue> {
        let inner = WebSocket::new(url)?;
        inner.set_binary_type(BinaryType::Arraybuffer);
        let happened = Rc::new(happened);

        let on_open = {
            let happened = Rc::clone(&happened);
            Closure::<dyn FnMut()>::new(move || happened(SocketEvent::Opened))
        };
        let on_message = {
            let happened = Rc::clone(&happened);
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                // The relay sends binary frames only; anything else is not for us.
                if let Ok(frame) = event.data().dyn_into::<ArrayBuffer>() {
                    happened(SocketEvent::Received(Uint8Array::new(&frame).to_vec()));
                }
            })
        };
        let is_closed = Cell::new(false);
        let on_close = Closure::<dyn FnMut()>::new(move || {
            if !is_closed.replace(true) {
                happened(SocketEvent::Closed);
            }
        });
        inner.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        inner.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // A failure to connect is always followed by a close.
        inner.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { inner, on_open, on_message, on_close })
    }

    /// Sends one binary frame. Bytes for a socket that is closing are dropped: its `Closed` comes next.
    pub fn send(&self, frame: &[u8]) {
        let _ = self.inner.send_with_u8_array(frame);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.inner.set_onopen(None);
        self.inner.set_onmessage(None);
        self.inner.set_onclose(None);
        let _ = self.inner.close();
        // Named so that they live as long as the socket does.
        let _ = (&self.on_open, &self.on_message, &self.on_close);
    }
}

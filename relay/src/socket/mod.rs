//! One WebSocket connection (RFC 6455), from upgrade to close.
//!
//! The server side of the protocol is written out here, over a bare TCP stream, because it is what makes connections cheap:
//! an idle one keeps no buffers at all, a live entry is framed once for everybody, and what queued up goes out in one
//! vectored write. TLS, where wanted, ends at a reverse proxy.

mod connection;
mod dispatch;
mod frame;
mod message;
mod registry;
mod upgrade;

pub(crate) use registry::Connections;
pub(crate) use upgrade::{SocketState, routes};

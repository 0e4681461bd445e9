//! One WebSocket connection (RFC 6455), from upgrade to close.
//!
//! The server side of the protocol is written out here, over a bare stream of bytes, because it is what makes connections cheap:
//! an idle one keeps no buffers at all, a live entry is framed once for everybody, and what queued up goes out in one
//! vectored write. Whether TLS lies under it makes no difference here. How bytes become messages is the crate `sotto-framing`.

mod connection;
mod dispatch;
mod registry;
mod upgrade;
mod watch;

pub(crate) use registry::Connections;
pub(crate) use upgrade::{SocketState, routes};

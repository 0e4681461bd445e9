//! The receiving half of WebSocket (RFC 6455, section 5), without a socket: bytes of a client in, messages out.
//!
//! It is a crate of its own so that it can be fuzzed without the relay (`tests/fuzz-targets`).

mod close;
mod frame;
mod message;

pub use message::{Event, Messages};

/// The peer breaks the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// Of RFC 6455.
    Protocol,
    /// What has to be UTF-8 is not.
    Text,
    /// Far past every limit.
    TooBig,
}

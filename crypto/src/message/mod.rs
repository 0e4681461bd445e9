//! Messages: what is said in a room, sealed for its epoch and signed by the device that says it.

pub mod content;
mod envelope;

pub use content::Content;
pub use envelope::{Draft, MessageId, OpenedMessage, open, seal};

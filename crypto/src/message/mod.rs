//! Messages: what is said in a room, sealed for its epoch and signed by the device that says it; who may change what was
//! said; and what people see of it all.

pub mod content;
pub mod conversation;
pub(crate) mod envelope;
pub mod rights;

pub use content::Content;
pub use envelope::{Draft, MessageId, OpenedMessage, open, seal};

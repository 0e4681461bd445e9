//! The engine that both clients run: sync, outbox, timeline, join.
//!
//! Sans-I/O: no socket, no disk, no clock. A platform gives it storage ([`Store`]), bytes from the relay and the time,
//! and takes from it bytes for the relay and events for the user interface.

mod address;
mod api;
mod backoff;
mod engine;
mod error;
pub mod links;
mod memory;
pub mod names;
mod profile;
mod room;
mod session;
mod store;
pub mod store_conformance;
mod timeline;

pub use address::{RelayAddress, parse_link};
pub use api::{
    Alarm, AlarmView, Command, ConnectionState, Event, InviteView, MemberView, OutboxView, Outcome, RoomEnd,
    RoomSuite, RoomView, Ticket,
};
pub use engine::{Input, Step};
pub use error::{ClientError, Disposition};
pub use memory::MemoryStore;
pub use session::{Session, SessionError};
pub use sotto_protocol::RoomId;
pub use store::{Change, Scan, Store, Table, Transaction, Value};
pub use timeline::{TimelineBody, TimelineItem};

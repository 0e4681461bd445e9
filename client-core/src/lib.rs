//! The engine that both clients run: sync, outbox, timeline, join.
//!
//! Sans-I/O: no socket, no disk, no clock. A platform gives it storage ([`Store`]), bytes from the relay and the time,
//! and takes from it bytes for the relay and events for the user interface.

mod api;
mod error;
mod store;
mod timeline;

pub use api::{
    Alarm, Command, ConnectionState, Event, InviteView, MemberView, OutboxView, Outcome, RoomSuite, RoomView,
    Ticket,
};
pub use error::{ClientError, Disposition};
pub use store::{Change, Scan, Store, Table, Transaction, Value};
pub use timeline::{TimelineBody, TimelineItem};

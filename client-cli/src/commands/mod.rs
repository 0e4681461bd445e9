//! A file a command.

pub mod alarms;
pub mod history;
pub mod invite;
pub mod join;
pub mod listen;
pub mod members;
pub mod outbox;
pub mod rooms;
pub mod send;

use crate::{client::Client, failure::Failure, output};
use sotto_client_core::{ClientError, ConnectionState, Event, RoomId};

/// Reads everything that the relay has of a room. Where it cannot be reached, says so and goes on with what is here.
async fn catch_up(client: &mut Client, room: RoomId) -> Result<(), Failure> {
    // Nothing comes of a room that this device is not in any more.
    if client.session.rooms().iter().any(|view| view.id == room && view.end.is_some()) {
        return Ok(());
    }
    loop {
        let event = match client.next_event().await {
            Err(failure) if failure.is_unwritable() => {
                output::warn("nothing can be written to the profile: this is what was read before.");
                return Ok(());
            }
            event => event?,
        };
        match event {
            Event::CaughtUp(caught_up) if caught_up == room => return Ok(()),
            Event::Connection(ConnectionState::Offline { .. }) if client.failures() > 0 => {
                output::warn(&format!("{}: this is what was read before.", client.why_offline()));
                return Ok(());
            }
            // The alarm, or the end, is shown with what was read before it.
            Event::Stopped(stopped, ClientError::RoomStopped | ClientError::Removed) if stopped == room => {
                return Ok(());
            }
            Event::Stopped(stopped, error) if stopped == room => return Err(error.into()),
            Event::Problem(error @ ClientError::UnknownProtocolVersion(_)) => return Err(error.into()),
            event => client.note(&event),
        }
    }
}

/// The name to go by: the one given, the one used last, or the login name.
fn display_name(client: &Client, given: Option<String>) -> String {
    given
        .or_else(|| client.session.suggested_name())
        .or_else(|| std::env::var("USER").or_else(|_| std::env::var("USERNAME")).ok())
        .unwrap_or_else(|| "guest".to_owned())
}

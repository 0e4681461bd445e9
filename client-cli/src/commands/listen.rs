//! `sotto listen`: what is being said.

use crate::{
    args::Place,
    client::Client,
    failure::Failure,
    output::{self, JsonItem, Printer},
    rooms,
};
use sotto_client_core::{AlarmView, ConnectionState, Event, RoomId};
use std::collections::HashMap;

/// Prints what comes in until it is stopped. Sends what waits in the outbox, too.
pub async fn run(place: &Place, room: Option<&str>, json: bool) -> Result<(), Failure> {
    let mut client = Client::open(place, None).await?;
    client.watch();
    let rooms = client.session.rooms();
    let only = room.map(|room| rooms::find(&rooms, room).map(|view| view.id)).transpose()?;
    let mut printer = Printer::new(only.is_none());
    let mut alarms: HashMap<RoomId, Vec<AlarmView>> = HashMap::new();
    let mut was_online = true;
    loop {
        match client.next_event().await? {
            Event::Timeline(id, items) if only.is_none_or(|only| only == id) => {
                let rooms = client.session.rooms();
                let Some(view) = rooms.iter().find(|view| view.id == id) else { continue };
                for item in &items {
                    if json {
                        output::json(&JsonItem::of(view, item))?;
                    } else {
                        printer.print(view, item)?;
                    }
                }
            }
            Event::RoomChanged(id) => {
                let rooms = client.session.rooms();
                let Some(view) = rooms.iter().find(|view| view.id == id) else { continue };
                if alarms.insert(id, view.alarms.clone()).unwrap_or_default() != view.alarms {
                    output::warn_of_alarms(view);
                }
            }
            Event::Connection(ConnectionState::Online) if !was_online => {
                was_online = true;
                output::note("Connected again.");
            }
            Event::Connection(ConnectionState::Offline { .. }) if was_online => {
                was_online = false;
                output::note(&format!("{}. Trying again until there is a connection.", client.why_offline()));
            }
            event => client.note(&event),
        }
    }
}

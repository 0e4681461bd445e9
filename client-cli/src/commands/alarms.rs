//! `sotto alarms`: what was found wrong about rooms, and putting it aside.

use crate::{args::Place, client::Client, failure::Failure, output, rooms};
use sotto_client_core::Command;

/// Lists the alarms of one room or of all; with `put_aside`, a person has read them. Needs no relay.
pub async fn run(place: &Place, room: Option<&str>, put_aside: bool) -> Result<(), Failure> {
    let mut client = Client::open(place, None).await?;
    let mut views = client.session.rooms();
    if let Some(room) = room {
        let id = rooms::find(&views, room)?.id;
        views.retain(|view| view.id == id);
    }
    views.retain(|view| !view.alarms.is_empty());
    if views.is_empty() {
        output::note("No alarms.");
    }
    for view in &views {
        for alarm in &view.alarms {
            output::item(&output::alarm_line(view, alarm))?;
        }
    }
    if put_aside {
        for view in views {
            let seen = view.alarms.iter().map(|alarm| alarm.alarm).collect();
            client.command(Command::PutAlarmsAside { room: view.id, seen }).await?;
        }
    }
    Ok(())
}

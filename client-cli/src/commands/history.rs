//! `sotto history`: what was said.

use crate::{
    args::Place,
    client::Client,
    failure::Failure,
    output::{self, JsonItem, Printer},
    rooms,
};

/// Reads what is new, then prints the newest `limit` items.
pub async fn run(place: &Place, room: &str, limit: usize, json: bool) -> Result<(), Failure> {
    let mut client = Client::open(place, None).await?;
    let id = rooms::find(&client.session.rooms(), room)?.id;
    super::catch_up(&mut client, id).await?;
    let rooms = client.session.rooms();
    let Some(view) = rooms.iter().find(|view| view.id == id) else { return Ok(()) };
    output::warn_of_alarms(view);
    let items = client.session.timeline(&id, None, limit).await?;
    let mut printer = Printer::new(false);
    for item in &items {
        if json {
            output::json(&JsonItem::of(view, item))?;
        } else {
            printer.print(view, item)?;
        }
    }
    if !json {
        let waiting = client.session.outbox(&id).len();
        if items.is_empty() && waiting == 0 {
            output::note("Nothing has been said here yet. `sotto send ROOM TEXT` begins.");
        }
        if waiting > 0 {
            output::note(&format!("{waiting} of your messages wait for the relay."));
        }
    }
    client.close().await;
    Ok(())
}

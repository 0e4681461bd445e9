//! `sotto history`: what was said.

use crate::{
    args::Place,
    client::Client,
    failure::Failure,
    output::{self, JsonItem, Printer},
    rooms,
};
use sotto_client_core::{RoomId, RoomView};

/// How many entries are in memory at once.
const PAGE: usize = 500;

/// Reads what is new, then prints everything, or the newest `limit` entries; the oldest of them first.
pub async fn run(place: &Place, room: &str, limit: Option<usize>, json: bool) -> Result<(), Failure> {
    let mut client = Client::open(place, None).await?;
    let id = rooms::find(&client.session.rooms(), room)?.id;
    super::catch_up(&mut client, id).await?;
    let rooms = client.session.rooms();
    let Some(view) = rooms.iter().find(|view| view.id == id) else { return Ok(()) };
    output::warn_of_alarms(view);
    let is_empty = print(&client, view, limit.unwrap_or(usize::MAX), json).await?;
    if !json {
        let waiting = client.session.outbox(&id).len();
        if is_empty && waiting == 0 && limit != Some(0) {
            output::note("Nothing has been said here yet. `sotto send ROOM TEXT` begins.");
        }
        if waiting > 0 {
            output::note(&format!("{waiting} of your messages wait for the relay."));
        }
    }
    client.close().await;
    Ok(())
}

/// Prints the newest `limit` entries; whether there were none. Storage is read from its end, so where the pages begin is looked up
/// first; a page is read again when it is printed.
async fn print(client: &Client, view: &RoomView, limit: usize, json: bool) -> Result<bool, Failure> {
    let pages = pages(client, &view.id, limit).await?;
    let mut printer = Printer::new(false);
    for (before, count) in pages.iter().rev() {
        for item in &client.session.timeline(&view.id, *before, *count).await? {
            if json {
                output::json(&JsonItem::of(view, item))?;
            } else {
                printer.print(view, item)?;
            }
        }
    }
    Ok(pages.is_empty())
}

/// Before which place each page ends, and how many entries it has; the newest page first.
async fn pages(client: &Client, room: &RoomId, limit: usize) -> Result<Vec<(Option<u64>, usize)>, Failure> {
    let (mut pages, mut before, mut left) = (Vec::new(), None, limit);
    while left > 0 {
        let items = client.session.timeline(room, before, PAGE.min(left)).await?;
        let Some(first) = items.first() else { break };
        pages.push((before, items.len()));
        left -= items.len();
        before = Some(first.seq);
    }
    Ok(pages)
}

//! `sotto join`: into a room by a link.

use super::display_name;
use crate::{args::Place, client::Client, failure::Failure, output};
use sotto_client_core::{Command, Outcome, parse_link};
use std::io::Read as _;

/// Joins. The link says at which relay.
pub async fn run(place: &Place, link: &str, name: Option<String>) -> Result<(), Failure> {
    let mut from_stdin = String::new();
    let link = if link == "-" {
        std::io::stdin().read_to_string(&mut from_stdin).map_err(|error| {
            Failure::new(format!("standard input cannot be read: {error}"), "Give the link as UTF-8 text.")
        })?;
        from_stdin.trim()
    } else {
        link
    };
    let (relay, _) = parse_link(link)?;
    let mut client = Client::open(place, Some(relay)).await?;
    let display_name = display_name(&client, name);
    client.connect_first().await?;
    let join = Command::Join { link: link.to_owned(), display_name: display_name.clone() };
    let ticket = client.command(join).await?;
    if let Outcome::Joined(id) = client.finish(ticket).await? {
        client.remember_relay()?;
        let rooms = client.session.rooms();
        let name = rooms
            .iter()
            .find(|room| room.id == id)
            .map(|room| output::one_line(&room.name))
            .unwrap_or_default();
        output::note(&format!("You are in \"{name}\" as \"{}\".", output::one_line(display_name.trim())));
    }
    client.close().await;
    Ok(())
}

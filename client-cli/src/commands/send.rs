//! `sotto send`: a message, kept until the relay has it.

use crate::{args::Place, client::Client, failure::Failure, output, rooms};
use sotto_client_core::{Command, Event, Outcome, Ticket};
use std::{io::Read as _, time::Duration};
use tokio::time::timeout;

/// Sends a message, and whatever waits before it.
pub async fn run(place: &Place, room: &str, text: &str, wait_s: u64) -> Result<(), Failure> {
    let text = if text == "-" { read_stdin()? } else { text.to_owned() };
    let mut client = Client::open(place, None).await?;
    let view = rooms::find(&client.session.rooms(), room)?.clone();
    output::warn_of_alarms(&view);
    let ticket = client.command(Command::Send { room: view.id, text }).await?;
    let kept =
        "It is kept and goes out, once, with the next `sotto send` or `sotto listen` that reaches the relay.";
    match timeout(Duration::from_secs(wait_s), sent(&mut client, ticket)).await {
        Ok(Ok(Outcome::Kept { reason, .. })) => {
            Err(Failure::kept(format!("not sent yet: {reason}"), format!("{} {kept}", reason.remedy())))
        }
        Ok(Ok(_)) => {
            client.close().await;
            Ok(())
        }
        Ok(Err(failure)) => Err(failure),
        Err(_) => {
            let origin = client.relay().origin();
            Err(Failure::kept(format!("not sent yet: the relay at {origin} cannot be reached"), kept))
        }
    }
}

async fn sent(client: &mut Client, ticket: Ticket) -> Result<Outcome, Failure> {
    loop {
        match client.next_event().await? {
            Event::Done(done, result) if done == ticket => return Ok(result?),
            event => client.note(&event),
        }
    }
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| {
        Failure::new(format!("standard input cannot be read: {error}"), "Give the message as UTF-8 text.")
    })?;
    // One line break at the end belongs to the pipe, not to the message.
    Ok(text
        .strip_suffix('\n')
        .map(|text| text.strip_suffix('\r').unwrap_or(text))
        .unwrap_or(&text)
        .to_owned())
}

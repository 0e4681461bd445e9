//! `sotto outbox`: messages that were not sent yet, or that the relay refused; and what is to become of them.

use crate::{args::Place, client::Client, failure::Failure, output, rooms};
use sotto_client_core::{Command, Event, OutboxView, Outcome, RoomId};

/// What is to be done with a message.
pub enum Action {
    /// Show what there is.
    List,
    /// Send it again.
    Retry(String),
    /// Do not send it.
    Discard(String),
}

/// Lists, or acts upon the message with an id. Needs no relay: what is to be sent goes with the next command that reaches it.
pub async fn run(place: &Place, room: &str, action: Action) -> Result<(), Failure> {
    let mut client = Client::open(place, None).await?;
    let room = rooms::find(&client.session.rooms(), room)?.id;
    let waiting = client.session.outbox(&room);
    match action {
        Action::List => list(&waiting),
        Action::Retry(id) => {
            let message = find(&waiting, &id)?;
            act(&mut client, Command::Retry { room, message }).await.map(drop)
        }
        Action::Discard(id) => discard(&mut client, room, find(&waiting, &id)?).await,
    }
}

fn list(waiting: &[OutboxView]) -> Result<(), Failure> {
    if waiting.is_empty() {
        output::note("Nothing waits to be sent here.");
    }
    for message in waiting {
        let state = match (message.has_failed, message.is_acknowledged) {
            (true, _) => "refused",
            (false, true) => "with the relay",
            (false, false) => "waits",
        };
        output::item(&format!("{}  {state}  {}", output::hex(&message.id), output::one_line(&message.text)))?;
    }
    Ok(())
}

async fn discard(client: &mut Client, room: RoomId, message: [u8; 16]) -> Result<(), Failure> {
    if let Outcome::Discarded { may_be_sent: true } = act(client, Command::Discard { room, message }).await? {
        output::warn("it was sent before and never answered: the others may have it all the same.");
    }
    Ok(())
}

/// Commands that need no relay end at once.
async fn act(client: &mut Client, command: Command) -> Result<Outcome, Failure> {
    let ticket = client.command(command).await?;
    loop {
        if let Event::Done(done, result) = client.next_event().await?
            && done == ticket
        {
            return Ok(result?);
        }
    }
}

/// The message whose id begins so.
fn find(waiting: &[OutboxView], wanted: &str) -> Result<[u8; 16], Failure> {
    let digits = wanted.trim().to_ascii_lowercase();
    let fits = |message: &&OutboxView| !digits.is_empty() && output::hex(&message.id).starts_with(&digits);
    let mut found = waiting.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(message), None) => Ok(message.id),
        _ => Err(Failure::new("no message that waits here has that id", "`sotto outbox ROOM` lists them.")),
    }
}

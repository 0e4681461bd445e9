//! `sotto send`: a message, kept until it is in the room's log.
//!
//! One truth for the exit code: 0 it is in the log; 3 it is kept here and goes out once; 1 nothing was kept.

use crate::{args::Place, client::Client, failure::Failure, output, rooms};
use sotto_client_core::{Command, Event, Outcome, RoomId, Ticket};
use std::{io::Read as _, time::Duration};
use tokio::time::timeout;

const KEPT: &str =
    "It is kept and goes out, once, with the next `sotto send` or `sotto listen` that reaches the relay.";

/// Sends a message, and whatever waits before it.
pub async fn run(place: &Place, room: &str, text: &str, wait_s: u64) -> Result<(), Failure> {
    let text = if text == "-" { read_stdin()? } else { text.to_owned() };
    let mut client = Client::open(place, None).await?;
    let view = rooms::find(&client.session.rooms(), room)?.clone();
    output::warn_of_alarms(&view);
    let ticket = client.command(Command::Send { room: view.id, text }).await?;
    let mut sending = Sending { room: view.id, ticket, reason: None, is_refused: false };
    let outcome = tokio::select! {
        outcome = timeout(Duration::from_secs(wait_s), sending.until_sent(&mut client)) => outcome,
        _ = tokio::signal::ctrl_c() => return Err(Failure::kept("not sent yet: stopped by you", KEPT)),
    };
    match outcome {
        Ok(Ok(Outcome::Kept { reason, .. })) => {
            Err(Failure::kept(format!("not sent yet: {reason}"), format!("{} {KEPT}", reason.remedy())))
        }
        Ok(Ok(Outcome::Refused { id, reason, .. })) => Err(Failure::new(
            format!("the relay refuses this message: {reason}"),
            format!(
                "It does not go out by itself. `sotto outbox ROOM --retry {id}` sends it again, `--discard {id}` forgets it.",
                id = output::hex(&id)
            ),
        )),
        Ok(Ok(_)) => {
            client.close().await;
            Ok(())
        }
        Ok(Err(failure)) => Err(sending.kept_all_the_same(&failure)),
        Err(_) => {
            let reason = sending.reason.unwrap_or_else(|| client.why_offline());
            Err(Failure::kept(format!("not sent yet: {reason}"), KEPT))
        }
    }
}

struct Sending {
    room: RoomId,
    ticket: Ticket,
    /// Why it takes so long, if the relay said so.
    reason: Option<String>,
    /// Whether the engine itself did not take the message.
    is_refused: bool,
}

impl Sending {
    async fn until_sent(&mut self, client: &mut Client) -> Result<Outcome, Failure> {
        loop {
            match client.next_event().await? {
                Event::Done(done, result) if done == self.ticket => {
                    self.is_refused = result.is_err();
                    return Ok(result?);
                }
                event => {
                    if let Event::Waiting { room, code, .. } = &event
                        && *room == self.room
                    {
                        self.reason = Some(code.describe().to_owned());
                    }
                    client.note(&event);
                }
            }
        }
    }

    /// Something else failed (the profile's storage, say) after the message was stored.
    fn kept_all_the_same(&self, failure: &Failure) -> Failure {
        if self.is_refused { failure.clone() } else { failure.clone().but_kept(KEPT) }
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

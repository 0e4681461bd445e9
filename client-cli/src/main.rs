//! `sotto`: end-to-end encrypted rooms in the terminal.
//!
//! Exit codes: 0 done; 1 not done; 2 wrong usage; 3 kept, but not sent yet (the relay cannot be reached).

mod about;
mod args;
mod client;
mod commands;
mod connect;
mod failure;
mod output;
mod profile;
mod rooms;
mod store;

use args::{Args, Command, RoomsCommand};
use clap::{CommandFactory as _, Parser as _};
use commands::outbox::Action;
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let Some(command) = args.command else {
        // Until there is a full-screen client, `sotto` alone says what it can do.
        let help = Args::command().render_help();
        return match output::write(&help.ansi().to_string()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.report(),
        };
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Failure::new(format!("the runtime could not be started: {error}"), "Try again.").report();
        }
    };
    match runtime.block_on(run(&args.place, command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(place: &args::Place, command: Command) -> Result<(), Failure> {
    match command {
        Command::Rooms { command: None } => commands::rooms::list(place, false).await,
        Command::Rooms { command: Some(RoomsCommand::List { json }) } => {
            commands::rooms::list(place, json).await
        }
        Command::Rooms { command: Some(RoomsCommand::Create(create)) } => {
            commands::rooms::create(place, create).await
        }
        Command::Invite(invite) => commands::invite::run(place, invite).await,
        Command::Join { link, name } => commands::join::run(place, &link, name).await,
        Command::Send { room, text, wait_s } => commands::send::run(place, &room, &text, wait_s).await,
        Command::History { room, limit, json } => commands::history::run(place, &room, limit, json).await,
        Command::Listen { room, json } => commands::listen::run(place, room.as_deref(), json).await,
        Command::Alarms { room, put_aside } => commands::alarms::run(place, room.as_deref(), put_aside).await,
        Command::Outbox { room, retry, discard } => {
            let action = match (retry, discard) {
                (Some(id), _) => Action::Retry(id),
                (None, Some(id)) => Action::Discard(id),
                (None, None) => Action::List,
            };
            commands::outbox::run(place, &room, action).await
        }
        Command::Members { room, json } => commands::members::run(place, &room, json).await,
    }
}

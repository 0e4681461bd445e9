//! The command line: one definition, from which help is made.

use clap::{Args as ClapArgs, Parser, Subcommand};
use std::path::PathBuf;

/// End-to-end encrypted rooms in the terminal.
#[derive(Debug, Parser)]
#[command(
    name = "sotto",
    version,
    long_version = crate::about::long_version(),
    max_term_width = 100,
    after_help = EXIT_CODES
)]
pub struct Args {
    #[command(flatten)]
    pub place: Place,
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 not done; 2 wrong usage; \
    3 kept, but not sent yet because the relay cannot be reached.";

/// Whose identity, and at which relay.
#[derive(Debug, Clone, ClapArgs)]
pub struct Place {
    /// Folder of the identity, its rooms and their history. Another folder is another person.
    #[arg(long, value_name = "DIR", global = true, env = "SOTTO_PROFILE")]
    pub profile: Option<PathBuf>,
    /// The relay [default: the one that the profile uses, or http://127.0.0.1:8080].
    #[arg(long, value_name = "URL", global = true, env = "SOTTO_RELAY")]
    pub relay: Option<String>,
    /// Connect to a public address without TLS (http://), where others see who talks to whom and when.
    #[arg(long, global = true, env = "SOTTO_ALLOW_HTTP")]
    pub allow_http: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List rooms, or make one
    Rooms {
        #[command(subcommand)]
        command: Option<RoomsCommand>,
    },
    /// Make an invite link; list or revoke invites
    Invite(InviteArgs),
    /// Join a room by an invite link
    Join {
        /// The link, or - to read it from standard input (where no process list shows it).
        link: String,
        /// Your name in the room [default: the one used last].
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
    },
    /// Send a message
    Send {
        /// The room's name, the beginning of it, or its id.
        room: String,
        /// The text, or - to read it from standard input.
        #[arg(allow_hyphen_values = true)]
        text: String,
        /// How many seconds to wait for the relay before leaving the message in the outbox.
        #[arg(long = "wait", value_name = "SECONDS", default_value_t = 10)]
        wait_s: u64,
    },
    /// Print a room's history
    History {
        /// The room's name, the beginning of it, or its id.
        room: String,
        /// How many entries, the newest ones [default: all].
        #[arg(long, short = 'n', value_name = "N")]
        limit: Option<usize>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Follow what is said, in one room or in all; begins with what came in since you looked last
    Listen {
        /// The room's name, the beginning of it, or its id [default: all rooms].
        room: Option<String>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show what was found wrong about rooms
    Alarms {
        /// The room's name, the beginning of it, or its id [default: all rooms].
        room: Option<String>,
        /// You have read them: do not show them again.
        #[arg(long)]
        put_aside: bool,
    },
    /// Show messages that were not sent yet, or that the relay refused
    Outbox {
        /// The room's name, the beginning of it, or its id.
        room: String,
        /// Send a refused message again: its id, or the beginning of it.
        #[arg(long, value_name = "ID", conflicts_with = "discard")]
        retry: Option<String>,
        /// Do not send a message: its id, or the beginning of it.
        #[arg(long, value_name = "ID")]
        discard: Option<String>,
    },
    /// List who is in a room
    Members {
        /// The room's name, the beginning of it, or its id.
        room: String,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum RoomsCommand {
    /// List your rooms
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Make a room
    Create(CreateArgs),
}

#[derive(Debug, ClapArgs)]
pub struct CreateArgs {
    /// The room's name.
    pub name: String,
    /// Your name in the room [default: the one used last, or your login name].
    #[arg(long = "as", value_name = "NAME")]
    pub display_name: Option<String>,
    /// Without post-quantum keys: for rooms of more than 256 devices.
    #[arg(long)]
    pub classical: bool,
}

#[derive(Debug, ClapArgs)]
pub struct InviteArgs {
    /// The room's name, the beginning of it, or its id.
    pub room: String,
    /// How many people may use the link [default: any number].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub uses: Option<u32>,
    /// List the open invites instead; the links of your own ones.
    #[arg(long, conflicts_with_all = ["uses", "revoke"])]
    pub list: bool,
    /// Revoke an invite instead: its link, or its id as --list shows it.
    #[arg(long, value_name = "LINK or ID", conflicts_with = "uses")]
    pub revoke: Option<String>,
}

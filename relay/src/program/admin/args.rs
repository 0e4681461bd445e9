//! The arguments of `sotto-relay admin`.

use crate::program::args::Settings;
use clap::{Args, Subcommand};
use std::str::FromStr;

/// What is asked, and of which relay.
#[derive(Args)]
pub struct AdminArguments {
    /// Which relay.
    #[command(flatten)]
    pub settings: Settings,

    /// Print JSON
    #[arg(long)]
    pub json: bool,

    /// Do what cannot be undone
    #[arg(long)]
    pub yes: bool,

    /// What is to be done.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// What there is to see to.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// Accounts: by name, by number or by id. The relay knows no names: one that is given is hashed with its secrets
    Accounts {
        /// What about them.
        #[command(subcommand)]
        command: AccountsCommand,
    },
    /// List sessions of one account, or of all
    Sessions {
        /// Whose.
        #[command(flatten)]
        person: Person,
        /// Which part.
        #[command(flatten)]
        page: Page,
    },
    /// Invite codes, for a relay that takes new accounts by code
    InviteCodes {
        /// What about them.
        #[command(subcommand)]
        command: InviteCodesCommand,
    },
    /// Rooms, by their ids: their members see them with `sotto rooms`
    Rooms {
        /// What about them.
        #[command(subcommand)]
        command: RoomsCommand,
    },
    /// Limits that can be changed while relays run
    Quotas {
        /// What about them.
        #[command(subcommand)]
        command: QuotasCommand,
    },
    /// Count everything. Nothing in it identifies anybody
    Stats,
}

/// What can be done about accounts.
#[derive(Subcommand)]
pub enum AccountsCommand {
    /// List accounts in the order in which they were made
    List {
        /// Which part.
        #[command(flatten)]
        page: Page,
    },
    /// Show one
    Show {
        /// Whose.
        #[command(flatten)]
        person: Person,
    },
    /// Delete one, and all that the relay has of it; needs --yes
    Delete {
        /// Whose.
        #[command(flatten)]
        person: Person,
    },
    /// End all sessions of one: its devices must log in again
    EndSessions {
        /// Whose.
        #[command(flatten)]
        person: Person,
    },
}

/// An account.
#[derive(Args)]
#[group(required = false, multiple = false)]
pub struct Person {
    /// The account of that user name
    #[arg(long)]
    pub name: Option<String>,
    /// The account of that number, as listed
    #[arg(long)]
    pub number: Option<i64>,
    /// The account of that id, in base16
    #[arg(long)]
    pub id: Option<Id>,
}

/// A part of a list.
#[derive(Args)]
pub struct Page {
    /// Begin after the account of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub after: i64,
    /// Show so many at most
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub limit: u32,
}

/// What can be done about invite codes.
#[derive(Subcommand)]
pub enum InviteCodesCommand {
    /// Make one. It is printed once, and stored hashed
    Create {
        /// How many accounts can be made with it
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        uses: u32,
    },
    /// List those that can still be used, by handles
    List,
    /// Take one back
    Revoke {
        /// Its handle, or the code itself
        #[arg(value_name = "CODE")]
        code: String,
    },
}

/// What can be done about rooms.
#[derive(Subcommand)]
pub enum RoomsCommand {
    /// Show how large one is
    Show {
        /// Its id, in base16
        #[arg(value_name = "ID")]
        room: String,
    },
    /// Delete one with everything in it; needs --yes
    Delete {
        /// Its id, in base16
        #[arg(value_name = "ID")]
        room: String,
    },
    /// Say how long the relay keeps its messages; needs --yes where that is shorter than before
    Retention {
        /// Its id, in base16
        #[arg(value_name = "ID")]
        room: String,
        /// Days, at least 1, or `default`: as the settings say
        #[arg(value_name = "DAYS", value_parser = days_or_default)]
        days: OrDefault<u32>,
    },
}

/// What can be done about quotas.
#[derive(Subcommand)]
pub enum QuotasCommand {
    /// Show those that are in force
    Show,
    /// Set some; `default` is what the settings say
    Set {
        /// How large the database may grow (SQLite)
        #[arg(long, value_name = "BYTES")]
        database_bytes: Option<OrDefault<u64>>,
        /// How many records a vault may have
        #[arg(long, value_name = "COUNT")]
        vault_records: Option<OrDefault<u64>>,
        /// How many bytes a vault may have
        #[arg(long, value_name = "BYTES")]
        vault_bytes: Option<OrDefault<u64>>,
        /// How many letters an inbox may have
        #[arg(long, value_name = "COUNT")]
        inbox_letters: Option<OrDefault<u64>>,
    },
}

/// A number, or nothing for `default`.
#[derive(Debug, Clone, Copy)]
pub struct OrDefault<T>(pub Option<T>);

impl<T: FromStr> FromStr for OrDefault<T> {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "default" => Ok(Self(None)),
            _ => text.parse().map(|number| Self(Some(number))).map_err(|_| "it is a number, or `default`"),
        }
    }
}

/// None at all would be a deletion by another name.
fn days_or_default(text: &str) -> Result<OrDefault<u32>, &'static str> {
    match text.parse()? {
        OrDefault(Some(0)) => Err("it is 1 at least, or `default`; `admin rooms delete` deletes a room"),
        days => Ok(days),
    }
}

/// 16 bytes in base16.
#[derive(Debug, Clone, Copy)]
pub struct Id(pub [u8; 16]);

impl FromStr for Id {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_base16(text).map(Self).ok_or("it has 32 digits in base16")
    }
}

/// So many bytes in base16.
pub fn from_base16<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if !text.is_ascii() || text.len() != 2 * N {
        return None;
    }
    for (position, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * position..2 * position + 2)?, 16).ok()?;
    }
    Some(bytes)
}

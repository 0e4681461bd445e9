//! What an operator can choose about accounts.

use crate::limit::{Counted, Rate, SetRate, Strictness};
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Registration {
    /// Anybody.
    #[default]
    Open,
    /// Whoever has an invite code.
    Codes,
    /// Nobody.
    Closed,
}

impl FromStr for Registration {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "codes" => Ok(Self::Codes),
            "closed" => Ok(Self::Closed),
            _ => Err("it is open, codes or closed"),
        }
    }
}

/// What people without an account may do. The relay cannot tell them from others in a room; it can ask who makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Guests {
    /// They make rooms, too.
    #[default]
    Open,
    /// They come in by invite: only accounts make rooms.
    Invited,
}

impl FromStr for Guests {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "invited" => Ok(Self::Invited),
            _ => Err("it is open or invited"),
        }
    }
}

/// How accounts are kept.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// Who may make one.
    pub registration: Registration,
    /// What those may do who have none.
    pub guests: Guests,
    /// Names that nobody gets, besides those that every relay reserves; normalised.
    pub reserved_names: Vec<String>,
    /// A session that was not used for so many days ends.
    pub session_idle_days: u32,
    /// Most records of a vault.
    pub vault_max_records: u64,
    /// Most bytes of a vault.
    pub vault_max_bytes: u64,
    /// Most letters of an inbox.
    pub inbox_max_letters: u32,
    /// A letter that nobody took out for so many days is removed.
    pub inbox_days: u32,
    /// How many days the name of a deleted account rests before somebody else can have it; 0 for none.
    pub name_rest_days: u32,
    /// Where the secrets are; `relay.secrets` in the data folder if not given. Relays on one database share them.
    pub secrets_file: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` is believed: none, until they are named. Behind any other, all clients count as one.
    pub trusted_proxies: Vec<IpAddr>,
    /// How much an address may do.
    pub rates: Rates,
}

/// One of each kind.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Calls of any kind, by address.
    pub calls: Rate,
    /// Accounts made, by address.
    pub register: Rate,
    /// Log-ins begun, by address.
    pub login: Rate,
    /// Letters put into inboxes, by address.
    pub deposit: Rate,
    /// Names and accounts looked up, by address.
    pub lookup: Rate,
    /// Tries of a password for one name from one address, by whoever has no session of the account.
    pub password: Rate,
    /// Tries of a password for one name from anywhere, by whoever has no session of the account. So wide that only very many
    /// addresses together use it up; so narrow that even they guess nothing.
    pub name: Rate,
    /// Tries of a password on one account, by whoever has a session of it.
    pub proof: Rate,
    /// Room tokens made for one account.
    pub room_tokens: Rate,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            registration: Registration::default(),
            guests: Guests::default(),
            reserved_names: Vec::new(),
            session_idle_days: 90,
            vault_max_records: sotto_protocol::limits::VAULT_RECORDS_MAX as u64,
            vault_max_bytes: 64 * 1024 * 1024,
            inbox_max_letters: 64,
            inbox_days: 90,
            name_rest_days: 30,
            secrets_file: None,
            trusted_proxies: Vec::new(),
            rates: Rates::default(),
        }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self::new(Strictness::default())
    }
}

impl Rates {
    /// All of them under that word. Tries of a password are the same under any: they protect accounts, and not the relay.
    #[must_use]
    pub fn new(strictness: Strictness) -> Self {
        let rate = |burst, every_s| Rate { burst, every_s };
        Self {
            calls: strictness.of(rate(2_000, 0.05)),
            register: strictness.of(Rate::per_day(60)),
            login: strictness.of(rate(120, 2.0)),
            deposit: strictness.of(rate(30, 20.0)),
            lookup: strictness.of(rate(30, 5.0)),
            password: rate(10, 30.0),
            name: rate(1000, 1.0),
            proof: rate(10, 10.0),
            room_tokens: rate(30, 2880.0),
        }
    }

    /// Puts a rate in the place of the usual one, if it is one of these.
    pub fn set(&mut self, SetRate { of, rate }: SetRate) {
        let place = match of {
            Counted::Calls => &mut self.calls,
            Counted::Accounts => &mut self.register,
            Counted::Logins => &mut self.login,
            Counted::Letters => &mut self.deposit,
            Counted::Lookups => &mut self.lookup,
            Counted::Passwords => &mut self.password,
            Counted::NamePasswords => &mut self.name,
            Counted::SessionPasswords => &mut self.proof,
            Counted::RoomTokens => &mut self.room_tokens,
            _ => return,
        };
        *place = rate;
    }

    /// As good as none: for tests, which all come from one address.
    #[must_use]
    pub fn unlimited() -> Self {
        let all = Rate::UNLIMITED;
        Self { password: all, name: all, proof: all, room_tokens: all, ..Self::new(Strictness::Off) }
    }
}

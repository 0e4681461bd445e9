//! Accounts without knowledge: login by a password that is never seen, sealed records, vaults and inboxes.
//!
//! ```text
//! register, login, recovery   how somebody becomes the holder of a session
//! session, proof              what a session is good for, and what needs the password once more
//! record, vault, inbox        what is kept, sealed
//! directory, pairing          what others may ask
//! room_token                  the right to make a room, which does not say whose it is
//! push                        who is woken when a letter comes
//! secrets, identity, opaque, token   the relay's own secrets, and what is made with them
//! ```
//!
//! # Invariants
//!
//! - A name, a token and an invite code are stored hashed only; neither they nor addresses are logged.
//! - A name that does not exist is answered as one that does, until the password is proven.
//! - Whatever changes the keys of an account needs a proof that is five minutes old at most, not just a session.
//! - Nothing here reads what is sealed but the version of a record and its public login key.

mod directory;
mod fault;
mod identity;
mod inbox;
mod invite_code;
mod login;
mod opaque;
mod pairing;
mod proof;
mod push;
mod randomness;
mod record;
mod recovery;
mod register;
mod room_token;
mod secrets;
mod session;
mod settings;
mod token;
mod username;
mod vault;

pub(crate) use randomness::keyed_hash;
pub(crate) use room_token::{GoodToken, RoomTokens};
pub(crate) use session::Session;

pub use secrets::SecretsError;
pub(crate) use secrets::check_value_in as secrets_check;
pub use settings::{AccountSettings, Guests, Rates, Registration};

use crate::clock::Clock;
use crate::limit::{Attempts, whole_ms};
use crate::push::Push;
use crate::store::{AccountStore, Days};
use fault::internal;
use identity::RelayIdentity;
use secrets::Secrets;
use sotto_protocol::account::{AccountError, AccountErrorCode};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// How often what has had its time is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// The accounts of a relay.
pub(crate) struct Accounts {
    settings: AccountSettings,
    clock: Clock,
    secrets: Secrets,
    store: AccountStore,
    /// Nothing where nobody is woken.
    push: Option<Push>,
    calls: Attempts<IpAddr>,
    registering: Attempts<IpAddr>,
    logging_in: Attempts<IpAddr>,
    depositing: Attempts<IpAddr>,
    looking_up: Attempts<IpAddr>,
    passwords: Attempts<([u8; 32], IpAddr)>,
    names: Attempts<[u8; 32]>,
    /// By session: a stolen one uses up none of the tries of the others.
    proofs: Attempts<i64>,
    tokens_made: Attempts<i64>,
    room_tokens: RoomTokens,
    identity: RelayIdentity,
}

/// Who makes a call, as far as it is known.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Its address; of IPv6 the network.
    pub address: IpAddr,
    /// `host[:port]` by which it reached the relay, in lower case.
    pub authority: String,
}

/// Where the secrets are.
pub(crate) fn secrets_file(settings: &AccountSettings, data_dir: &Path) -> PathBuf {
    settings.secrets_file.clone().unwrap_or_else(|| data_dir.join("relay.secrets"))
}

impl Accounts {
    /// Opens the secrets, and checks that the database belongs to them.
    pub(crate) async fn open(
        store: AccountStore,
        settings: AccountSettings,
        data_dir: &Path,
        clock: Clock,
    ) -> Result<Self, SecretsError> {
        let path = secrets_file(&settings, data_dir);
        // Fresh secrets would open nothing of what is there, and stand in the way of the right ones.
        if !path.exists() {
            match store.has_secrets().await {
                Ok(false) => {}
                Ok(true) => return Err(SecretsError::Missing { path }),
                Err(fault) => {
                    tracing::error!(%fault, "the accounts cannot be read");
                    return Err(SecretsError::Database);
                }
            }
        }
        let secrets = Secrets::open(&path)?;
        match store.belongs_to(&secrets.check_value()).await {
            Ok(true) => {}
            Ok(false) => return Err(SecretsError::Others { path }),
            Err(fault) => {
                tracing::error!(%fault, "the accounts cannot be read");
                return Err(SecretsError::Database);
            }
        }
        let rates = settings.rates;
        let room_tokens =
            secrets.room_tokens(clock.clone()).map_err(|_| SecretsError::Damaged { path: path.clone() })?;
        let identity = secrets.identity(&room_tokens).map_err(|_| SecretsError::Damaged { path })?;
        Ok(Self {
            room_tokens,
            identity,
            tokens_made: Attempts::new(rates.room_tokens),
            clock,
            secrets,
            store,
            push: None,
            calls: Attempts::new(rates.calls),
            registering: Attempts::new(rates.register),
            logging_in: Attempts::new(rates.login),
            depositing: Attempts::new(rates.deposit),
            looking_up: Attempts::new(rates.lookup),
            passwords: Attempts::new(rates.password),
            names: Attempts::new(rates.name),
            proofs: Attempts::new(rates.proof),
            settings,
        })
    }

    /// The same, beside a relay: it does not make secrets where there are none.
    pub(crate) async fn open_beside(
        store: AccountStore,
        settings: AccountSettings,
        data_dir: &Path,
        clock: Clock,
    ) -> Result<Self, SecretsError> {
        let path = secrets_file(&settings, data_dir);
        if let Err(source) = std::fs::metadata(&path) {
            return Err(SecretsError::File { path, source });
        }
        Self::open(store, settings, data_dir, clock).await
    }

    /// Until which day the name of an account rests that is deleted today.
    pub(crate) fn name_rests_until(&self) -> Option<u32> {
        let days = self.settings.name_rest_days;
        (days > 0).then(|| self.today().saturating_add(days))
    }

    /// Removes now and then what has had its time. To be aborted when the relay stops.
    pub(crate) fn sweep_now_and_then(self: &Arc<Self>) -> JoinHandle<()> {
        let accounts = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut interval = tokio::time::interval(SWEEP_EVERY);
            loop {
                interval.tick().await;
                let Some(accounts) = accounts.upgrade() else { return };
                if let Err(fault) = accounts.sweep().await {
                    tracing::error!(%fault, "cannot remove old sessions and letters");
                }
            }
        })
    }

    /// Closes the connections to the database.
    pub(crate) async fn close(&self) {
        self.store.close().await;
    }

    /// By which relays of one database know each other's hints.
    pub(crate) fn hint_key(&self) -> Zeroizing<[u8; 32]> {
        self.secrets.hint_key()
    }

    /// What the operator chose.
    pub(crate) fn settings(&self) -> &AccountSettings {
        &self.settings
    }

    /// Counts a call of any kind.
    pub(crate) fn count_call(&self, caller: &Caller) -> Result<(), AccountError> {
        self.calls.take(caller.address).map_err(wait)
    }

    /// Counts a try of a password for a name. First by whoever tries: an address that has used up its own tries uses up none of
    /// the others'.
    fn count_try(&self, caller: &Caller, name_hash: [u8; 32]) -> Result<(), AccountError> {
        let whose = (name_hash, caller.address);
        self.passwords.take(whose).map_err(wait)?;
        self.names.take(name_hash).map_err(|duration| {
            self.passwords.give_back(&whose);
            wait(duration)
        })
    }

    /// It was no guess after all.
    fn give_try_back(&self, caller: &Caller, name_hash: [u8; 32]) {
        self.passwords.give_back(&(name_hash, caller.address));
        self.names.give_back(&name_hash);
    }

    /// Today, for when something was stored and for what expires in minutes.
    fn today(&self) -> u32 {
        self.clock.latest_day()
    }

    /// Today, for what ends after days: sessions, letters, the rest of names.
    fn today_for_sure(&self) -> u32 {
        self.clock.earliest_day()
    }

    /// Milliseconds since 1970, for what expires in minutes.
    fn now_ms(&self) -> u64 {
        self.clock.latest_ms()
    }

    async fn sweep(&self) -> Result<(), crate::store::WriteFault> {
        let today = self.today_for_sure();
        let before = |days: u32| today.saturating_sub(days);
        let days = Days {
            today,
            idle_before: before(self.settings.session_idle_days),
            letters_before: before(self.settings.inbox_days),
            periods_before: room_token::period_of(today).saturating_sub(1),
        };
        self.store.sweep(days).await
    }
}

fn wait(duration: Duration) -> AccountError {
    AccountError::with_delay(AccountErrorCode::TooMany, whole_ms(duration))
}

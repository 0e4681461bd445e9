//! What an operator does to accounts and rooms: on the database, beside the relays that run on it, never over the network.
//!
//! Names and invite codes are not in the database; the relay's secrets make of them what is. Everything else goes without the
//! secrets, but for deleting an account: how long its name rests is the accounts' own affair.

use crate::account::{Accounts, SecretsError};
use crate::config::Config;
use crate::store::admin::{
    AccountSummary, AdminStore, InviteCodeSummary, Quotas, RoomSummary, SessionSummary, Stats, WhichAccount,
    handle_of,
};
use crate::store::{StoreError, WriteFault, accounts_beside};
use sotto_protocol::RoomId;
use sotto_protocol::account::InviteCode;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The database does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secrets are not to be had.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The database refuses.
    #[error("{0}")]
    Fault(String),
    /// It is not there.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It cannot be a name.
    #[error("that is no name that an account can have")]
    BadName,
    /// PostgreSQL keeps itself to no size.
    #[error("the relay cannot bound a PostgreSQL database")]
    Unbounded,
}

impl From<WriteFault> for AdminError {
    fn from(fault: WriteFault) -> Self {
        Self::Fault(fault.to_string())
    }
}

impl AdminError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Store(error) => error.help(),
            Self::Secrets(error) => error.help().to_owned(),
            Self::Fault(_) => "check the disk's space, and that the database server runs".to_owned(),
            Self::NotFound("room") => {
                "a room's id has 32 digits in base16; its members see it with `sotto rooms`".to_owned()
            }
            Self::NotFound("account") => {
                "`sotto-relay admin accounts list` shows the accounts by their numbers".to_owned()
            }
            Self::NotFound(_) => "`sotto-relay admin invite-codes list` shows the handles".to_owned(),
            Self::BadName => {
                "a name has letters, digits, and between them hyphens, dots and underscores".to_owned()
            }
            Self::Unbounded => "set a limit of the server's disk or tablespace".to_owned(),
        }
    }
}

/// Which account an operator means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// By its name.
    Name(String),
    /// By the relay's number of it.
    Number(i64),
    /// By its id.
    Id([u8; 16]),
}

/// The database, while relays may be running on it.
pub struct Admin {
    store: AdminStore,
    config: Config,
}

type Done<T> = Result<T, AdminError>;

impl Admin {
    /// Opens the database.
    ///
    /// # Errors
    /// [`AdminError`], with the remedy; so for all that follows.
    pub async fn open(config: Config) -> Done<Self> {
        let store = AdminStore::open(&config.database, &config.data_dir).await?;
        Ok(Self { store, config })
    }

    /// Closes it.
    pub async fn close(self) {
        self.store.close().await;
    }

    /// Accounts after that number.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn accounts(&self, after: i64, limit: u32) -> Done<Vec<AccountSummary>> {
        Ok(self.store.accounts(after, limit).await?)
    }

    /// One account.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn account(&self, who: &Who) -> Done<AccountSummary> {
        let which = match who {
            Who::Number(number) => WhichAccount::Number(*number),
            Who::Id(id) => WhichAccount::Id(*id),
            Who::Name(name) => {
                let accounts = self.secrets().await?;
                let name = sotto_protocol::normalize_username(name);
                let hash = name.and_then(|name| accounts.checked_name(&name).ok());
                accounts.close().await;
                WhichAccount::Name(hash.ok_or(AdminError::BadName)?)
            }
        };
        self.store.account(which).await?.ok_or(AdminError::NotFound("account"))
    }

    /// Deletes an account and all that the relay has of it, and says what that was.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn delete_account(&self, who: &Who) -> Done<AccountSummary> {
        let account = self.account(who).await?;
        let accounts = self.secrets().await?;
        let rest_until = accounts.name_rests_until();
        accounts.close().await;
        match self.store.delete_account(account.number, rest_until).await? {
            true => Ok(account),
            false => Err(AdminError::NotFound("account")),
        }
    }

    /// Ends all sessions of an account. How many there were.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn end_sessions(&self, who: &Who) -> Done<u64> {
        let account = self.account(who).await?;
        Ok(self.store.end_sessions(account.number).await?)
    }

    /// The sessions of an account, or of the accounts after a number.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn sessions(&self, who: Option<&Who>, after: i64, limit: u32) -> Done<Vec<SessionSummary>> {
        let account = match who {
            Some(who) => Some(self.account(who).await?.number),
            None => None,
        };
        Ok(self.store.all_sessions(account, (after, limit)).await?)
    }

    /// Makes an invite code for so many accounts: the code itself, which nobody can show again, and its handle.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn create_invite_code(&self, uses: u32) -> Done<(InviteCode, String)> {
        let accounts = self.secrets().await?;
        let code = accounts.create_invite_code(uses).await;
        let handle = code.and_then(|code| {
            let handle = handle_of(&accounts.code_hash(&code)?);
            Ok((code, handle))
        });
        accounts.close().await;
        handle.map_err(|error| AdminError::Fault(error.to_string()))
    }

    /// The invite codes that can still be used.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn invite_codes(&self) -> Done<Vec<InviteCodeSummary>> {
        Ok(self.store.invite_codes().await?)
    }

    /// Takes an invite code back, by its handle or by itself.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn revoke_invite_code(&self, code: &str) -> Done<()> {
        if self.store.revoke_invite_code(code).await? > 0 {
            return Ok(());
        }
        let accounts = self.secrets().await?;
        let handle = accounts.code_hash(&InviteCode(code.to_owned())).map(|hash| handle_of(&hash));
        accounts.close().await;
        let handle = handle.map_err(|_| AdminError::NotFound("invite code"))?;
        match self.store.revoke_invite_code(&handle).await? {
            0 => Err(AdminError::NotFound("invite code")),
            _ => Ok(()),
        }
    }

    /// A room.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn room(&self, room: &RoomId) -> Done<RoomSummary> {
        self.store.room(room).await?.ok_or(AdminError::NotFound("room"))
    }

    /// Deletes a room with everything in it. Relays that run tell those who follow it within a second.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn delete_room(&self, room: &RoomId) -> Done<()> {
        if self.store.delete_room(room).await? { Ok(()) } else { Err(AdminError::NotFound("room")) }
    }

    /// Keeps a room's messages so many days; nothing: as long as the settings say.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn retain(&self, room: &RoomId, days: Option<u32>) -> Done<()> {
        const DAY_S: i64 = 24 * 60 * 60;
        let seconds = days.map(|days| i64::from(days) * DAY_S);
        if self.store.retain(room, seconds).await? { Ok(()) } else { Err(AdminError::NotFound("room")) }
    }

    /// The limits that are in force, as far as they can be set while relays run: those that were set, and else the settings'.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn quotas(&self) -> Done<Quotas> {
        let set = self.store.quotas().await?;
        let settings = &self.config.accounts;
        Ok(Quotas {
            max_database_bytes: set.max_database_bytes.or(self.config.max_database_bytes),
            vault_max_records: set.vault_max_records.or(Some(settings.vault_max_records)),
            vault_max_bytes: set.vault_max_bytes.or(Some(settings.vault_max_bytes)),
            inbox_max_letters: set.inbox_max_letters.or(Some(settings.inbox_max_letters.into())),
        })
    }

    /// Sets limits; what `change` leaves alone stays as it was set, or not set, before.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn set_quotas(&self, change: impl FnOnce(&mut Quotas)) -> Done<()> {
        let mut quotas = self.store.quotas().await?;
        change(&mut quotas);
        if quotas.max_database_bytes.is_some() && !self.store.bounds_itself() {
            return Err(AdminError::Unbounded);
        }
        Ok(self.store.set_quotas(&quotas).await?)
    }

    /// How much there is of everything.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn stats(&self) -> Done<Stats> {
        Ok(self.store.stats().await?)
    }

    async fn secrets(&self) -> Done<Accounts> {
        let store = accounts_beside(&self.config.database, &self.config.data_dir).await?;
        let clock = self.config.tuning.clock.clone();
        Ok(Accounts::open_beside(store, self.config.accounts.clone(), &self.config.data_dir, clock).await?)
    }
}

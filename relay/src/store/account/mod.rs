//! What the database keeps of accounts: one method per operation, one transaction each.
//!
//! Nothing here decides who may do what. Names and tokens come hashed; everything else that is secret comes sealed. Writers
//! have connections of their own, beside the one of the rooms: SQLite lets one in at a time, and the others wait for it.

mod accounts;
mod inbox;
mod pairings;
mod push;
mod sessions;
mod sweep;
mod vault;

pub(in crate::store) use accounts::remove_account;
pub(crate) use accounts::{Created, NewAccount, Replaced, Replacement, StoredAccount};
pub(crate) use inbox::Deposited;
pub(crate) use sessions::{NewSession, StoredSession};
pub(crate) use sweep::Days;
pub(in crate::store) use sweep::sweep_account_leftovers;
pub(crate) use vault::VaultChange;

use super::admin::{QUOTAS, Quotas, quotas_of};
use super::dialect::{Dialect, empty_log};
use super::error::WriteFault;
use super::file::OpenFiles;
use sqlx::{Any, AnyPool, Transaction};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The accounts of a database.
#[derive(Debug, Clone)]
pub(crate) struct AccountStore {
    dialect: Dialect,
    read: AnyPool,
    write: AnyPool,
    begin: &'static str,
    files: OpenFiles,
    /// Whether the write-ahead log may hold bytes of deleted accounts.
    has_deleted_in_log: Arc<AtomicBool>,
}

impl AccountStore {
    pub(super) fn new(dialect: Dialect, read: AnyPool, write: AnyPool, files: OpenFiles) -> Self {
        let begin = match dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        Self { dialect, read, write, begin, files, has_deleted_in_log: Arc::default() }
    }

    /// Closes the connections that write; those that read are the rooms' as well.
    pub(crate) async fn close(&self) {
        self.write.close().await;
    }

    /// Whether this database belongs to any secrets.
    pub(crate) async fn has_secrets(&self) -> Result<bool, WriteFault> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM account_secrets").fetch_one(self.writers()?).await?;
        Ok(count > 0)
    }

    /// Whether this database belongs to the secrets with that check value: the first that come take it.
    pub(crate) async fn belongs_to(&self, check: &[u8; 32]) -> Result<bool, WriteFault> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO account_secrets (only_one, check_value) VALUES (1, $1) ON CONFLICT DO NOTHING",
        )
        .bind(&check[..])
        .execute(&mut *transaction)
        .await?;
        let stored: Vec<u8> = sqlx::query_scalar("SELECT check_value FROM account_secrets")
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(stored == check)
    }

    /// Adds an invite code, by its hash.
    pub(crate) async fn add_invite_code(&self, hash: &[u8; 32], uses: u32) -> Result<(), WriteFault> {
        sqlx::query(
            "INSERT INTO invite_codes (code_hash, uses_left) VALUES ($1, $2)
                ON CONFLICT (code_hash) DO UPDATE SET uses_left = $2",
        )
        .bind(&hash[..])
        .bind(i64::from(uses))
        .execute(self.writers()?)
        .await?;
        Ok(())
    }

    /// Whether the code with that hash can still be used.
    pub(crate) async fn has_invite_code(&self, hash: &[u8; 32]) -> Result<bool, WriteFault> {
        let uses: Option<i64> = sqlx::query_scalar("SELECT uses_left FROM invite_codes WHERE code_hash = $1")
            .bind(&hash[..])
            .fetch_optional(&self.read)
            .await?;
        Ok(uses.is_some_and(|uses| uses > 0))
    }

    /// What the operator has set while relays run.
    pub(crate) async fn quotas(&self) -> Result<Quotas, WriteFault> {
        Ok(quotas_of(&sqlx::query(QUOTAS).fetch_one(&self.read).await?).1)
    }

    /// Leaves nothing of what was deleted in the write-ahead log, now or at a later sweep.
    async fn empty_log(&self) {
        let is_done = empty_log(self.dialect, &self.write).await;
        self.has_deleted_in_log.store(!is_done, Ordering::Release);
    }

    /// Whether the write-ahead log may hold bytes of what was deleted.
    fn has_deleted_in_log(&self) -> bool {
        self.has_deleted_in_log.load(Ordering::Acquire)
    }

    async fn begin(&self) -> Result<Transaction<'static, Any>, WriteFault> {
        Ok(self.writers()?.begin_with(self.begin).await?)
    }

    /// Connections that write, into files that are still there.
    fn writers(&self) -> Result<&AnyPool, WriteFault> {
        self.files.check()?;
        Ok(&self.write)
    }
}

fn number_of(value: i64) -> Result<u64, WriteFault> {
    u64::try_from(value).map_err(|_| WriteFault::Damaged("number"))
}

fn day_of(value: i64) -> Result<u32, WriteFault> {
    u32::try_from(value).map_err(|_| WriteFault::Damaged("day"))
}

fn to_sql(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn array<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], WriteFault> {
    bytes.try_into().map_err(|_| WriteFault::Damaged(what))
}

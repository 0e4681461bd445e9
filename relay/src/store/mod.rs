//! The database: SQLite in a folder, or a PostgreSQL server. One connection writes, a few read.
//!
//! All SQL of the relay is in this folder. The schemas are `migrations/sqlite` and `migrations/postgres`.

mod account;
pub mod admin;
mod blob;
mod copied;
mod dialect;
mod entry;
mod epochs;
mod error;
mod file;
mod hashes;
mod known;
mod leftovers;
#[cfg(test)]
mod plans;
mod read;
mod rows;
mod upkeep;
mod write;

pub(crate) use account::{
    AccountStore, Created, Days, Deposited, NewAccount, NewSession, Replaced, Replacement, StoredAccount,
    StoredSession, VaultChange,
};
pub(crate) use blob::{Appended, BlobStore, NewBlob, Piece, PieceName, Reserved, StoredBlob};
pub(crate) use copied::{Contents, DatabaseFault, Snapshot, copy_sqlite, named_pieces, read_copy};
pub(crate) use dialect::{RESTORING, check_address};
pub(crate) use entry::{Found, StoredEntry};
pub(crate) use epochs::Epochs;
pub(crate) use error::{StoreError, WriteFault};
pub(crate) use known::{Key, Wanted};
pub(crate) use read::{CardLookup, EpochKey, HeldPart, Limit, OpenDoor, ReadStore};
pub(crate) use upkeep::{
    accounts_beside, check_folder, own_blob_place, own_secrets_check, reach, renew_incarnation,
};
pub(crate) use write::{HandshakeRecord, NewEntry, NewPush, Registers, StoredRoom, Swept, WriteStore};

use crate::config::Database;
use dialect::{Dialect, Source};
use hashes::fill_hashes;
use sotto_protocol::Incarnation;
use sqlx::AnyConnection;
use sqlx::migrate::Migrator;
use std::path::Path;

/// An open database.
pub(crate) struct Store {
    /// For the writer task.
    pub write: WriteStore,
    /// For everybody else.
    pub read: ReadStore,
    /// For accounts.
    pub accounts: AccountStore,
    /// For sealed files.
    pub blobs: BlobStore,
    /// Which life of the database this is.
    pub incarnation: Incarnation,
}

impl Store {
    /// Opens the database, making folder and schema where they are missing.
    pub(crate) async fn open(
        database: &Database,
        data_dir: &Path,
        max_database_bytes: Option<u64>,
    ) -> Result<Self, StoreError> {
        let mut source = Source::of(database, data_dir, max_database_bytes).await?;
        let mut connection = source.connect().await.map_err(StoreError::Open)?;
        migrate(&mut connection, source.dialect).await?;
        fill_hashes(&mut connection, source.dialect).await?;
        let incarnation = incarnation(&mut connection).await?;
        let quotas = sqlx::query(admin::QUOTAS).fetch_one(&mut connection).await.map_err(StoreError::Open)?;
        if let Some(max_bytes) = admin::quotas_of(&quotas).1.max_database_bytes {
            source.bound(&mut connection, max_bytes).await?;
        }
        let files = source.open_files(data_dir)?;
        let readers = source.readers().await.map_err(StoreError::Open)?;
        let account_writers = source.account_writers().await.map_err(StoreError::Open)?;
        let blobs = BlobStore::new(source.dialect, readers.clone(), account_writers.clone(), files.clone());
        let accounts = AccountStore::new(source.dialect, readers.clone(), account_writers, files.clone());
        let read = ReadStore::new(readers, source.dialect);
        Ok(Self {
            write: WriteStore::new(connection, source, files, max_database_bytes),
            read,
            accounts,
            blobs,
            incarnation,
        })
    }
}

fn migrator(dialect: Dialect) -> Migrator {
    match dialect {
        Dialect::Sqlite => sqlx::migrate!("../migrations/sqlite"),
        Dialect::Postgres => sqlx::migrate!("../migrations/postgres"),
    }
}

async fn migrate(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), StoreError> {
    use sqlx::migrate::MigrateError;
    let (before, after) = dialect.around_migrations();
    sqlx::raw_sql(before).execute(&mut *connection).await.map_err(StoreError::Open)?;
    let done = migrator(dialect).run(&mut *connection).await;
    sqlx::raw_sql(after).execute(&mut *connection).await.map_err(StoreError::Open)?;
    match done {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => Err(StoreError::Newer),
        Err(error) => Err(StoreError::Migrate(error)),
    }
}

async fn incarnation(connection: &mut AnyConnection) -> Result<Incarnation, StoreError> {
    let mut fresh = [0; Incarnation::LEN];
    getrandom::fill(&mut fresh).map_err(StoreError::Random)?;
    sqlx::query("INSERT INTO relay (only_one, incarnation) VALUES (1, $1) ON CONFLICT DO NOTHING")
        .bind(&fresh[..])
        .execute(&mut *connection)
        .await
        .map_err(StoreError::Open)?;
    let stored: Vec<u8> = sqlx::query_scalar("SELECT incarnation FROM relay")
        .fetch_one(connection)
        .await
        .map_err(StoreError::Open)?;
    Incarnation::try_from(&stored[..]).map_err(|_| StoreError::Damaged("incarnation"))
}

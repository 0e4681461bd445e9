//! The database: one SQLite file, one connection that writes, a few that read.
//!
//! All SQL of the relay is in this folder. The schema is `migrations/sqlite`.

mod error;
mod read;
mod rows;
mod write;

pub(crate) use error::{StoreError, WriteFault};
pub(crate) use read::{CardLookup, ReadStore, StoredEntry};
pub(crate) use write::{HandshakeRecord, NewEntry, StoredRoom, WriteStore};

use sotto_protocol::Incarnation;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

/// Pages of 4 KiB that the write-ahead log takes in before they are moved into the database: rarely, and much at once.
const CHECKPOINT_AFTER_PAGES: &str = "16000";
/// What is cut off the write-ahead log's file after it once grew.
const JOURNAL_SIZE_LIMIT_BYTES: &str = "67108864";
const WRITER_CACHE_KIB: &str = "-16000";

/// An open database.
pub(crate) struct Store {
    /// For the writer task.
    pub write: WriteStore,
    /// For everybody else.
    pub read: ReadStore,
    /// Which life of the database this is.
    pub incarnation: Incarnation,
}

impl Store {
    /// Opens the database in `data_dir`, making folder and schema where they are missing.
    pub(crate) async fn open(data_dir: &Path, max_database_bytes: Option<u64>) -> Result<Self, StoreError> {
        make_folder(data_dir)?;
        let lock = lock_folder(data_dir)?;
        let file = data_dir.join("relay.db");
        make_private_file(&file)?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .foreign_keys(false)
            .busy_timeout(Duration::from_secs(5))
            .disable_statement_logging();
        let mut connection = connect_writer(&options, max_database_bytes).await?;
        migrate(&mut connection).await?;
        let incarnation = incarnation(&mut connection).await?;
        let readers = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
        let pool = SqlitePoolOptions::new()
            .max_connections(u32::try_from(readers).unwrap_or(2))
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.read_only(true).create_if_missing(false).pragma("query_only", "ON"))
            .await
            .map_err(StoreError::Open)?;
        Ok(Self { write: WriteStore::new(connection, lock), read: ReadStore::new(pool), incarnation })
    }
}

async fn connect_writer(
    options: &SqliteConnectOptions,
    max_database_bytes: Option<u64>,
) -> Result<SqliteConnection, StoreError> {
    let options = options
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_AFTER_PAGES)
        .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT_BYTES)
        .pragma("cache_size", WRITER_CACHE_KIB)
        .pragma("temp_store", "MEMORY")
        // What is replaced, such as a card, is really gone.
        .pragma("secure_delete", "ON");
    let mut connection = options.connect().await.map_err(StoreError::Open)?;
    if let Some(max_bytes) = max_database_bytes {
        let page_bytes: i64 = sqlx::query_scalar("PRAGMA page_size")
            .fetch_one(&mut connection)
            .await
            .map_err(StoreError::Open)?;
        let pages = max_bytes / u64::try_from(page_bytes).unwrap_or(4096).max(1);
        // A pragma takes no bound parameters; this is a number.
        sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}")))
            .execute(&mut connection)
            .await
            .map_err(StoreError::Open)?;
    }
    Ok(connection)
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    use sqlx::migrate::MigrateError;
    match sqlx::migrate!("../migrations/sqlite").run(connection).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => Err(StoreError::Newer),
        Err(error) => Err(StoreError::Migrate(error)),
    }
}

async fn incarnation(connection: &mut SqliteConnection) -> Result<Incarnation, StoreError> {
    let mut fresh = [0; Incarnation::LEN];
    getrandom::fill(&mut fresh).map_err(StoreError::Random)?;
    sqlx::query("INSERT INTO relay (only_one, incarnation) VALUES (1, ?) ON CONFLICT DO NOTHING")
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

fn make_folder(data_dir: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|source| StoreError::Folder { path: data_dir.to_owned(), source })
}

/// Two relays on one database would each believe to be the only writer.
fn lock_folder(data_dir: &Path) -> Result<File, StoreError> {
    let path = data_dir.join("relay.lock");
    let file = make_private_file(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: data_dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreError::Folder { path: data_dir.to_owned(), source }),
    }
}

/// SQLite gives the files beside the database the same permissions.
fn make_private_file(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| StoreError::Folder { path: path.to_owned(), source })
}

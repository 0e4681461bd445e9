//! The two databases: SQLite in a folder for one relay, PostgreSQL for one or many. The queries are the same; what differs is
//! here: how to connect, how a room is held while it is written, and how placeholders look in statements over many rows.

use super::error::StoreError;
use super::file::OpenFiles;
use crate::config::{Database, SecretUrl};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Pages of 4 KiB that the write-ahead log takes in before they are moved into the database (rarely, and much at once), and
/// what is cut off its file after it once grew. What is replaced, such as a card, is really gone.
const SQLITE_WRITER: &str =
    "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = OFF; PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000; PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;";
/// Another program that writes beside a relay: it leaves the files as the relay has them.
pub(super) const WRITER_BESIDE: &str = "PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = OFF; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;";
/// An acknowledged entry is on disk. A statement or a lock that hangs is given up, so that others go on; and so is the transaction of
/// a relay that stands still, for it holds rooms that others wait for. Every statement of a relay finds a few rows by an index: a plan that
/// was made while a table was small, and reads all of it, would be kept while it grows. Nor
/// is any of them worth being compiled.
const POSTGRES: &str = "SET synchronous_commit = on; SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '5s';
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;";

/// The folder in a data folder that is there while a copy is restored into it.
pub(crate) const RESTORING: &str = "restore-unfinished";

/// How long a change of an account waits for those before it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// One file; this relay is the only one that writes it.
    Sqlite,
    /// A server, which other relays may write, too.
    Postgres,
}

impl Dialect {
    /// What is set for a change of the schema, and back after it: it takes as long as it takes, and reads whole tables.
    pub(super) const fn around_migrations(self) -> (&'static str, &'static str) {
        const UNBOUNDED: &str =
            "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; RESET enable_seqscan;
            RESET enable_hashjoin; RESET enable_mergejoin;";
        match self {
            Self::Sqlite => ("", ""),
            Self::Postgres => (UNBOUNDED, POSTGRES),
        }
    }
}

/// Where the database is, ready to be connected to.
pub(super) struct Source {
    pub dialect: Dialect,
    options: AnyConnectOptions,
    readers: AnyConnectOptions,
    writer_setup: Arc<str>,
    /// Held as long as the relay runs.
    _lock: Option<File>,
}

impl Source {
    /// Prepares the folder of an SQLite database; takes the address of a PostgreSQL server.
    pub(super) async fn of(
        database: &Database,
        data_dir: &Path,
        max_bytes: Option<u64>,
    ) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        check_restored(data_dir)?;
        make_folder(data_dir)?;
        match database {
            Database::Sqlite => {
                let lock = lock_folder(data_dir)?;
                let file = file_in(data_dir)?;
                make_private_file(&file)?;
                let options = SqliteConnectOptions::new().filename(&file).disable_statement_logging();
                let setup = match max_bytes {
                    None => SQLITE_WRITER.into(),
                    Some(bytes) => {
                        let page_bytes = page_bytes(&options).await?;
                        format!("{SQLITE_WRITER} {}", bounded(bytes, page_bytes)).into()
                    }
                };
                let readers = options.clone().read_only(true).create_if_missing(false);
                Ok(Self {
                    dialect: Dialect::Sqlite,
                    options: any(&options.to_url_lossy())?,
                    readers: any(&readers.to_url_lossy())?,
                    writer_setup: setup,
                    _lock: Some(lock),
                })
            }
            Database::Postgres(url) => {
                let options = postgres(url)?;
                Ok(Self {
                    dialect: Dialect::Postgres,
                    readers: options.clone(),
                    options,
                    writer_setup: POSTGRES.into(),
                    _lock: None,
                })
            }
        }
    }

    /// Where the database is, without touching it.
    pub(super) fn address(
        database: &Database,
        data_dir: &Path,
        is_read_only: bool,
    ) -> Result<(Dialect, AnyConnectOptions), StoreError> {
        sqlx::any::install_default_drivers();
        check_restored(data_dir)?;
        match database {
            Database::Sqlite => {
                let options =
                    SqliteConnectOptions::new().filename(file_in(data_dir)?).read_only(is_read_only);
                Ok((Dialect::Sqlite, any(&options.create_if_missing(false).to_url_lossy())?))
            }
            Database::Postgres(url) => Ok((Dialect::Postgres, postgres(url)?)),
        }
    }

    /// Keeps connections that are made from now on to that size of the database, where it is SQLite.
    pub(super) async fn bound(
        &mut self,
        connection: &mut AnyConnection,
        max_bytes: u64,
    ) -> Result<(), StoreError> {
        if self.dialect == Dialect::Sqlite {
            let page_bytes: i64 = sqlx::query_scalar("PRAGMA page_size")
                .fetch_one(connection)
                .await
                .map_err(StoreError::Open)?;
            let bounded = bounded(max_bytes, u64::try_from(page_bytes).unwrap_or(4096));
            self.writer_setup = format!("{} {bounded}", self.writer_setup).into();
        }
        Ok(())
    }

    /// The files of a database that is open.
    pub(super) fn open_files(&self, data_dir: &Path) -> Result<OpenFiles, StoreError> {
        match self.dialect {
            Dialect::Sqlite => Ok(OpenFiles::of(&file_in(data_dir)?)),
            Dialect::Postgres => Ok(OpenFiles::default()),
        }
    }

    /// A connection that writes.
    pub(super) async fn connect(&self) -> Result<AnyConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(self.writer_setup.to_string())).execute(&mut connection).await?;
        Ok(connection)
    }

    /// Connections that write accounts: with SQLite one, for it lets one in at a time anyway.
    pub(super) async fn account_writers(&self) -> Result<AnyPool, sqlx::Error> {
        let setup = Arc::clone(&self.writer_setup);
        let (count, lasts) = match self.dialect {
            Dialect::Sqlite => (1, true),
            Dialect::Postgres => (4, false),
        };
        let options = AnyPoolOptions::new()
            .max_connections(count)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(!lasts)
            // Where writing fails, SQLite ends a transaction by itself, and the driver never learns that it is over.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .after_connect(move |connection, _| {
                let setup = setup.to_string();
                Box::pin(
                    async move { sqlx::raw_sql(AssertSqlSafe(setup)).execute(connection).await.map(|_| ()) },
                )
            });
        let options = if lasts { options.idle_timeout(None).max_lifetime(None) } else { options };
        options.connect_with(self.options.clone()).await
    }

    /// Connections that read.
    pub(super) async fn readers(&self) -> Result<AnyPool, sqlx::Error> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
        let (setup, count, lasts) = match self.dialect {
            Dialect::Sqlite => (SQLITE_READER, threads, true),
            Dialect::Postgres => (POSTGRES, threads * 2, false),
        };
        let options = AnyPoolOptions::new()
            .max_connections(u32::try_from(count).unwrap_or(2))
            .test_before_acquire(!lasts)
            .after_connect(move |connection, _| {
                Box::pin(async move { sqlx::raw_sql(setup).execute(connection).await.map(|_| ()) })
            });
        let options = if lasts { options.idle_timeout(None).max_lifetime(None) } else { options };
        options.connect_with(self.readers.clone()).await
    }
}

/// What was deleted is overwritten in the database's own file (`secure_delete`) and may be in the write-ahead log for a while yet:
/// moves that over and empties it. Whether that is done: nobody waits for it, and while somebody reads or writes it is not.
/// PostgreSQL has its own ways.
pub(super) async fn empty_log(dialect: Dialect, pool: &AnyPool) -> bool {
    const TRIES: u32 = 5;
    const PAUSE: Duration = Duration::from_millis(50);
    if dialect == Dialect::Postgres {
        return true;
    }
    for _ in 0..TRIES {
        match try_empty_log(pool).await {
            Ok(true) => return true,
            Ok(false) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::debug!(%error, "the write-ahead log cannot be emptied");
                return false;
            }
        }
    }
    false
}

/// Whether it is empty now.
async fn try_empty_log(pool: &AnyPool) -> Result<bool, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let patience: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(&mut *connection).await?;
    // It waits while it keeps others from writing.
    sqlx::raw_sql("PRAGMA busy_timeout = 0").execute(&mut *connection).await?;
    let is_busy: Result<i64, _> =
        sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
    let restore = format!("PRAGMA busy_timeout = {patience}");
    sqlx::raw_sql(AssertSqlSafe(restore)).execute(&mut *connection).await?;
    Ok(is_busy? == 0)
}

/// A pragma takes no bound parameters; this is a number.
pub(super) fn bounded(max_bytes: u64, page_bytes: u64) -> String {
    format!("PRAGMA max_page_count = {};", max_bytes / page_bytes.max(1))
}

/// Absolute: as part of an address a relative path would mean a host.
fn file_in(data_dir: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(data_dir.join("relay.db"))
        .map_err(|source| StoreError::Folder { path: data_dir.to_owned(), source })
}

fn postgres(url: &SecretUrl) -> Result<AnyConnectOptions, StoreError> {
    let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| url.reveal().starts_with(scheme));
    if is_postgres { any_of(url.reveal()) } else { Err(StoreError::Address) }
}

/// Whether that is the address of a PostgreSQL server: all that can be said of it without asking there.
pub(crate) fn check_address(url: &SecretUrl) -> Result<(), StoreError> {
    postgres(url)?;
    let _: sqlx::postgres::PgConnectOptions = url.reveal().parse().map_err(|_| StoreError::Address)?;
    let named = url.postgres_environment().ok_or(StoreError::Address)?;
    for (name, value) in named {
        let path = Path::new(&value);
        if matches!(name, "PGSSLROOTCERT" | "PGSSLCERT" | "PGSSLKEY")
            && let Err(source) = File::open(path)
        {
            return Err(StoreError::Certificate { path: path.to_owned(), source });
        }
    }
    Ok(())
}

async fn page_bytes(options: &SqliteConnectOptions) -> Result<u64, StoreError> {
    let mut connection: SqliteConnection = options.connect().await.map_err(StoreError::Open)?;
    let bytes: i64 =
        sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut connection).await.map_err(StoreError::Open)?;
    connection.close().await.map_err(StoreError::Open)?;
    Ok(u64::try_from(bytes).unwrap_or(4096))
}

fn any(url: &impl ToString) -> Result<AnyConnectOptions, StoreError> {
    any_of(&url.to_string())
}

fn any_of(url: &str) -> Result<AnyConnectOptions, StoreError> {
    let options: AnyConnectOptions = url.parse().map_err(|_| StoreError::Address)?;
    Ok(options.disable_statement_logging())
}

fn make_folder(data_dir: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|source| StoreError::Folder { path: data_dir.to_owned(), source })
}

/// What is there of a restore that was cut off is not a relay's data.
pub(super) fn check_restored(data_dir: &Path) -> Result<(), StoreError> {
    if std::fs::symlink_metadata(data_dir.join(RESTORING)).is_ok() {
        return Err(StoreError::Restoring { path: data_dir.to_owned() });
    }
    Ok(())
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
pub(super) fn make_private_file(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| StoreError::Folder { path: path.to_owned(), source })
}

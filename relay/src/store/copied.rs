//! The database as copies see it: copied at one moment, and read in a copy that nobody writes.

use super::blob::{Piece, piece};
use super::dialect::{Dialect, Source, check_restored};
use super::{StoreError, migrator};
use crate::config::Database;
use sqlx::migrate::Migrate as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _};
use std::path::Path;

/// The migrations that brought accounts and sealed files.
const ACCOUNTS_SINCE: i64 = 2;
const BLOBS_SINCE: i64 = 3;

/// What a database says of that which is beside it.
#[derive(Debug)]
pub(crate) struct Contents {
    /// All pieces of sealed files.
    pub pieces: Vec<Piece>,
    /// Which place for sealed files is its own; none where no relay has run on it.
    pub blob_place: Option<Vec<u8>>,
    /// What it remembers of its secrets; none where no relay has run on it.
    pub secrets_check: Option<Vec<u8>>,
}

/// Why a copied database is not a relay's.
#[derive(Debug)]
pub(crate) enum DatabaseFault {
    /// A newer version wrote it.
    Newer,
    /// It cannot be read, is damaged, or has no tables of a relay.
    Damaged(String),
}

impl From<DatabaseFault> for StoreError {
    fn from(fault: DatabaseFault) -> Self {
        match fault {
            DatabaseFault::Newer => Self::Newer,
            DatabaseFault::Damaged(text) => Self::Unsound(text),
        }
    }
}

impl From<sqlx::Error> for DatabaseFault {
    fn from(error: sqlx::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Copies an SQLite database as it is at this moment, while others write it. The copy has no free pages with old content.
pub(crate) async fn copy_sqlite(from: &Path, to: &Path) -> Result<(), StoreError> {
    if let Some(folder) = from.parent() {
        check_restored(folder)?;
    }
    if !from.is_file() {
        return Err(StoreError::Missing { path: from.to_owned() });
    }
    let options = SqliteConnectOptions::new().filename(from).create_if_missing(false);
    let mut connection: SqliteConnection =
        options.disable_statement_logging().connect().await.map_err(StoreError::Open)?;
    sqlx::query("PRAGMA busy_timeout = 60000").execute(&mut connection).await.map_err(StoreError::Open)?;
    let Some(target) = to.to_str() else { return Err(StoreError::Address) };
    // SQLite takes an empty file, and leaves its permissions.
    let file = super::dialect::make_private_file(to)?;
    sqlx::query("VACUUM INTO ?").bind(target).execute(&mut connection).await.map_err(StoreError::Open)?;
    connection.close().await.map_err(StoreError::Open)?;
    file.sync_all().map_err(|source| StoreError::Folder { path: to.to_owned(), source })
}

/// Reads a copied SQLite database, after proving that it is whole and one of a relay. Nothing is written, not even beside it.
pub(crate) async fn read_copy(file: &Path) -> Result<Contents, DatabaseFault> {
    let file = std::path::absolute(file).map_err(|error| DatabaseFault::Damaged(error.to_string()))?;
    sqlx::any::install_default_drivers();
    let options =
        SqliteConnectOptions::new().filename(file).immutable(true).read_only(true).create_if_missing(false);
    let options: sqlx::any::AnyConnectOptions = options.to_url_lossy().as_str().parse()?;
    let mut connection = options.disable_statement_logging().connect().await?;
    let found: Vec<String> =
        sqlx::query_scalar("PRAGMA integrity_check(3)").fetch_all(&mut connection).await?;
    if found != ["ok"] {
        return Err(DatabaseFault::Damaged(found.join("; ")));
    }
    let contents = read(&mut connection, Dialect::Sqlite).await?;
    connection.close().await?;
    Ok(contents)
}

/// A PostgreSQL database as it is at one moment, for `pg_dump` and for us.
pub(crate) struct Snapshot {
    connection: AnyConnection,
    name: String,
}

impl Snapshot {
    /// Of this moment. It lasts until it is closed.
    pub(crate) async fn take(database: &Database, data_dir: &Path) -> Result<Self, StoreError> {
        let (_, options) = Source::address(database, data_dir, true)?;
        let mut connection = options.connect().await.map_err(StoreError::Open)?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0";
        sqlx::raw_sql(begin).execute(&mut connection).await.map_err(StoreError::Open)?;
        let name = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut connection).await;
        Ok(Self { name: name.map_err(StoreError::Open)?, connection })
    }

    /// By which other connections see the same.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the database says at that moment.
    pub(crate) async fn contents(&mut self) -> Result<Contents, StoreError> {
        Ok(read(&mut self.connection, Dialect::Postgres).await?)
    }

    /// Ends it.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await.map_err(StoreError::Open)
    }
}

/// All pieces that a database names now.
pub(crate) async fn named_pieces(database: &Database, data_dir: &Path) -> Result<Vec<Piece>, StoreError> {
    let (_, options) = Source::address(database, data_dir, true)?;
    let mut connection = options.connect().await.map_err(StoreError::Open)?;
    let pieces = named(&mut connection).await.map_err(StoreError::Open)?;
    connection.close().await.map_err(StoreError::Open)?;
    Ok(pieces)
}

async fn read(connection: &mut AnyConnection, dialect: Dialect) -> Result<Contents, DatabaseFault> {
    let applied = connection.list_applied_migrations("_sqlx_migrations").await;
    let applied = applied.map_err(|error| DatabaseFault::Damaged(error.to_string()))?;
    let known = migrator(dialect);
    if applied.iter().any(|one| !known.iter().any(|migration| migration.version == one.version)) {
        return Err(DatabaseFault::Newer);
    }
    let lives: i64 = sqlx::query_scalar("SELECT count(*) FROM relay").fetch_one(&mut *connection).await?;
    if lives != 1 {
        return Err(DatabaseFault::Damaged("no relay has run on it".to_owned()));
    }
    // A copy may be older than the tables that came later: it is brought up to date when it is restored.
    let has = |version| applied.iter().any(|one| one.version == version);
    let (mut pieces, mut blob_place, mut secrets_check) = (Vec::new(), None, None);
    if has(BLOBS_SINCE) {
        pieces = named(&mut *connection).await?;
        blob_place =
            sqlx::query_scalar("SELECT place FROM blob_usage").fetch_optional(&mut *connection).await?;
    }
    if has(ACCOUNTS_SINCE) {
        let stored = sqlx::query_scalar("SELECT check_value FROM account_secrets");
        secrets_check = stored.fetch_optional(&mut *connection).await?;
    }
    Ok(Contents { pieces, blob_place, secrets_check })
}

async fn named(connection: &mut AnyConnection) -> Result<Vec<Piece>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT start_byte, length_bytes, name FROM blob_pieces").fetch_all(connection).await?;
    rows.iter().map(|row| piece(row).map_err(|fault| sqlx::Error::Decode(fault.into()))).collect()
}

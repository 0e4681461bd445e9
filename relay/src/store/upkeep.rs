//! The database without a relay: copied, renewed after a copy was put back, looked at.

use super::dialect::Source;
use super::file::OpenFiles;
use super::{AccountStore, StoreError, migrate, migrator};
use crate::config::Database;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrate as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use std::path::Path;

/// Copies an SQLite database as it is at this moment, while others write it. The copy has no free pages with old content.
pub(crate) async fn copy_sqlite(from: &Path, to: &Path) -> Result<(), StoreError> {
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

/// Gives the database a new incarnation: it may have forgotten what clients have seen. It may also have forgotten a cut, and so it
/// forgets who is to be woken: clients subscribe again.
pub(crate) async fn renew_incarnation(database: &Database, data_dir: &Path) -> Result<(), StoreError> {
    let source = Source::of(database, data_dir, None).await?;
    let mut connection = source.connect().await.map_err(StoreError::Open)?;
    migrate(&mut connection, source.dialect).await?;
    let mut fresh = [0; sotto_protocol::Incarnation::LEN];
    getrandom::fill(&mut fresh).map_err(StoreError::Random)?;
    sqlx::query("UPDATE relay SET incarnation = $1")
        .bind(&fresh[..])
        .execute(&mut connection)
        .await
        .map_err(StoreError::Open)?;
    sqlx::query("DELETE FROM push_subscriptions").execute(&mut connection).await.map_err(StoreError::Open)?;
    connection.close().await.map_err(StoreError::Open)
}

/// The accounts of a database that a relay may be running on.
pub(crate) async fn accounts_beside(
    database: &Database,
    data_dir: &Path,
) -> Result<AccountStore, StoreError> {
    let (dialect, options) = Source::address(database, data_dir, false)?;
    let pool = AnyPoolOptions::new().max_connections(1).connect_with(options);
    let pool = pool.await.map_err(StoreError::Open)?;
    Ok(AccountStore::new(dialect, pool.clone(), pool, OpenFiles::default()))
}

/// Whether the database answers and has this version's schema. Nothing is written.
pub(crate) async fn reach(database: &Database, data_dir: &Path) -> Result<bool, StoreError> {
    if matches!(database, Database::Sqlite) && !data_dir.join("relay.db").is_file() {
        return Ok(false);
    }
    let (dialect, options) = Source::address(database, data_dir, true)?;
    let mut connection = options.connect().await.map_err(StoreError::Open)?;
    let applied = match connection.list_applied_migrations("_sqlx_migrations").await {
        Ok(applied) => applied,
        // A database without tables is a new one.
        Err(_) => return Ok(false),
    };
    let known = migrator(dialect);
    if applied.iter().any(|one| !known.iter().any(|migration| migration.version == one.version)) {
        return Err(StoreError::Newer);
    }
    Ok(known.iter().all(|migration| applied.iter().any(|one| one.version == migration.version)))
}

/// Which place for files belongs to a database; none where it has none yet.
pub(crate) async fn own_blob_place(
    database: &Database,
    data_dir: &Path,
) -> Result<Option<Vec<u8>>, StoreError> {
    if !reach(database, data_dir).await? {
        return Ok(None);
    }
    let (_, options) = Source::address(database, data_dir, true)?;
    let mut connection = options.connect().await.map_err(StoreError::Open)?;
    let place = sqlx::query_scalar("SELECT place FROM blob_usage").fetch_optional(&mut connection).await;
    place.map_err(StoreError::Open)
}

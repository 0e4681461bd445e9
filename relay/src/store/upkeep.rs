//! The database without a relay: renewed after a copy was restored, looked at.

use super::dialect::{Dialect, Source, check_restored};
use super::file::OpenFiles;
use super::{AccountStore, StoreError, migrate, migrator};
use crate::config::Database;
use crate::preflight::check_writable;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrate as _;
use sqlx::{ConnectOptions as _, Connection as _};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Gives the database a new incarnation: it may have forgotten what clients have seen. It may also have forgotten a cut, and so it
/// forgets who is to be woken: clients subscribe again. And the end of a session: all of them end, and people log in again.
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
    for forgotten in ["DELETE FROM push_subscriptions", "DELETE FROM sessions"] {
        sqlx::query(forgotten).execute(&mut connection).await.map_err(StoreError::Open)?;
    }
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
    if matches!(database, Database::Sqlite) && !data_dir.join("relay.db").exists() {
        check_restored(data_dir)?;
        return Ok(false);
    }
    let (dialect, options) = Source::address(database, data_dir, true)?;
    if dialect == Dialect::Sqlite {
        check_file(&data_dir.join("relay.db"))?;
    }
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

/// What a database remembers of its secrets; none where it has none yet.
pub(crate) async fn own_secrets_check(
    database: &Database,
    data_dir: &Path,
) -> Result<Option<Vec<u8>>, StoreError> {
    if !reach(database, data_dir).await? {
        return Ok(None);
    }
    let (_, options) = Source::address(database, data_dir, true)?;
    let mut connection = options.connect().await.map_err(StoreError::Open)?;
    let check = sqlx::query_scalar("SELECT check_value FROM account_secrets");
    check.fetch_optional(&mut connection).await.map_err(StoreError::Open)
}

/// Whether a relay could keep its data in that folder. Nothing is made.
pub(crate) fn check_folder(data_dir: &Path) -> Result<(), StoreError> {
    check_restored(data_dir)?;
    // A folder that is missing is made in the first one on the way to it that is there.
    let data_dir = &std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let there = data_dir.ancestors().find(|folder| folder.exists()).unwrap_or(data_dir);
    check_writable(there).map_err(|source| StoreError::Folder { path: data_dir.clone(), source })
}

/// Whether a file can be one of SQLite, and be written.
fn check_file(path: &Path) -> Result<(), StoreError> {
    const BEGIN: &[u8; 16] = b"SQLite format 3\0";
    let failed = |source| StoreError::Folder { path: path.to_owned(), source };
    let file = File::options().read(true).write(true).open(path).map_err(failed)?;
    let mut begin = Vec::new();
    file.take(BEGIN.len() as u64).read_to_end(&mut begin).map_err(failed)?;
    if begin.is_empty() || begin == BEGIN {
        return Ok(());
    }
    Err(StoreError::Unsound(format!("{} is not a file of SQLite", path.display())))
}

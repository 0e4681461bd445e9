//! The profile on disk: one SQLite table of sealed values, safe for many processes at once.
//!
//! A transaction is `BEGIN IMMEDIATE`: it excludes every other process's. An acknowledged commit is on the disk
//! (`synchronous=FULL`). Removed values are overwritten in the database (`secure_delete`), and where keys were among them the
//! write-ahead log is emptied too, so that no old copy of them lasts there.

mod key;

use sotto_client_core::{Change, Scan, Store, Table, Transaction, Value};
use sotto_crypto::StorageKey;
use sqlx::{
    Row as _, Sqlite, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

const SCHEMA_VERSION: i64 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder cannot be read or written.
    #[error("{} cannot be {action}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The key file is gone or damaged, and there are values sealed under it.
    #[error("the profile's key file {} is missing or damaged", .0.display())]
    Key(PathBuf),
    /// A value does not open under the key.
    #[error("a value in the profile does not open under its key file")]
    Sealed,
    /// Written by a newer Sotto.
    #[error("the profile was written by a newer version of Sotto")]
    Newer,
    /// What is there can be read, and nothing new stored.
    #[error("nothing can be written to the profile: its disk is full, or its folder is read-only")]
    ReadOnly,
    /// The database refused.
    #[error("the profile's database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl StoreError {
    /// Whether nothing can be written, and what is there may be readable.
    pub fn is_read_only_error(&self) -> bool {
        match self {
            Self::ReadOnly => true,
            Self::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::ReadOnlyFilesystem)
            }
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| is_unwritable(&code))
            }
            _ => false,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "Make the folder writable for you, or name another one with --profile DIR."
            }
            Self::Io { .. } => {
                "Check that the folder exists and the disk has space, or name another one with --profile DIR."
            }
            Self::Key(_) => {
                "Put the key file back from a backup. Without it nothing in the profile can be read."
            }
            Self::Sealed => "Put key file and database back from the same backup.",
            Self::Newer => "Update Sotto.",
            Self::ReadOnly => {
                "Make space on the disk, or make the folder writable. What was stored before can be read meanwhile."
            }
            Self::Database(_) => {
                "Check that the disk has space and the profile's folder is writable; nothing was changed."
            }
        }
    }
}

/// SQLite's codes for a disk that takes nothing: as such, or where a file of its own cannot be made, made longer or mapped.
fn is_unwritable(code: &str) -> bool {
    const READ_ONLY: i32 = 8;
    const IO_ERROR: i32 = 10;
    const FULL: i32 = 13;
    const CANNOT_OPEN: i32 = 14;
    code.parse::<i32>().is_ok_and(|code| matches!(code & 0xff, READ_ONLY | IO_ERROR | FULL | CANNOT_OPEN))
}

/// A profile's storage for one relay.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    key: StorageKey,
    /// SQLite's count of what other connections have committed, as it was when it was looked at last.
    seen_version: Arc<AtomicI64>,
    /// Whether the disk takes nothing: then what is there can be read.
    is_read_only: bool,
}

impl SqliteStore {
    /// Opens the storage in `folder`, and makes it where there is none.
    pub async fn open(profile: &Path, folder: &Path) -> Result<Self, StoreError> {
        key::make_private_folder(profile)?;
        key::make_private_folder(folder)?;
        let database = folder.join("sotto.db");
        let key = key::open(&profile.join("key"), has_databases(profile))?;
        key::make_private_file(&database)?;
        let options = SqliteConnectOptions::new().filename(&database).busy_timeout(BUSY_TIMEOUT);
        let writing = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON");
        let error = match Self::over(writing, key.clone(), false).await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        if !error.is_read_only_error() {
            return Err(error);
        }
        // Without SQLite's own files beside the database, which have no space.
        let reading = options.read_only(true).immutable(true);
        Self::over(reading, key, true).await.map_err(|_| error)
    }

    async fn over(
        options: SqliteConnectOptions,
        key: StorageKey,
        is_read_only: bool,
    ) -> Result<Self, StoreError> {
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        let store = Self { pool, key, seen_version: Arc::default(), is_read_only };
        if is_read_only {
            store.check_version().await?;
        } else {
            store.migrate().await?;
        }
        Ok(store)
    }

    /// Whether another process has committed anything since this was asked last.
    pub async fn was_written_elsewhere(&self) -> Result<bool, StoreError> {
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&self.pool).await?;
        Ok(self.seen_version.swap(version, Ordering::Relaxed) != version)
    }

    async fn check_version(&self) -> Result<(), StoreError> {
        let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&self.pool).await?;
        if version == SCHEMA_VERSION { Ok(()) } else { Err(StoreError::Newer) }
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
        match version {
            SCHEMA_VERSION => {}
            0 => {
                sqlx::query(
                    "CREATE TABLE record (kind INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, \
                     PRIMARY KEY (kind, key)) WITHOUT ROWID, STRICT",
                )
                .execute(&mut *transaction)
                .await?;
                sqlx::query("PRAGMA user_version = 1").execute(&mut *transaction).await?;
            }
            _ => return Err(StoreError::Newer),
        }
        Ok(transaction.commit().await?)
    }
}

/// A transaction of a [`SqliteStore`].
pub struct SqliteTransaction<'a> {
    transaction: sqlx::Transaction<'a, Sqlite>,
    pool: &'a SqlitePool,
    key: &'a StorageKey,
    is_read_only: bool,
}

impl Store for SqliteStore {
    type Error = StoreError;
    type Transaction<'a> = SqliteTransaction<'a>;

    async fn begin(&self) -> Result<SqliteTransaction<'_>, StoreError> {
        let begin = if self.is_read_only { "BEGIN" } else { "BEGIN IMMEDIATE" };
        let transaction = self.pool.begin_with(begin).await?;
        Ok(SqliteTransaction {
            transaction,
            pool: &self.pool,
            key: &self.key,
            is_read_only: self.is_read_only,
        })
    }
}

impl SqliteTransaction<'_> {
    fn unseal(&self, table: Table, key: &[u8], sealed: &[u8]) -> Result<Value, StoreError> {
        self.key.open(&place(table, key), sealed).map_err(|_| StoreError::Sealed)
    }
}

impl Transaction for SqliteTransaction<'_> {
    type Error = StoreError;

    async fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Value>, StoreError> {
        let sealed: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT value FROM record WHERE kind = ? AND key = ?")
                .bind(i64::from(table.code()))
                .bind(key)
                .fetch_optional(&mut *self.transaction)
                .await?;
        sealed.map(|sealed| self.unseal(table, key, &sealed)).transpose()
    }

    async fn scan(&mut self, scan: Scan) -> Result<Vec<(Vec<u8>, Value)>, StoreError> {
        let (lower, is_lower_inclusive) = match scan.after {
            Some(after) => (after, false),
            None => (scan.prefix.clone(), true),
        };
        let upper = scan.before.or_else(|| end_of(&scan.prefix));
        let query = if scan.descending {
            "SELECT key, value FROM record WHERE kind = ?1 AND (key > ?2 OR (?3 AND key = ?2)) \
             AND (?4 IS NULL OR key < ?4) ORDER BY key DESC LIMIT ?5"
        } else {
            "SELECT key, value FROM record WHERE kind = ?1 AND (key > ?2 OR (?3 AND key = ?2)) \
             AND (?4 IS NULL OR key < ?4) ORDER BY key LIMIT ?5"
        };
        let rows = sqlx::query(query)
            .bind(i64::from(scan.table.code()))
            .bind(lower)
            .bind(is_lower_inclusive)
            .bind(upper)
            .bind(i64::try_from(scan.limit).unwrap_or(i64::MAX))
            .fetch_all(&mut *self.transaction)
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let (key, sealed): (Vec<u8>, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            let value = self.unseal(scan.table, &key, &sealed)?;
            found.push((key, value));
        }
        Ok(found)
    }

    async fn commit(mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        if self.is_read_only {
            return Err(StoreError::ReadOnly);
        }
        let erases_keys = changes.iter().any(Change::erases_keys);
        for change in changes {
            match change {
                Change::Put(table, key, value) => {
                    let sealed =
                        self.key.seal(&place(table, &key), &value).map_err(|_| StoreError::Sealed)?;
                    sqlx::query("INSERT OR REPLACE INTO record (kind, key, value) VALUES (?, ?, ?)")
                        .bind(i64::from(table.code()))
                        .bind(key)
                        .bind(sealed)
                        .execute(&mut *self.transaction)
                        .await?;
                }
                Change::Delete(table, key) => {
                    sqlx::query("DELETE FROM record WHERE kind = ? AND key = ?")
                        .bind(i64::from(table.code()))
                        .bind(key)
                        .execute(&mut *self.transaction)
                        .await?;
                }
            }
        }
        let Self { transaction, pool, .. } = self;
        transaction.commit().await?;
        if erases_keys {
            // Another process that reads just now keeps its part of the log; the next commit empties it then.
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(pool).await?;
        }
        Ok(())
    }
}

/// Whether anything in the profile is sealed already, for this relay or another.
fn has_databases(profile: &Path) -> bool {
    let relays = std::fs::read_dir(profile.join("relays")).into_iter().flatten().flatten();
    relays.map(|folder| folder.path().join("sotto.db")).any(|database| database.exists())
}

/// What a sealed value is bound to.
fn place(table: Table, key: &[u8]) -> Vec<u8> {
    [&[table.code()], key].concat()
}

/// The first key after all that begin with `prefix`; `None` where there is none.
fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(folder: &Path) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(folder, &folder.join("relays/one")).await
    }

    #[tokio::test]
    async fn the_store_conforms() {
        let folder = tempfile::tempdir().unwrap();
        sotto_client_core::store_conformance::check(&open(folder.path()).await.unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_is_stored_in_the_clear_and_nothing_opens_under_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await.unwrap();
        let value = Value::new(b"the quick brown fox".to_vec());
        let put = Change::Put(Table::Room, b"key".to_vec(), value);
        store.begin().await.unwrap().commit(vec![put]).await.unwrap();
        store.pool.close().await;
        for file in std::fs::read_dir(folder.path().join("relays/one")).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(5).any(|window| window == b"quick"));
        }
        std::fs::remove_file(folder.path().join("key")).unwrap();
        assert!(matches!(open(folder.path()).await, Err(StoreError::Key(_))));
    }

    #[tokio::test]
    async fn replaced_and_deleted_keys_are_gone_from_every_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await.unwrap();
        let commit = async |change| store.begin().await.unwrap().commit(vec![change]).await.unwrap();
        let sealed = async || {
            let values: Vec<Vec<u8>> =
                sqlx::query_scalar("SELECT value FROM record").fetch_all(&store.pool).await.unwrap();
            values
        };
        let value = |byte| Value::new(vec![byte; 3000]);
        let mut erased = Vec::new();
        for byte in 0..3 {
            commit(Change::Put(Table::Room, b"room".to_vec(), value(byte))).await;
            commit(Change::Put(Table::Group, b"room".to_vec(), value(byte))).await;
            erased.extend(sealed().await);
        }
        assert_eq!(erased.len(), 6);
        commit(Change::Delete(Table::Room, b"room".to_vec())).await;
        commit(Change::Delete(Table::Group, b"room".to_vec())).await;
        for file in std::fs::read_dir(folder.path().join("relays/one")).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            for old in &erased {
                let part = &old[100..132];
                assert!(!bytes.windows(32).any(|window| window == part), "an old value is still on the disk");
            }
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn files_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("profile");
        open(&profile).await.unwrap();
        for (path, mode) in
            [("", 0o700), ("key", 0o600), ("relays/one", 0o700), ("relays/one/sotto.db", 0o600)]
        {
            let found = std::fs::metadata(profile.join(path)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{path}");
        }
    }
}

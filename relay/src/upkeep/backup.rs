//! Copies: everything that a restore needs, in one new folder, while the relay runs.
//!
//! The database is copied as it is at one moment: by SQLite's `VACUUM INTO`, by `pg_dump` for PostgreSQL. What else is in the
//! data folder (secrets, files) is copied after it: what came later than the database's moment is not named in it, and harmless.
//!
//! A restored database is another life of it: it gets a new incarnation, by which clients see that it may have forgotten entries,
//! and send again what is missing.

use crate::config::{Config, Database, SecretUrl};
use crate::store::{StoreError, copy_sqlite, renew_incarnation};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

const DATABASE_FILE: &str = "relay.db";
const DUMP_FILE: &str = "relay.pgdump";
/// What belongs to a running relay alone.
const LEFT_OUT: [&str; 4] = [DATABASE_FILE, "relay.db-wal", "relay.db-shm", "relay.lock"];

/// Why a copy was not made or not put back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpkeepError {
    /// There is something where the copy is to go.
    #[error("{} is there already", .0.display())]
    Occupied(PathBuf),
    /// The folder is no backup of this kind of database.
    #[error("{} holds no backup of this kind of database", .0.display())]
    NoBackup(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot copy {}: {source}", path.display())]
    Copy {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// PostgreSQL's own program is missing or fails. Its words may hold names of the server, not passwords.
    #[error("{program} failed: {text}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said.
        text: String,
    },
}

impl UpkeepError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Occupied(_) => "name a folder that does not exist yet, or is empty".to_owned(),
            Self::NoBackup(_) => {
                "name a folder that `sotto-relay backup` made, with the same kind of database".to_owned()
            }
            Self::Copy { .. } => "check the disk's space and the folder's permissions".to_owned(),
            Self::Store(error) => error.help(),
            Self::Program { program, .. } => {
                format!(
                    "install PostgreSQL's client programs, of the server's version: {program} is one of them"
                )
            }
        }
    }
}

/// Makes the folder `to` with a copy of everything.
///
/// # Errors
/// [`UpkeepError`], with the remedy; what was copied so far is left for inspection.
pub async fn back_up(config: &Config, to: &Path) -> Result<(), UpkeepError> {
    if to.exists() {
        return Err(UpkeepError::Occupied(to.to_owned()));
    }
    make_folder(to)?;
    match &config.database {
        Database::Sqlite => {
            copy_sqlite(&config.data_dir.join(DATABASE_FILE), &to.join(DATABASE_FILE)).await?
        }
        Database::Postgres(url) => {
            let dump = to.join(DUMP_FILE);
            let arguments = ["--format=custom", "--no-owner", "--file"];
            run("pg_dump", Command::new("pg_dump").args(arguments).arg(&dump), url)?;
            protect(&dump)?;
        }
    }
    copy_folder(&config.data_dir, to)
}

/// Puts a backup into an empty data folder, and into an empty database where that is a server's.
///
/// # Errors
/// [`UpkeepError`], with the remedy.
pub async fn restore(config: &Config, from: &Path) -> Result<(), UpkeepError> {
    let data = &config.data_dir;
    let is_empty = fs::read_dir(data).map_or(true, |mut files| files.next().is_none());
    if !is_empty {
        return Err(UpkeepError::Occupied(data.clone()));
    }
    let file = from.join(match &config.database {
        Database::Sqlite => DATABASE_FILE,
        Database::Postgres(_) => DUMP_FILE,
    });
    if !file.is_file() {
        return Err(UpkeepError::NoBackup(from.to_owned()));
    }
    make_folder(data)?;
    copy_folder(from, data)?;
    match &config.database {
        Database::Sqlite => copy_file(&file, &data.join(DATABASE_FILE))?,
        Database::Postgres(url) => {
            let arguments = ["--no-owner", "--exit-on-error", "--single-transaction", "--dbname="];
            run("pg_restore", Command::new("pg_restore").args(arguments).arg(&file), url)?;
            // It is in the database now.
            let _ = fs::remove_file(data.join(DUMP_FILE));
        }
    }
    Ok(renew_incarnation(&config.database, data).await?)
}

/// Runs one of PostgreSQL's programs. The address goes by the environment: arguments are seen by everybody on the machine.
fn run(program: &'static str, command: &mut Command, url: &SecretUrl) -> Result<(), UpkeepError> {
    let failed = |text: String| UpkeepError::Program { program, text };
    for (name, value) in url.postgres_environment().ok_or(StoreError::Address)? {
        command.env(name, value);
    }
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

fn make_folder(folder: &Path) -> Result<(), UpkeepError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| UpkeepError::Copy { path: folder.to_owned(), source })
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), UpkeepError> {
    let failed = |source| UpkeepError::Copy { path: from.to_owned(), source };
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(failed)?;
        if LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if kind.is_dir() {
            make_folder(&target)?;
            copy_folder(&source, &target)?;
        } else if kind.is_file() {
            match copy_file(&source, &target) {
                // It was deleted meanwhile, as files of blobs are when their time is over.
                Err(_) if !source.exists() => {}
                copied => copied?,
            }
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), UpkeepError> {
    fs::copy(from, to).map_err(|source| UpkeepError::Copy { path: from.to_owned(), source })?;
    protect(to)
}

/// For the relay's user alone, and on disk.
fn protect(file: &Path) -> Result<(), UpkeepError> {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))
        .and_then(|()| File::open(file)?.sync_all())
        .map_err(|source| UpkeepError::Copy { path: file.to_owned(), source })
}

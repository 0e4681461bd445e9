//! What can go wrong with the database, at start and while writing.

use std::io;
use std::path::PathBuf;

/// Why the database does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The data folder, or a file in it, cannot be made or written.
    #[error("cannot write {}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no database to copy.
    #[error("there is no database at {}", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// Another relay works on this folder.
    #[error("another relay uses {}", path.display())]
    InUse {
        /// The data folder.
        path: PathBuf,
    },
    /// A restore into this folder was cut off.
    #[error("a restore into {} has not ended", path.display())]
    Restoring {
        /// The data folder.
        path: PathBuf,
    },
    /// A later version of the relay wrote it.
    #[error("the database was written by a newer version of sotto-relay")]
    Newer,
    /// An earlier version of the relay wrote it.
    #[error("the database was written by an older version of sotto-relay, or is empty")]
    Older,
    /// The address of the database server is none.
    #[error("the address of the database is not of the form postgres://user:password@host:5432/name")]
    Address,
    /// A file that the address of the database server names cannot be read.
    #[error("cannot read {}, which the address of the database names: {source}", path.display())]
    Certificate {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database refuses.
    #[error("cannot open the database: {0}")]
    Open(sqlx::Error),
    /// The schema cannot be brought up to date.
    #[error("cannot bring the database up to date: {0}")]
    Migrate(sqlx::migrate::MigrateError),
    /// A value in it has a shape that the relay never writes.
    #[error("the database is damaged: {0}")]
    Damaged(&'static str),
    /// It cannot be read as a relay's database.
    #[error("the database is damaged: {0}")]
    Unsound(String),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(getrandom::Error),
}

impl StoreError {
    /// What to do about it.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Folder { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull => "make space on the disk".to_owned(),
                _ => "choose a folder that you may write with --data".to_owned(),
            },
            Self::Missing { .. } => "name the relay's folder with --data".to_owned(),
            Self::InUse { .. } => "stop the other relay, or choose another folder with --data".to_owned(),
            Self::Restoring { .. } => {
                "if none is under way, empty this folder (and the PostgreSQL database) and restore again".to_owned()
            }
            Self::Certificate { .. } => "check the paths of certificates and keys in --database".to_owned(),
            Self::Address => "correct --database".to_owned(),
            Self::Older => "start the relay once, or run `sotto-relay migrate`".to_owned(),
            Self::Newer => "update sotto-relay, or choose another folder with --data".to_owned(),
            Self::Open(error) if is_full(error) => {
                "make space on the disk, or raise --max-database-bytes".to_owned()
            }
            Self::Open(_) | Self::Migrate(_) | Self::Damaged(_) | Self::Unsound(_) => {
                "check that the database server runs, or the disk and the file's permissions; if the file is damaged, \
                 restore a backup or choose another folder with --data"
                    .to_owned()
            }
            Self::Random(_) => "check that the system's random number source is available".to_owned(),
        }
    }
}

/// Why a transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteFault {
    /// The disk is full, or the database has reached its quota. Reading goes on, and so will writing when there is space.
    #[error("the disk is full")]
    Full,
    /// The disk fails, or is mounted so that nothing can be written.
    #[error("the disk cannot be written: {0}")]
    Unwritable(sqlx::Error),
    /// The file of an SQLite database was moved or deleted: what is written into it now, nobody would find again.
    #[error("the database file is not where it was")]
    Moved,
    /// The database is not there, or the connection broke, or leads to a server that only reads.
    #[error("the database is not to be reached: {0}")]
    Unreachable(sqlx::Error),
    /// The connection is open, and nothing comes.
    #[error("the database does not answer")]
    Silent,
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(sqlx::Error),
    /// A value in the database has a shape that the relay never writes.
    #[error("the database is damaged: {0}")]
    Damaged(&'static str),
}

impl From<sqlx::Error> for WriteFault {
    fn from(error: sqlx::Error) -> Self {
        match error {
            error if is_full(&error) => Self::Full,
            error if is_unwritable(&error) => Self::Unwritable(error),
            error if is_unreachable(&error) => Self::Unreachable(error),
            error => Self::Failed(error),
        }
    }
}

/// What is read alike inside and outside of the writer fails in it as everything does there.
impl From<StoreError> for WriteFault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Open(error) => error.into(),
            StoreError::Damaged(what) => Self::Damaged(what),
            _ => Self::Damaged("value"),
        }
    }
}

/// Of SQLite: `SQLITE_FULL` (13), and `SQLITE_IOERR_SHMSIZE` (4874), which is how a full disk shows in the file beside the
/// database. Of PostgreSQL: `disk_full`.
fn is_full(error: &sqlx::Error) -> bool {
    let of_postgres = error.as_database_error().and_then(|error| error.code());
    of_postgres.is_some_and(|code| code == "53100")
        || sqlite_code(error).is_some_and(|code| code & 0xff == 13 || code == 4874)
}

/// Of SQLite: `SQLITE_IOERR` (10) and `SQLITE_READONLY` (8).
fn is_unwritable(error: &sqlx::Error) -> bool {
    sqlite_code(error).is_some_and(|code| matches!(code & 0xff, 8 | 10))
}

/// A code of PostgreSQL has five characters, of which some may be letters.
fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    if code.len() < 5 { code.parse().ok() } else { None }
}

impl WriteFault {
    /// Whether somebody else writes an SQLite database for longer than was waited: `SQLITE_BUSY` (5).
    pub(crate) fn is_busy(&self) -> bool {
        let Self::Failed(error) = self else { return false };
        sqlite_code(error).is_some_and(|code| code & 0xff == 5)
    }
}

/// The connection is gone, or PostgreSQL says that it is going: classes 08 (connection) and 57P (shutdown, start-up). Or the server
/// has become one that only reads (25006): another one is to be found at its address.
fn is_unreachable(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    let is_going = code.is_some_and(|code| {
        code.len() == 5 && (code.starts_with("08") || code.starts_with("57P") || code == "25006")
    });
    is_going
        || matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        )
}

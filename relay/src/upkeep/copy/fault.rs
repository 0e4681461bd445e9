//! What can be wrong with a copy, and why one was not made or not restored.

use super::manifest::MANIFEST_FILE;
use crate::account::SecretsError;
use crate::store::StoreError;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Faults that are shown of one copy; a copy without its sealed files would fill the screen.
const SHOWN_MAX: usize = 20;

/// Why a copy was not made or not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpkeepError {
    /// There is something where the copy, or the restored data, goes.
    #[error("{} is there already", .0.display())]
    Occupied(PathBuf),
    /// The copy would be a part of what is copied.
    #[error("{} is in the data folder of the relay", .0.display())]
    Inside(PathBuf),
    /// The folder is not a whole copy.
    #[error("{} is not a whole copy:{}", folder.display(), listed(faults))]
    NotWhole {
        /// Which.
        folder: PathBuf,
        /// What is wrong with it; at least one.
        faults: Vec<CopyFault>,
    },
    /// What the settings name is not of one relay.
    #[error("what is in {} does not belong together:{}", folder.display(), listed(faults))]
    Unfit {
        /// The data folder.
        folder: PathBuf,
        /// What does not fit; at least one.
        faults: Vec<CopyFault>,
    },
    /// The copy has another kind of database than the settings.
    #[error("{} holds no backup of this kind of database", .0.display())]
    OtherDatabase(PathBuf),
    /// The relay to copy has no secrets.
    #[error("there are no secrets at {}", .0.display())]
    NoSecrets(PathBuf),
    /// There are other secrets where those of the copy go.
    #[error("{} holds other secrets than the copy", .0.display())]
    OtherSecrets(PathBuf),
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
    /// The secrets cannot be read.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
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
            Self::Inside(_) => {
                "name a folder elsewhere, best on another disk: a copy that is lost with the data is none".to_owned()
            }
            Self::NotWhole { faults, .. } => faults.first().map(CopyFault::help).unwrap_or_default().to_owned(),
            Self::Unfit { .. } => "give the settings of the relay: --data, --database, --secrets, --blobs".to_owned(),
            Self::OtherDatabase(_) => {
                "name a copy of the same kind of database; --database chooses PostgreSQL".to_owned()
            }
            Self::NoSecrets(_) => {
                "name the file with --secrets as for `serve`; a relay that has never run has nothing to copy".to_owned()
            }
            Self::OtherSecrets(_) => {
                "name a file that does not exist yet with --secrets, or leave it out: the secrets go into the data folder"
                    .to_owned()
            }
            Self::Copy { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "make space on the disk, and start again: nothing was left".to_owned()
            }
            Self::Copy { .. } => "check the disk's space and the folder's permissions".to_owned(),
            Self::Store(error) => error.help(),
            Self::Secrets(error) => error.help().to_owned(),
            Self::Program { program, .. } => {
                format!(
                    "install PostgreSQL's client programs, of the server's version: {program} is one of them"
                )
            }
        }
    }
}

/// One thing that is wrong with a copy. Names of files are escaped: what a copy holds does not steer a terminal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyFault {
    /// It has no manifest.
    #[error("it has no {MANIFEST_FILE}")]
    NoManifest,
    /// The manifest is damaged.
    #[error("{MANIFEST_FILE} cannot be read: {0}")]
    Manifest(String),
    /// The manifest has a form that this version does not know.
    #[error("{MANIFEST_FILE} has format {0}, which this version does not know")]
    Format(u64),
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.escape_debug())]
    Unreadable {
        /// Which.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// A file is there that the manifest does not name.
    #[error("{} does not belong to it", .0.escape_debug())]
    Extra(String),
    /// A file has another length.
    #[error("{path} has {is} bytes instead of {should}")]
    Length {
        /// Which.
        path: String,
        /// How long it is.
        is: u64,
        /// How long it was.
        should: u64,
    },
    /// A file has other content.
    #[error("{0} has changed since it was copied")]
    Content(String),
    /// The database is damaged, or not one of a relay.
    #[error("the database is damaged: {0}")]
    Database(String),
    /// A newer version of the relay wrote the database.
    #[error("the database was written by a newer version of sotto-relay")]
    Newer,
    /// The secrets cannot be used.
    #[error("relay.secrets is not a file of secrets")]
    Secrets,
    /// The secrets are another database's.
    #[error("relay.secrets belongs to another database")]
    OtherSecrets,
    /// The sealed files are another database's.
    #[error("the sealed files belong to another database")]
    OtherFiles,
    /// The database names sealed files, and their folder is not there.
    #[error("the database names sealed files, and there are none: their folder `blobs` is not there")]
    NoFiles,
    /// The database names a piece of a sealed file that is not in the copy.
    #[error("{0}, a piece of a sealed file that the database names, is missing")]
    MissingPiece(String),
}

impl CopyFault {
    /// What to do about it.
    fn help(&self) -> &'static str {
        match self {
            Self::NoManifest => {
                "name a folder that `sotto-relay backup` made. A copy that an earlier version made, without a manifest, is restored by \
                 that version; then start it once, and copy it again with this version"
            }
            Self::Format(_) | Self::Newer => {
                "use the version of sotto-relay that made the copy, or a newer one"
            }
            Self::Unreadable { .. } => "check the permissions of the copy, and the disk that it is on",
            Self::NoFiles => {
                "mount the folder `blobs` where it was, or name the bucket of the sealed files with --blobs"
            }
            Self::Extra(_) => {
                "move what does not belong to the copy out of its folder, and check the copy again"
            }
            _ => "do not use this copy: take another one, or make a new one while the relay is still there",
        }
    }
}

fn listed(faults: &[CopyFault]) -> String {
    use fmt::Write as _;
    let mut text = String::new();
    for fault in faults.iter().take(SHOWN_MAX) {
        // Writing into a string cannot fail.
        let _ = write!(text, "\n  {fault}");
    }
    if let Some(more) = faults.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}

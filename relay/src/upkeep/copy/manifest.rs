//! What a copy says of itself: every file with its length and its hash. It is written last, so a folder without one is no copy.
//!
//! What a manifest names is judged before anything is opened: a copy has a few kinds of files, and a path is one of theirs or
//! refused. So no manifest leads out of its folder.

use super::fault::CopyFault;
use crate::blob::piece_path;
use crate::store::PieceName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Its name in the folder of a copy.
pub(super) const MANIFEST_FILE: &str = "manifest.json";
/// The form that this version writes and reads.
const FORMAT: u64 = 1;

/// A manifest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: u64,
    /// The version of the program that made the copy.
    pub relay_version: String,
    /// When it was made, as HTTP writes dates (RFC 9110, section 5.6.7).
    pub made: String,
    /// Which kind of database it has.
    pub database: DatabaseKind,
    /// Where the relay kept sealed files.
    pub sealed_files: SealedFiles,
    /// All files but this one.
    pub files: BTreeMap<CopyPath, Sum>,
    /// Pieces that the database names and that were not in the data folder any more.
    pub absent_pieces: Vec<String>,
    /// How many of these the relay had lost: its database still named them when the copy was done.
    pub lost_pieces: usize,
}

/// The kind of a copied database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DatabaseKind {
    /// A file of SQLite.
    Sqlite,
    /// What `pg_dump` wrote.
    Postgres,
}

/// Where the relay of a copy kept sealed files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SealedFiles {
    /// In the data folder: the copy has them.
    Disk,
    /// In a bucket: the copy does not have them.
    Bucket,
    /// Nowhere.
    Off,
}

/// Length and hash of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sum {
    /// Its length.
    pub bytes: u64,
    /// SHA-256, in base16.
    pub sha256: String,
}

/// Where a file is in a copy: of a shape that copies have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct CopyPath(String);

impl CopyPath {
    /// The file of an SQLite database.
    pub fn database() -> Self {
        Self("relay.db".to_owned())
    }

    /// What `pg_dump` wrote.
    pub fn dump() -> Self {
        Self("relay.pgdump".to_owned())
    }

    /// The secrets that accounts depend on.
    pub fn secrets() -> Self {
        Self("relay.secrets".to_owned())
    }

    /// To which database the sealed files belong.
    pub fn owner() -> Self {
        Self("blobs/owner".to_owned())
    }

    /// A piece of a sealed file.
    pub fn piece(name: &PieceName) -> Self {
        Self(format!("blobs/{}", piece_path(name)))
    }

    /// With slashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CopyPath {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_piece = |path: &str| {
            path.split_once('/').is_some_and(|(shelf, name)| {
                shelf.len() == 2 && name.len() == 32 && name.starts_with(shelf) && name.bytes().all(is_digit)
            })
        };
        let is_known = [Self::database(), Self::dump(), Self::secrets(), Self::owner()]
            .iter()
            .any(|known| known.0 == path)
            || path.strip_prefix("blobs/").is_some_and(is_piece);
        if is_known { Ok(Self(path)) } else { Err(format!("{path:?} is not a file of a copy")) }
    }
}

impl From<CopyPath> for String {
    fn from(path: CopyPath) -> Self {
        path.0
    }
}

impl DatabaseKind {
    /// Its file in a copy.
    pub fn file(self) -> CopyPath {
        match self {
            Self::Sqlite => CopyPath::database(),
            Self::Postgres => CopyPath::dump(),
        }
    }
}

impl Manifest {
    /// Of a copy that is being made.
    pub fn new(database: DatabaseKind, sealed_files: SealedFiles) -> Self {
        Self {
            format: FORMAT,
            relay_version: env!("CARGO_PKG_VERSION").to_owned(),
            made: httpdate::fmt_http_date(std::time::SystemTime::now()),
            database,
            sealed_files,
            files: BTreeMap::new(),
            absent_pieces: Vec::new(),
            lost_pieces: 0,
        }
    }

    /// Of the copy in that folder.
    pub fn read(folder: &Path) -> Result<Self, CopyFault> {
        let text = match fs::read(folder.join(MANIFEST_FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(CopyFault::NoManifest),
            read => {
                read.map_err(|source| CopyFault::Unreadable { path: MANIFEST_FILE.to_owned(), source })?
            }
        };
        let damaged = |error: serde_json::Error| CopyFault::Manifest(error.to_string());
        let Format { format } = serde_json::from_slice(&text).map_err(damaged)?;
        if format != FORMAT {
            return Err(CopyFault::Format(format));
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(damaged)?;
        // Without these there is no relay, whatever the files are worth.
        for needed in [manifest.database.file(), CopyPath::secrets()] {
            if !manifest.files.contains_key(&needed) {
                return Err(CopyFault::Manifest(format!("it does not name {}", needed.as_str())));
            }
        }
        Ok(manifest)
    }

    /// As it is written.
    pub fn to_json(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(self)?)
    }
}

/// What every form of a manifest says.
#[derive(Deserialize)]
struct Format {
    format: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Manifest, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MANIFEST_FILE), text).unwrap();
        Manifest::read(folder.path()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_path_leads_nowhere_but_to_files_of_a_copy() {
        let piece = CopyPath::piece(b"\x00\x01\xfe\xff0123456789ab");
        for good in [CopyPath::database(), CopyPath::dump(), CopyPath::secrets(), CopyPath::owner(), piece] {
            assert_eq!(CopyPath::try_from(good.0.clone()), Ok(good));
        }
        for bad in [
            "",
            "/etc/passwd",
            "../relay.db",
            "./relay.db",
            "relay.db/",
            "relay.lock",
            "manifest.json",
            "blobs/../relay.db",
            "blobs/00/../../relay.db",
            "blobs/00/0101feff303132333435363738396162",
            "blobs/00/0001FEFF303132333435363738396162",
            "blobs//0001feff303132333435363738396162",
        ] {
            assert!(CopyPath::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written_and_else_refused() {
        let mut manifest = Manifest::new(DatabaseKind::Sqlite, SealedFiles::Disk);
        for path in [CopyPath::database(), CopyPath::secrets()] {
            manifest.files.insert(path, Sum { bytes: 1, sha256: "00".repeat(32) });
        }
        let text = String::from_utf8(manifest.to_json().unwrap()).unwrap();
        assert_eq!(read(&text).unwrap().files, manifest.files);
        for (wrong, expected) in [
            (text[..text.len() / 2].to_owned(), "cannot be read"),
            (String::new(), "cannot be read"),
            (text.replace("\"format\": 1", "\"format\": 2"), "format 2"),
            (text.replace("relay.secrets", "../relay.secrets"), "not a file of a copy"),
            (text.replace("relay.secrets", "blobs/owner"), "does not name relay.secrets"),
            (text.replace("relay.db", "relay.pgdump"), "does not name relay.db"),
            (text.replace("\"made\"", "\"mode\""), "cannot be read"),
        ] {
            let fault = read(&wrong).unwrap_err();
            assert!(fault.contains(expected), "{fault}");
        }
    }
}

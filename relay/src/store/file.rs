//! Whether an SQLite database is still the file that was opened.
//!
//! Who moves or deletes the file under a running relay leaves the relay with one that nobody finds again: it could be written as
//! before, and would be gone with the process. So nothing is acknowledged that is not in the files that the next start opens.

use super::error::WriteFault;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of an open database; none where a server keeps it.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenFiles(Arc<[(PathBuf, Identity)]>);

/// Device and inode.
type Identity = (u64, u64);

impl OpenFiles {
    /// The database and its write-ahead log, which are open.
    pub(super) fn of(database: &Path) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let files = [database.to_owned(), log.into()];
        let known = files.into_iter().filter_map(|file| identity(&file).map(|identity| (file, identity)));
        Self(known.collect())
    }

    /// Whether they are where they were.
    pub(super) fn check(&self) -> Result<(), WriteFault> {
        let is_there = |(file, known): &(PathBuf, Identity)| identity(file).as_ref() == Some(known);
        if self.0.iter().all(is_there) { Ok(()) } else { Err(WriteFault::Moved) }
    }
}

fn identity(file: &Path) -> Option<Identity> {
    std::fs::metadata(file).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_moved_replaced_or_deleted_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (database, log) = (folder.path().join("a.db"), folder.path().join("a.db-wal"));
        let (elsewhere, other) = (folder.path().join("b"), folder.path().join("c"));
        for file in [&database, &log, &other] {
            std::fs::write(file, b"").unwrap();
        }
        let files = OpenFiles::of(&database);
        for file in [&database, &log] {
            files.check().unwrap();
            std::fs::rename(file, &elsewhere).unwrap();
            assert!(files.check().is_err(), "moved");
            std::fs::copy(&other, file).unwrap();
            assert!(files.check().is_err(), "another one in its place");
            std::fs::rename(&elsewhere, file).unwrap();
            files.check().unwrap();
        }
        std::fs::remove_file(&log).unwrap();
        assert!(files.check().is_err(), "deleted");
        OpenFiles::default().check().unwrap();
    }
}

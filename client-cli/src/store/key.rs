//! The key file, and files that are for their owner alone.

use super::StoreError;
use sotto_crypto::{Secret, StorageKey};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};
use zeroize::Zeroizing;

/// Reads the key file, or makes it where nothing is sealed yet.
pub fn open(path: &Path, has_values: bool) -> Result<StorageKey, StoreError> {
    match fs::read(path).map(Zeroizing::new) {
        Ok(bytes) => {
            Secret::from_slice(&bytes).map(StorageKey::new).map_err(|_| StoreError::Key(path.to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && has_values => {
            Err(StoreError::Key(path.to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        Err(source) => Err(StoreError::Io { path: path.to_owned(), action: "read", source }),
    }
}

/// Makes the file whole or not at all: another process may be making it in the same moment, and the first one wins.
fn make(path: &Path) -> Result<StorageKey, StoreError> {
    let secret = Secret::random().map_err(|_| StoreError::Key(path.to_owned()))?;
    let failed = |source| StoreError::Io { path: path.to_owned(), action: "written", source };
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let written = private_file(&temporary).and_then(|mut file| {
        file.write_all(secret.expose())?;
        file.sync_all()
    });
    let linked = written.and_then(|()| fs::hard_link(&temporary, path));
    // Whatever happened, the temporary file goes.
    let _ = fs::remove_file(&temporary);
    match linked.and_then(|()| sync_folder(path)) {
        Ok(()) => Ok(StorageKey::new(secret)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open(path, true),
        Err(error) => Err(failed(error)),
    }
}

/// Makes sure that the file's name is on the disk before anything is sealed under it.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Makes a folder (and those above it) that only its owner can enter.
pub fn make_private_folder(path: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| StoreError::Io { path: path.to_owned(), action: "made", source })
}

/// Makes a file, where there is none, that only its owner can read.
pub fn make_private_file(path: &Path) -> Result<(), StoreError> {
    match private_file(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StoreError::Io { path: path.to_owned(), action: "made", source }),
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

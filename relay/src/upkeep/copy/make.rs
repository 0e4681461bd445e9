//! Making a copy, while the relay runs.
//!
//! The database is copied as it is at one moment: by SQLite's `VACUUM INTO`, by `pg_dump` for PostgreSQL. Secrets and sealed files are
//! copied after it, those files that the database names at that moment and no others.
//!
//! Everything is written into a folder beside the one that is named, proven, put on disk, described by a manifest, and renamed last. So
//! a copy that was not finished has another name and no manifest.

use super::contents::belongs_together;
use super::fault::UpkeepError;
use super::files::{copy_into, make_folder, sum_in, sync_folder, sync_folders, write_new};
use super::manifest::{CopyPath, DatabaseKind, MANIFEST_FILE, Manifest, SealedFiles};
use super::{Copied, postgres};
use crate::account::{secrets_check, secrets_file};
use crate::blob::{BlobPlace, FOLDER as BLOBS};
use crate::config::{Config, Database};
use crate::store::{Contents, Piece, Snapshot, StoreError, copy_sqlite, named_pieces, read_copy};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::Builder;

/// What the manifest is called until it is whole.
const UNFINISHED_MANIFEST: &str = "manifest.json.new";

/// What the name of an unfinished copy begins with.
const UNFINISHED: &str = ".sotto-unfinished-copy-";

/// Makes the folder `to` with a copy of everything.
///
/// # Errors
/// [`UpkeepError`], with the remedy. Nothing is left of a copy that was not finished; where the program is killed, a folder beside `to`
/// stays that no restore accepts.
pub async fn back_up(config: &Config, to: &Path) -> Result<Copied, UpkeepError> {
    let failed = |source| UpkeepError::Copy { path: to.to_owned(), source };
    let to = &std::path::absolute(to).map_err(failed)?;
    // An empty folder is taken over by the last step.
    let is_empty = |there: &fs::Metadata| {
        there.is_dir() && fs::read_dir(to).is_ok_and(|mut files| files.next().is_none())
    };
    if fs::symlink_metadata(to).is_ok_and(|there| !is_empty(&there)) {
        return Err(UpkeepError::Occupied(to.clone()));
    }
    let parent = to.parent().unwrap_or(Path::new("/"));
    // Before anything is made, and once more with what was: links lead where they lead.
    let is_inside = || is_inside_data(config, parent).map_err(failed);
    if is_inside()? {
        return Err(UpkeepError::Inside(to.clone()));
    }
    make_folder(parent).map_err(failed)?;
    if is_inside()? {
        return Err(UpkeepError::Inside(to.clone()));
    }
    // Removed with all that is in it unless it is kept.
    let for_us_alone = fs::Permissions::from_mode(0o700);
    let unfinished = Builder::new().prefix(UNFINISHED).permissions(for_us_alone).tempdir_in(parent);
    let unfinished = unfinished.map_err(failed)?;
    let folder = unfinished.path();

    let kind = match &config.database {
        Database::Sqlite => DatabaseKind::Sqlite,
        Database::Postgres(_) => DatabaseKind::Postgres,
    };
    let mut manifest = Manifest::new(kind, sealed_files(config));
    let contents = copy_database(config, folder).await?;
    manifest.files.insert(kind.file(), sum_in(folder, &kind.file()).map_err(failed)?);
    let secrets = secrets_file(&config.accounts, &config.data_dir);
    if !copy(&mut manifest, folder, CopyPath::secrets(), &secrets)? {
        return Err(UpkeepError::NoSecrets(secrets));
    }
    let check = secrets_check(&folder.join(CopyPath::secrets().as_str()))?;
    copy_sealed_files(config, folder, &mut manifest, &contents.pieces)?;
    let faults = belongs_together(folder, &manifest, &contents, Some(check));
    if !faults.is_empty() {
        return Err(UpkeepError::Unfit { folder: config.data_dir.clone(), faults });
    }
    manifest.lost_pieces = lost_pieces(config, &manifest).await?;

    sync_folders(folder).map_err(failed)?;
    // Whole or not at all: what has a manifest was whole.
    let manifest_file = folder.join(UNFINISHED_MANIFEST);
    write_new(&manifest_file, &manifest.to_json().map_err(failed)?).map_err(failed)?;
    fs::rename(manifest_file, folder.join(MANIFEST_FILE)).map_err(failed)?;
    sync_folder(folder).map_err(failed)?;
    fs::rename(folder, to).map_err(failed)?;
    if let Err(source) = sync_folder(parent) {
        // It may be gone after a power cut: then it is not one that was made.
        let _ = fs::remove_dir_all(to);
        return Err(failed(source));
    }
    let _ = unfinished.keep();
    Ok(Copied::from(&manifest))
}

/// Whether a folder, which may not be there yet, is in the data folder or in that of sealed files, wherever links put them.
fn is_inside_data(config: &Config, folder: &Path) -> io::Result<bool> {
    let mut there = folder;
    let there = loop {
        match fs::canonicalize(there) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => match there.parent() {
                Some(parent) => there = parent,
                None => return Err(error),
            },
            found => break found?,
        }
    };
    for data in [config.data_dir.clone(), config.data_dir.join(BLOBS)] {
        match fs::canonicalize(data) {
            Ok(data) if there.starts_with(&data) => return Ok(true),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(false)
}

/// Copies the database, and tells what it holds at the moment of the copy.
async fn copy_database(config: &Config, folder: &Path) -> Result<Contents, UpkeepError> {
    match &config.database {
        Database::Sqlite => {
            let (from, to) = (CopyPath::database(), folder.join(CopyPath::database().as_str()));
            copy_sqlite(&config.data_dir.join(from.as_str()), &to).await?;
            Ok(read_copy(&to).await.map_err(StoreError::from)?)
        }
        Database::Postgres(url) => {
            let mut snapshot = Snapshot::take(&config.database, &config.data_dir).await?;
            let contents = snapshot.contents().await?;
            let to = folder.join(CopyPath::dump().as_str());
            // It takes a file that is there, and leaves its permissions.
            let failed = |source| UpkeepError::Copy { path: to.clone(), source };
            write_new(&to, &[]).map_err(failed)?;
            postgres::dump(url, snapshot.name(), &to)?;
            File::open(&to).and_then(|file| file.sync_all()).map_err(failed)?;
            snapshot.close().await?;
            Ok(contents)
        }
    }
}

fn sealed_files(config: &Config) -> SealedFiles {
    match config.blobs.place {
        BlobPlace::Bucket { .. } => SealedFiles::Bucket,
        // What was kept before they were switched off is still there.
        BlobPlace::Off if !config.data_dir.join(BLOBS).exists() => SealedFiles::Off,
        BlobPlace::Off | BlobPlace::Disk => SealedFiles::Disk,
    }
}

fn copy_sealed_files(
    config: &Config,
    folder: &Path,
    manifest: &mut Manifest,
    pieces: &[Piece],
) -> Result<(), UpkeepError> {
    if manifest.sealed_files != SealedFiles::Disk {
        return Ok(());
    }
    copy(manifest, folder, CopyPath::owner(), &config.data_dir.join(CopyPath::owner().as_str()))?;
    for piece in pieces {
        let path = CopyPath::piece(&piece.name);
        let from = config.data_dir.join(path.as_str());
        let is_whole = match fs::metadata(&from) {
            Ok(file) => file.len() == piece.length,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            // A disk that fails, or a folder that may not be read, is no piece that is gone.
            Err(source) => return Err(UpkeepError::Copy { path: from, source }),
        };
        if !is_whole || !copy(manifest, folder, path.clone(), &from)? {
            manifest.absent_pieces.push(path.into());
        }
    }
    Ok(())
}

/// Copies a file and writes it down; not where there is none.
fn copy(manifest: &mut Manifest, folder: &Path, path: CopyPath, from: &Path) -> Result<bool, UpkeepError> {
    let failed = |source| UpkeepError::Copy { path: from.to_owned(), source };
    let file = match File::open(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(failed)?,
    };
    let sum = copy_into(folder, &path, file).map_err(failed)?;
    manifest.files.insert(path, sum);
    Ok(true)
}

/// How many of the absent pieces the relay itself has lost: those that its database still names. The others were removed while the copy was
/// made, as sealed files are when their time is over.
async fn lost_pieces(config: &Config, manifest: &Manifest) -> Result<usize, UpkeepError> {
    if manifest.absent_pieces.is_empty() {
        return Ok(0);
    }
    let named = named_pieces(&config.database, &config.data_dir).await?;
    let named: BTreeSet<_> = named.iter().map(|piece| CopyPath::piece(&piece.name)).collect();
    Ok(named
        .iter()
        .filter(|path| manifest.absent_pieces.iter().any(|absent| absent == path.as_str()))
        .count())
}

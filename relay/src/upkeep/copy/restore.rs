//! Restoring a copy into an empty data folder, and into an empty database where a server keeps it.
//!
//! Everything is written into a folder inside the data folder, and proven there. While that folder is there, no relay starts on the data
//! folder; it is removed last. So a restore that was not finished cannot be taken for one that was.
//!
//! A restored database is another life of it: it gets a new incarnation, by which clients see that it may have forgotten entries. All
//! sessions are ended, for it may have forgotten that one was.

use super::fault::UpkeepError;
use super::files::{make_folder, prove as prove_files, sync_folder, sync_folders, write_new};
use super::manifest::{CopyPath, DatabaseKind};
use super::{Copied, contents, postgres, read_manifest, require_whole};
use crate::blob::FOLDER as BLOBS;
use crate::config::{Config, Database};
use crate::preflight::check_writable;
use crate::store::{RESTORING, renew_incarnation};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What a restore moves into the data folder; the database last.
const MOVED: [&str; 3] = [BLOBS, "relay.secrets", "relay.db"];

/// Where secrets go, and what they are.
type SecretsFile = (PathBuf, Zeroizing<Vec<u8>>);

/// Puts a copy into an empty data folder, and into an empty database where that is a server's.
///
/// # Errors
/// [`UpkeepError`], with the remedy. Then nothing is left in the data folder.
pub async fn restore(config: &Config, from: &Path) -> Result<Copied, UpkeepError> {
    let data = &config.data_dir;
    check_empty(data)?;
    let manifest = read_manifest(from)?;
    let kind = match &config.database {
        Database::Sqlite => DatabaseKind::Sqlite,
        Database::Postgres(_) => DatabaseKind::Postgres,
    };
    if manifest.database != kind {
        return Err(UpkeepError::OtherDatabase(from.to_owned()));
    }
    let failed = |source| UpkeepError::Copy { path: data.clone(), source };
    let restoring = Restoring::begin(data).map_err(failed)?;
    let folder = &restoring.folder;
    require_whole(from, prove_files(from, &manifest, Some(folder)).map_err(failed)?)?;
    require_whole(from, contents::prove(folder, &manifest).await)?;
    let secrets_elsewhere = secrets_elsewhere(config, folder)?;
    if let Database::Postgres(url) = &config.database {
        postgres::restore(url, &folder.join(CopyPath::dump().as_str()))?;
    }
    renew_incarnation(&config.database, folder).await?;
    sync_folders(folder).map_err(failed)?;
    if let Some((path, content)) = secrets_elsewhere {
        let failed = |source| UpkeepError::Copy { path: path.clone(), source };
        write_secrets(&path, &content).map_err(failed)?;
    }
    restoring.finish().map_err(failed)?;
    Ok(Copied::from(&manifest))
}

fn check_empty(data: &Path) -> Result<(), UpkeepError> {
    match fs::read_dir(data) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(UpkeepError::Copy { path: data.to_owned(), source }),
        Ok(mut files) => match files.next() {
            None => Ok(()),
            Some(_) => Err(UpkeepError::Occupied(data.to_owned())),
        },
    }
}

/// Takes the secrets of the copy out of its folder where the settings keep them elsewhere, and says what to write there.
fn secrets_elsewhere(config: &Config, folder: &Path) -> Result<Option<SecretsFile>, UpkeepError> {
    let Some(path) = &config.accounts.secrets_file else { return Ok(None) };
    let own = folder.join(CopyPath::secrets().as_str());
    let failed = |path: &Path, source| UpkeepError::Copy { path: path.to_owned(), source };
    let content = Zeroizing::new(fs::read(&own).map_err(|error| failed(&own, error))?);
    fs::remove_file(&own).map_err(|error| failed(&own, error))?;
    match fs::read(path).map(Zeroizing::new) {
        Ok(there) if there == content => Ok(None),
        Ok(_) => Err(UpkeepError::OtherSecrets(path.clone())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Before anything is put into a database.
            check_writable(folder_of(path)).map_err(|error| failed(path, error))?;
            Ok(Some((path.clone(), content)))
        }
        Err(error) => Err(failed(path, error)),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whole or not at all.
fn write_secrets(path: &Path, content: &[u8]) -> io::Result<()> {
    let parent = folder_of(path);
    let unfinished = path.with_extension(format!("secrets.{}.new", std::process::id()));
    let written = write_new(&unfinished, content).and_then(|()| fs::hard_link(&unfinished, path));
    let removed = fs::remove_file(&unfinished);
    written.and(removed)?;
    sync_folder(parent)
}

/// A restore that is under way. Dropped before it is finished, it leaves the data folder as it was.
struct Restoring<'a> {
    data: &'a Path,
    folder: PathBuf,
    is_made: bool,
    is_finished: bool,
}

impl<'a> Restoring<'a> {
    fn begin(data: &'a Path) -> io::Result<Self> {
        let is_made = !data.exists();
        make_folder(data)?;
        let restoring = Self { data, folder: data.join(RESTORING), is_made, is_finished: false };
        make_folder(&restoring.folder)?;
        sync_folder(data)?;
        Ok(restoring)
    }

    fn finish(mut self) -> io::Result<()> {
        for name in MOVED {
            match fs::rename(self.folder.join(name), self.data.join(name)) {
                // With PostgreSQL there is no file of the database, and not every relay has sealed files.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                moved => moved?,
            }
        }
        sync_folder(self.data)?;
        fs::remove_dir_all(&self.folder)?;
        self.is_finished = true;
        sync_folder(self.data)
    }
}

impl Drop for Restoring<'_> {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        // What cannot be removed stays beside the folder that keeps relays from starting: that one goes last.
        let removed = MOVED.iter().try_for_each(|name| {
            let path = self.data.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
        });
        if removed.is_ok() && fs::remove_dir_all(&self.folder).is_ok() && self.is_made {
            let _ = fs::remove_dir(self.data);
        }
    }
}

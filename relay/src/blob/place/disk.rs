//! Pieces as files. What blocks runs on threads of its own.
//!
//! The times of a file say no more than its day, as the database does: files and their folders bear the midnight that ends the day of the
//! last change, and reading leaves no time. What the file system keeps of itself (of inodes, in its journal) cannot be changed.

use super::{OWNER_FILE, PlaceFault, Reading, name_of, path_of};
use crate::store::PieceName;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use std::fs::{self, DirBuilder, File, FileTimes, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::spawn_blocking;

/// How much is read at once.
const READ_BYTES: u64 = 128 * 1024;
/// How many names are listed at once.
const LIST_AHEAD: usize = 64;

/// A folder.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: Arc<Path>,
    keep_free: u64,
}

impl Disk {
    /// The folder, made if it is missing. That many bytes of the disk are left to others.
    pub(in crate::blob) fn open(folder: &Path, keep_free: u64) -> io::Result<Self> {
        // All of them now, and on disk with their names: what a piece is acknowledged by is then its own folder alone.
        for shelf in 0..=u8::MAX {
            make_folder(&folder.join(format!("{shelf:02x}")))?;
        }
        File::open(folder)?.sync_all()?;
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self { folder: folder.into(), keep_free })
    }

    pub(super) async fn put(&self, name: &PieceName, bytes: Bytes) -> Result<(), PlaceFault> {
        let (path, folder, keep_free) =
            (self.folder.join(path_of(name)), Arc::clone(&self.folder), self.keep_free);
        in_background(move || {
            if is_short_of(&folder, keep_free.saturating_add(bytes.len() as u64)) {
                return Err(ErrorKind::StorageFull.into());
            }
            write(&path, &bytes).inspect_err(|_| {
                // What is left of it has no name in the database: if it stays, it is swept.
                let _ = fs::remove_file(&path);
            })
        })
        .await
    }

    pub(super) async fn read(&self, name: &PieceName, range: Range<u64>) -> Result<Reading, PlaceFault> {
        let path = self.folder.join(path_of(name));
        let file = Arc::new(in_background(move || open_unnoted(&path)).await?);
        let parts = stream::try_unfold((file, range), async |(file, range)| {
            if range.is_empty() {
                return Ok(None);
            }
            let until = range.end.min(range.start.saturating_add(READ_BYTES));
            let (from, length) = (range.start, usize::try_from(until - range.start).unwrap_or(usize::MAX));
            let (file, bytes) = in_background(move || {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, from)?;
                Ok((file, bytes))
            })
            .await?;
            Ok(Some((Bytes::from(bytes), (file, until..range.end))))
        });
        Ok(parts.boxed())
    }

    pub(super) async fn delete(&self, name: &PieceName) -> Result<(), PlaceFault> {
        let path = self.folder.join(path_of(name));
        in_background(move || match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => {
                if let Some(Ok(folder)) = path.parent().map(File::open) {
                    blur_times(&folder);
                }
                Ok(())
            }
        })
        .await
    }

    pub(super) fn list(&self, older_than: Duration) -> BoxStream<'static, Result<PieceName, PlaceFault>> {
        let folder = Arc::clone(&self.folder);
        let (found, names) = tokio::sync::mpsc::channel(LIST_AHEAD);
        spawn_blocking(move || {
            let before = SystemTime::now().checked_sub(older_than).unwrap_or(SystemTime::UNIX_EPOCH);
            let tell = |name| found.blocking_send(Ok(name)).map_err(io::Error::other);
            if let Err(error) = list(&folder, before, tell) {
                // Nobody listens if that is why.
                let _ = found.blocking_send(Err(PlaceFault::Disk(error)));
            }
        });
        stream::unfold(names, async |mut names| names.recv().await.map(|name| (name, names))).boxed()
    }

    pub(super) async fn owner(&self) -> Result<Option<Vec<u8>>, PlaceFault> {
        let path = self.folder.join(OWNER_FILE);
        in_background(move || match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        })
        .await
    }

    pub(super) async fn take(&self, owner: &[u8; 16]) -> Result<(), PlaceFault> {
        let (path, owner) = (self.folder.join(OWNER_FILE), *owner);
        in_background(move || write(&path, &owner)).await
    }
}

/// A new file, for the relay's user alone, on disk with its name.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    blur_times(&file);
    file.sync_all()?;
    let Some(folder) = path.parent() else { return Ok(()) };
    let folder = File::open(folder)?;
    blur_times(&folder);
    folder.sync_all()
}

/// Puts the midnight that comes in the place of the exact times. Not the one before: what is not named yet would look old enough to be
/// swept. Where a file system does not do it, the file is none the worse.
fn blur_times(file: &File) {
    const DAY_S: u64 = 24 * 60 * 60;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let days = now.as_secs() / DAY_S + 1;
    let midnight = SystemTime::UNIX_EPOCH + Duration::from_secs(days.saturating_mul(DAY_S));
    let _ = file.set_times(FileTimes::new().set_accessed(midnight).set_modified(midnight));
}

/// Opens a file to read it, and leaves no time of that where the system has a way.
fn open_unnoted(path: &Path) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOATIME;
        // The system refuses it where another user owns the files.
        if let Ok(file) = rustix::fs::open(path, flags, Mode::empty()) {
            return Ok(file.into());
        }
    }
    File::open(path)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A disk that does not tell is taken for large enough: it says so itself when it is full.
fn is_short_of(folder: &Path, bytes: u64) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < bytes)
}

fn list(
    folder: &Path,
    before: SystemTime,
    mut tell: impl FnMut(PieceName) -> io::Result<()>,
) -> io::Result<()> {
    let shelves: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    for shelf in shelves.into_iter().filter(|shelf| shelf.is_dir()) {
        for entry in fs::read_dir(shelf)? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().and_then(name_of) else { continue };
            match entry.metadata().and_then(|metadata| metadata.modified()) {
                Ok(modified) if modified < before => tell(name)?,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, PlaceFault> {
    let done = spawn_blocking(work).await.unwrap_or_else(|_| Err(io::Error::other("interrupted")));
    done.map_err(|error| match error.kind() {
        ErrorKind::NotFound => PlaceFault::Missing,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => PlaceFault::Full,
        _ => PlaceFault::Disk(error),
    })
}

//! Files of a copy: written with their sums, on disk before anything relies on them, and proven by their sums.

use super::fault::CopyFault;
use super::manifest::{CopyPath, MANIFEST_FILE, Manifest, Sum};
use crate::base16::base16;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// How much is read at once.
const READ_BYTES: usize = 256 * 1024;

/// Makes a folder for the relay's user alone, and those that lead to it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a new file for the relay's user alone; it is on disk when this returns.
pub(super) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = new_file(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Copies a file to a new one, in the folder of a copy; it is on disk when this returns.
pub(super) fn copy_into(folder: &Path, path: &CopyPath, mut from: File) -> io::Result<Sum> {
    let to = folder.join(path.as_str());
    if let Some(parent) = to.parent() {
        make_folder(parent)?;
    }
    let mut to = new_file(&to)?;
    let sum = sum_of(&mut from, |part| to.write_all(part))?;
    to.sync_all()?;
    Ok(sum)
}

/// The sum of a file of a copy.
pub(super) fn sum_in(folder: &Path, path: &CopyPath) -> io::Result<Sum> {
    sum_of(&mut File::open(folder.join(path.as_str()))?, |_| Ok(()))
}

/// Puts the names of all files in a folder, and in folders in it, on disk.
pub(super) fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync_folder(folder)
}

/// Puts the names in a folder on disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What is wrong with the files of a copy, all of it. Where `to` is given, the files are copied there while they are read.
///
/// # Errors
/// A file cannot be written.
pub(super) fn prove(folder: &Path, manifest: &Manifest, to: Option<&Path>) -> io::Result<Vec<CopyFault>> {
    let mut faults = Vec::new();
    let mut found = BTreeSet::new();
    if let Err(source) = list(folder, "", &mut found) {
        faults.push(CopyFault::Unreadable { path: ".".to_owned(), source });
        return Ok(faults);
    }
    found.remove(MANIFEST_FILE);
    for (path, should) in &manifest.files {
        let name = path.as_str().to_owned();
        if !found.remove(path.as_str()) {
            faults.push(CopyFault::Missing(name));
            continue;
        }
        let mut from = match open_regular(&folder.join(path.as_str())) {
            Ok((_, bytes)) if bytes != should.bytes => {
                faults.push(CopyFault::Length { path: name, is: bytes, should: should.bytes });
                continue;
            }
            Ok((file, _)) => file,
            Err(source) => {
                faults.push(CopyFault::Unreadable { path: name, source });
                continue;
            }
        };
        // Where the source fails is told apart from where the target does.
        let sum = match to {
            Some(to) => copy_into(to, path, from)?,
            None => match sum_of(&mut from, |_| Ok(())) {
                Ok(sum) => sum,
                Err(source) => {
                    faults.push(CopyFault::Unreadable { path: name, source });
                    continue;
                }
            },
        };
        if sum != *should {
            faults.push(CopyFault::Content(name));
        }
    }
    faults.extend(found.into_iter().map(CopyFault::Extra));
    Ok(faults)
}

/// All that is in a folder and is not a folder itself, by its path in it. Links are not followed.
fn list(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.insert(name);
        }
    }
    Ok(())
}

/// A file and its length; not what a link leads to, nor a device or a pipe.
fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn sum_of(from: &mut File, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Sum> {
    let mut hash = Sha256::new();
    let (mut bytes, mut buffer) = (0_u64, vec![0; READ_BYTES]);
    loop {
        let count = match from.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        each(part)?;
        bytes = bytes.saturating_add(part.len() as u64);
    }
    Ok(Sum { bytes, sha256: base16(&hash.finalize()) })
}

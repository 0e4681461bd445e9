//! Copies: everything that a restore needs, in one folder.
//!
//! ```text
//! make       a new copy, while the relay runs
//! restore    into an empty data folder
//! manifest   what a copy says of itself; files, contents: whether that is so
//! fault      what is wrong with a copy, and why something was not done
//! ```
//!
//! # Invariants
//!
//! - What bears the name of a copy is whole: it is written under another name, proven, put on disk, and renamed last.
//! - Nothing is restored that is not proven: the sums of all files, the database, the secrets, and that they belong together.
//! - No relay starts on a data folder whose restore has not ended.

mod contents;
mod fault;
mod files;
mod make;
mod manifest;
mod postgres;
mod restore;

pub use fault::{CopyFault, UpkeepError};
pub use make::back_up;
pub use manifest::SealedFiles;
pub use restore::restore;

use manifest::Manifest;
use std::path::Path;

/// What a copy is.
#[derive(Debug)]
pub struct Copied {
    /// When it was made.
    pub made: String,
    /// By which version.
    pub relay_version: String,
    /// How many files it has.
    pub files: usize,
    /// How long they are together.
    pub bytes: u64,
    /// Where its relay kept sealed files.
    pub sealed_files: SealedFiles,
    /// Pieces of sealed files that were gone when it was made.
    pub absent: usize,
    /// How many of them the relay had lost.
    pub lost: usize,
}

impl From<&Manifest> for Copied {
    fn from(manifest: &Manifest) -> Self {
        Self {
            made: manifest.made.clone(),
            relay_version: manifest.relay_version.clone(),
            files: manifest.files.len(),
            bytes: manifest.files.values().fold(0, |sum, file| sum.saturating_add(file.bytes)),
            sealed_files: manifest.sealed_files,
            absent: manifest.absent_pieces.len(),
            lost: manifest.lost_pieces,
        }
    }
}

/// Proves that a folder is a whole copy. Nothing is written.
///
/// # Errors
/// [`UpkeepError::NotWhole`], with all that is wrong.
pub async fn verify(folder: &Path) -> Result<Copied, UpkeepError> {
    let manifest = read_manifest(folder)?;
    let failed = |source| UpkeepError::Copy { path: folder.to_owned(), source };
    require_whole(folder, files::prove(folder, &manifest, None).map_err(failed)?)?;
    require_whole(folder, contents::prove(folder, &manifest).await)?;
    Ok(Copied::from(&manifest))
}

/// Refuses a folder with such faults, if there are any.
fn require_whole(folder: &Path, faults: Vec<CopyFault>) -> Result<(), UpkeepError> {
    if faults.is_empty() { Ok(()) } else { Err(UpkeepError::NotWhole { folder: folder.to_owned(), faults }) }
}

fn read_manifest(folder: &Path) -> Result<Manifest, UpkeepError> {
    Manifest::read(folder)
        .map_err(|fault| UpkeepError::NotWhole { folder: folder.to_owned(), faults: vec![fault] })
}

//! Whether what is in a copy belongs together: the database is one of a relay and not damaged, the secrets and the sealed files are
//! its own, and all of them are there.

use super::fault::CopyFault;
use super::manifest::{CopyPath, DatabaseKind, Manifest, SealedFiles};
use crate::account::secrets_check;
use crate::store::{Contents, DatabaseFault, read_copy};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What is wrong with the files of a folder, which are those that the manifest names. What a dump of PostgreSQL holds only a server can
/// tell: there the sums prove that it is the one that was made.
pub(super) async fn prove(folder: &Path, manifest: &Manifest) -> Vec<CopyFault> {
    let mut faults = Vec::new();
    let secrets = secrets_check(&folder.join(CopyPath::secrets().as_str()));
    if secrets.is_err() {
        faults.push(CopyFault::Secrets);
    }
    if manifest.database == DatabaseKind::Postgres {
        return faults;
    }
    let contents = match read_copy(&folder.join(CopyPath::database().as_str())).await {
        Ok(contents) => contents,
        Err(DatabaseFault::Newer) => return with(faults, CopyFault::Newer),
        Err(DatabaseFault::Damaged(text)) => return with(faults, CopyFault::Database(text)),
    };
    faults.extend(belongs_together(folder, manifest, &contents, secrets.ok()));
    faults
}

/// What does not fit the database of a copy.
pub(super) fn belongs_together(
    folder: &Path,
    manifest: &Manifest,
    contents: &Contents,
    secrets: Option<[u8; 32]>,
) -> Vec<CopyFault> {
    let mut faults = Vec::new();
    if let (Some(own), Some(secrets)) = (&contents.secrets_check, secrets)
        && own[..] != secrets
    {
        faults.push(CopyFault::OtherSecrets);
    }
    if manifest.sealed_files == SealedFiles::Bucket {
        return faults;
    }
    let has_owner = manifest.files.contains_key(&CopyPath::owner());
    if contents.blob_place.is_some() && !contents.pieces.is_empty() && !has_owner {
        return with(faults, CopyFault::NoFiles);
    }
    if manifest.sealed_files == SealedFiles::Off {
        return faults;
    }
    let owner = fs::read(folder.join(CopyPath::owner().as_str())).ok();
    if let (Some(own), Some(owner)) = (&contents.blob_place, owner)
        && *own != owner
    {
        faults.push(CopyFault::OtherFiles);
    }
    let absent: BTreeSet<_> = manifest.absent_pieces.iter().map(String::as_str).collect();
    for piece in &contents.pieces {
        let path = CopyPath::piece(&piece.name);
        match manifest.files.get(&path) {
            Some(sum) if sum.bytes == piece.length => {}
            Some(sum) => {
                let path = path.as_str().to_owned();
                faults.push(CopyFault::Length { path, is: sum.bytes, should: piece.length });
            }
            None if absent.contains(path.as_str()) => {}
            None => faults.push(CopyFault::MissingPiece(path.as_str().to_owned())),
        }
    }
    faults
}

fn with(mut faults: Vec<CopyFault>, fault: CopyFault) -> Vec<CopyFault> {
    faults.push(fault);
    faults
}

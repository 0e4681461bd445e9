//! `sotto-relay backup` and `restore`.

use super::args::Settings;
use super::{Failure, print};
use sotto_relay::upkeep::{self, Copied, SealedFiles, UpkeepError};
use std::path::PathBuf;

/// Makes a copy, or proves one.
pub async fn back_up(folder: PathBuf, verify: bool, settings: Settings) -> Result<(), Failure> {
    if verify {
        let copied = upkeep::verify(&folder).await.map_err(failure)?;
        print(&format!("{} is a whole copy: {}\n{}", folder.display(), described(&copied), notes(&copied)));
        return Ok(());
    }
    let copied = upkeep::back_up(&settings.to_config(), &folder).await.map_err(failure)?;
    print(&format!("copied to {}: {}\n{}", folder.display(), described(&copied), notes(&copied)));
    Ok(())
}

/// Restores a copy.
pub async fn restore(from: PathBuf, settings: Settings) -> Result<(), Failure> {
    let copied = upkeep::restore(&settings.to_config(), &from).await.map_err(failure)?;
    print(&format!("restored: {}\n{}", described(&copied), notes(&copied)));
    print(
        "All sessions are ended: people log in again. Names, passwords and recovery codes are those of the copy, also where they were changed \
         after it was made: a password that a user had to replace is valid again. Tell them to change it once more.\n",
    );
    print(
        "Clients that have seen later messages than the copy has raise an alarm in those rooms, and stop there.\n",
    );
    Ok(())
}

fn failure(error: UpkeepError) -> Failure {
    Failure::new(&error, error.help())
}

fn described(copied: &Copied) -> String {
    let Copied { made, relay_version, files, bytes, .. } = copied;
    format!("{files} files, {bytes} bytes, made on {made} by version {relay_version}")
}

/// What an operator should know of a copy that is whole.
fn notes(copied: &Copied) -> String {
    let mut notes = String::new();
    if copied.sealed_files == SealedFiles::Bucket {
        notes.push_str("note: sealed files are in a bucket, and not in the copy\n");
    }
    if copied.lost > 0 {
        notes.push_str(&format!(
            "warning: the relay itself has lost {} pieces of sealed files: look for the folder `blobs`, or name their bucket with --blobs\n",
            copied.lost
        ));
    } else if copied.absent > 0 {
        notes.push_str(&format!(
            "note: {} pieces of sealed files were gone when the copy was made\n",
            copied.absent
        ));
    }
    notes
}

//! PostgreSQL's own programs, which copy and restore a server's database.

use super::fault::UpkeepError;
use crate::config::SecretUrl;
use crate::store::StoreError;
use std::path::Path;
use std::process::Command;

/// Writes the database as that snapshot sees it into a new file.
pub(super) fn dump(url: &SecretUrl, snapshot: &str, to: &Path) -> Result<(), UpkeepError> {
    let mut command = Command::new("pg_dump");
    command.args(["--format=custom", "--no-owner", "--snapshot", snapshot, "--file"]).arg(to);
    run("pg_dump", &mut command, url)
}

/// Puts a dump into an empty database: all of it or nothing.
pub(super) fn restore(url: &SecretUrl, from: &Path) -> Result<(), UpkeepError> {
    let arguments = ["--no-owner", "--exit-on-error", "--single-transaction", "--dbname="];
    run("pg_restore", Command::new("pg_restore").args(arguments).arg(from), url)
}

/// Runs one of the programs. The address goes by the environment: every user of the machine sees arguments.
fn run(program: &'static str, command: &mut Command, url: &SecretUrl) -> Result<(), UpkeepError> {
    let failed = |text: String| UpkeepError::Program { program, text };
    for (name, value) in url.postgres_environment().ok_or(StoreError::Address)? {
        command.env(name, value);
    }
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

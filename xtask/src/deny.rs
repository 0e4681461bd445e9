//! The crates that are used, held against `deny.toml` by cargo-deny: their licenses, where they come from, and known vulnerabilities.
//!
//! The database of vulnerabilities is fetched from a git host, which cannot be reached from everywhere. Where it cannot, the report says
//! that this step was left out; everything else needs crates.io alone.

use crate::report::Report;
use crate::workspace::{call, find_program, output_of, root};
use anyhow::{Context, Result};
use sotto_test_services::find_python_tool;
use std::path::PathBuf;
use std::process::Command;

/// Runs the steps; each is only noted in the report.
pub fn run(report: &mut Report) {
    let checked = report.step("dependencies: licenses, sources", || {
        call(cargo_deny()?.args(["--locked", "check", "bans", "licenses", "sources"]))
    });
    if checked.is_err() {
        return;
    }
    if is_database_there() {
        let _ = report.step("dependencies: known vulnerabilities", || {
            call(cargo_deny()?.args(["--locked", "check", "advisories"]))
        });
    } else {
        let _ = report.step("dependencies: known vulnerabilities (LEFT OUT)", || {
            println!("    the database of known vulnerabilities cannot be fetched from here: nothing was looked up in it");
            Ok(())
        });
    }
}

fn is_database_there() -> bool {
    // Where the host asks who we are, there is nobody to answer.
    cargo_deny()
        .is_ok_and(|mut deny| output_of(deny.args(["fetch", "db"]).env("GIT_TERMINAL_PROMPT", "0")).is_some())
}

/// The pinned one; else whichever is installed.
fn cargo_deny() -> Result<Command> {
    const REMEDY: &str = "cargo-deny is missing: `cargo xtask setup` installs it";
    let program: PathBuf =
        find_python_tool("cargo-deny").or_else(|| find_program(&["cargo-deny"])).context(REMEDY)?;
    let mut command = Command::new(program);
    command.current_dir(root());
    Ok(command)
}

//! Tools that are written in Python, in a virtual environment of their own: made again when what is pinned changes.

use super::install;
use crate::workspace::{call, find_program, output_of};
use anyhow::{Context, Result};
use sotto_test_services::{python_environment, python_requirements};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const REMEDY: &str = "the tests need Python 3.11 or later with its venv module; \
                      on Debian: apt-get install python3 python3-venv";
/// Written last: says what is installed, all of it.
const STAMP: &str = "installed.txt";

/// What `tests/tools/requirements.txt` pins, at `target/tools/python`.
pub fn ensure_python_tools() -> Result<()> {
    let requirements = python_requirements();
    let pinned =
        fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let environment = python_environment();
    let stamp = environment.join(STAMP);
    if fs::read(&stamp).is_ok_and(|installed| installed == pinned) {
        return Ok(());
    }
    println!("    installing what tests/tools/requirements.txt pins");
    let python = ensure_python()?;
    if environment.exists() {
        fs::remove_dir_all(&environment)?;
    }
    call(Command::new(python).args(["-m", "venv"]).arg(&environment))?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    // Nothing that is not named there, and nothing that would be built here.
    pip.args(["--require-hashes", "--only-binary", ":all:", "--requirement"]).arg(&requirements);
    call(&mut pip).context("the Python tools cannot be fetched from PyPI")?;
    fs::write(stamp, pinned).context("cannot say what is installed")
}

/// A Python that can make virtual environments: found, or installed by apt where that is possible.
fn ensure_python() -> Result<PathBuf> {
    if let Some(python) = find_program(&["python3"]).filter(|python| is_good(python)) {
        return Ok(python);
    }
    println!("    Python is missing, or its venv module: installing them with apt-get");
    install(&["python3", "python3-venv"], REMEDY)?;
    let debian = PathBuf::from("/usr/bin/python3");
    Some(debian).filter(|python| is_good(python)).context(REMEDY)
}

fn is_good(python: &Path) -> bool {
    const ASK: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";
    output_of(Command::new(python).args(["-c", ASK])).is_some()
}

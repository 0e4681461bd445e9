//! The Python tools that `cargo xtask setup` installs, from `tests/tools/requirements.txt`.

use std::path::{Path, PathBuf};

const REQUIREMENTS: &str = "tests/tools/requirements.txt";
/// Fixed, as the web client's folder is: whoever installs and whoever looks need not agree on a target folder.
const ENVIRONMENT: &str = "target/tools/python";

/// What the tools are, pinned.
#[must_use]
pub fn python_requirements() -> PathBuf {
    root().join(REQUIREMENTS)
}

/// Where they are installed: a virtual environment of their own.
#[must_use]
pub fn python_environment() -> PathBuf {
    root().join(ENVIRONMENT)
}

/// A tool of that name, if it is installed: `schemathesis`, `moto_server`, `python`.
#[must_use]
pub fn find_python_tool(name: &str) -> Option<PathBuf> {
    Some(python_environment().join("bin").join(name)).filter(|file| file.is_file())
}

/// The repository. Asked first of the cargo that started this program, so that checkouts may share a target folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let asked = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let mut ancestors = asked.iter().flat_map(|folder| folder.ancestors()).chain(here.ancestors());
    let found = ancestors.find(|folder| folder.join(REQUIREMENTS).is_file());
    found.unwrap_or(here).to_owned()
}

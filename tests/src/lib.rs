//! Whole-system tests: real `sotto-relay`, real `sotto`, real browser. The stories are in `tests/`; here is what they need.
//!
//! The programs are taken from the target folder that the tests themselves were built into (`cargo xtask test` builds them
//! there first). `SOTTO_CHROMIUM` and `SOTTO_CHROMEDRIVER` name the browser where it is not in the usual place.

pub mod browser;
pub mod person;
pub mod relay;
pub mod wiretap;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// How long a story waits for something to happen before it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program of this workspace.
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own path");
    let folder = own.ancestors().find(|folder| folder.join(name).is_file());
    folder.unwrap_or_else(|| panic!("{name} is not built: run `cargo build --workspace --bins`")).join(name)
}

/// Waits until `is_so`, and fails with `what` where it never is.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(25));
    }
}

//! `cargo xtask simulate`: the simulations that an ordinary test run does a few hundred of, thousands of times.

use crate::workspace::cargo;
use anyhow::{Context, Result, bail};
use std::hash::{BuildHasher, RandomState};

/// A simulation: the package and the test binary that runs it.
const CRYPTO: [&str; 2] = ["sotto-crypto", "simulation"];

/// Runs the simulation of rooms in release mode. The same seed chooses the same sequences; keys are fresh each time.
pub fn run_crypto(runs: u32, seed: Option<u64>) -> Result<()> {
    let [package, test] = CRYPTO;
    // The standard library's random state is seeded by the system: good enough to choose sequences by.
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(package));
    println!("seed {seed}, {runs} sequences");
    let status = cargo(&["test", "--release", "--package", package, "--test", test, "--", "--nocapture"])
        .env("SOTTO_SIMULATIONS", runs.to_string())
        .env("PROPTEST_RNG_SEED", seed.to_string())
        .status()
        .context("cargo does not start")?;
    if !status.success() {
        bail!(
            "the simulation found something. What failed is in {package}'s tests/{test}/regressions.txt: every run of \
             `cargo test --package {package} --test {test}` begins with it. All of it again: \
             `cargo xtask simulate crypto --runs {runs} --seed {seed}`"
        );
    }
    Ok(())
}

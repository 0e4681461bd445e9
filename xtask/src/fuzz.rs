//! `cargo xtask fuzz`: every decoder of foreign bytes under libFuzzer, one after the other.
//!
//! The targets are a library of their own (`tests/fuzz-targets`), whose committed seeds `cargo xtask test` replays. What is
//! found here lands in `fuzz/artifacts`; the smallest input goes into `fuzz/seeds/<target>/found-<what>`, with the repair.

use crate::report::Report;
use crate::setup::{NIGHTLY, ensure_cargo_fuzz, ensure_nightly};
use crate::workspace::{call, root};
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;

/// No input needs more memory or time than this, in MiB and seconds.
const MEMORY_MIB: u32 = 1024;
const TIMEOUT_S: u32 = 10;

/// Runs one target, or all; a finding in one does not keep the others from running.
pub fn run(seconds: u32, target: Option<&str>) -> Result<()> {
    let mut report = Report::new();
    report.step("set-up: nightly toolchain", ensure_nightly)?;
    report.step("set-up: cargo-fuzz", ensure_cargo_fuzz)?;
    let targets = targets()?;
    let chosen: Vec<_> =
        targets.iter().filter(|name| target.is_none_or(|wanted| wanted == name.as_str())).collect();
    if chosen.is_empty() {
        bail!("there is no target {}; there are: {}", target.unwrap_or_default(), targets.join(", "));
    }
    report.step("compile", || call(&mut cargo_fuzz(&["build"])))?;
    for name in chosen {
        let _ = report.step(&format!("{name}: {seconds} s"), || fuzz(name, seconds));
    }
    report.summarise();
    match report.failures() {
        0 => Ok(()),
        1 => bail!("1 target has findings: see fuzz/artifacts"),
        many => bail!("{many} targets have findings: see fuzz/artifacts"),
    }
}

/// New inputs go into `fuzz/corpus`, which is not committed; the seeds are only read.
fn fuzz(name: &str, seconds: u32) -> Result<()> {
    let (corpus, seeds) = (format!("fuzz/corpus/{name}"), format!("fuzz/seeds/{name}"));
    fs::create_dir_all(root().join(&corpus)).context("the corpus folder cannot be made")?;
    let mut command = cargo_fuzz(&["run", name, &corpus, &seeds, "--"]);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
        .arg(format!("-timeout={TIMEOUT_S}"))
        .args(["-verbosity=0", "-print_final_stats=1"]);
    call(&mut command)
}

/// A target each program in `fuzz/fuzz_targets`.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for file in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = file?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// cargo-fuzz under nightly, which alone has the instruments. It starts cargo by name, so that rustup's takes the toolchain.
fn cargo_fuzz(args: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.current_dir(root()).args(["run", NIGHTLY, "cargo", "fuzz"]);
    let (task, rest) = args.split_first().map_or(("", args), |(task, rest)| (*task, rest));
    command.args([task, "--fuzz-dir", "fuzz"]).args(rest).env_remove("CARGO");
    command
}

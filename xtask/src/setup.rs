//! Installs what building and testing need, and says what to do where it cannot.

mod python;

pub use python::ensure_python_tools;

use crate::report::Report;
use crate::workspace::{WASM_TARGET, call, cargo, find_program, output_of, root};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// A browser and the program that drives it.
pub struct Browser {
    /// Chromium or Chrome.
    pub chromium: PathBuf,
    /// Its driver, of the same version.
    pub driver: PathBuf,
}

/// Everything that there is to install.
pub fn run() -> Result<()> {
    let mut report = Report::new();
    report.step("WebAssembly target", ensure_wasm_target)?;
    report.step("cargo-nextest", ensure_nextest)?;
    report.step("PostgreSQL and NATS", ensure_services)?;
    report.step("Python tools", ensure_python_tools)?;
    report.step("Chromium and its driver", || ensure_browser().map(drop))
}

/// The standard library for WebAssembly.
pub fn ensure_wasm_target() -> Result<()> {
    let sysroot = output_of(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()))
        .context("rustc does not start; install Rust from https://rustup.rs")?;
    if PathBuf::from(sysroot.trim()).join("lib/rustlib").join(WASM_TARGET).is_dir() {
        return Ok(());
    }
    call(Command::new("rustup").args(["target", "add", WASM_TARGET]).current_dir(root())).with_context(|| {
        format!("Rust's {WASM_TARGET} target is missing; install it with your Rust distribution")
    })
}

/// The test runner.
pub fn ensure_nextest() -> Result<()> {
    if output_of(cargo(&["nextest", "--version"]).env("NO_COLOR", "1")).is_some() {
        return Ok(());
    }
    println!("    cargo-nextest is missing: building it, once, takes some minutes");
    call(&mut cargo(&["install", "cargo-nextest", "--locked"]))
}

/// The toolchain that has libFuzzer's instruments. Nothing else is built with it.
pub const NIGHTLY: &str = "nightly";

/// The nightly toolchain.
pub fn ensure_nightly() -> Result<()> {
    if output_of(Command::new("rustup").args(["run", NIGHTLY, "rustc", "--version"])).is_some() {
        return Ok(());
    }
    println!("    the nightly toolchain is missing: installing it");
    call(Command::new("rustup").args(["toolchain", "install", NIGHTLY, "--profile", "minimal"]))
        .context("fuzzing needs a nightly toolchain; install Rust from https://rustup.rs")
}

/// The program that builds and runs fuzz targets.
pub fn ensure_cargo_fuzz() -> Result<()> {
    if output_of(&mut cargo(&["fuzz", "--version"])).is_some() {
        return Ok(());
    }
    println!("    cargo-fuzz is missing: building it, once");
    call(&mut cargo(&["install", "cargo-fuzz", "--locked"]))
}

/// A browser for the stories: found on the search path, or installed by apt where that is possible.
pub fn ensure_browser() -> Result<Browser> {
    if let Some(browser) = find_browser() {
        return Ok(browser);
    }
    const REMEDY: &str = "the browser stories need Chromium and chromedriver on the search path; \
                          on Debian: apt-get install chromium chromium-driver";
    println!("    Chromium is missing: installing it with apt-get");
    install(&["chromium", "chromium-driver"], REMEDY)?;
    find_browser().context(REMEDY)
}

/// The servers that the relay's tests start for themselves: found, or installed by apt where that is possible.
pub fn ensure_services() -> Result<()> {
    const NEEDED: [(&str, &str); 4] = [
        ("initdb", "postgresql"),
        ("psql", "postgresql-client"),
        ("nats-server", "nats-server"),
        ("nginx", "nginx-light"),
    ];
    const REMEDY: &str = "the relay's tests need the programs of PostgreSQL, nats-server and nginx; \
                          on Debian: apt-get install postgresql postgresql-client nats-server nginx-light";
    let missing: Vec<_> =
        NEEDED.iter().filter(|(program, _)| sotto_test_services::find(program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    println!("    installing with apt-get: {}", packages.join(", "));
    install(&packages, REMEDY)
}

fn install(packages: &[&str], remedy: &'static str) -> Result<()> {
    let Some(apt) = find_program(&["apt-get"]) else { bail!(remedy) };
    let Some(mut update) = as_root(&apt) else { bail!(remedy) };
    let Some(mut install) = as_root(&apt) else { bail!(remedy) };
    call(update.args(["update", "-q"])).context(remedy)?;
    call(install.args(["install", "-q", "-y", "--no-install-recommends"]).args(packages)).context(remedy)
}

fn find_browser() -> Option<Browser> {
    let chromium = find_program(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])?;
    let driver = find_program(&["chromedriver"])?;
    Some(Browser { chromium, driver })
}

/// The program as root: directly, or through a sudo that asks for no password.
fn as_root(program: &PathBuf) -> Option<Command> {
    let mut command = if output_of(Command::new("id").arg("-u"))?.trim() == "0" {
        Command::new(program)
    } else {
        output_of(Command::new("sudo").args(["-n", "true"]))?;
        let mut sudo = Command::new("sudo");
        sudo.arg("-n").arg(program);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Some(command)
}

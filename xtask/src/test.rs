//! `cargo xtask test`: every test there is, the same on a desk and in continuous integration.
//!
//! One profile and one target folder for everything native, and always the whole workspace, so that no dependency is built twice.

use crate::report::Report;
use crate::setup::{
    Browser, ensure_browser, ensure_nextest, ensure_python_tools, ensure_services, ensure_wasm_target,
};
use crate::workspace::{WASM_TARGET, call, cargo};
use crate::{deny, tidy, web};
use anyhow::{Result, bail};
use sotto_test_services::Postgres;

/// The package of the whole-system stories.
const STORIES: &str = "sotto-tests";

/// Runs the steps; a failed one does not keep the later ones from running, unless they need it.
pub fn run(quick: bool, filters: &[String]) -> Result<()> {
    let mut report = Report::new();
    let outcome = steps(&mut report, quick, filters);
    report.summarise();
    outcome?;
    match report.failures() {
        0 => Ok(()),
        1 => bail!("1 step failed"),
        many => bail!("{many} steps failed"),
    }
}

/// An error here ends the run; a failed check is only noted in the report.
fn steps(report: &mut Report, quick: bool, filters: &[String]) -> Result<()> {
    report.step("set-up: test runner", ensure_nextest)?;
    report.step("set-up: PostgreSQL and NATS", ensure_services)?;
    report.step("set-up: Python tools", ensure_python_tools)?;
    let mut browser = None;
    if !quick {
        report.step("set-up: WebAssembly target", ensure_wasm_target)?;
        browser = Some(report.step("set-up: browser", ensure_browser)?);
    }
    if filters.is_empty() {
        checks(report, quick);
    }
    if !quick {
        web::build(report, true)?;
        // With the tests, whose dependencies have more features: so nothing is compiled twice.
        report
            .step("programs: compile", || call(&mut cargo(&["build", "--workspace", "--bins", "--tests"])))?;
    }
    // No step for examples in the documentation: there are none to run, and compiling for them would cost minutes.
    let _ = report.step("tests", || nextest(quick, filters, browser.as_ref()));
    Ok(())
}

fn checks(report: &mut Report, quick: bool) {
    let _ = report.step("format", || call(&mut cargo(&["fmt", "--all", "--check"])));
    let _ = report.step("house rules", tidy::check);
    deny::run(report);
    let _ = report.step("lints", || {
        call(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
    });
    if !quick {
        let _ = report.step("lints: web client", || {
            let args = [
                "clippy",
                "--package",
                "sotto-client-web",
                "--target",
                WASM_TARGET,
                "--",
                "--deny",
                "warnings",
            ];
            call(&mut cargo(&args))
        });
    }
}

fn nextest(quick: bool, filters: &[String], browser: Option<&Browser>) -> Result<()> {
    let mut command = cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
    if quick {
        command.args(["--exclude", STORIES]);
    }
    if let Some(browser) = browser {
        command.env("SOTTO_CHROMIUM", &browser.chromium).env("SOTTO_CHROMEDRIVER", &browser.driver);
    }
    // One cluster for the whole run; each test has a database of its own in it.
    let postgres = Postgres::start()?;
    let (name, place) = postgres.variable();
    call(command.env(name, place).args(filters))
}

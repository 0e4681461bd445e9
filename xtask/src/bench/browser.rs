//! The benchmarks that run in a browser: built as the web client is, and opened in the browser of the stories.

use crate::report::Report;
use crate::setup::{ensure_browser, ensure_wasm_target};
use crate::web;
use crate::workspace::{call, cargo, root, target_folder};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

const PACKAGE: &str = "sotto-benchmarks";
const PROGRAM: &str = "sotto-benchmarks-wasm";

/// Where the page lies that loads it.
const PAGE: &str = "tests/benchmarks/wasm";
const PAGE_FILES: [&str; 2] = ["index.html", "page.js"];

/// Builds, opens, and prints what the page measured.
pub fn run(report: &mut Report) -> Result<()> {
    report.step("WebAssembly target", ensure_wasm_target)?;
    let browser = report.step("browser", ensure_browser)?;
    let wasm = report.step("in a browser: compile", || web::compile(PACKAGE, PROGRAM))?;
    let folder = report.step("in a browser: bundle", || bundle(&wasm))?;
    report.step("in a browser: measure", || {
        let mut command =
            cargo(&["run", "--quiet", "--package", "sotto-tests", "--example", "wasm_benchmarks", "--"]);
        command.env("SOTTO_CHROMIUM", &browser.chromium).env("SOTTO_CHROMEDRIVER", &browser.driver);
        call(command.arg(&folder))
    })
}

fn bundle(wasm: &Path) -> Result<PathBuf> {
    let folder = target_folder()?.join("wasm-benchmarks");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("what was built before cannot be removed")?;
    }
    let bytes = fs::read(wasm).with_context(|| format!("{} is not there", wasm.display()))?;
    for asset in web::bind(&bytes)? {
        let path = folder.join(&asset.name);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(path, &asset.bytes)?;
    }
    for file in PAGE_FILES {
        fs::copy(root().join(PAGE).join(file), folder.join(file)).with_context(|| format!("no {file}"))?;
    }
    Ok(folder)
}

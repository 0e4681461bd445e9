//! Builds the web client into `target/web`, where the relay takes it from.
//!
//! ```text
//! cargo build (wasm-release) -> wasm-bindgen (as a library) -> assets/<hash of everything>/ -> brotli siblings -> index.html
//! ```
//! Nothing in the result is inline and every address has the hash of all content in it, so that the relay can forbid inline
//! code and let assets be kept forever.

mod bindgen;
mod compress;
mod publish;

use crate::report::{Report, seconds};
use crate::setup::ensure_wasm_target;
use crate::workspace::{WASM_TARGET, call, cargo, root, target_folder, web_folder};
use anyhow::{Context, Result};
use publish::Site;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use bindgen::bind;
pub use publish::Asset;

/// The profile that the web client is always built with: what is tested is what is served.
const PROFILE: &str = "wasm-release";

/// Brotli's best, and one that is done in a second.
const BEST_QUALITY: u32 = 11;
const QUICK_QUALITY: u32 = 5;

/// `cargo xtask web`
pub fn run(dev: bool) -> Result<()> {
    let mut report = Report::new();
    report.step("WebAssembly target", ensure_wasm_target)?;
    build(&mut report, dev)
}

/// Builds the web client, unless what lies there was made from the same.
pub fn build(report: &mut Report, dev: bool) -> Result<()> {
    let wasm = report.step("web client: compile", || compile("sotto-client-web", "sotto-client-web"))?;
    report.step("web client: bundle", || bundle(&wasm, if dev { QUICK_QUALITY } else { BEST_QUALITY }))
}

/// Compiles a program for the browser.
pub fn compile(package: &str, program: &str) -> Result<PathBuf> {
    let target = ["--target", WASM_TARGET, "--profile", PROFILE];
    call(cargo(&["build", "--package", package, "--bin", program]).args(target))?;
    Ok(target_folder()?.join(WASM_TARGET).join(PROFILE).join(program).with_extension("wasm"))
}

fn bundle(wasm: &Path, quality: u32) -> Result<()> {
    let sources = root().join("client-web/assets");
    let wasm_bytes = fs::read(wasm).with_context(|| format!("{} is not there", wasm.display()))?;
    let static_assets = read_folder(&sources)?;

    let stamp = stamp(&wasm_bytes, &static_assets, quality);
    let stamp_file = web_folder().with_extension("stamp");
    if web_folder().join("index.html").is_file()
        && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp)
    {
        println!("    unchanged");
        return Ok(());
    }

    let started = Instant::now();
    let mut site = Site::new(static_assets)?;
    site.add(bind(&wasm_bytes)?);
    println!("    bound to JavaScript in {}", seconds(started.elapsed()));
    let started = Instant::now();
    let sizes = site.write(&web_folder(), quality)?;
    println!("    compressed in {}", seconds(started.elapsed()));
    for size in sizes {
        println!("    {size}");
    }
    fs::write(&stamp_file, stamp).context("the stamp cannot be written")
}

fn read_folder(folder: &Path) -> Result<Vec<Asset>> {
    let mut assets = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} is not there", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        assets.push(Asset { name, bytes: fs::read(entry.path())? });
    }
    assets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(assets)
}

/// A hash of everything that the result depends on, this code included.
fn stamp(wasm: &[u8], assets: &[Asset], quality: u32) -> String {
    let mut hash = Sha256::new();
    for source in [include_str!("web.rs"), include_str!("web/bindgen.rs"), include_str!("web/publish.rs")] {
        hash.update(source);
    }
    hash.update(quality.to_be_bytes());
    hash.update(Sha256::digest(wasm));
    for asset in assets {
        hash.update(&asset.name);
        hash.update(Sha256::digest(&asset.bytes));
    }
    publish::hex(&hash.finalize())
}

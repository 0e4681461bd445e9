//! wasm-bindgen, as a library: no program to install, and never another version than the one in `Cargo.lock`.

use super::publish::Asset;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use wasm_bindgen_cli_support::Bindgen;

/// What the files are called: `app.js`, `app_bg.wasm`, and the snippets of the libraries.
const NAME: &str = "app";

/// Makes the JavaScript that loads a compiled client, and the WebAssembly that fits to it.
pub fn bind(wasm: &[u8]) -> Result<Vec<Asset>> {
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    Bindgen::new()
        .input_bytes(NAME, wasm.to_vec())
        .out_name(NAME)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder.path())
        .context("wasm-bindgen failed")?;
    let mut assets = Vec::new();
    collect(folder.path(), "", &mut assets)?;
    assets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(assets)
}

fn collect(folder: &Path, prefix: &str, assets: &mut Vec<Asset>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), assets)?;
        } else {
            assets.push(Asset { name, bytes: fs::read(entry.path())? });
        }
    }
    Ok(())
}

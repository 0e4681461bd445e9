//! The vectors: from fixed seeds, every format that is sent, stored, hashed or signed, with what a reader takes and refuses.
//!
//! A file for each area, and for each area a file here: it makes the cases by calling the code, and has the readers by which a
//! test takes the written files up again. All bytes are hex. Names are those of `docs/PROTOCOL.md`.

#![allow(dead_code, reason = "the command writes and the tests read")]

pub mod area;
pub mod areas;
pub mod case;
pub mod diagnostic;
pub mod people;

use serde_json::Value;
use std::{fs, path::PathBuf};

/// Where the vectors are kept.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors")
}

/// Each file's name and text.
pub fn files() -> Vec<(String, String)> {
    let file = |area: area::Area| (format!("{}.json", area.name), to_text(&area.to_json()));
    areas::all().into_iter().map(file).collect()
}

/// Writes them all.
pub fn write() -> std::io::Result<()> {
    fs::create_dir_all(folder())?;
    for (name, text) in files() {
        fs::write(folder().join(name), text)?;
    }
    Ok(())
}

fn to_text(json: &Value) -> String {
    serde_json::to_string_pretty(json).expect("is JSON") + "\n"
}

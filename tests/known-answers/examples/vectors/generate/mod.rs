//! The vectors: from fixed seeds, every format that is sent, stored, hashed or signed, with what a reader takes and refuses.
//!
//! A file for each area, and for each area a file here: it makes the cases by calling the code, and has the readers by which a
//! test takes the written files up again. All bytes are hex. Names are those of `docs/PROTOCOL.md`.

#![allow(dead_code, reason = "the command writes and the tests read")]

pub mod area;
pub mod areas;
pub mod canonical;
pub mod case;
pub mod check;
pub mod diagnostic;
pub mod people;

use serde_json::Value;
use std::{fs, path::PathBuf};

/// Where the vectors are kept.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors")
}

/// The areas of which recorded rooms consist: where one of them changes, rooms are recorded anew.
const PARTS_OF_ROOMS: [&str; 9] =
    ["certificates", "content", "doors", "entries", "history", "messages", "rooms", "sealing", "statements"];

/// Each file's name and text.
pub fn files() -> Vec<(String, String)> {
    let made: Vec<_> = areas::all().into_iter().map(|area| (area.name, sorted(area.to_json()))).collect();
    let parts = PARTS_OF_ROOMS.map(|part| {
        let (_, file) = made.iter().find(|(name, _)| *name == part).expect("is an area");
        // What readers refuse may change without a room being another one.
        sotto_protocol::entry_hash(format!("{}{}", file["values"], file["read"]).as_bytes())
    });
    let basis = area::hex(sotto_protocol::entry_hash(&parts.concat()));
    let recorded = areas::recorded().into_iter().map(|area| {
        let mut new = area.to_json();
        new["basis"] = basis.clone();
        let new = sorted(new);
        (area.name, kept(area.name, &new).unwrap_or(new))
    });
    made.into_iter().chain(recorded).map(|(name, file)| (format!("{name}.json"), to_text(&file))).collect()
}

/// A recording that is still good: readers take and refuse what it says, one made now has nothing more and nothing less, and what
/// rooms consist of is what it was.
fn kept(name: &str, new: &Value) -> Option<Value> {
    let text = fs::read_to_string(folder().join(format!("{name}.json"))).ok()?;
    let old: Value = serde_json::from_str(&text).ok()?;
    (check::shape(&old) == check::shape(new) && check::faults(&old).is_empty()).then_some(old)
}

/// Writes them all.
pub fn write() -> std::io::Result<()> {
    fs::create_dir_all(folder())?;
    for (name, text) in files() {
        fs::write(folder().join(name), text)?;
    }
    Ok(())
}

/// With names in order, whatever features the JSON library was built with for others.
fn sorted(mut json: Value) -> Value {
    json.sort_all_objects();
    json
}

fn to_text(json: &Value) -> String {
    serde_json::to_string_pretty(json).expect("is JSON") + "\n"
}

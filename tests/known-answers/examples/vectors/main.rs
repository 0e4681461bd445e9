//! Writes `docs/vectors/v1.json`, the test vectors of `docs/PROTOCOL.md`: `cargo run -p sotto-known-answers --example vectors`.
//!
//! A test compares the file with what the code does now; so it is written anew only where the protocol is meant to change.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for developers stops where it fails"
)]

mod generate;

fn main() -> std::io::Result<()> {
    let file = generate::path();
    std::fs::create_dir_all(file.parent().expect("is in a folder"))?;
    std::fs::write(file, serde_json::to_string_pretty(&generate::vectors())? + "\n")
}

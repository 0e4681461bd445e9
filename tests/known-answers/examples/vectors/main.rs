//! Writes `docs/vectors`, the test vectors of `docs/PROTOCOL.md`: `cargo run -p sotto-known-answers --example vectors`.
//!
//! A test compares the files with what the code does now; so they are written anew only where the protocol is meant to change.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for developers stops where it fails"
)]

mod generate;

fn main() -> std::io::Result<()> {
    generate::write()
}

//! Golden bytes: what a format looked like when it was fixed, kept as `tests/goldens/<format>.v<version>.hex`.
//!
//! A golden that differs means that old clients, relays or stored data would not be understood any more: that takes a new
//! version (a new file beside the old one), not new bytes in the old file. Only before a version has been released may its
//! file be written anew, on purpose: `SOTTO_WRITE_GOLDENS=1 cargo test -p <crate> --test goldens`.

#![allow(dead_code, reason = "each crate uses a part")]

use std::{fmt::Write as _, fs, path::PathBuf};

/// Compares a deterministic encoding with its golden.
pub fn check(format: &str, bytes: &[u8]) {
    write(format, || bytes.to_vec());
    let golden = read(format);
    assert!(golden == bytes, "{format} is not what it was:\n{}was:\n{}", to_hex(bytes), to_hex(&golden));
}

/// The golden's bytes.
pub fn read(format: &str) -> Vec<u8> {
    let text = fs::read_to_string(path(format)).unwrap_or_default();
    assert!(!text.is_empty(), "there is no golden {format}; how to make one stands in `golden.rs`");
    from_hex(&text)
}

/// Writes the golden, if that is what the run is for. What takes randomness to make is written so, and then only read.
pub fn write(format: &str, make: impl FnOnce() -> Vec<u8>) {
    if is_writing() {
        fs::write(path(format), to_hex(&make())).expect("the golden can be written");
    }
}

/// Whether goldens are to be written.
pub fn is_writing() -> bool {
    std::env::var_os("SOTTO_WRITE_GOLDENS").is_some_and(|value| value == "1")
}

fn path(format: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(format!("{format}.hex"))
}

/// 32 bytes a line.
fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(32) {
        for byte in line {
            write!(text, "{byte:02x}").expect("writing into a string");
        }
        text.push('\n');
    }
    text
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte =
        |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("is ASCII"), 16).expect("is hex");
    digits.chunks(2).map(byte).collect()
}

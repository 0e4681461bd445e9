//! Bytes that must not change: `crypto/tests/goldens/NAME.hex`, one file a format and version.
//!
//! A new format's file is written by a run with `SOTTO_WRITE_GOLDENS=1`; a file that is there is never overwritten.

use std::{fs, path::PathBuf};

/// The bytes of a golden file.
pub fn bytes(name: &str) -> Vec<u8> {
    let text = fs::read_to_string(path(name)).unwrap();
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Compares what is written now with the golden file.
pub fn check(name: &str, written: &[u8]) {
    if !path(name).exists() && std::env::var_os("SOTTO_WRITE_GOLDENS").is_some() {
        let lines: Vec<String> = written
            .chunks(32)
            .map(|line| line.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
            .collect();
        fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        fs::write(path(name), lines.join("\n") + "\n").unwrap();
    }
    assert!(bytes(name) == written, "the bytes of {name} have changed");
}

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "goldens", &format!("{name}.hex")].iter().collect()
}

//! What every file of the repository must look like.

use crate::workspace::root;
use anyhow::{Context, Result};
use std::fs;
use std::process::Command;

/// Longest Rust file, in lines.
const MAX_LINES: usize = 600;

/// Beginnings of paths that exist on one machine only. Put together here so that this file does not break its own rule.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// Crates whose source does no I/O, and what would be I/O in it.
const INNER: [&str; 3] = ["protocol/src/", "crypto/src/", "client-core/src/"];
const IO: [&str; 6] = ["std::fs", "std::net", "std::thread", "std::process", "SystemTime", "Instant::now"];

/// The terminal client writes in one place, which outlives an output that cannot be written; these macros panic then.
const PRINTS: [&str; 2] = ["print!(", "println!("];

/// Every text file of the repository, with its path from the root.
pub fn read() -> Result<Vec<(String, String)>> {
    let listed = Command::new("git")
        .current_dir(root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .context("git does not list the files of this repository")?;
    // A file that is listed and not there was just deleted; one that is not text has no lines.
    let read = |path: &str| fs::read_to_string(root().join(path)).ok().map(|text| (path.to_owned(), text));
    Ok(String::from_utf8_lossy(&listed.stdout).lines().filter_map(read).collect())
}

/// What in the repository's files breaks a rule.
pub fn check(files: &[(String, String)]) -> Vec<String> {
    files.iter().flat_map(|(path, text)| check_file(path, text)).collect()
}

fn check_file(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for machine_path in MACHINE_PATHS.iter().filter(|start| has_path(line, start)) {
            findings.push(format!("{path}:{}: a path of one machine ({machine_path}…)", number + 1));
        }
    }
    let is_crate = |folder: &str| path.starts_with(folder);
    if path.ends_with(".rs") {
        if !text.starts_with("//!") {
            findings.push(format!("{path}:1: does not begin with `//!` and what the file is for"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            findings.push(format!("{path}: {lines} lines, at most {MAX_LINES}: split it"));
        }
        if INNER.into_iter().any(is_crate) {
            for io in IO.into_iter().filter(|io| text.contains(io)) {
                findings.push(format!("{path}: names {io} in a crate without I/O"));
            }
        }
    }
    if path.starts_with("client-cli/src/") && path.ends_with(".rs") {
        for print in PRINTS.into_iter().filter(|print| text.contains(print)) {
            findings.push(format!("{path}: prints by {print}…): use `output`"));
        }
    }
    let has_lints = text.contains("[lints]\nworkspace = true") || text.contains("unsafe_code = \"forbid\"");
    if path.ends_with("Cargo.toml") && path.contains('/') && !has_lints {
        findings.push(format!("{path}: takes neither the workspace's lints nor forbids unsafe code itself"));
    }
    findings
}

/// Whether a line has a path that begins so, and not one in which it is a middle part (as in a URL).
fn has_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '~' | '}'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(path: &str, text: &str, expected: &[&str]) {
        let found = check_file(path, text);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (finding, part) in found.iter().zip(expected) {
            assert!(finding.contains(part), "{finding} does not say {part}");
        }
    }

    #[test]
    fn each_rule_finds_what_breaks_it_and_nothing_else() {
        check_one("a/src/lib.rs", "//! Fine.\n", &[]);
        check_one("a/src/lib.rs", "fn main() {}\n", &["does not begin with"]);
        check_one("a/src/lib.rs", &format!("//! Long.\n{}", "\n".repeat(MAX_LINES)), &["601 lines"]);
        check_one("README.md", concat!("see /ho", "me/me/x"), &["a path of one machine"]);
        check_one("README.md", concat!("see https://example.org/ho", "me/x"), &[]);
        check_one("crypto/src/a.rs", "//! A.\nuse std::fs;\n", &["names std::fs"]);
        check_one("client-cli/src/a.rs", "//! A.\nfn a() { anstream::eprintln!(\"a\"); }\n", &["println!("]);
        check_one("a/Cargo.toml", "[package]\n", &["lints"]);
    }
}

//! Files at the root that people and tools rely on: the license is unaltered, and the toolchain is the one that the manifest names.

use sha2::{Digest as _, Sha256};

/// The text of AGPL-3.0 as the Free Software Foundation publishes it (agpl-3.0.txt), in SHA-256.
const AGPL_3_0: &str = "0d96a4ff68ad6d4b6f1f30f713b18d5184912ba8dd389f86aa7710db079abcb0";

/// What breaks a rule.
pub fn check(files: &[(String, String)]) -> Vec<String> {
    let text = |name: &str| {
        files.iter().find_map(|(path, text)| (path == name).then_some(text.as_str())).unwrap_or_default()
    };
    let mut findings = Vec::new();
    if hex(&Sha256::digest(text("LICENSE"))) != AGPL_3_0 {
        findings.push("LICENSE: is not the text of AGPL-3.0 as it was published".to_owned());
    }
    let (channel, needed) =
        (value(text("rust-toolchain.toml"), "channel"), value(text("Cargo.toml"), "rust-version"));
    let is_same = |channel: &str, needed: &str| {
        channel.strip_prefix(needed).is_some_and(|patch| patch.is_empty() || patch.starts_with('.'))
    };
    if !channel.zip(needed).is_some_and(|(channel, needed)| is_same(channel, needed)) {
        let (channel, needed) = (channel.unwrap_or("none"), needed.unwrap_or("none"));
        findings.push(format!(
            "rust-toolchain.toml: names toolchain {channel}, and the workspace's rust-version is {needed}"
        ));
    }
    findings
}

/// The text that a TOML file gives to a key, which stands alone on its line.
fn value<'a>(toml: &'a str, key: &str) -> Option<&'a str> {
    toml.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('=')?.split('"').nth(1))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(license: &str, toolchain: &str, manifest: &str) -> Vec<String> {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        check(&[
            file("LICENSE", license),
            file("rust-toolchain.toml", toolchain),
            file("Cargo.toml", manifest),
        ])
    }

    #[test]
    fn an_altered_license_and_another_toolchain_are_found() {
        let license = include_str!("../../../LICENSE");
        let (pinned, needed) =
            ("[toolchain]\nchannel = \"1.95.0\"\n", "[workspace.package]\nrust-version = \"1.95\"\n");
        assert_eq!(findings(license, pinned, needed), Vec::<String>::new());
        assert_eq!(findings(&license.replacen("share", "use", 1), pinned, needed).len(), 1);
        assert_eq!(findings("", pinned, needed).len(), 1);
        for other in ["channel = \"1.950.0\"", "channel = \"1.94.1\"", "channel = \"stable\"", ""] {
            assert_eq!(findings(license, other, needed).len(), 1, "{other}");
        }
    }
}

//! Where the files of the web client come from.

use bytes::Bytes;
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A release holds the files in itself; a debug build reads them from the folder on each request.
#[derive(RustEmbed)]
#[folder = "$SOTTO_WEB_DIR"]
struct Embedded;

/// The files of a web client.
#[derive(Debug, Clone, Default)]
pub enum Files {
    /// Those that were built into the relay.
    #[default]
    Embedded,
    /// Given ones, by path without a leading slash.
    Given(BTreeMap<String, Bytes>),
}

/// A file and what tells its versions apart.
pub(super) struct File {
    pub bytes: Bytes,
    /// SHA-256, or as much of it as tells files apart.
    pub hash: [u8; 32],
}

impl Files {
    /// Whether there is a web client at all.
    pub(crate) fn is_there(&self) -> bool {
        self.get("index.html").is_some()
    }

    /// The file at `path`, without a leading slash.
    pub(super) fn get(&self, path: &str) -> Option<File> {
        if !is_plain(path) {
            return None;
        }
        match self {
            Self::Embedded => Embedded::get(path).map(|file| File {
                hash: file.metadata.sha256_hash(),
                bytes: match file.data {
                    Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                    Cow::Owned(bytes) => Bytes::from(bytes),
                },
            }),
            Self::Given(files) => files
                .get(path)
                .map(|bytes| File { hash: sotto_protocol::entry_hash(bytes), bytes: bytes.clone() }),
        }
    }
}

/// A path of plain names. Whatever could mean another folder is no file of ours, so that nothing needs decoding.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|name| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_looked_up() {
        for path in ["index.html", "assets/0a1b/app_bg.wasm", "sw.js"] {
            assert!(is_plain(path), "{path}");
        }
        for path in
            ["", "/etc/passwd", "../x", "a/../b", "a//b", ".git/config", "a/%2e%2e/b", "a\\b", "a/", "a\0"]
        {
            assert!(!is_plain(path), "{path}");
        }
    }
}

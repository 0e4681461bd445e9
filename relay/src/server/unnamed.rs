//! Proxies that nobody has named. What they pass on counts as theirs, all of it as one address: the operator is told, once in the
//! log, by a number in the metrics, and by `doctor`, which looks for an empty file in the data folder.

use crate::limit::Addresses;
use crate::metrics::metrics;
use axum::http::HeaderMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// The empty file. It is there while a relay runs that has seen such a proxy.
const MARK: &str = "unnamed-proxy";
/// What proxies add.
const ADDED: [&str; 4] = ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"];

/// Looks out for them.
pub(super) struct Unnamed {
    addresses: Arc<Addresses>,
    mark: PathBuf,
    is_told: AtomicBool,
}

/// Whether the relay on that folder has seen such a proxy since it started.
pub(crate) fn was_seen(data_dir: &Path) -> bool {
    data_dir.join(MARK).exists()
}

impl Unnamed {
    /// None was seen yet.
    pub(super) fn begin(addresses: Arc<Addresses>, data_dir: &Path) -> Self {
        let mark = data_dir.join(MARK);
        // Where it stays, `doctor` speaks of an earlier run.
        let _ = fs::remove_file(&mark);
        Self { addresses, mark, is_told: AtomicBool::new(false) }
    }

    /// Looks at a request. Only what comes from nearby is taken for a proxy: anybody may send these headers.
    pub(super) fn look(&self, peer: IpAddr, headers: &HeaderMap) {
        let peer = peer.to_canonical();
        if !ADDED.iter().any(|name| headers.contains_key(*name))
            || !is_near(peer)
            || self.addresses.is_trusted(peer)
        {
            return;
        }
        metrics().unnamed_proxy_requests.inc();
        if self.is_told.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!(
            "requests come through a proxy that is not named: all who use it count as one address. If it sets X-Forwarded-For itself, name it with --trusted-proxies"
        );
        let mark = self.mark.clone();
        // Without it the log has said it, and the metrics do.
        tokio::task::spawn_blocking(move || {
            let _ = make(&mark);
        });
    }
}

fn make(mark: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(mark)?;
    // The file must not tell when a client came.
    file.set_modified(SystemTime::UNIX_EPOCH)
}

/// This machine, or a network of one's own.
fn is_near(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(peer) => {
            let [first, second, ..] = peer.octets();
            let is_shared = first == 100 && second & 0b1100_0000 == 64;
            peer.is_loopback() || peer.is_private() || peer.is_link_local() || is_shared
        }
        IpAddr::V6(peer) => peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::{Limits, Strictness};

    #[tokio::test]
    async fn a_proxy_nearby_that_is_not_named_is_seen_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let (named, addresses) = (IpAddr::from([10, 0, 0, 1]), Limits::new(Strictness::Off));
        let unnamed = Unnamed::begin(Addresses::new(addresses, &[named]), folder.path());
        let mut forwarded = HeaderMap::new();
        forwarded.insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
        let looked = async |peer: &str, headers: &HeaderMap| {
            unnamed.look(peer.parse().unwrap(), headers);
            for _ in 0..20 {
                if was_seen(folder.path()) {
                    return true;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            false
        };
        assert!(!looked("10.0.0.1", &forwarded).await, "it is named");
        assert!(!looked("198.51.100.7", &forwarded).await, "anybody may send it");
        assert!(!looked("127.0.0.1", &HeaderMap::new()).await, "it is no proxy");
        assert!(looked("::ffff:10.0.0.2", &forwarded).await);
        Unnamed::begin(Addresses::new(addresses, &[]), folder.path());
        assert!(!was_seen(folder.path()), "the next start begins anew");
    }
}

//! Why a relay does not start or does not go on, with the remedy.

use crate::account::SecretsError;
use crate::blob::BlobsError;
use crate::room::HintError;
use crate::store::StoreError;
use crate::tls::TlsError;
use std::io;
use std::net::SocketAddr;

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is not to be had.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// The address that was asked for.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The address for metrics is not to be had.
    #[error("cannot listen for metrics on {listen}: {source}")]
    ListenForMetrics {
        /// The address that was asked for.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The database is not to be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Other relays are not to be heard.
    #[error(transparent)]
    Hints(#[from] HintError),
    /// The secrets of the accounts are not to be had.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// Certificate or key is no good.
    #[error("cannot serve TLS: {0}")]
    Tls(#[from] TlsError),
    /// The place for files is not to be had.
    #[error(transparent)]
    Blobs(#[from] BlobsError),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(getrandom::Error),
}

impl StartError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Listen { source, listen } => match source.kind() {
                io::ErrorKind::AddrInUse => {
                    format!(
                        "another program listens on port {}; stop it or choose another with --listen",
                        listen.port()
                    )
                }
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need a privilege; choose a higher one with --listen".to_owned()
                }
                io::ErrorKind::AddrNotAvailable => {
                    "this machine has no such address; 0.0.0.0 listens on all of them".to_owned()
                }
                _ => "choose another address with --listen".to_owned(),
            },
            Self::ListenForMetrics { .. } => "choose another address with --metrics".to_owned(),
            Self::Store(error) => error.help(),
            Self::Hints(_) => "check that the NATS server runs, and the address given with --nats".to_owned(),
            Self::Secrets(error) => error.help().to_owned(),
            Self::Tls(error) => error.help().to_owned(),
            Self::Blobs(error) => error.help().to_owned(),
            Self::Random(_) => "check that the system's random number source is available".to_owned(),
        }
    }
}

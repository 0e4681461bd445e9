//! Why there is no TLS with these files, and what to do.

use std::io;
use std::path::PathBuf;

/// What is wrong with the files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// One is not there, or not to be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It has no certificate, or one that is damaged.
    #[error("{} has no certificate in PEM", path.display())]
    NoCertificate {
        /// Which.
        path: PathBuf,
    },
    /// It has no private key, or one that is damaged.
    #[error("{} has no private key in PEM", path.display())]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// Each is good for itself.
    #[error("the private key is not that of the certificate")]
    Mismatch,
    /// rustls does not take them.
    #[error("certificate and key are of no use: {0}")]
    Refused(rustls::Error),
}

impl TlsError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Read { .. } => {
                "check the paths given with --tls-certificate and --tls-key, and that the relay's user may read them"
            }
            Self::NoCertificate { .. } => {
                "--tls-certificate wants the whole chain, with -----BEGIN CERTIFICATE----- (of Let's Encrypt: fullchain.pem)"
            }
            Self::NoKey { .. } => {
                "--tls-key wants a key without a password, with -----BEGIN PRIVATE KEY----- (of Let's Encrypt: privkey.pem)"
            }
            Self::Mismatch => {
                "give the key that the certificate was made for; the certificate itself comes first in its file"
            }
            Self::Refused(_) => {
                "take an ECDSA (P-256, P-384), Ed25519 or RSA (2048 bits or more) key, and a certificate of version 3"
            }
        }
    }
}

//! TLS by certificate files (rustls, with ring): 1.2 and 1.3, HTTP/1.1 alone.
//!
//! The files are looked at again now and then, and read anew when they have changed. Files that are no good are left alone:
//! the certificate before stays in use, the log says so once, and they are tried again each time, for what was wrong with them may leave
//! no mark on them (who may read them, or the system's open files). Once a day it is looked how long the certificate in use is good.

mod error;
mod expiry;

pub use error::TlsError;
pub(crate) use expiry::{days_left, is_short};

use crate::lock::lock;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerConfig;
use rustls::version::{TLS12, TLS13};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What the relay speaks under TLS (RFC 7301).
const HTTP_1_1: &[u8] = b"http/1.1";

/// How often it is looked how long the certificate in use is good; in tests, where files are looked at more often, so many times less.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DAY_TICKS: u32 = 24 * 60;

/// Where certificate and key are.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, and after it those that lead to its issuer, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM. It may be in the same file.
    pub key: PathBuf,
}

/// The certificate in use.
pub(crate) struct Tls {
    files: TlsFiles,
    current: Mutex<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    chain: Vec<CertificateDer<'static>>,
    /// Of the files that it was read from.
    seen: Stamp,
    /// The last message about invalid files.
    said: Option<(Stamp, String)>,
}

/// When both files were written, and how long they are.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`], with the remedy.
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let seen = stamp(&files);
        let (config, chain) = read(&files)?;
        warn_of_expiry(&chain);
        Ok(Self { files, current: Mutex::new(Current { config, chain, seen, said: None }) })
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// What the peer did wrong.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = Arc::clone(&lock(&self.current).config);
        TlsAcceptor::from(config).accept(stream).await
    }

    /// Reads the files anew if they have changed since they were looked at last, or in any case.
    pub(crate) fn reload(&self, in_any_case: bool) {
        let seen = stamp(&self.files);
        if !in_any_case && lock(&self.current).seen == seen {
            return;
        }
        match read(&self.files) {
            Ok((config, chain)) => {
                tracing::info!("a new certificate is in use");
                warn_of_expiry(&chain);
                *lock(&self.current) = Current { config, chain, seen, said: None };
            }
            Err(error) => {
                let said = Some((seen, error.to_string()));
                let before = std::mem::replace(&mut lock(&self.current).said, said.clone());
                if !in_any_case && before == said {
                    return;
                }
                let help = error.help();
                tracing::error!(%error, %help, "the new certificate is no good: the one before stays in use");
            }
        }
    }

    /// Looks at the files so often, for as long as this is there.
    pub(crate) fn watch(self: &Arc<Self>, every: Duration) {
        let tls = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut interval = tokio::time::interval(every);
            let mut looked = Instant::now();
            loop {
                interval.tick().await;
                let Some(tls) = tls.upgrade() else { return };
                // Two small files: not worth a thread.
                tls.reload(false);
                if looked.elapsed() >= DAY.min(every.saturating_mul(DAY_TICKS)) {
                    looked = Instant::now();
                    warn_of_expiry(&lock(&tls.current).chain);
                }
            }
        });
    }
}

/// Whether the relay can serve with these files.
///
/// # Errors
/// [`TlsError`], with the remedy.
pub(crate) fn check(files: &TlsFiles) -> Result<(), TlsError> {
    read(files).map(drop)
}

/// The certificates of a file.
pub(crate) fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read_error = |source| TlsError::Read { path: path.to_owned(), source };
    let text = std::fs::read(path).map_err(read_error)?;
    let bad = || TlsError::NoCertificate { path: path.to_owned() };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|_| bad())?;
    if chain.is_empty() { Err(bad()) } else { Ok(chain) }
}

fn read(files: &TlsFiles) -> Result<(Arc<ServerConfig>, Vec<CertificateDer<'static>>), TlsError> {
    let chain = read_chain(&files.certificate)?;
    let path = || files.key.clone();
    let text = std::fs::read(&files.key).map_err(|source| TlsError::Read { path: path(), source })?;
    let text = zeroize::Zeroizing::new(text);
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| TlsError::NoKey { path: path() })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Refused)?
        .with_no_client_auth()
        .with_single_cert(chain.clone(), key);
    let mut config = config.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
        error => TlsError::Refused(error),
    })?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok((Arc::new(config), chain))
}

fn stamp(files: &TlsFiles) -> Stamp {
    [&files.certificate, &files.key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn warn_of_expiry(chain: &[CertificateDer<'_>]) {
    if let Some(days) = chain.first().and_then(days_left).filter(|days| is_short(*days)) {
        tracing::warn!(days, "the certificate ends soon, or has ended: put a new one into its file");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            lock(&self.0).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_certificate_that_ends_while_the_relay_runs_is_told_of_again() {
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2019, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let pem = |what: &str, bytes: &[u8]| {
            use base64::Engine as _;
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
            format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
        };
        let path = folder.path().join("both.pem");
        let both = pem("CERTIFICATE", certificate.der()) + &pem("PRIVATE KEY", &key.serialize_der());
        std::fs::write(&path, both).unwrap();
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let tls = Arc::new(Tls::load(TlsFiles { certificate: path.clone(), key: path }).unwrap());
        tls.watch(Duration::from_millis(1));
        let told = || String::from_utf8_lossy(&lock(&log.0)).matches("the certificate ends soon").count();
        for _ in 0..400 {
            if told() > 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(told() > 1, "{}", told());
    }
}

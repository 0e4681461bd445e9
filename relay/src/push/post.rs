//! One message to a push service: HTTP/1.1 over TLS, bounded in time and length, and never led anywhere else.

use super::services::Services;
use super::settings::PushSettings;
use super::target::Target;
use crate::lock::lock;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, HOST, HeaderName, RETRY_AFTER};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// What a push service may say; nothing of it is used.
const BODY_MAX_BYTES: usize = 16 * 1024;
const HEADER_MAX_BYTES: usize = 16 * 1024;
/// Connections to one service that are kept for the next message, and services that some are kept to.
const IDLE_MAX: usize = 8;
const SERVICES_MAX: usize = 64;
/// A push service keeps a message that long for a device that is off, in seconds.
const TTL_S: &str = "86400";
/// How long a name may take to lead somewhere.
const LOOKUP_WITHIN: Duration = Duration::from_secs(3);
/// No service makes the relay wait longer.
const RETRY_MAX: Duration = Duration::from_secs(60 * 60);

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The push service has it.
    Taken,
    /// It knows no such subscription any more.
    Gone,
    /// It will not take this message, however often it comes.
    Refused,
    /// Perhaps later: when, if it says so.
    Later(Option<Duration>),
    /// It said nothing, or could not be connected to: perhaps later.
    Silent,
    /// Its name leads nowhere that the relay goes.
    Nowhere,
}

/// What goes with a message.
pub(super) struct Message {
    pub authorization: String,
    pub topic: String,
    /// Sealed to the device.
    pub body: Vec<u8>,
}

/// Posts messages.
pub(super) struct Poster {
    settings: PushSettings,
    services: Arc<Services>,
    /// Nothing if the library and its primitives should not fit together.
    tls: Option<TlsConnector>,
    idle: Mutex<HashMap<String, Vec<SendRequest<Body>>>>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Poster {
    /// Trusts whom the system trusts.
    pub(super) fn new(settings: PushSettings, services: Arc<Services>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            tracing::warn!("this system trusts no certificate authority: no push service can be reached");
        }
        Self::trusting(roots, settings, services)
    }

    fn trusting(roots: RootCertStore, settings: PushSettings, services: Arc<Services>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
        let tls = tls.ok().map(|config| TlsConnector::from(Arc::new(config)));
        Self { settings, services, tls, idle: Mutex::default() }
    }

    /// Posts one, in bounded time.
    pub(super) async fn post(&self, target: &Target, message: &Message) -> Outcome {
        match timeout(self.settings.timeout, self.try_post(target, message)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) if error.kind() == io::ErrorKind::AddrNotAvailable => Outcome::Nowhere,
            Ok(Err(_)) | Err(_) => Outcome::Silent,
        }
    }

    async fn try_post(&self, target: &Target, message: &Message) -> io::Result<Outcome> {
        // One that was kept may have been closed meanwhile.
        if let Some(kept) = self.take_idle(target)
            && let Ok(outcome) = self.exchange(kept, target, message).await
        {
            return Ok(outcome);
        }
        let fresh = self.connect(target).await?;
        self.exchange(fresh, target, message).await
    }

    async fn exchange(
        &self,
        mut connection: SendRequest<Body>,
        target: &Target,
        message: &Message,
    ) -> io::Result<Outcome> {
        connection.ready().await.map_err(io::Error::other)?;
        let response = connection.send_request(request(target, message)?).await.map_err(io::Error::other)?;
        let outcome = outcome_of(response.status(), response.headers());
        // What is read to its end leaves a connection that can be used again.
        if drain(response).await {
            self.keep(target, connection);
        }
        Ok(outcome)
    }

    async fn connect(&self, target: &Target) -> io::Result<SendRequest<Body>> {
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        // To wait for a turn is not the name's fault.
        let turn = self.services.lookup(target).await;
        let found = timeout(LOOKUP_WITHIN, target.addresses(&self.settings, turn)).await;
        for address in found.ok().and_then(Result::ok).unwrap_or_default() {
            match TcpStream::connect(address).await {
                Ok(stream) => return self.begin(stream, target).await,
                Err(error) => failure = io::Error::other(error),
            }
        }
        Err(failure)
    }

    async fn begin(&self, stream: TcpStream, target: &Target) -> io::Result<SendRequest<Body>> {
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = if target.is_tls {
            let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
            let tls = self.tls.as_ref().ok_or(io::ErrorKind::Unsupported)?;
            Box::new(tls.connect(name, stream).await?)
        } else {
            Box::new(stream)
        };
        let (connection, driver) = http1::Builder::new()
            .max_buf_size(HEADER_MAX_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        // It ends with the connection; what goes wrong shows in the exchange.
        tokio::spawn(async move { drop(driver.await) });
        Ok(connection)
    }

    fn take_idle(&self, target: &Target) -> Option<SendRequest<Body>> {
        let mut idle = lock(&self.idle);
        let kept = idle.get_mut(&target.origin)?;
        while let Some(connection) = kept.pop() {
            if !connection.is_closed() {
                return Some(connection);
            }
        }
        idle.remove(&target.origin);
        None
    }

    fn keep(&self, target: &Target, connection: SendRequest<Body>) {
        let mut idle = lock(&self.idle);
        if idle.len() >= SERVICES_MAX && !idle.contains_key(&target.origin) {
            idle.clear();
        }
        let kept = idle.entry(target.origin.clone()).or_default();
        kept.retain(|connection| !connection.is_closed());
        if kept.len() < IDLE_MAX && !connection.is_closed() {
            kept.push(connection);
        }
    }
}

/// RFC 8030, section 5.
fn request(target: &Target, message: &Message) -> io::Result<Request<Body>> {
    Request::post(target.path.as_str())
        .header(HOST, &target.authority)
        .header(AUTHORIZATION, &message.authorization)
        .header(CONTENT_ENCODING, "aes128gcm")
        .header(HeaderName::from_static("ttl"), TTL_S)
        .header(HeaderName::from_static("urgency"), "normal")
        .header(HeaderName::from_static("topic"), &message.topic)
        .body(Body::from(message.body.clone()))
        .map_err(io::Error::other)
}

fn outcome_of(status: StatusCode, headers: &HeaderMap) -> Outcome {
    match status {
        status if status.is_success() => Outcome::Taken,
        StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Gone,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Outcome::Later(retry_after(headers)),
        status if status.is_server_error() => Outcome::Later(retry_after(headers)),
        // To be led elsewhere is no answer.
        _ => Outcome::Refused,
    }
}

/// In seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).unwrap_or_default(),
    };
    Some(wait.min(RETRY_MAX))
}

async fn drain(response: Response<Incoming>) -> bool {
    to_bytes(Body::new(response.into_body()), BODY_MAX_BYTES).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_to_do_next() {
        let of =
            |status: u16, headers: &HeaderMap| outcome_of(StatusCode::from_u16(status).unwrap(), headers);
        let none = HeaderMap::new();
        for (status, expected) in [
            (200, Outcome::Taken),
            (201, Outcome::Taken),
            (202, Outcome::Taken),
            (404, Outcome::Gone),
            (410, Outcome::Gone),
            (301, Outcome::Refused),
            (307, Outcome::Refused),
            (400, Outcome::Refused),
            (403, Outcome::Refused),
            (413, Outcome::Refused),
            (429, Outcome::Later(None)),
            (500, Outcome::Later(None)),
            (503, Outcome::Later(None)),
        ] {
            assert_eq!(of(status, &none), expected, "{status}");
        }
        let after = |text: &str| of(429, &HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]));
        assert_eq!(after("7"), Outcome::Later(Some(Duration::from_secs(7))));
        assert_eq!(
            after("999999999"),
            Outcome::Later(Some(RETRY_MAX)),
            "nobody makes the relay wait for ever"
        );
        assert_eq!(after("nonsense"), Outcome::Later(None));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Outcome::Later(Some(Duration::ZERO)));
    }

    #[tokio::test]
    async fn a_service_is_spoken_to_if_its_certificate_is_trusted() {
        use rustls::pki_types::PrivatePkcs8KeyDer;
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let Ok(mut stream) = acceptor.accept(listener.accept().await.unwrap().0).await else {
                    continue;
                };
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
            }
        });
        let settings = PushSettings { reaches_private: true, ..PushSettings::default() };
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let message =
            Message { authorization: "vapid".to_owned(), topic: "topic".to_owned(), body: vec![1; 120] };
        let target = |host: &str| Target::of(&format!("https://{host}:{port}/x"), &settings).unwrap();
        let services = Arc::new(Services::new(settings.clone()));
        let trusting = Poster::trusting(roots, settings.clone(), Arc::clone(&services));
        assert_eq!(trusting.post(&target("localhost"), &message).await, Outcome::Taken);
        let other_name = trusting.post(&target("127.0.0.1"), &message).await;
        assert_eq!(other_name, Outcome::Silent, "of another name");
        let usual = Poster::new(settings.clone(), services);
        assert_eq!(usual.post(&target("localhost"), &message).await, Outcome::Silent, "of nobody");
        assert_eq!(usual.post(&target("nothing.invalid"), &message).await, Outcome::Nowhere);
    }
}

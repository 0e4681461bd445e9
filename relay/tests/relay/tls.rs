//! TLS by certificate files, with a real client on the other side.

use crate::http::{read_all, status, upgrade_request};
use crate::process::command;
use crate::support::*;
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use sotto_protocol::{
    ClientFrame, OpenRoom, PageRequest, RelayFrame, Reply, Request, decode, encode, open_statement,
};
use sotto_relay::{Config, StartError, TlsFiles, start};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// A certificate for this machine, and its key, in PEM.
fn certificate(ends_in_year: i32) -> (String, String) {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut parameters = rcgen::CertificateParams::new(names).unwrap();
    parameters.not_after = rcgen::date_time_ymd(ends_in_year, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    (pem("CERTIFICATE", certificate.der()), pem("PRIVATE KEY", &key.serialize_der()))
}

/// RFC 7468.
fn pem(what: &str, bytes: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
}

/// Writes both files, and gives the certificate as it travels.
fn write(files: &TlsFiles, (certificate, key): &(String, String)) -> CertificateDer<'static> {
    std::fs::write(&files.key, key).unwrap();
    std::fs::write(&files.certificate, certificate).unwrap();
    CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()
}

struct TlsRelay {
    relay: TestRelay,
    files: TlsFiles,
    certificate: CertificateDer<'static>,
    _folder: tempfile::TempDir,
}

impl TlsRelay {
    async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let certificate = write(&files, &self::certificate(2099));
        let relay = TestRelay::start_with(|config| {
            config.tls = Some(files.clone());
            change(config);
        })
        .await;
        Self { relay, files, certificate, _folder: folder }
    }

    async fn connect(&self, version: &'static SupportedProtocolVersion) -> TlsStream<TcpStream> {
        let tcp = TcpStream::connect(self.relay.authority()).await.unwrap();
        handshake(tcp, &self.certificate, version).await.unwrap()
    }
}

async fn handshake(
    tcp: TcpStream,
    trusted: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// A client whose socket lies under TLS.
struct Wss {
    socket: WebSocketStream<TlsStream<TcpStream>>,
    next_request: u32,
}

impl Wss {
    /// Opens a room of its own.
    async fn open(stream: TlsStream<TcpStream>, authority: &str, room: &Room) -> Self {
        let url = format!("wss://{authority}/v1/rooms");
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        let RelayFrame::Welcome(welcome) = read(&mut socket).await else { panic!("no welcome") };
        let mut client = Self { socket, next_request: 1 };
        assert_eq!(client.ask(Request::Create(room.creation())).await, Reply::Created);
        use ed25519_dalek::Signer as _;
        let statement = open_statement(authority, &welcome.challenge, &room.id, 0);
        let signature = room.access[0].sign(&statement).to_bytes();
        let opened = client.ask(Request::Open(OpenRoom { room: room.id, epoch: 0, signature })).await;
        assert!(matches!(opened, Reply::Opened(_)), "{opened:?}");
        client
    }

    async fn ask(&mut self, body: Request) -> Reply {
        let request = self.next_request;
        self.next_request += 1;
        self.socket.send(Message::binary(encode(&ClientFrame { request, body }))).await.unwrap();
        loop {
            match read(&mut self.socket).await {
                RelayFrame::Reply(number, reply) if number == request => return reply,
                _ => {}
            }
        }
    }
}

async fn read(socket: &mut WebSocketStream<TlsStream<TcpStream>>) -> RelayFrame {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("the relay is silent");
        if let Message::Binary(bytes) = message.unwrap().unwrap() {
            return decode(&bytes).unwrap();
        }
    }
}

#[tokio::test]
async fn rooms_work_under_tls_of_either_version() {
    let relay = TlsRelay::start_with(|_| {}).await;
    assert!(relay.relay.running.url().starts_with("https://127.0.0.1:"));
    for version in [&TLS13, &TLS12] {
        let stream = relay.connect(version).await;
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        let room = Room::new();
        let mut client = Wss::open(stream, &relay.relay.authority(), &room).await;
        for seq in 1..=30 {
            let entry = entry(0, &[7; 60_000]);
            assert_eq!(client.ask(append(&room, &entry)).await, Reply::Appended(seq));
        }
        // More than the socket, and what lies over it, hold at once.
        let direction = sotto_protocol::Direction::Forward;
        let page = PageRequest { room: room.id, from: 0, direction, limit: 500, handshakes_only: false };
        for _ in 0..5 {
            let Reply::Page(page) = client.ask(Request::Page(page.clone())).await else { panic!() };
            assert!(page.more && page.entries.len() > 10);
        }
        client.socket.close(None).await.unwrap();
        while let Some(Ok(_)) = client.socket.next().await {}
    }
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_one_that_is_no_good_is_not() {
    let relay =
        TlsRelay::start_with(|config| config.tuning.certificate_every = Duration::from_millis(30)).await;
    let room = Room::new();
    let mut earlier = Wss::open(relay.connect(&TLS13).await, &relay.relay.authority(), &room).await;
    let tcp = async || TcpStream::connect(relay.relay.authority()).await.unwrap();
    let new = write(&relay.files, &certificate(2098));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while handshake(tcp().await, &new, &TLS13).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the new certificate is not taken up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(handshake(tcp().await, &relay.certificate, &TLS13).await.is_err(), "the one before is gone");
    assert_eq!(earlier.ask(append(&room, &entry(0, b"as ever"))).await, Reply::Appended(1));
    let (other, _) = certificate(2097);
    for bad in ["", "nonsense", &other] {
        std::fs::write(&relay.files.certificate, bad).unwrap();
        relay.relay.running.reload_certificate();
        assert!(handshake(tcp().await, &new, &TLS13).await.is_ok(), "{bad:?} is in use");
    }
    std::fs::remove_file(&relay.files.certificate).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(handshake(tcp().await, &new, &TLS13).await.is_ok());
    let back = write(&relay.files, &certificate(2096));
    relay.relay.running.reload_certificate();
    assert!(handshake(tcp().await, &back, &TLS12).await.is_ok());
}

/// Copying a file and then changing its permissions leaves its time and length as they were.
#[tokio::test]
async fn files_that_become_good_without_a_mark_are_taken_up() {
    let relay =
        TlsRelay::start_with(|config| config.tuning.certificate_every = Duration::from_millis(30)).await;
    let tcp = async || TcpStream::connect(relay.relay.authority()).await.unwrap();
    let pair = certificate(2098);
    let written_at = std::time::SystemTime::now() - Duration::from_secs(60);
    let put = |content: &str| {
        std::fs::write(&relay.files.certificate, content).unwrap();
        let file = std::fs::File::options().write(true).open(&relay.files.certificate).unwrap();
        file.set_modified(written_at).unwrap();
    };
    std::fs::write(&relay.files.key, &pair.1).unwrap();
    put(&"x".repeat(pair.0.len()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(handshake(tcp().await, &relay.certificate, &TLS13).await.is_ok(), "the one before stays");
    put(&pair.0);
    let new = CertificateDer::from_pem_slice(pair.0.as_bytes()).unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while handshake(tcp().await, &new, &TLS13).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the new certificate is not taken up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn files_that_are_no_good_keep_the_relay_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let (good, other) = (certificate(2099), certificate(2099));
    for (what, certificate, key, expected, help) in [
        ("none", None, None, "cannot read", "--tls-certificate"),
        ("no key", Some(&good.0), None, "cannot read", "--tls-key"),
        ("a key for a certificate", Some(&good.1), Some(&good.1), "no certificate", "fullchain.pem"),
        ("a certificate for a key", Some(&good.0), Some(&good.0), "no private key", "privkey.pem"),
        ("of two pairs", Some(&good.0), Some(&other.1), "not that of the certificate", "made for"),
    ] {
        for (file, content) in [(&files.certificate, certificate), (&files.key, key)] {
            match content {
                Some(content) => std::fs::write(file, content).unwrap(),
                None => drop(std::fs::remove_file(file)),
            }
        }
        let mut config = Config::new("127.0.0.1:0".parse().unwrap(), folder.path().join("data"));
        config.tls = Some(files.clone());
        let Err(error @ StartError::Tls(_)) = start(config).await else { panic!("{what}") };
        assert!(error.to_string().contains(expected), "{what}: {error}");
        assert!(error.help().contains(help), "{what}: {}", error.help());
    }
}

#[tokio::test]
async fn who_speaks_in_the_clear_or_not_at_all_is_not_waited_for() {
    let relay =
        TlsRelay::start_with(|config| config.tuning.handshake_timeout = Duration::from_millis(300)).await;
    let authority = relay.relay.authority();
    let answer = crate::http::exchange(&authority, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(status(&answer) == 400 && answer.contains("https://"), "{answer}");
    let answer = crate::http::exchange(&authority, &upgrade_request(&authority, "")).await;
    assert_eq!(status(&answer), 400, "{answer}");
    // Nothing at all; the beginning of a record; a record that never ends, byte by byte.
    for (sent, trickles) in [(&b""[..], false), (b"\x16", false), (b"\x16\x03\x01\x02\x00\x01", true)] {
        let mut stalled = TcpStream::connect(&authority).await.unwrap();
        stalled.write_all(sent).await.unwrap();
        let begin = tokio::time::Instant::now();
        let mut buffer = [0; 64];
        loop {
            let read = tokio::time::timeout(Duration::from_millis(50), stalled.read(&mut buffer)).await;
            match read {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(_)) => {}
                Err(_) if trickles => drop(stalled.write_all(&[0]).await),
                Err(_) => {}
            }
            assert!(begin.elapsed() < Duration::from_secs(5), "{sent:?} is waited for");
        }
    }
    for _ in 0..200 {
        let mut noise: [u8; 300] = random();
        noise[0] = 0x16;
        let mut stream = TcpStream::connect(&authority).await.unwrap();
        let _ = stream.write_all(&noise).await;
        drop(stream);
    }
    let stream = relay.connect(&TLS13).await;
    Wss::open(stream, &authority, &Room::new()).await;
}

#[tokio::test]
async fn under_tls_browsers_are_told_to_stay_there() {
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let relay = TlsRelay::start_with(|_| {}).await;
    let mut stream = relay.connect(&TLS13).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.contains("\r\nstrict-transport-security: max-age=31536000\r\n"), "{answer}");
    let plain = TestRelay::start().await;
    let answer = crate::http::exchange(&plain.authority(), request).await;
    assert!(status(&answer) == 200 && !answer.contains("strict-transport"), "{answer}");
}

#[tokio::test]
async fn the_program_serves_tls_takes_a_new_certificate_on_sighup_and_looks_at_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let files = files(folder.path());
    // Both in one file.
    let (certificate_pem, key) = certificate(2099);
    let first = write(&files, &(format!("{certificate_pem}{key}"), String::new()));
    let path = files.certificate.to_str().unwrap();
    let log = folder.path().join("log");
    let mut program = command(&data, "127.0.0.1:0");
    program.args(["--tls-certificate", path]).stdout(Stdio::piped());
    program.stderr(std::fs::File::create(&log).unwrap());
    let mut child = program.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let authority = line.trim().strip_prefix("Sotto relay is ready: https://").unwrap().to_owned();
    let tcp = async || TcpStream::connect(&authority).await.unwrap();
    assert!(handshake(tcp().await, &first, &TLS13).await.is_ok());
    let (certificate_pem, key) = certificate(2098);
    let second = write(&files, &(format!("{certificate_pem}{key}"), String::new()));
    let hang_up = std::process::Command::new("kill").args(["-s", "HUP", &child.id().to_string()]).status();
    assert!(hang_up.unwrap().success());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while handshake(tcp().await, &second, &TLS13).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the new certificate is not taken up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("a new certificate is in use") && !log.contains("127.0.0.1"), "{log}");

    let examine = |data: &Path| {
        let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
        doctor.args(["doctor", "--listen", "127.0.0.1:0", "--tls-certificate", path, "--data"]).arg(data);
        let output = doctor.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let seen = examine(&data);
    assert!(seen.contains("ok    certificate: good for "), "{seen}");
    let (certificate_pem, key) = certificate(2001);
    write(&files, &(format!("{certificate_pem}{key}"), String::new()));
    let seen = examine(&data);
    assert!(seen.contains("BAD   certificate: ended ") && seen.contains("help: put a new one"), "{seen}");
    std::fs::write(&files.certificate, "nonsense").unwrap();
    assert!(examine(&data).contains("BAD   certificate: "), "{seen}");
}

#[tokio::test]
async fn a_connection_under_tls_that_does_nothing_takes_20_kib() {
    const CONNECTIONS: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let trusted = write(&files, &certificate(2099));
    let mut program = command(&folder.path().join("data"), "127.0.0.1:0");
    program.arg("--tls-certificate").arg(&files.certificate).arg("--tls-key").arg(&files.key);
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let authority = line.trim().strip_prefix("Sotto relay is ready: https://").unwrap().to_owned();
    let resident_kib = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let mut idle = Vec::new();
    let mut before_kib = 0;
    for index in 0..CONNECTIONS + 100 {
        if index == 100 {
            before_kib = resident_kib();
        }
        let tcp = TcpStream::connect(&authority).await.unwrap();
        let stream = handshake(tcp, &trusted, &TLS13).await.unwrap();
        idle.push(Wss::open(stream, &authority, &Room::new()).await);
    }
    let each = (resident_kib() - before_kib) as f64 / CONNECTIONS as f64;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(each <= 20.0, "{each:.1} KiB each");
}

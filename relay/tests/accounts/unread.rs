//! Answers over HTTP that nobody reads: what they cost the relay, and whom they hold up.

use crate::client::{Person, bearer};
use crate::process::Program;
use crate::support::{PATIENCE, TestRelay};
use minicbor::bytes::ByteArray;
use sotto_protocol::account::{Call as _, ListSessions, PutVault, ReadVault, SessionToken, VaultEntry};
use sotto_protocol::encode;
use sotto_protocol::limits::{VAULT_READ_MAX_BYTES, VAULT_RECORD_MAX_BYTES};
use sotto_relay::Rates;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

const RECORDS: u8 = (VAULT_READ_MAX_BYTES / VAULT_RECORD_MAX_BYTES) as u8;

/// A user whose vault fills the longest answer there is.
async fn with_a_full_vault(authority: &str) -> Person {
    let ada = Person::registered(authority, "ada").await;
    for name in 0..RECORDS {
        let record = VaultEntry { name: [name; 32], version: 1, value: vec![5; VAULT_RECORD_MAX_BYTES] };
        ada.call(&PutVault { record }).await.unwrap();
    }
    ada
}

/// A connection from that address that takes in as little as it can.
async fn narrow(from: &str, authority: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(authority.parse().unwrap()).await.unwrap()
}

fn request(path: &str, person: &Person, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/cbor\r\ncontent-length: {}\r\nauthorization: {}\r\nconnection: close\r\n\r\n",
        person.authority,
        body.len(),
        bearer(&person.token)
    );
    [head.as_bytes(), body].concat()
}

fn read_vault(person: &Person) -> Vec<u8> {
    let names = (0..RECORDS).map(|name| ByteArray::from([name; 32])).collect();
    request(ReadVault::PATH, person, &encode(&ReadVault { names }))
}

/// Everything that still comes, until the connection ends.
async fn drain(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = vec![0; 65_536];
    let read = async {
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            all.extend_from_slice(&buffer[..count]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("it does not end");
    all
}

fn resident_kib(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn answers_that_nobody_reads_are_bounded_hold_up_nobody_else_and_end() {
    const GREEDY: usize = 100;
    let data = tempfile::tempdir().unwrap();
    let settings = ["--waiting-bytes", "70000000", "--timeouts", "answer=3,body=1"];
    let program = Program::start_with(data.path(), &settings, Stdio::null());
    let ada = with_a_full_vault(&program.authority).await;
    let mut first = narrow("127.0.0.1", &program.authority).await;
    first.write_all(&read_vault(&ada)).await.unwrap();
    assert!(drain(&mut first).await.len() > usize::from(RECORDS) * VAULT_RECORD_MAX_BYTES);
    let before_kib = resident_kib(&program);
    let mut greedy = Vec::new();
    for _ in 0..GREEDY {
        let mut stream = narrow("127.0.0.1", &program.authority).await;
        stream.write_all(&read_vault(&ada)).await.unwrap();
        greedy.push(stream);
    }
    let mut slowest = Duration::ZERO;
    let mut most_kib = 0;
    for _ in 0..20 {
        let mut victim = narrow("127.0.0.2", &program.authority).await;
        let began = Instant::now();
        victim.write_all(&request(ListSessions::PATH, &ada, &encode(&ListSessions {}))).await.unwrap();
        assert!(drain(&mut victim).await.starts_with(b"HTTP/1.1 200"));
        slowest = slowest.max(began.elapsed());
        most_kib = most_kib.max(resident_kib(&program).saturating_sub(before_kib));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // 180 MiB, if they were all made.
    assert!(most_kib < 60 * 1024, "{most_kib} KiB more for answers that nobody reads");
    assert!(slowest < Duration::from_millis(250), "{slowest:?}");
    tokio::time::sleep(Duration::from_secs(4)).await;
    for mut stream in greedy {
        let came = drain(&mut stream).await;
        assert!(came.len() < VAULT_READ_MAX_BYTES, "{}", came.len());
        // It was begun and hung up on, or refused for now.
        let is_refused =
            came.starts_with(b"HTTP/1.1 503") && came.windows(12).any(|part| part == b"retry-after:");
        assert!(is_refused || came.is_empty() || came.starts_with(b"HTTP/1.1 200"));
    }
    let mut again = narrow("127.0.0.1", &program.authority).await;
    again.write_all(&read_vault(&ada)).await.unwrap();
    assert!(drain(&mut again).await.len() > usize::from(RECORDS) * VAULT_RECORD_MAX_BYTES);
}

#[tokio::test]
async fn who_reads_slowly_gets_all_of_it() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = Rates::unlimited();
        config.tuning.answer_timeout = Duration::from_millis(500);
    })
    .await;
    let ada = with_a_full_vault(&relay.authority()).await;
    let mut stream = narrow("127.0.0.1", &relay.authority()).await;
    stream.write_all(&read_vault(&ada)).await.unwrap();
    let (mut came, mut buffer) = (0, vec![0; 65_536]);
    let began = Instant::now();
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        came += count;
        if began.elapsed() < Duration::from_secs(2) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert!(began.elapsed() > Duration::from_secs(2));
    assert!(came > usize::from(RECORDS) * VAULT_RECORD_MAX_BYTES, "{came}");
}

/// Memory for an answer was taken before it was known who asks, and what.
#[tokio::test]
async fn who_shows_no_session_or_sends_nothing_holds_no_memory_that_others_wait_for() {
    let data = tempfile::tempdir().unwrap();
    let settings = ["--waiting-bytes", "150000000", "--timeouts", "answer=3,body=15"];
    let program = Program::start_with(data.path(), &settings, Stdio::null());
    let ada = with_a_full_vault(&program.authority).await;
    let made_up = Person { token: SessionToken::new([9; 32]), ..ada.clone() };
    let mut holding = Vec::new();
    for number in 0..48 {
        // Twelve addresses, and of each two who have a session.
        let mut stream = narrow(&format!("127.0.1.{}", 1 + number % 12), &program.authority).await;
        let whole = read_vault(if number < 24 { &made_up } else { &ada });
        let head = whole.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
        stream.write_all(&whole[..head]).await.unwrap();
        holding.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..10 {
        let mut victim = narrow("127.0.0.9", &program.authority).await;
        let began = Instant::now();
        victim.write_all(&read_vault(&ada)).await.unwrap();
        assert!(drain(&mut victim).await.len() > usize::from(RECORDS) * VAULT_RECORD_MAX_BYTES);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    for mut stream in holding.drain(..24) {
        assert!(drain(&mut stream).await.starts_with(b"HTTP/1.1 401"), "told at once, before a body");
    }
}

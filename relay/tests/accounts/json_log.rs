//! The log at its most talkative, as JSON and as text: every line can be read, and none says who, where or what.

use crate::client::*;
use crate::process::Program;
use crate::support::{Client, Room, append, entry, is_on_postgres};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use sotto_protocol::account::{AccountRef, Deposit, Lookup, PutVault, VaultEntry};
use sotto_protocol::{DoorId, Reply};
use std::process::Command;
use tokio_tungstenite::MaybeTlsStream;

/// A value in the forms in which it could turn up.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        bytes.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
        STANDARD.encode(bytes).into_bytes(),
        format!("{bytes:?}").trim_matches(['[', ']']).as_bytes().to_vec(),
    ]
}

/// What a relay logs of all sorts of traffic, and what must not be in it.
async fn log_of(format: &str) -> (Vec<u8>, Vec<(&'static str, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = std::fs::File::create(&path).unwrap();
    let settings = ["--log", "trace", "--log-format", format, "--max-database-bytes", "700000"];
    let mut relay = Program::start_with(&folder.path().join("data"), &settings, log.into());
    let authority = relay.authority.clone();

    let mut person = Person::registered(&authority, "countess-of-lovelace").await;
    person.prove().await;
    let other = person.log_in().await.unwrap();
    let record = VaultEntry { name: [0x5a; 32], version: 1, value: b"the value in the vault".to_vec() };
    person.call(&PutVault { record }).await.unwrap();
    let letter = vec![0x4c; sotto_protocol::limits::DIRECT_INVITE_BYTES];
    call(&authority, None, &Deposit { account: person.account_id(), letter }).await.unwrap();
    let lookup = Lookup { who: AccountRef::Name("nobody-here".into()) };
    call(&authority, None, &lookup).await.map(|_| ()).unwrap_err();
    post(&authority, "/v1/account/login/start", &[], b"this is no CBOR").await;
    let mut wrong = person.clone();
    wrong.password = "the wrong password".to_owned();
    assert!(wrong.log_in().await.is_none());

    let mut room = Room::new();
    let door = DoorId::new([0x3d; 16]);
    let mut client = Client::connect(&authority).await;
    client.create(&room).await;
    client.open(&room).await;
    client.commit(&mut room, &[door]).await;
    client.card(&room, door).await;
    client.open(&room).await;
    client.refusal(append(&room, b"")).await;
    let said = entry(1, b"what was said in the room");
    client.append(&room, &said).await;
    // Until the disk is full, which is worth a line; a server's is not to be filled.
    for _ in 0..40 {
        let Reply::Appended(_) = client.ask(append(&room, &entry(1, &[b'm'; 30_000]))).await else { break };
    }
    let MaybeTlsStream::Plain(stream) = client.socket.get_ref() else { panic!("there is no TLS") };
    let port = format!(":{}", stream.local_addr().unwrap().port());
    assert!(Command::new("kill").arg(relay.child.id().to_string()).status().unwrap().success());
    relay.child.wait().unwrap();

    let mut needles: Vec<(&'static str, Vec<u8>)> = vec![
        ("an address", b"127.0.0.1".to_vec()),
        ("a port", port.into_bytes()),
        ("a path", b"/v1/account".to_vec()),
        ("a statement", b"SELECT".to_vec()),
        ("a statement", b"INSERT".to_vec()),
        ("an entry", b"mmmm".to_vec()),
    ];
    for (what, value) in [
        ("a name", b"lovelace".to_vec()),
        ("a name", b"nobody-here".to_vec()),
        ("a password", person.password.clone().into_bytes()),
        ("an account id", person.account_id().to_vec()),
        ("a token", person.token.expose().to_vec()),
        ("a token", other.token.expose().to_vec()),
        ("a session", person.session.to_vec()),
        ("an identity", person.identity.verifying_key().to_bytes().to_vec()),
        ("a name in the vault", vec![0x5a; 32]),
        ("a value in the vault", b"the value in the vault".to_vec()),
        ("a letter", vec![0x4c; 32]),
        ("a room", room.id.as_bytes().to_vec()),
        ("the beginning of a room's id", room.id.as_bytes()[..6].to_vec()),
        ("a door", door.as_bytes().to_vec()),
        ("an access key", room.access_key(1).to_vec()),
        ("an entry", said),
        ("what was said", b"what was said".to_vec()),
    ] {
        needles.extend(forms(&value).into_iter().map(|form| (what, form)));
    }
    (std::fs::read(&path).unwrap(), needles)
}

fn assert_silent(log: &[u8], needles: &[(&'static str, Vec<u8>)]) {
    for (what, needle) in needles {
        let is_in = log.windows(needle.len()).any(|window| window == needle);
        assert!(!is_in, "{what} is in the log:\n{}", String::from_utf8_lossy(log));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_is_json_and_says_nothing_about_anybody() {
    let (log, needles) = log_of("json").await;
    let mut messages = Vec::new();
    for line in String::from_utf8(log.clone()).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "target", "message"] {
            assert!(event[field].is_string(), "{field} is missing in {line}");
        }
        messages.push(event["message"].as_str().unwrap().to_owned());
    }
    let full = "the disk is full: nothing is stored until there is space";
    for expected in ["serving", if is_on_postgres() { "stopping" } else { full }, "stopped"] {
        assert!(messages.iter().any(|message| message == expected), "{expected} is not in {messages:?}");
    }
    assert_silent(&log, &needles);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_text_the_log_says_as_little() {
    let (log, needles) = log_of("text").await;
    assert!(log.windows(7).any(|window| window == b"serving"));
    assert_silent(&log, &needles);
}

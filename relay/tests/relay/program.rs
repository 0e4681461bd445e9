//! The program: what it prints, and how it fails.

use crate::process::{Program, command};
use crate::support::*;
use sotto_protocol::Reply;
use std::process::{Command, Output};
use tokio_tungstenite::MaybeTlsStream;

fn failure(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(stdout.is_empty());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn it_stops_on_a_signal_with_success() {
    let data = tempfile::tempdir().unwrap();
    for signal in ["INT", "TERM"] {
        let mut program = Program::start(data.path());
        let pid = program.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        assert_eq!(program.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn it_says_what_is_wrong_and_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let running = Program::start(data.path());

    let other = tempfile::tempdir().unwrap();
    let message = failure(command(other.path(), &running.authority));
    assert!(
        message.contains("error: cannot listen on") && message.contains("help: another program"),
        "{message}"
    );

    let message = failure(command(data.path(), "127.0.0.1:0"));
    assert!(message.contains("error: another relay uses"), "{message}");
    assert!(message.contains("help: stop the other relay"), "{message}");

    let file = other.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let message = failure(command(&file.join("data"), "127.0.0.1:0"));
    assert!(message.contains("error: cannot write") && message.contains("--data"), "{message}");

    let garbage = tempfile::tempdir().unwrap();
    std::fs::write(garbage.path().join("relay.db"), vec![b'x'; 8192]).unwrap();
    let message = failure(command(garbage.path(), "127.0.0.1:0"));
    assert!(message.contains("error: ") && message.contains("restore a backup"), "{message}");
}

#[test]
fn it_does_not_touch_a_database_of_a_newer_version() {
    let data = tempfile::tempdir().unwrap();
    drop(Program::start(data.path()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::ConnectOptions as _;
        let file = data.path().join("relay.db");
        let mut database = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES (9999, 'later', TRUE, x'00', 0)";
        sqlx::query(later).execute(&mut database).await.unwrap();
    });
    let message = failure(command(data.path(), "127.0.0.1:0"));
    assert!(message.contains("newer version") && message.contains("help: update sotto-relay"), "{message}");
}

#[tokio::test]
async fn its_log_tells_nothing_about_anybody() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let quota = ["--log", "trace", "--max-database-bytes", "300000"];
    let mut program = Program::start_with(data.path(), &quota, file.into());
    let mut client = Client::connect(&program.authority).await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    while let Reply::Appended(_) = client.ask(append(&room, &entry(0, &[b'm'; 20_000]))).await {}
    client.refusal_code(append(&room, b"")).await;
    let MaybeTlsStream::Plain(stream) = client.socket.get_ref() else { panic!() };
    let port = format!(":{}", stream.local_addr().unwrap().port());
    assert!(Command::new("kill").arg(program.child.id().to_string()).status().unwrap().success());
    program.child.wait().unwrap();
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("the disk is full") && log.contains("stopped"), "{log}");
    let room_id: String = room.id.as_bytes().iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    for secret in ["127.0.0.1", &port, &room_id, "mmm", "RoomId", "SELECT", "INSERT"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[test]
fn wrong_use_is_explained() {
    let relay = || Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    let wrong = relay().args(["serve", "--listen", "nonsense"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let help = relay().args(["serve", "--help"]).output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    for option in ["--listen", "--data", "--max-database-bytes", "127.0.0.1:8080", "./data"] {
        assert!(text.contains(option), "{text}");
    }
}

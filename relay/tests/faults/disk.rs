//! Disks that are full, only read, or lose the database under a running relay.
//!
//! A small disk is a `tmpfs`, where the tests may mount one (as root). Everywhere else, and for a disk that fails while the relay runs,
//! a limit on the length of the relay's files does the same to it: every write past the limit fails.

use crate::client::{Person, relay};
use crate::process::{Program, command};
use crate::support::*;
use sotto_protocol::ErrorCode;
use sotto_protocol::account::{AccountErrorCode, PutVault, VaultEntry};
use sotto_relay::{Config, start};
use sotto_test_services::SmallDisk;
use std::path::Path;
use std::process::{Command, Stdio};

fn runs(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Bounds the length of the relay's files from now on.
fn limit_files(relay: &Program, bytes: &str) {
    let pid = relay.child.id().to_string();
    assert!(runs(Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")])));
}

/// A relay that a write past the limit does not end.
fn start_unsignalled(data: &Path) -> Program {
    let plain = command(data, "127.0.0.1:0");
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(plain.get_program()).args(plain.get_args());
    shell.args(["--log", "off"]);
    Program::start_command(&mut shell)
}

async fn assert_log_is(client: &mut Client, room: &Room, stored: &[Vec<u8>]) {
    let log = client.whole_log(room).await;
    assert_eq!(seqs(&log), (1..=stored.len() as u64).collect::<Vec<_>>());
    assert!(log.iter().zip(stored).all(|(read, written)| read.entry == *written));
}

/// Never the same: SQLite does not write pages that stay as they are.
fn record(version: u64) -> PutVault {
    PutVault { record: VaultEntry { name: [1; 32], version, value: random::<60_000>().to_vec() } }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_really_full_refuses_and_recovers() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let data = disk.path().join("data");
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![7; 2 * 1024 * 1024]).unwrap();
    let relay = Program::start_with(&data, &["--log", "off"], Stdio::null());
    let mut client = Client::connect(&relay.authority).await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let ada = Person::registered(&relay.authority, "ada").await;
    let mut stored = Vec::new();
    let refused = fill(&mut client, &room, &mut stored).await;
    let error = ada.call(&record(1)).await.unwrap_err();
    assert_eq!(error.code, AccountErrorCode::StorageFull);
    assert!(error.retry_after_ms.is_some());
    assert_log_is(&mut client, &room, &stored).await;

    // It dies on the full disk, and does not start without space, or starts with everything.
    drop(relay);
    let mut failing = command(&data, "127.0.0.1:0");
    let mut failing =
        failing.args(["--log", "off"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    if let Some(status) = failing.try_wait().unwrap() {
        let output = failing.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!status.success() && text.contains("help: make space on the disk"), "{text}");
    } else {
        failing.kill().unwrap();
        failing.wait().unwrap();
    }

    std::fs::remove_file(&ballast).unwrap();
    let relay = Program::start_with(&data, &["--log", "off"], Stdio::null());
    let mut client = Client::connect(&relay.authority).await;
    client.open(&room).await;
    assert_eq!(client.append(&room, &refused).await, stored.len() as u64 + 1, "no place is left out");
    stored.push(refused);
    assert_log_is(&mut client, &room, &stored).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_more_refuses_and_recovers_while_the_relay_runs() {
    let data = tempfile::tempdir().unwrap();
    let relay = start_unsignalled(data.path());
    let mut client = Client::connect(&relay.authority).await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let ada = Person::registered(&relay.authority, "ada").await;
    let mut stored = Vec::new();
    let mut version = 0;
    // Full somewhere in the middle of a write, and then not writable at all, as when a disk fails and is mounted anew.
    for limit in ["1500000", "0", "2500000"] {
        limit_files(&relay, limit);
        let refused = fill(&mut client, &room, &mut stored).await;
        let error = ada.call(&record(version + 1)).await.unwrap_err();
        assert_eq!(error.code, AccountErrorCode::StorageFull, "{limit}");
        assert_eq!(client.append(&room, &stored[0]).await, 1, "what is stored is still acknowledged");
        assert_log_is(&mut client, &room, &stored).await;
        limit_files(&relay, "unlimited");
        assert_eq!(client.append(&room, &refused).await, stored.len() as u64 + 1, "no place is left out");
        stored.push(refused);
        version += 1;
        ada.call(&record(version)).await.unwrap();
    }
    assert_log_is(&mut client, &room, &stored).await;
    drop(relay);
    let relay = Program::start_with(data.path(), &["--log", "off"], Stdio::null());
    let mut client = Client::connect(&relay.authority).await;
    client.open(&room).await;
    assert_log_is(&mut client, &room, &stored).await;
}

#[tokio::test]
async fn a_disk_that_is_only_read_is_said_at_the_start() {
    let disk = SmallDisk::mount(1);
    let folder = tempfile::tempdir().unwrap();
    let path = disk.as_ref().map_or(folder.path(), |disk| disk.path());
    match &disk {
        Some(disk) => assert!(disk.remount("ro")),
        None => {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o500)).unwrap();
        }
    }
    let output = command(path, "127.0.0.1:0").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(text.contains("error: cannot write ") && text.contains("help: "), "{text}");
}

#[tokio::test]
async fn nothing_is_acknowledged_in_a_database_that_was_moved_or_deleted() {
    let relay = relay().await;
    let (mut client, room) = (relay.connect().await, Room::new());
    client.create(&room).await;
    client.open(&room).await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let mut stored = vec![entry(0, b"kept")];
    client.append(&room, &stored[0]).await;
    let mut version = 0;
    for name in ["relay.db", "relay.db-wal"] {
        let (file, elsewhere) = (relay.data.path().join(name), relay.data.path().join("elsewhere"));
        std::fs::rename(&file, &elsewhere).unwrap();
        let next = entry(0, name.as_bytes());
        for _ in 0..2 {
            assert_eq!(client.refusal_code(append(&room, &next)).await, ErrorCode::Internal);
            assert_eq!(ada.call(&record(version + 1)).await.unwrap_err().code, AccountErrorCode::Internal);
        }
        // Put back, it is the same file.
        std::fs::rename(&elsewhere, &file).unwrap();
        client.append(&room, &next).await;
        stored.push(next);
        version += 1;
        ada.call(&record(version)).await.unwrap();
    }
    assert_log_is(&mut client, &room, &stored).await;

    std::fs::remove_file(relay.data.path().join("relay.db")).unwrap();
    let lost = entry(0, b"nowhere");
    assert_eq!(client.refusal_code(append(&room, &lost)).await, ErrorCode::Internal);
    let before = client.welcome.incarnation;
    relay.running.shutdown().await;
    // What starts in its place is another life, and says so. It touches no files that belong to the one before.
    for leftover in ["relay.db-wal", "relay.db-shm"] {
        let _ = std::fs::remove_file(relay.data.path().join(leftover));
    }
    let refused = start(Config::new("127.0.0.1:0".parse().unwrap(), relay.data.path())).await;
    assert!(refused.err().unwrap().to_string().contains("another database"));
    std::fs::remove_dir_all(relay.data.path().join("blobs")).unwrap();
    let running = start_on(relay.data.path(), |_| {}).await;
    let client = Client::connect(&running.addr().to_string()).await;
    assert_ne!(client.welcome.incarnation, before);
}

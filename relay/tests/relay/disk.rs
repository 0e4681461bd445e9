//! A full disk: writing is refused, reading goes on, and writing goes on when there is space again.

use crate::support::*;
use sotto_protocol::{Direction, ErrorCode, Reply, Request, RoomAccess};
use sqlx::{ConnectOptions as _, SqliteConnection};

async fn beside_the_relay(relay: &TestRelay) -> SqliteConnection {
    let file = relay.data.path().join("relay.db");
    sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap()
}

#[tokio::test]
async fn a_full_disk_refuses_writing_and_recovers() {
    let relay = TestRelay::start_with(|config| config.max_database_bytes = Some(2 * 1024 * 1024)).await;
    // Something that can be taken away later, as if other files had been on the disk.
    let mut ballast = beside_the_relay(&relay).await;
    for statement in ["CREATE TABLE ballast (bytes BLOB)", "INSERT INTO ballast VALUES (zeroblob(1000000))"] {
        sqlx::query(statement).execute(&mut ballast).await.unwrap();
    }

    let (mut client, mut other) = (relay.connect().await, relay.connect().await);
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let mut stored = Vec::new();
    let refused = loop {
        let entry = entry(0, &[7; 50_000]);
        match client.ask(append(&room, &entry)).await {
            Reply::Appended(seq) => stored.push((seq, entry)),
            Reply::Error(error) => {
                assert_eq!(error.code, ErrorCode::StorageFull);
                assert!(error.retry_after_ms.is_some());
                break entry;
            }
            other => panic!("{other:?}"),
        }
        assert!(stored.len() < 100, "the disk never gets full");
    };

    let mut commit = room.clone().commit(&[]);
    commit.card = vec![7; 100_000];
    assert_eq!(client.refusal_code(Request::AppendHandshake(commit)).await, ErrorCode::StorageFull);
    assert_eq!(client.append(&room, &stored[0].1).await, 1, "what is stored is still acknowledged");
    let opened = other.open(&room).await;
    assert_eq!((opened.access, opened.head_seq), (RoomAccess::Full, stored.len() as u64));
    let log = other.whole_log(&room).await;
    assert!(log.iter().zip(&stored).all(|(read, (seq, entry))| read.seq == *seq && read.entry == *entry));
    assert_eq!(log.len(), stored.len());

    sqlx::query("DELETE FROM ballast").execute(&mut ballast).await.unwrap();
    assert_eq!(client.append(&room, &refused).await, stored.len() as u64 + 1, "no place is left out");
    client.commit(&mut room, &[]).await;
    let newest = other.page(&room, u64::MAX, Direction::Backward, 1).await;
    assert_eq!(newest.entries[0].seq, stored.len() as u64 + 2);
}

#[tokio::test]
async fn files_are_for_the_relay_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let relay = TestRelay::start_with(|config| config.data_dir.push("made/on/the/way")).await;
    let mut client = relay.connect().await;
    client.create(&Room::new()).await;
    let folder = relay.data.path().join("made/on/the/way");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut names = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
        names.push(path.file_name().unwrap().to_owned());
    }
    assert!(names.len() >= 3, "{names:?}");
}

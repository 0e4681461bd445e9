//! What is much and goes at once: rooms that are deleted, epochs that are voided, messages that are too old.

use crate::instrument::*;
use crate::support::*;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use sotto_protocol::{DeleteRoom, Reply, Request, RoomId, delete_statement};
use sqlx::AnyConnection;
use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// Puts so many messages into a room, of that hour.
async fn fill_room(database: &mut AnyConnection, room: &RoomId, (after, count): (i64, i64), bytes: i64) {
    let body =
        if is_on_postgres() { "CAST(repeat('x', CAST($4 AS INTEGER)) AS BYTEA)" } else { "zeroblob($4)" };
    let id = if is_on_postgres() {
        "decode(md5(CAST(n.n AS TEXT)), 'hex')"
    } else {
        "CAST(printf('%016d', n.n) AS BLOB)"
    };
    let sql = format!(
        "WITH RECURSIVE n (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM n WHERE n < $3)
        INSERT INTO entries (room, seq, kind, epoch, entry_id, stored_hour, entry)
        SELECT r.number, $2 + n.n, 2, 0, {id}, 1, {body} FROM rooms r, n WHERE r.room_id = $1"
    );
    let put = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(room.as_bytes().to_vec())
        .bind(after)
        .bind(count)
        .bind(bytes)
        .execute(database)
        .await
        .unwrap();
    assert_eq!(put.rows_affected(), count as u64);
}

async fn count(database: &mut AnyConnection, table: &str, of: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table} {of}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(database).await.unwrap()
}

/// A room-admin key of a client in a room of its own.
async fn admin(client: &mut Client, room: &mut Room) -> SigningKey {
    let key = signing_key();
    let mut commit = room.commit(&[]);
    room.hand_over(&mut commit, &[&key]);
    client.send_commit(room, commit).await;
    key
}

fn deletion(client: &Client, room: &Room, key: &SigningKey) -> Request {
    let statement = delete_statement(&client.authority, &client.welcome.challenge, &room.id);
    let signature = key.sign(&statement).to_bytes();
    Request::DeleteRoom(DeleteRoom { room: room.id, admin_key: public(key), signature })
}

/// The writer would be at it for as long as there is something: everybody waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_a_room_of_very_many_entries_holds_up_nobody() {
    let scene = Scene::new();
    let (mut client, mut room) = scene.member().await;
    let key = admin(&mut client, &mut room).await;
    let mut database = database_in(scene.data.path()).await;
    fill_room(&mut database, &room.id, (1, 400_000), 100).await;
    let delete = deletion(&client, &room, &key);
    let measured = scene
        .attack(async {
            assert_eq!(client.ask(delete).await, Reply::Done);
            tokio::time::sleep(Duration::from_millis(500)).await;
        })
        .await;
    measured.assert_bounded("a large room deleted", 64 * MIB);
    let mut again = scene.connect().await;
    assert_eq!(again.try_open(&room, 1).await, error(sotto_protocol::ErrorCode::RoomDeleted));
}

/// What is left of what is gone goes in pieces, until nothing is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_of_a_deleted_room_goes_in_pieces_until_nothing_is_left() {
    let relay = TestRelay::start_with(|config| config.tuning.sweep_every = Duration::from_millis(50)).await;
    let (mut client, mut room) = (relay.connect().await, Room::new());
    client.create(&room).await;
    client.open(&room).await;
    let key = admin(&mut client, &mut room).await;
    for n in 0..3 {
        let mut commit = room.commit(&[]);
        room.hand_over(&mut commit, &[&key]);
        commit.capsule = Some(vec![n; 3 << 20]);
        commit.capsule_wraps = Some(vec![capsule_wrap(1, "wrap"), capsule_wrap(2, "wrap")]);
        commit.history = Some(vec![n; 2 << 20]);
        client.send_commit(&mut room, commit).await;
    }
    let (mut other, neighbour) = (relay.connect().await, Room::new());
    other.create(&neighbour).await;
    other.open(&neighbour).await;
    let said = entry(0, b"still here");
    other.append(&neighbour, &said).await;
    let mut database = relay.database().await;
    let after = room.last_handshake_seq as i64;
    fill_room(&mut database, &room.id, (after, 3_000), 3_000).await;
    let delete = deletion(&client, &room, &key);
    assert_eq!(client.ask(delete).await, Reply::Done);
    assert!(count(&mut database, "leftovers", "").await <= 1);
    let began = tokio::time::Instant::now();
    while count(&mut database, "leftovers", "").await > 0 {
        assert!(began.elapsed() < PATIENCE, "it never ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for table in ["capsules", "capsule_wraps", "history_links"] {
        assert_eq!(count(&mut database, table, "").await, 0, "{table}");
    }
    assert_eq!(count(&mut database, "entries", "").await, 1);
    assert_eq!(count(&mut database, "epochs", "").await, 1);
    assert_eq!(other.whole_log(&neighbour).await[0].entry, said);
}

/// Retention drops megabytes: in pieces, and what is said meanwhile is acknowledged as always.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_too_old_go_in_pieces() {
    let relay = TestRelay::start_with(|config| {
        config.tuning.sweep_every = Duration::from_millis(20);
        config.max_retention = Some(Duration::from_secs(90_000));
    })
    .await;
    let (mut client, room) = (relay.connect().await, Room::new());
    client.create(&room).await;
    client.open(&room).await;
    let mut database = relay.database().await;
    fill_room(&mut database, &room.id, (0, 2_000), 60_000).await;
    let began = tokio::time::Instant::now();
    let mut waits = Vec::new();
    let (mut other, mine) = (relay.connect().await, Room::new());
    other.create(&mine).await;
    other.open(&mine).await;
    while count(&mut database, "entries", "WHERE entry IS NOT NULL AND stored_hour = 1").await > 0 {
        assert!(began.elapsed() < PATIENCE, "it never ends");
        let asked = tokio::time::Instant::now();
        other.append(&mine, &entry(0, b"meanwhile")).await;
        waits.push(asked.elapsed());
    }
    waits.sort_unstable();
    let p99 = waits[waits.len() * 99 / 100];
    assert!(p99 < Duration::from_millis(250), "{p99:?}");
    assert_eq!(count(&mut database, "entries", "WHERE entry IS NULL AND hash IS NULL").await, 0);
}

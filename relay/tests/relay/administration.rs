//! What room-admin keys and time do to a room: deleting it, dropping old messages, closing doors.

use crate::support::*;
use ed25519_dalek::{Signer as _, SigningKey};
use sotto_protocol::{
    Chain, DeleteRoom, Direction, DoorId, ErrorCode, LogEntry, RelayFrame, Reply, Request, SetRetention,
    WireError, delete_statement, entry_hash, limits, retention_statement,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn delete(room: &Room, by: &Client, key: &SigningKey) -> Request {
    let statement = delete_statement(&by.authority, &by.welcome.challenge, &room.id);
    let signature = key.sign(&statement).to_bytes();
    Request::DeleteRoom(DeleteRoom { room: room.id, admin_key: public(key), signature })
}

fn retain(room: &Room, by: &Client, key: &SigningKey, seconds: Option<u64>) -> Request {
    let statement = retention_statement(&by.authority, &by.welcome.challenge, &room.id, seconds.unwrap_or(0));
    let signature = key.sign(&statement).to_bytes();
    Request::SetRetention(SetRetention { room: room.id, seconds, admin_key: public(key), signature })
}

/// A room in epoch 1 with one admin.
async fn room_of(client: &mut Client, admin: &SigningKey) -> Room {
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let mut commit = room.commit(&[DoorId::new(random())]);
    room.hand_over(&mut commit, &[admin]);
    commit.capsule = Some(b"capsule".to_vec());
    commit.capsule_wraps = Some(vec![capsule_wrap(1, "wrap")]);
    commit.history = Some(b"link".to_vec());
    client.send_commit(&mut room, commit).await;
    room
}

/// Rows of each table that belong to rooms.
async fn rows(relay: &TestRelay) -> Vec<i64> {
    let mut database = relay.database().await;
    let mut rows = Vec::new();
    for sql in [
        "SELECT count(*) FROM rooms",
        "SELECT count(*) FROM epochs",
        "SELECT count(*) FROM entries",
        "SELECT count(*) FROM cards",
        "SELECT count(*) FROM doors",
        "SELECT count(*) FROM capsules",
        "SELECT count(*) FROM capsule_wraps",
        "SELECT count(*) FROM history_links",
        "SELECT count(*) FROM registers",
        "SELECT count(*) FROM handshake_hashes",
    ] {
        rows.push(sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap());
    }
    rows
}

#[tokio::test]
async fn a_deleted_room_is_gone_with_everything_in_it() {
    let relay = TestRelay::start_with(|config| config.tuning.sweep_every = Duration::from_millis(50)).await;
    let (mut alice, mut bob) = (relay.connect().await, relay.connect().await);
    let admin = signing_key();
    let kept = room_of(&mut alice, &admin).await;
    let before = rows(&relay).await;
    let room = room_of(&mut alice, &admin).await;
    bob.open(&room).await;
    alice.append(&room, &entry(1, b"soon gone")).await;
    let write = sotto_protocol::WriteStatus { room: room.id, key: [1; 32], value: [1; 256] };
    assert_eq!(alice.ask(Request::WriteStatus(write)).await, Reply::Done);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(rows(&relay).await.iter().all(|rows| *rows > 0), "there is something of everything");

    let theirs = delete(&room, &bob, &admin);
    let other_room = delete(&kept, &alice, &admin);
    let Request::DeleteRoom(mut moved) = other_room else { panic!("no deletion") };
    moved.room = room.id;
    for (what, request, expected) in [
        ("another connection's challenge", theirs, ErrorCode::BadSignature),
        ("signed for another room", Request::DeleteRoom(moved), ErrorCode::BadSignature),
        ("no admin", delete(&room, &alice, &signing_key()), ErrorCode::BadSignature),
        ("the access key", delete(&room, &alice, &room.access[1]), ErrorCode::BadSignature),
        ("no such room", delete(&Room::new(), &alice, &admin), ErrorCode::RoomNotOpen),
    ] {
        assert_eq!(alice.ask(request).await, error(expected), "{what}");
    }
    let mut elsewhere = relay.connect().await;
    let request = delete(&room, &elsewhere, &admin);
    assert_eq!(elsewhere.ask(request.clone()).await, error(ErrorCode::RoomNotOpen), "who is not in it");
    elsewhere.open(&room).await;
    assert_eq!(elsewhere.ask(request.clone()).await, Reply::Done);
    assert_eq!(elsewhere.ask(request).await, error(ErrorCode::UnknownRoom));
    loop {
        match bob.pushed().await {
            RelayFrame::Entry(..) | RelayFrame::Status(..) => {}
            frame => break assert_eq!(frame, RelayFrame::Gone(room.id)),
        }
    }
    let began = std::time::Instant::now();
    while rows(&relay).await != before {
        assert!(
            began.elapsed() < PATIENCE,
            "not a row is left, and none of the other room is missing: {before:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(bob.try_open(&room, 1).await, error(ErrorCode::RoomDeleted), "and not lost");
    assert_eq!(bob.refusal_code(append(&room, &entry(1, b""))).await, ErrorCode::UnknownRoom);

    // Nobody makes another room of that id, by whatever keys.
    for impostor in [Room { id: room.id, ..Room::new() }, room.clone()] {
        let create = Request::Create(impostor.creation());
        assert_eq!(elsewhere.ask(create).await, error(ErrorCode::RoomDeleted));
        assert_eq!(elsewhere.try_open(&impostor, 0).await, error(ErrorCode::RoomDeleted));
    }
    assert!(bob.whole_log(&room).await.is_empty());
    bob.expect_silence().await;
}

#[tokio::test]
async fn a_room_is_administered_by_whom_an_admin_has_named() {
    let relay = TestRelay::start().await;
    let mut alice = relay.connect().await;
    let (admin, next, impostor, door) = (signing_key(), signing_key(), signing_key(), DoorId::new(random()));
    let mut room = room_of(&mut alice, &admin).await;
    let mut newcomer = relay.connect().await;
    let before = room.clone();
    alice.commit(&mut room, &[door]).await; // Says nothing of admins.
    assert_eq!(alice.ask(retain(&room, &alice, &admin, None)).await, Reply::Done, "so they are the same");
    let with_door = room.clone();
    let mut join = room.commit(&[]);
    with_door.join(&newcomer, 2, door, &mut join);
    let mut with_handover = join.clone();
    with_handover.handover = Some(room.handover(&join, &admin, &[&impostor]));
    let with_handover = Request::AppendHandshake(with_handover);
    assert_eq!(newcomer.ask(with_handover).await, error(ErrorCode::MalformedFrame), "nobody by coming in");
    let entry = join.entry.clone();
    let seq = newcomer.send_commit(&mut room, join).await;
    assert_eq!(alice.ask(Request::Confirm(with_door.confirm(2, seq, &entry))).await, Reply::Done);
    let mut theirs = room.clone().commit(&[]);
    theirs.handover = Some(room.handover(&theirs, &impostor, &[&impostor]));
    let theirs = Request::AppendHandshake(theirs);
    assert_eq!(newcomer.ask(theirs).await, error(ErrorCode::BadSignature), "nobody by their own word");

    let mut commit = room.commit(&[]);
    room.hand_over(&mut commit, &[&next]);
    alice.open_at(&with_door, 2).await;
    alice.open_at(&room, 3).await;
    alice.send_commit(&mut room, commit).await;
    for (what, key, expected) in [
        ("who laid it down", &admin, error(ErrorCode::BadSignature)),
        ("who never was", &impostor, error(ErrorCode::BadSignature)),
        ("who was named", &next, Reply::Done),
    ] {
        assert_eq!(alice.ask(retain(&room, &alice, key, None)).await, expected, "{what}");
    }
    let mut left = relay.connect().await;
    left.open_at(&before, 1).await;
    for request in [retain(&before, &left, &next, None), delete(&before, &left, &next)] {
        assert_eq!(left.ask(request).await, error(ErrorCode::RoomNotOpen), "who is not in the room any more");
    }
}

async fn make_older(relay: &TestRelay, hours: i64) {
    let mut database = relay.database().await;
    sqlx::query("UPDATE entries SET stored_hour = stored_hour - $1")
        .bind(hours)
        .execute(&mut database)
        .await
        .unwrap();
}

/// The log, once so many bodies are dropped.
async fn log_with_dropped(client: &mut Client, room: &Room, count: usize) -> Vec<LogEntry> {
    for _ in 0..200 {
        let log = client.whole_log(room).await;
        if log.iter().filter(|entry| entry.dropped.is_some()).count() >= count {
            return log;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing is dropped");
}

fn chain(room: &Room, log: &[LogEntry]) -> Option<Chain> {
    log.iter().try_fold(Chain::start(&room.id), |chain, entry| entry.extend(&chain))
}

#[tokio::test]
async fn old_messages_leave_their_hashes() {
    let relay = TestRelay::start_with(|config| config.tuning.sweep_every = Duration::from_millis(50)).await;
    let mut client = relay.connect().await;
    let admin = signing_key();
    let mut room = room_of(&mut client, &admin).await; // 1
    let kept = room_of(&mut client, &admin).await;
    client.append(&kept, &entry(1, b"kept")).await;
    let first = entry(1, b"first");
    client.append(&room, &first).await; // 2
    client.commit(&mut room, &[]).await; // 3
    client.append(&room, &entry(2, b"second")).await; // 4
    make_older(&relay, 5).await;
    client.append(&room, &entry(2, b"third")).await; // 5

    for (what, request, expected) in [
        (
            "no admin",
            retain(&room, &client, &signing_key(), Some(3600)),
            WireError::from(ErrorCode::BadSignature),
        ),
        (
            "too short",
            retain(&room, &client, &admin, Some(1)),
            WireError::with_limit(ErrorCode::LimitExceeded, 60),
        ),
        (
            "too long",
            retain(&room, &client, &admin, Some(u64::MAX)),
            WireError::with_limit(ErrorCode::LimitExceeded, *limits::RETENTION_S.end()),
        ),
    ] {
        assert_eq!(client.refusal(request).await, expected, "{what}");
    }
    let mut commit = room.commit(&[]);
    room.hand_over(&mut commit, &[&admin]);
    client.send_commit(&mut room, commit).await; // 6
    let whole = client.whole_log(&room).await;
    let Request::SetRetention(mut longer) = retain(&room, &client, &admin, Some(3600)) else { panic!("no") };
    longer.seconds = Some(7200);
    assert_eq!(
        client.ask(Request::SetRetention(longer)).await,
        error(ErrorCode::BadSignature),
        "not as signed"
    );
    assert_eq!(client.ask(retain(&room, &client, &admin, Some(3600))).await, Reply::Done);

    let log = log_with_dropped(&mut client, &room, 2).await;
    for (entry, before) in log.iter().zip(&whole) {
        let is_old = matches!(entry.seq, 2 | 4);
        assert_eq!(entry.dropped, is_old.then(|| entry_hash(&before.entry)), "{}", entry.seq);
        assert_eq!(entry.entry.is_empty(), is_old);
    }
    assert!(chain(&room, &log).is_some());
    assert_eq!(chain(&room, &log), chain(&room, &whole), "the chain is what it was");
    assert_eq!(client.append(&room, &first).await, 2, "sent again, it is still known");
    let mut other = first.clone();
    *other.last_mut().unwrap() ^= 1;
    assert_eq!(client.refusal_code(append(&room, &other)).await, ErrorCode::EntryIdReused);
    assert!(client.whole_log(&kept).await.iter().all(|entry| entry.dropped.is_none()));
    assert_eq!(client.ask(retain(&room, &client, &admin, None)).await, Reply::Done);
    make_older(&relay, 5).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        client.page(&room, 4, Direction::Forward, 1).await.entries[0].dropped,
        None,
        "kept from now on"
    );
}

#[tokio::test]
async fn the_operator_keeps_no_message_longer_than_they_say() {
    let relay = TestRelay::start_with(|config| {
        config.tuning.sweep_every = Duration::from_millis(50);
        config.max_retention = Some(Duration::from_secs(24 * 60 * 60));
    })
    .await;
    let mut client = relay.connect().await;
    let admin = signing_key();
    let room = room_of(&mut client, &admin).await;
    let year = retain(&room, &client, &admin, Some(365 * 24 * 60 * 60));
    assert_eq!(client.ask(year).await, Reply::Done);
    for _ in 0..600 {
        client.append(&room, &entry(1, b"old")).await;
    }
    make_older(&relay, 24).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(client.whole_log(&room).await.iter().all(|entry| entry.dropped.is_none()), "never too early");
    make_older(&relay, 1).await;
    log_with_dropped(&mut client, &room, 600).await;
}

#[tokio::test]
async fn a_door_closes_at_its_time() {
    let relay = TestRelay::start_with(|config| config.tuning.sweep_every = Duration::from_millis(50)).await;
    let mut alice = relay.connect().await;
    let (mut room, doors) = (Room::new(), [DoorId::new(random()), DoorId::new(random())]);
    alice.create(&room).await;
    alice.open(&room).await;
    let mut commit = room.commit(&doors);
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    commit.doors[0].expires_at_ms = Some(now_ms + 1_000);
    alice.send_commit(&mut room, commit).await;
    let mut newcomer = relay.connect().await;
    assert!(matches!(newcomer.card(&room, doors[0]).await, Reply::Card(_)), "not yet");
    let mut join = room.clone().commit(&doors);
    room.join(&newcomer, 1, doors[0], &mut join);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(newcomer.card(&room, doors[0]).await, error(ErrorCode::DoorClosed));
    assert_eq!(newcomer.ask(Request::AppendHandshake(join)).await, error(ErrorCode::DoorClosed));
    assert!(matches!(newcomer.card(&room, doors[1]).await, Reply::Card(_)), "the other one is open");
    assert_eq!(rows(&relay).await[4], 1, "and the relay has forgotten it");
}

/// One admin more or less is the owner's word. An admin who names only itself would be the only one for good, removed or not.
#[tokio::test]
async fn an_admin_does_not_shut_the_owner_out() {
    let relay = TestRelay::start().await;
    let mut alice = relay.connect().await;
    let (owner, admin, other, throwaway) = (signing_key(), signing_key(), signing_key(), signing_key());
    let mut room = room_of(&mut alice, &owner).await;
    let mut commit = room.commit(&[]);
    commit.handover = Some(room.handover(&commit, &owner, &[&owner, &admin, &other]));
    alice.send_commit(&mut room, commit).await;
    for (what, to) in [
        ("itself alone", vec![&admin]),
        ("without the owner", vec![&admin, &other]),
        ("without another admin", vec![&owner, &admin]),
        ("in the owner's place", vec![&admin, &owner, &other]),
        ("one more", vec![&owner, &admin, &other, &throwaway]),
    ] {
        let mut commit = room.clone().commit(&[]);
        commit.handover = Some(room.handover(&commit, &admin, &to));
        let refused = alice.ask(Request::AppendHandshake(commit)).await;
        assert_eq!(refused, error(ErrorCode::BadSignature), "an admin names {what}");
    }
    let mut commit = room.commit(&[]);
    commit.handover = Some(room.handover(&commit, &admin, &[&owner, &throwaway, &other]));
    alice.send_commit(&mut room, commit).await;
    assert_eq!(alice.ask(retain(&room, &alice, &admin, None)).await, error(ErrorCode::BadSignature));
    assert_eq!(alice.ask(retain(&room, &alice, &throwaway, None)).await, Reply::Done, "its own next key");
    let mut commit = room.commit(&[]);
    commit.handover = Some(room.handover(&commit, &owner, &[&owner]));
    alice.send_commit(&mut room, commit).await;
    for key in [&throwaway, &other] {
        let refused = alice.ask(retain(&room, &alice, key, None)).await;
        assert_eq!(refused, error(ErrorCode::BadSignature), "whom the owner drops is out");
    }
}

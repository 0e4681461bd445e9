//! How long messages are kept, as those who are in the room are told.

use crate::support::*;
use ed25519_dalek::{Signer as _, SigningKey};
use sotto_protocol::{Dropped, OpenedRoom, Reply, Request, Retention, SetRetention, retention_statement};
use std::time::{Duration, Instant};

const DAY_S: u64 = 24 * 60 * 60;

async fn retain(client: &mut Client, room: &Room, key: &SigningKey, seconds: Option<u64>) {
    let challenge = client.welcome.challenge;
    let statement = retention_statement(&client.authority, &challenge, &room.id, seconds.unwrap_or(0));
    let signature = key.sign(&statement).to_bytes();
    let set = SetRetention { room: room.id, seconds, admin_key: public(key), signature };
    assert_eq!(client.ask(Request::SetRetention(set)).await, Reply::Done);
}

async fn make_older(relay: &TestRelay, up_to_seq: i64) {
    sqlx::query("UPDATE entries SET stored_hour = stored_hour - 1000 WHERE seq <= $1")
        .bind(up_to_seq)
        .execute(&mut relay.database().await)
        .await
        .unwrap();
}

/// The room as it is opened once so much was dropped.
async fn opened_with(client: &mut Client, room: &Room, up_to_seq: u64) -> OpenedRoom {
    let began = Instant::now();
    loop {
        let opened = client.open(room).await;
        let dropped = opened.retention.and_then(|retention| retention.dropped);
        if dropped.is_some_and(|dropped| dropped.up_to_seq >= up_to_seq) {
            return opened;
        }
        assert!(began.elapsed() < PATIENCE, "{opened:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn members_are_told_what_was_dropped_and_by_the_shortest_retention() {
    let relay = TestRelay::start_with(|config| {
        config.tuning.sweep_every = Duration::from_millis(50);
        config.max_retention = Some(Duration::from_secs(60 * DAY_S));
    })
    .await;
    let (mut client, mut room, admin) = (relay.connect().await, Room::new(), signing_key());
    client.create(&room).await;
    client.open(&room).await;
    let mut commit = room.commit(&[]);
    room.hand_over(&mut commit, &[&admin]);
    client.send_commit(&mut room, commit).await; // 1
    for _ in 2..=6 {
        client.append(&room, &entry(1, b"message")).await;
    }
    let (operator_s, nothing) = (Some(60 * DAY_S), None);
    let opened = client.open(&room).await;
    assert_eq!(opened.retention, Some(Retention { operator_s, room_s: None, dropped: nothing }));
    retain(&mut client, &room, &admin, Some(3600)).await;
    let opened = client.open(&room).await;
    assert_eq!(opened.retention, Some(Retention { operator_s, room_s: Some(3600), dropped: nothing }));

    make_older(&relay, 3).await;
    let opened = opened_with(&mut client, &room, 3).await;
    let dropped = Some(Dropped { up_to_seq: 3, aged_s: 3600 });
    assert_eq!(opened.retention, Some(Retention { operator_s, room_s: Some(3600), dropped }));
    for entry in client.whole_log(&room).await {
        assert_eq!(entry.dropped.is_some(), entry.seq == 2 || entry.seq == 3, "{}", entry.seq);
    }
    // By a longer one, what is older than that is dropped; what was said of before stays said.
    retain(&mut client, &room, &admin, Some(30 * DAY_S)).await;
    make_older(&relay, 5).await;
    let opened = opened_with(&mut client, &room, 5).await;
    let dropped = Some(Dropped { up_to_seq: 5, aged_s: 3600 });
    assert_eq!(opened.retention, Some(Retention { operator_s, room_s: Some(30 * DAY_S), dropped }));

    // Who is not known to be in the room still, learns nothing of it.
    client.commit(&mut room, &[]).await;
    assert_eq!(client.open_at(&room, 1).await.retention, None);
}

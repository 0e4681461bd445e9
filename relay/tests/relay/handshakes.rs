//! Handshakes: one at a time, and what changes with the epoch.

use crate::support::*;
use sotto_protocol::{
    Door, DoorId, EntryKind, ErrorCode, PageRequest, Reply, Request, RoomAccess, WireError, limits,
};

#[tokio::test]
async fn of_two_handshakes_exactly_one_comes_next() {
    let relay = TestRelay::start().await;
    let mut room = Room::new();
    let mut creator = relay.connect().await;
    creator.create(&room).await;
    for round in 0..20 {
        let mut clients = [relay.connect().await, relay.connect().await, relay.connect().await];
        let mut rivals = [room.clone(), room.clone(), room.clone()];
        let mut requests = [0; 3];
        for ((client, rival), request) in clients.iter_mut().zip(&mut rivals).zip(&mut requests) {
            client.open(rival).await;
            let commit = rival.commit(&[]);
            *request = client.send(Request::AppendHandshake(commit)).await;
        }
        let mut winners = Vec::new();
        for (index, (client, request)) in clients.iter_mut().zip(requests).enumerate() {
            match client.reply_to(request).await {
                Reply::Appended(seq) => winners.push((index, seq)),
                Reply::Error(error) => assert_eq!(error.code, ErrorCode::Conflict),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        let (winner, seq) = winners[0];
        room = rivals[winner].clone();
        room.last_handshake_seq = seq;
    }
}

#[tokio::test]
async fn a_handshake_for_another_state_is_a_conflict() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    client.commit(&mut room, &[]).await;

    let mut stale = room.clone().commit(&[]);
    stale.last_handshake_seq = 0;
    assert_eq!(client.refusal_code(Request::AppendHandshake(stale)).await, ErrorCode::Conflict);
    let mut of_another_epoch = room.clone().commit(&[]);
    of_another_epoch.entry = entry(0, b"commit");
    assert_eq!(client.refusal_code(Request::AppendHandshake(of_another_epoch)).await, ErrorCode::Conflict);
    client.commit(&mut room, &[]).await;
}

#[tokio::test]
async fn a_handshake_sent_twice_is_stored_once() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let commit = room.commit(&[]);
    let again = Request::AppendHandshake(commit.clone());
    assert_eq!(client.ask(Request::AppendHandshake(commit)).await, Reply::Appended(1));
    assert_eq!(client.ask(again.clone()).await, Reply::Appended(1));
    let mut back = relay.connect().await;
    assert_eq!(back.refusal_code(again.clone()).await, ErrorCode::RoomNotOpen);
    back.open_at(&room, 0).await;
    assert_eq!(back.ask(again).await, Reply::Appended(1), "the acknowledgement got lost");
}

#[tokio::test]
async fn a_message_of_an_earlier_epoch_is_stale() {
    let relay = TestRelay::start().await;
    let (mut alice, mut bob) = (relay.connect().await, relay.connect().await);
    let mut room = Room::new();
    alice.create(&room).await;
    alice.open(&room).await;
    bob.open(&room).await;
    alice.commit(&mut room, &[]).await;
    assert_eq!(bob.refusal_code(append(&room, &entry(0, b"late"))).await, ErrorCode::StaleEpoch);
    assert_eq!(bob.refusal_code(append(&room, &entry(1, b"not opened again"))).await, ErrorCode::RoomNotOpen);
    assert_eq!(alice.refusal_code(append(&room, &entry(2, b"early"))).await, ErrorCode::StaleEpoch);
    assert_eq!(bob.open(&room).await.access, RoomAccess::Full);
    assert_eq!(bob.append(&room, &entry(1, b"in time")).await, 2);
}

#[tokio::test]
async fn who_has_not_opened_the_new_epoch_gets_only_handshakes() {
    let relay = TestRelay::start().await;
    let (mut alice, mut removed) = (relay.connect().await, relay.connect().await);
    let mut room = Room::new();
    alice.create(&room).await;
    alice.open(&room).await;
    alice.commit(&mut room, &[]).await; // 1
    alice.append(&room, &entry(1, b"with us")).await; // 2
    removed.open(&room).await;
    alice.append(&room, &entry(1, b"still with us")).await; // 3
    alice.commit(&mut room, &[]).await; // 4
    alice.append(&room, &entry(2, b"without")).await; // 5
    alice.commit(&mut room, &[]).await; // 6
    alice.append(&room, &entry(3, b"without")).await; // 7

    for (seq, kind) in [(3, EntryKind::Message), (4, EntryKind::Handshake), (6, EntryKind::Handshake)] {
        let (_, entry) = removed.pushed_entry().await;
        assert_eq!((entry.seq, entry.kind), (seq, kind));
    }
    removed.expect_silence().await;
    assert_eq!(seqs(&removed.whole_log(&room).await), [4, 6]);

    // Coming back with the old key changes nothing.
    let mut back = relay.connect().await;
    let opened = back.open_at(&room, 1).await;
    assert_eq!((opened.access, opened.epoch, opened.head_seq), (RoomAccess::Handshakes, 3, 7));
    assert_eq!(seqs(&back.whole_log(&room).await), [4, 6], "never older than its own epoch");
    let backward = PageRequest {
        room: room.id,
        from: u64::MAX,
        direction: sotto_protocol::Direction::Backward,
        limit: 500,
        handshakes_only: false,
    };
    assert_eq!(seqs(&back.page_of(backward).await.entries), [6, 4]);
    assert_eq!(back.refusal_code(append(&room, &entry(3, b"no"))).await, ErrorCode::RoomNotOpen);
    let commit = room.clone().commit(&[]);
    assert_eq!(back.refusal_code(Request::AppendHandshake(commit)).await, ErrorCode::RoomNotOpen);
    alice.append(&room, &entry(3, b"without")).await; // 8
    back.expect_silence().await;
}

#[tokio::test]
async fn doors_have_limits() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let doors = |count: usize| (0..count).map(|_| DoorId::new(random())).collect::<Vec<_>>();

    let three = room.clone().commit(&doors(3));
    assert_eq!(client.refusal_code(Request::AppendHandshake(three)).await, ErrorCode::MalformedFrame);
    let too_many = room.clone().commit(&doors(limits::DOORS_MAX * 2));
    let expected = WireError::with_limit(ErrorCode::LimitExceeded, limits::DOORS_MAX as u64);
    assert_eq!(client.refusal(Request::AppendHandshake(too_many)).await, expected);
    let mut too_long = room.clone().commit(&[]);
    too_long.doors = vec![Door {
        id: DoorId::new(random()),
        wrap: vec![0; limits::DOOR_WRAP_MAX_BYTES + 1],
        expires_at_ms: None,
        key: [1; 32],
    }];
    let expected = WireError::with_limit(ErrorCode::LimitExceeded, limits::DOOR_WRAP_MAX_BYTES as u64);
    assert_eq!(client.refusal(Request::AppendHandshake(too_long)).await, expected);

    let most = doors(limits::DOORS_MAX);
    client.commit(&mut room, &most).await;
    assert!(matches!(client.card(&room, most[1023]).await, Reply::Card(_)));
}

#[tokio::test]
async fn a_handshake_may_be_several_megabytes() {
    let relay = TestRelay::start().await;
    let (mut alice, mut bob) = (relay.connect().await, relay.connect().await);
    let mut room = Room::new();
    alice.create(&room).await;
    alice.open(&room).await;
    bob.open(&room).await;
    let mut commit = room.commit(&[DoorId::new([1; 16])]);
    commit.card = vec![9; 7 * 1024 * 1024];
    assert_eq!(alice.ask(Request::AppendHandshake(commit.clone())).await, Reply::Appended(1));
    let (_, entry) = bob.pushed_entry().await;
    assert_eq!((entry.entry, entry.access_key), (commit.entry, Some(room.access_key(1))));
    assert!(
        matches!(bob.card(&room, DoorId::new([1; 16])).await, Reply::Card(card) if card.card == commit.card)
    );
}

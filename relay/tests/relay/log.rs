//! Creating, appending, paging.

use crate::support::*;
use sotto_protocol::{
    Direction, EntryId, EntryKind, ErrorCode, LogEntry, PageRequest, Reply, Request, RoomAccess, WireError,
    limits,
};

#[tokio::test]
async fn a_room_is_made_once_and_only_by_its_keys() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.create(&room).await;
    let other = Room { id: room.id, ..Room::new() };
    assert_eq!(client.refusal_code(Request::Create(other.creation())).await, ErrorCode::RoomExists);

    let mut room = room;
    client.open(&room).await;
    client.commit(&mut room, &[]).await;
    client.create(&room).await;
}

#[tokio::test]
async fn entries_get_places_without_gaps_and_come_back_as_they_went() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    let opened = client.open(&room).await;
    assert_eq!((opened.access, opened.epoch, opened.head_seq), (RoomAccess::Full, 0, 0));
    let entries: Vec<_> = (0..20_u8).map(|n| entry(0, &vec![n; usize::from(n) * 50])).collect();
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(client.append(&room, entry).await, index as u64 + 1);
    }
    let page = client.page(&room, 0, Direction::Forward, 500).await;
    assert!(!page.more);
    let expected = entries.into_iter().zip(1..).map(|(entry, seq)| LogEntry::message(seq, entry));
    assert_eq!(page.entries, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_go_both_ways_and_end_where_the_log_ends() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    for _ in 0..4 {
        client.append(&room, &entry(room.epoch(), b"")).await;
        client.commit(&mut room, &[]).await;
    }
    // 1 message, 2 handshake, ... 8 handshake
    for (from, direction, limit, handshakes_only, expected, more) in [
        (0, Direction::Forward, 3, false, vec![1, 2, 3], true),
        (5, Direction::Forward, 3, false, vec![6, 7, 8], false),
        (5, Direction::Forward, 2, false, vec![6, 7], true),
        (8, Direction::Forward, 3, false, vec![], false),
        (u64::MAX, Direction::Forward, 3, false, vec![], false),
        (u64::MAX, Direction::Backward, 3, false, vec![8, 7, 6], true),
        (4, Direction::Backward, 3, false, vec![3, 2, 1], false),
        (1, Direction::Backward, 3, false, vec![], false),
        (0, Direction::Backward, 3, false, vec![], false),
        (0, Direction::Forward, 3, true, vec![2, 4, 6], true),
        (6, Direction::Forward, 3, true, vec![8], false),
        (u64::MAX, Direction::Backward, 2, true, vec![8, 6], true),
        (6, Direction::Backward, 500, true, vec![4, 2], false),
    ] {
        let request = PageRequest { room: room.id, from, direction, limit, handshakes_only };
        let page = client.page_of(request.clone()).await;
        assert_eq!((seqs(&page.entries), page.more), (expected, more), "{request:?}");
        for entry in page.entries {
            let expected = (entry.kind == EntryKind::Handshake).then(|| room.access_key(entry.seq / 2));
            assert_eq!(entry.access_key, expected, "handshakes carry the key that was registered with them");
        }
    }
}

#[tokio::test]
async fn a_page_is_bounded_in_entries_and_bytes() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    for _ in 0..14 {
        client.append(&room, &entry(0, &[7; 79_000])).await;
    }
    let page = client.page(&room, 0, Direction::Forward, 500).await;
    assert_eq!((page.entries.len(), page.more), (13, true), "13 entries of 79 kB are below 1 MiB, 14 above");

    let mut large = room.commit(&[]);
    large.entry.resize(limits::PAGE_MAX_BYTES + 1, 7);
    appended(client.ask(Request::AppendHandshake(large)).await);
    let page = client.page(&room, 14, Direction::Forward, 500).await;
    assert_eq!((page.entries.len(), page.more), (1, false), "a single larger entry comes alone");

    for limit in [0, limits::PAGE_MAX_ENTRIES + 1] {
        let request = PageRequest {
            room: room.id,
            from: 0,
            direction: Direction::Forward,
            limit,
            handshakes_only: false,
        };
        let expected = WireError::with_limit(ErrorCode::LimitExceeded, 500);
        assert_eq!(client.refusal(Request::Page(request)).await, expected);
    }
}

#[tokio::test]
async fn an_entry_sent_twice_is_stored_once() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let id = EntryId::new(random());
    let first = entry_with_id(0, id, b"first");
    assert_eq!(client.append(&room, &first).await, 1);
    assert_eq!(client.append(&room, &entry(0, b"")).await, 2);
    assert_eq!(client.append(&room, &first).await, 1);

    let other = entry_with_id(0, id, b"other");
    assert_eq!(client.refusal_code(append(&room, &other)).await, ErrorCode::EntryIdReused);

    // The acknowledgement got lost, and meanwhile the epoch has moved on.
    client.commit(&mut room, &[]).await;
    let mut back = relay.connect().await;
    back.open(&room).await;
    assert_eq!(back.append(&room, &first).await, 1);
    let mut late = relay.connect().await;
    late.open_at(&room, 0).await;
    assert_eq!(late.append(&room, &first).await, 1);
    assert_eq!(back.whole_log(&room).await.len(), 3);
}

#[tokio::test]
async fn the_same_entry_many_times_at_once_is_stored_once() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let entry = entry(0, b"again and again");
    let mut requests = Vec::new();
    for _ in 0..50 {
        requests.push(client.send(append(&room, &entry)).await);
    }
    for request in requests {
        assert_eq!(client.reply_to(request).await, Reply::Appended(1));
    }
    assert_eq!(client.whole_log(&room).await.len(), 1);
}

#[tokio::test]
async fn everything_outlives_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let mut room = Room::new();
    let door = sotto_protocol::DoorId::new(random());
    let (entry, incarnation) = {
        let relay = start_on(data.path(), |_| {}).await;
        let mut client = Client::connect(&relay.addr().to_string()).await;
        client.create(&room).await;
        client.open(&room).await;
        client.commit(&mut room, &[door]).await;
        let entry = entry(1, b"still here");
        client.append(&room, &entry).await;
        relay.shutdown().await;
        (entry, client.welcome.incarnation)
    };
    let relay = start_on(data.path(), |_| {}).await;
    let mut client = Client::connect(&relay.addr().to_string()).await;
    assert_eq!(client.welcome.incarnation, incarnation);
    let opened = client.open(&room).await;
    assert_eq!((opened.epoch, opened.head_seq, opened.last_handshake_seq), (1, 2, 1));
    assert_eq!(client.append(&room, &entry).await, 2);
    assert_eq!(client.whole_log(&room).await.len(), 2);
    assert!(matches!(client.card(&room, door).await, Reply::Card(card) if card.card == b"card of epoch 1"));
}

#[tokio::test]
async fn who_makes_a_room_again_disturbs_nobody_who_writes() {
    let relay = TestRelay::start().await;
    let (mut writer, mut other) = (relay.connect().await, relay.connect().await);
    let room = Room::new();
    writer.create(&room).await;
    writer.open(&room).await;
    let taken = sotto_protocol::CreateRoom { room: room.id, ..Room::new().creation() };
    let mut requests = Vec::new();
    // All of it at once, so that it shares transactions.
    for _ in 0..40 {
        requests.push(writer.send(append(&room, &entry(0, b"one"))).await);
        other.send(Request::Create(taken.clone())).await;
        writer.send(Request::Create(taken.clone())).await;
        requests.push(writer.send(append(&room, &entry(0, b"after the other"))).await);
    }
    for (request, seq) in requests.into_iter().zip(1..) {
        assert_eq!(writer.reply_to(request).await, Reply::Appended(seq));
    }
}

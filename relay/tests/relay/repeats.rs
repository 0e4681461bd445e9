//! What is sent twice: recognised by a short stretch of the log, without an index over random ids.

use crate::support::*;
use sotto_protocol::{DoorId, EntryHeader, EntryId, ErrorCode, Reply, Request, limits};

#[tokio::test]
async fn a_repeated_id_is_looked_for_behind_what_its_sender_has_read() {
    let relay = TestRelay::start().await;
    let (mut client, room) = (relay.connect().await, Room::new());
    client.create(&room).await;
    client.open(&room).await;
    let id = EntryId::new(random());
    let (first, other) = (entry_with_id(0, id, b"first"), entry_with_id(0, id, b"other"));
    for expected in 1..=5 {
        let body = if expected == 3 { first.clone() } else { entry(0, b"") };
        assert_eq!(client.append(&room, &body).await, expected);
    }
    for read_seq in 0..3 {
        assert_eq!(client.ask(append_after(&room, read_seq, &first)).await, Reply::Appended(3), "{read_seq}");
        let reused = client.refusal_code(append_after(&room, read_seq, &other)).await;
        assert_eq!(reused, ErrorCode::EntryIdReused, "{read_seq}");
    }
    // Its sender says that it is not among the first three. An honest one has read them.
    assert_eq!(client.ask(append_after(&room, 3, &other)).await, Reply::Appended(6));
    assert_eq!(client.ask(append_after(&room, 3, &other)).await, Reply::Appended(6), "and then it is there");
    // Of two that have one id, each is found.
    assert_eq!(client.ask(append_after(&room, 0, &other)).await, Reply::Appended(6));
    assert_eq!(client.ask(append_after(&room, 0, &first)).await, Reply::Appended(3));
    let third = entry_with_id(0, id, b"third");
    assert_eq!(client.refusal_code(append_after(&room, 0, &third)).await, ErrorCode::EntryIdReused);
    assert_eq!(client.whole_log(&room).await.len(), 6);
}

#[tokio::test]
async fn who_has_read_only_long_ago_or_beyond_the_end_has_to_read_on() {
    let relay = TestRelay::start().await;
    let (mut client, mut room) = (relay.connect().await, Room::new());
    client.create(&room).await;
    client.open(&room).await;
    let first = entry(0, b"first");
    assert_eq!(client.append(&room, &first).await, 1);
    let head_seq = limits::APPEND_TAIL_MAX + 1;
    for read_seq in 1..head_seq {
        let appended = client.ask(append_after(&room, read_seq, &entry(0, b""))).await;
        assert_eq!(appended, Reply::Appended(read_seq + 1));
    }
    for read_seq in [0, head_seq + 1, u64::MAX] {
        for entry in [&first, &entry(0, b"new")] {
            let refused = client.refusal_code(append_after(&room, read_seq, entry)).await;
            assert_eq!(refused, ErrorCode::ReadOn, "{read_seq}");
        }
    }
    assert_eq!(client.open(&room).await.head_seq, head_seq, "nothing was stored");
    let last = entry(0, b"as far back as may be");
    assert_eq!(client.ask(append_after(&room, 1, &last)).await, Reply::Appended(head_seq + 1));
    assert_eq!(client.ask(append_after(&room, 2, &last)).await, Reply::Appended(head_seq + 1));

    // The same is said to who comes too late, and nothing to whom the room has ended.
    client.commit(&mut room, &[]).await;
    let mut earlier = relay.connect().await;
    earlier.open_at(&room, 0).await;
    assert_eq!(earlier.refusal_code(append_after(&room, 1, &last)).await, ErrorCode::ReadOn);
    assert_eq!(earlier.ask(append_after(&room, 9, &last)).await, Reply::Appended(head_seq + 1));
    let mut cut = room.commit(&[]);
    cut.cut = Some(true);
    client.send_commit(&mut room, cut).await;
    assert_eq!(earlier.refusal_code(append_after(&room, 1, &last)).await, ErrorCode::RoomNotOpen);
}

#[tokio::test]
async fn a_message_that_is_still_under_way_elsewhere_is_stored_once() {
    let relay = TestRelay::start().await;
    let (mut first, room) = (relay.connect().await, Room::new());
    first.create(&room).await;
    first.open(&room).await;
    for round in 0..20 {
        let (mut second, message) = (relay.connect().await, entry(0, b"whose answer got lost"));
        // The connection breaks with the message on it; whether it came shows when the room is open again, or not yet.
        let request = first.send(append_after(&room, round, &message)).await;
        let read_seq = second.open(&room).await.head_seq;
        let seq = match read_seq {
            read if read == round => appended(second.ask(append_after(&room, read, &message)).await),
            read => read,
        };
        assert_eq!((seq, first.reply_to(request).await), (round + 1, Reply::Appended(round + 1)));
    }
    assert_eq!(first.whole_log(&room).await.len(), 20);
}

#[tokio::test]
async fn a_handshake_sent_again_is_found_behind_the_one_that_it_follows() {
    let relay = TestRelay::start().await;
    let (mut client, mut room, door) = (relay.connect().await, Room::new(), DoorId::new(random()));
    client.create(&room).await;
    client.open(&room).await;
    client.append(&room, &entry(0, b"before it")).await;
    let commit = room.commit(&[door]);
    client.send_commit(&mut room, commit.clone()).await;
    let mut next = room.clone();
    let mut join = next.commit(&[door]);
    let mut newcomer = relay.connect().await;
    room.join(&newcomer, 1, door, &mut join);
    assert_eq!(newcomer.ask(Request::AppendHandshake(join.clone())).await, Reply::Appended(3));
    room = next;
    room.last_handshake_seq = 3;
    client.open(&room).await;
    for _ in 0..3 {
        client.append(&room, &entry(room.epoch(), b"after it")).await;
        client.commit(&mut room, &[door]).await;
    }
    assert_eq!(client.ask(Request::AppendHandshake(commit.clone())).await, Reply::Appended(2));
    assert_eq!(newcomer.ask(Request::AppendHandshake(join)).await, Reply::Appended(3));

    let mut other = commit.clone();
    other.entry.push(0);
    let refused = client.refusal_code(Request::AppendHandshake(other)).await;
    assert_eq!(refused, ErrorCode::EntryIdReused, "its id, and not its bytes");
    let mut elsewhere = commit.clone();
    elsewhere.last_handshake_seq = 3;
    let refused = client.refusal_code(Request::AppendHandshake(elsewhere)).await;
    assert_eq!(refused, ErrorCode::Conflict, "it cannot stand there, and does not");

    // Handshakes and messages have no key in common: an id of one says nothing of the other.
    let id = EntryHeader::split(&commit.entry).unwrap().0.id;
    client.append(&room, &entry_with_id(room.epoch(), id, b"message")).await;
}

//! What no client should send: refused in words, and without harm to anybody.

use crate::support::*;
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_protocol::{
    Append, ClientFrame, EntryHeader, ErrorCode, RelayFrame, Reply, Request, WireError, encode, limits,
};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn an_entry_must_have_a_header_and_a_size() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let sized = |bytes: usize| entry(0, &vec![7; bytes - EntryHeader::ENTRY_MIN_LEN]);
    let mut other_version = sized(100);
    other_version[0] = 2;
    let limit = limits::MESSAGE_ENTRY_MAX_BYTES;
    for (what, entry, expected) in [
        ("nothing", vec![], WireError::new(ErrorCode::BadEntry)),
        ("too short", sized(50)[..EntryHeader::ENTRY_MIN_LEN - 1].to_vec(), ErrorCode::BadEntry.into()),
        ("another version", other_version, ErrorCode::BadEntry.into()),
        ("too long", sized(limit + 1), WireError::with_limit(ErrorCode::BadEntry, limit as u64)),
    ] {
        assert_eq!(client.refusal(append(&room, &entry)).await, expected, "{what}");
        let mut commit = room.clone().commit(&[]);
        commit.entry = entry;
        if what != "too long" {
            assert_eq!(client.refusal(Request::AppendHandshake(commit)).await, expected, "{what}");
        }
    }
    assert_eq!(client.append(&room, &sized(limit)).await, 1);
}

#[tokio::test]
async fn frames_that_cannot_be_read_are_answered_and_the_connection_stays() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let readable = encode(&ClientFrame { request: 77, body: append(&Room::new(), &entry(0, b"")) });
    let cut = readable[..readable.len() - 1].to_vec();
    let mut of_a_later_version = vec![0xa2, 0x00, 0x18, 0x4d, 0x01, 0x82, 0x18, 0x63];
    of_a_later_version.push(0x80);
    for (what, message, request) in [
        ("nothing", Message::binary(vec![]), 0),
        ("text", Message::text("hello"), 0),
        ("not CBOR", Message::binary(vec![0xff; 10]), 0),
        ("cut short", Message::binary(cut), 77),
        ("two values", Message::binary([&readable[..], &[0]].concat()), 77),
        ("a request unknown here", Message::binary(of_a_later_version), 77),
    ] {
        client.socket.send(message).await.unwrap();
        let expected = RelayFrame::Reply(request, Reply::Error(ErrorCode::MalformedFrame.into()));
        assert_eq!(client.read().await, expected, "{what}");
    }
    client.create(&Room::new()).await;
}

#[tokio::test]
async fn a_frame_over_its_limit_is_skipped_and_named() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let long = Append { room: room.id, entry: vec![7; limits::FRAME_MAX_BYTES], read_seq: 0 };
    let expected = WireError::with_limit(ErrorCode::FrameTooLarge, limits::FRAME_MAX_BYTES as u64);
    assert_eq!(client.refusal(Request::Append(long)).await, expected);
    let mut commit = room.clone().commit(&[]);
    commit.card = vec![7; limits::HANDSHAKE_FRAME_MAX_BYTES];
    let expected = WireError::with_limit(ErrorCode::FrameTooLarge, limits::HANDSHAKE_FRAME_MAX_BYTES as u64);
    assert_eq!(client.refusal(Request::AppendHandshake(commit)).await, expected);
    client.socket.send(Message::text("x".repeat(2 * limits::FRAME_MAX_BYTES))).await.unwrap();
    let malformed = Reply::Error(ErrorCode::MalformedFrame.into());
    assert_eq!(client.read().await, RelayFrame::Reply(0, malformed));
    assert_eq!(client.append(&room, &entry(0, b"as ever")).await, 1);
}

#[tokio::test]
async fn a_peer_that_only_sends_nonsense_is_hung_up_on() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    for _ in 0..101 {
        client.socket.send(Message::binary(vec![0xff])).await.unwrap();
    }
    let close = loop {
        match client.socket.next().await {
            Some(Ok(Message::Close(close))) => break close,
            Some(Ok(_)) => {}
            other => panic!("expected a close, got {other:?}"),
        }
    };
    assert_eq!(u16::from(close.unwrap().code), 1008);
}

//! Status registers: one opaque write, passed on at once, kept behind, gone with the epoch.

use crate::support::*;
use futures_util::SinkExt as _;
use sotto_protocol::{
    ClientFrame, ErrorCode, RelayFrame, Reply, Request, Status, StatusRequest, WireError, WriteStatus,
    encode, limits, register_of,
};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// What a device has of its register, by a number.
fn key(register: u16) -> [u8; 32] {
    let mut key = [0; 32];
    key[..2].copy_from_slice(&register.to_be_bytes());
    key
}

fn status(register: u16, value: u8) -> Status {
    Status { register: register_of(&key(register)), value: [value; 256] }
}

fn write(room: &Room, register: u16, value: u8) -> Request {
    Request::WriteStatus(WriteStatus { room: room.id, key: key(register), value: [value; 256] })
}

async fn statuses(client: &mut Client, room: &Room) -> Vec<Status> {
    match client.ask(Request::Statuses(StatusRequest { room: room.id })).await {
        Reply::Statuses(mut statuses) => {
            statuses.sort_by_key(|status| status.register);
            statuses
        }
        other => panic!("expected statuses, got {other:?}"),
    }
}

#[tokio::test]
async fn a_value_goes_to_those_who_are_in_the_epoch_and_to_nobody_else() {
    let relay = TestRelay::start().await;
    let (mut alice, mut bob, mut behind) =
        (relay.connect().await, relay.connect().await, relay.connect().await);
    let mut room = Room::new();
    alice.create(&room).await;
    alice.open(&room).await;
    alice.commit(&mut room, &[]).await;
    bob.open(&room).await;
    behind.open_at(&room, 0).await;
    let request = || write(&room, 1, 7);
    let mut stranger = relay.connect().await;
    assert_eq!(stranger.ask(request()).await, error(ErrorCode::RoomNotOpen), "not opened");
    assert_eq!(behind.ask(request()).await, error(ErrorCode::RoomNotOpen), "an earlier epoch");
    let read = Request::Statuses(StatusRequest { room: room.id });
    assert_eq!(stranger.ask(read.clone()).await, error(ErrorCode::RoomNotOpen));
    assert_eq!(behind.ask(read).await, error(ErrorCode::RoomNotOpen));
    let another = Room::new();
    stranger.create(&another).await;
    stranger.open(&another).await;
    assert_eq!(stranger.ask(request()).await, error(ErrorCode::RoomNotOpen), "another room's");

    assert_eq!(alice.ask(request()).await, Reply::Done);
    assert_eq!(bob.pushed().await, RelayFrame::Status(room.id, status(1, 7)));
    behind.expect_silence().await;
    assert_eq!(statuses(&mut bob, &room).await, [status(1, 7)], "at once, before it is on disk");
    let mut late = relay.connect().await;
    late.open(&room).await;
    assert_eq!(statuses(&mut late, &room).await, [status(1, 7)], "after opening");
    assert!(statuses(&mut stranger, &another).await.is_empty());
}

#[tokio::test]
async fn every_value_has_the_same_length() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let good = encode(&ClientFrame { request: 77, body: write(&room, 1, 7) });
    let head = good.windows(3).position(|bytes| bytes == [0x59, 0x01, 0x00]).unwrap();
    let longer = [&good[..head], &[0x59, 0x01, 0x01, 7], &good[head + 3..]].concat();
    let shorter = [&good[..head], &[0x58, 0xff], &good[head + 4..]].concat();
    for frame in [longer, shorter] {
        client.socket.send(Message::binary(frame)).await.unwrap();
        assert_eq!(client.read().await, RelayFrame::Reply(77, error(ErrorCode::MalformedFrame)));
    }
    assert!(statuses(&mut client, &room).await.is_empty());
}

#[tokio::test]
async fn a_register_is_written_once_in_a_tick() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    assert_eq!(client.ask(write(&room, 1, 1)).await, Reply::Done);
    assert_eq!(client.ask(write(&room, 2, 1)).await, Reply::Done, "each for itself");
    let refused = client.refusal(write(&room, 1, 2)).await;
    assert_eq!(refused.code, ErrorCode::Overloaded);
    let wait_ms = refused.retry_after_ms.unwrap();
    assert!((1..=limits::STATUS_TICK_MS + 1).contains(&wait_ms), "{wait_ms}");
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    assert_eq!(client.ask(write(&room, 1, 3)).await, Reply::Done);
    assert_eq!(statuses(&mut client, &room).await, [status(1, 3), status(2, 1)]);
}

#[tokio::test]
async fn values_are_kept_over_a_restart_and_end_with_the_epoch() {
    let data = tempfile::tempdir().unwrap();
    let mut room = Room::new();
    {
        let relay = start_on(data.path(), |_| {}).await;
        let mut client = Client::connect(&relay.addr().to_string()).await;
        client.create(&room).await;
        client.open(&room).await;
        assert_eq!(client.ask(write(&room, 1, 1)).await, Reply::Done);
        relay.shutdown().await;
    }
    let relay = start_on(data.path(), |_| {}).await;
    let mut client = Client::connect(&relay.addr().to_string()).await;
    client.open(&room).await;
    assert_eq!(statuses(&mut client, &room).await, [status(1, 1)], "written when the relay stopped");
    assert_eq!(client.ask(write(&room, 2, 2)).await, Reply::Done);
    client.commit(&mut room, &[]).await;
    assert!(statuses(&mut client, &room).await.is_empty(), "the epoch's registers are gone with it");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(
        statuses(&mut client, &room).await.is_empty(),
        "and do not come back when they are written behind"
    );
    assert_eq!(client.ask(write(&room, 3, 3)).await, Reply::Done);
    assert_eq!(statuses(&mut client, &room).await, [status(3, 3)]);
}

#[tokio::test]
async fn a_value_is_on_disk_within_two_seconds() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    assert_eq!(client.ask(write(&room, 1, 1)).await, Reply::Done);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut database = relay.database().await;
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM registers").fetch_one(&mut database).await.unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_room_has_so_many_registers() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let (most, of_one) = (limits::REGISTERS_MAX as u16, limits::REGISTERS_OF_CONNECTION_MAX as u16);
    for register in 0..most {
        if register % of_one == 0 {
            client = relay.connect().await;
            client.open(&room).await;
        }
        assert_eq!(client.ask(write(&room, register, 1)).await, Reply::Done);
    }
    let expected = WireError::with_limit(ErrorCode::LimitExceeded, u64::from(of_one));
    assert_eq!(client.refusal(write(&room, most, 1)).await, expected, "one connection has so many");
    client = relay.connect().await;
    client.open(&room).await;
    let expected = WireError::with_limit(ErrorCode::LimitExceeded, u64::from(most));
    assert_eq!(client.refusal(write(&room, most, 1)).await, expected, "and the room");
    assert_eq!(statuses(&mut client, &room).await.len(), usize::from(most));
}

/// Every member knows the registers of all others, and the key of none.
#[tokio::test]
async fn nobody_writes_into_the_register_of_another() {
    let relay = TestRelay::start().await;
    let (mut owner, mut other) = (relay.connect().await, relay.connect().await);
    let room = Room::new();
    owner.create(&room).await;
    owner.open(&room).await;
    other.open(&room).await;
    assert_eq!(owner.ask(write(&room, 1, 1)).await, Reply::Done);
    let register = statuses(&mut other, &room).await[0].register;
    let mut guess = [0; 32];
    guess[..16].copy_from_slice(&register);
    let forged = WriteStatus { room: room.id, key: guess, value: [9; 256] };
    assert_eq!(other.ask(Request::WriteStatus(forged)).await, Reply::Done, "into one of its own");
    let there = statuses(&mut other, &room).await;
    assert_eq!(there.len(), 2);
    assert!(there.contains(&status(1, 1)), "what the owner wrote stays");
    assert_eq!(owner.refusal_code(write(&room, 1, 2)).await, ErrorCode::Overloaded, "its own turn");
}

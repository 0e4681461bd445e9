//! Stopping: what was acknowledged is there, what was not is refused, and everybody is told.

use crate::blob_client::{self, Blob, content};
use crate::support::*;
use futures_util::StreamExt as _;
use sotto_protocol::{ErrorCode, RelayFrame, Reply};
use std::time::Instant;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn stopping_commits_what_is_queued_and_says_goodbye() {
    let data = tempfile::tempdir().unwrap();
    let relay = start_on(data.path(), |_| {}).await;
    let authority = relay.addr().to_string();
    let mut client = Client::connect(&authority).await;
    let idle = Client::connect(&authority).await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    for _ in 0..100 {
        client.send(append(&room, &entry(0, b"in time?"))).await;
    }
    let began = Instant::now();
    let stopping = tokio::spawn(relay.shutdown());
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    let close = loop {
        match client.socket.next().await.unwrap().unwrap() {
            Message::Binary(bytes) => match sotto_protocol::decode(&bytes).unwrap() {
                RelayFrame::Reply(_, Reply::Appended(seq)) => acknowledged.push(seq),
                RelayFrame::Reply(_, Reply::Error(error)) => {
                    assert_eq!(error.code, ErrorCode::ShuttingDown);
                    refused += 1;
                }
                RelayFrame::Entry(..) => {}
                other => panic!("{other:?}"),
            },
            Message::Close(close) => break close,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(u16::from(close.unwrap().code), 1001, "going away");
    drop((client, idle));
    stopping.await.unwrap();
    assert!(began.elapsed().as_secs() < 10);
    assert!(acknowledged.len() + refused <= 100);

    let relay = start_on(data.path(), |_| {}).await;
    let mut client = Client::connect(&relay.addr().to_string()).await;
    let opened = client.open(&room).await;
    assert_eq!(opened.head_seq, acknowledged.len() as u64, "stored and acknowledged are the same");
}

#[tokio::test]
async fn a_peer_that_does_not_answer_the_close_holds_nobody_up() {
    let relay = TestRelay::start().await;
    let mut deaf = Vec::new();
    for _ in 0..20 {
        deaf.push(relay.connect().await); // Never read again.
    }
    let began = Instant::now();
    relay.running.shutdown().await;
    assert!(began.elapsed().as_secs() < 9, "{:?}", began.elapsed());
}

/// A file on its way, a reader who does not read, and a call whose body does not come hold nobody up either.
#[tokio::test]
async fn stopping_keeps_what_came_of_a_file_and_waits_for_nobody() {
    const KIB: usize = 1024;
    let data = tempfile::tempdir().unwrap();
    let relay = start_on(data.path(), |_| {}).await;
    let authority = relay.addr().to_string();
    let large = Blob::new(&authority);
    large.upload(&content(30_000 * KIB)).await;
    let reading = blob_client::send(&authority, "GET", &large.path(), "", b"").await;
    let blob = Blob::new(&authority);
    let bytes = content(300 * KIB);
    blob.create(bytes.len() as u64).await;
    let uploading = blob.begin_segment(0, bytes.len(), &bytes[..200 * KIB]).await;
    let head = "content-type: application/cbor\r\ncontent-length: 100\r\n";
    let calling = blob_client::send(&authority, "POST", "/v1/account/login/start", head, b"no more").await;
    tokio::time::sleep(SILENCE).await;
    let began = Instant::now();
    relay.shutdown().await;
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    drop((reading, uploading, calling));
    let relay = start_on(data.path(), |_| {}).await;
    let blob = Blob { authority: relay.addr().to_string(), ..blob };
    let offset = blob.progress().await.offset();
    assert_eq!(offset, 200 * KIB as u64, "what came was made durable");
    assert_eq!(blob.append(offset, &bytes[200 * KIB..]).await.status, 204);
    assert!(blob.read().await.body == bytes);
}

/// What one connection has seen until the relay closed it.
struct Seen {
    acknowledged: Vec<u64>,
    close: Option<u16>,
}

/// Goes on writing until the relay closes, and a little longer.
async fn write_until_closed(mut client: Client, room: Room) -> Seen {
    let mut seen = Seen { acknowledged: Vec::new(), close: None };
    let mut under_way = 0;
    loop {
        while under_way < 16 {
            client.send(append(&room, &entry(0, &random::<200>()))).await;
            under_way += 1;
        }
        match client.socket.next().await {
            Some(Ok(Message::Binary(bytes))) => match sotto_protocol::decode(&bytes).unwrap() {
                RelayFrame::Reply(_, Reply::Appended(seq)) => {
                    seen.acknowledged.push(seq);
                    under_way -= 1;
                }
                RelayFrame::Reply(_, Reply::Error(error)) => {
                    assert_eq!(error.code, ErrorCode::ShuttingDown);
                    // No more: what is refused is sent again elsewhere.
                    under_way = 16;
                }
                _ => {}
            },
            Some(Ok(Message::Close(close))) => {
                seen.close = close.map(|close| close.code.into());
                return seen;
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return seen,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_under_load_loses_nothing_acknowledged_and_says_goodbye_to_all() {
    let data = tempfile::tempdir().unwrap();
    let relay = start_on(data.path(), |_| {}).await;
    let authority = relay.addr().to_string();
    let (busy, idle) = (6, 60);
    let mut rooms = Vec::new();
    let mut connections = Vec::new();
    for _ in 0..busy {
        let room = Room::new();
        let mut client = Client::connect(&authority).await;
        client.create(&room).await;
        client.open(&room).await;
        connections.push(tokio::spawn(write_until_closed(client, room.clone())));
        rooms.push(room);
    }
    for _ in 0..idle {
        let mut client = Client::connect(&authority).await;
        connections.push(tokio::spawn(async move {
            match client.socket.next().await {
                Some(Ok(Message::Close(close))) => {
                    Seen { acknowledged: Vec::new(), close: close.map(|close| close.code.into()) }
                }
                other => panic!("{other:?}"),
            }
        }));
    }
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let began = Instant::now();
    relay.shutdown().await;
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());

    let mut acknowledged = Vec::new();
    for connection in connections {
        let seen = connection.await.unwrap();
        assert_eq!(seen.close, Some(1001), "going away");
        acknowledged.push(seen.acknowledged);
    }
    let relay = start_on(data.path(), |_| {}).await;
    let mut client = Client::connect(&relay.addr().to_string()).await;
    for (room, acknowledged) in rooms.iter().zip(&acknowledged) {
        assert!(acknowledged.len() > 10, "there was no load");
        let stored = client.open(room).await.head_seq;
        assert_eq!(stored, acknowledged.len() as u64, "stored and acknowledged are the same");
    }
}

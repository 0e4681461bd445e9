//! Stopping: what was acknowledged is there, what was not is refused, and everybody is told.

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

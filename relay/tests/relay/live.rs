//! The live feed: nothing twice, nothing missing, and nobody waits for a slow reader.

use crate::support::*;
use futures_util::StreamExt as _;
use sotto_protocol::{RelayFrame, RoomId};
use std::collections::VecDeque;
use std::time::Duration;

#[tokio::test]
async fn everybody_gets_every_entry_in_order_the_sender_included() {
    let relay = TestRelay::start().await;
    let room = Room::new();
    let mut clients = vec![relay.connect().await, relay.connect().await, relay.connect().await];
    clients[0].create(&room).await;
    for client in &mut clients {
        client.open(&room).await;
    }
    for seq in 1..=30 {
        let sender = seq as usize % clients.len();
        assert_eq!(clients[sender].append(&room, &entry(0, b"hello")).await, seq);
    }
    for client in &mut clients {
        for seq in 1..=30 {
            let (from, entry) = client.pushed_entry().await;
            assert_eq!((from, entry.seq), (room.id, seq));
        }
        client.expect_silence().await;
    }
}

#[tokio::test]
async fn an_opening_in_the_middle_of_a_stream_has_neither_gap_nor_overlap() {
    let relay = TestRelay::start().await;
    let room = Room::new();
    let mut writer = relay.connect().await;
    writer.create(&room).await;
    writer.open(&room).await;
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let writing = {
        let room = room.clone();
        tokio::spawn(async move {
            let mut read_seq = 0;
            while stopped.try_recv().is_err() {
                let mut requests = VecDeque::new();
                for _ in 0..10 {
                    let append = append_after(&room, read_seq, &entry(0, b"on and on"));
                    requests.push_back(writer.send(append).await);
                }
                for request in requests {
                    read_seq = appended(writer.reply_to(request).await);
                }
            }
        })
    };
    for _ in 0..100 {
        let mut reader = relay.connect().await;
        let first = reader.open(&room).await;
        for seq in first.head_seq + 1..first.head_seq + 6 {
            assert_eq!(reader.pushed_entry().await.1.seq, seq);
        }
        // Opening again starts anew from its answer; what was pushed before it is older.
        let again = reader.open(&room).await;
        loop {
            let (_, entry) = reader.pushed_entry().await;
            if entry.seq > again.head_seq {
                assert_eq!(entry.seq, again.head_seq + 1);
                break;
            }
        }
    }
    stop.send(()).unwrap();
    writing.await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_is_told_once_and_loses_nothing() {
    const ENTRIES: u64 = 600;
    let relay = TestRelay::start_with(|config| config.tuning.live_queue_max_bytes = 64 * 1024).await;
    let (room, quiet) = (Room::new(), Room::new());
    let (mut writer, mut slow, mut quick) =
        (relay.connect().await, relay.connect().await, relay.connect().await);
    for room in [&room, &quiet] {
        writer.create(room).await;
        for client in [&mut writer, &mut slow, &mut quick] {
            client.open(room).await;
        }
    }
    let quick = tokio::spawn(async move {
        for seq in 1..=ENTRIES {
            assert_eq!(quick.pushed_entry().await.1.seq, seq, "the quick reader is not held up");
        }
    });
    // `slow` does not read: more than its socket and its queue take together. The writer reads its own.
    for _ in 0..ENTRIES {
        writer.append(&room, &entry(0, &[7; 60_000])).await;
    }
    tokio::time::timeout(Duration::from_secs(60), quick).await.unwrap().unwrap();

    let mut seen = 0;
    loop {
        match slow.pushed().await {
            RelayFrame::Entry(_, entry) => {
                assert_eq!(entry.seq, seen + 1);
                seen = entry.seq;
            }
            RelayFrame::Behind(behind) => break assert_eq!(behind, room.id),
            other => panic!("{other:?}"),
        }
    }
    assert!(seen < ENTRIES, "it read everything: the test does not test");
    slow.expect_silence().await;
    let log = slow.whole_log(&room).await;
    assert_eq!(seqs(&log), (1..=ENTRIES).collect::<Vec<_>>());

    // From now on entries follow again, in both rooms.
    writer.append(&room, &entry(0, b"")).await;
    writer.append(&quiet, &entry(0, b"")).await;
    let next: Vec<(RoomId, u64)> = vec![(room.id, ENTRIES + 1), (quiet.id, 1)];
    for expected in next {
        let (room, entry) = slow.pushed_entry().await;
        assert_eq!((room, entry.seq), expected);
    }
}

#[tokio::test]
async fn a_silent_connection_is_pinged_and_a_dead_one_dropped() {
    let relay = TestRelay::start_with(|config| {
        config.tuning.ping_after = Duration::from_millis(50);
        config.tuning.drop_after = Duration::from_millis(400);
    })
    .await;
    let mut alive = relay.connect().await;
    let pinged = async {
        let mut pings = 0;
        while pings < 12 {
            if alive.socket.next().await.unwrap().unwrap().is_ping() {
                pings += 1; // Reading answers it.
            }
        }
    };
    tokio::time::timeout(PATIENCE, pinged).await.unwrap();

    // One that never answers: the bytes are read, but nothing is sent.
    let dead = relay.connect().await;
    let mut stream = dead.socket.into_inner();
    let gone = async {
        let mut buffer = [0; 64];
        while tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await.unwrap() > 0 {}
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

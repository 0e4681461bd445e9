//! kill -9 in the middle of a stream of appends: what was acknowledged is there once, and so is what is sent again.

use crate::process::Program;
use crate::support::*;
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_protocol::{ClientFrame, RelayFrame, Reply, decode, encode};
use std::collections::HashMap;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

const ROUNDS: u64 = 20;
const WRITERS: usize = 4;
/// Entries that each writer has under way.
const AHEAD: usize = 8;

/// What one writer has sent, and the places it was told.
#[derive(Default)]
struct Sent {
    entries: Vec<Vec<u8>>,
    acknowledged: HashMap<usize, u64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let room = Room::new();
    let mut all: HashMap<Vec<u8>, Option<u64>> = HashMap::new();
    for round in 0..ROUNDS {
        let mut relay = Program::start(data.path());
        if round == 0 {
            Client::connect(&relay.authority).await.create(&room).await;
        }
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let mut client = Client::connect(&relay.authority).await;
            let read_seq = client.open(&room).await.head_seq;
            writers.push(tokio::spawn(write_until_it_breaks(client, room.clone(), read_seq)));
        }
        tokio::time::sleep(Duration::from_millis(30 + 7 * round)).await;
        relay.child.kill().unwrap();
        relay.child.wait().unwrap();
        for writer in writers {
            let Sent { entries, acknowledged } = writer.await.unwrap();
            for (index, entry) in entries.into_iter().enumerate() {
                all.insert(entry, acknowledged.get(&index).copied());
            }
        }
        verify(data.path(), &room, &mut all).await;
    }
    assert!(all.len() > 20 * WRITERS * AHEAD, "only {} entries", all.len());
}

async fn write_until_it_breaks(mut client: Client, room: Room, mut read_seq: u64) -> Sent {
    let mut sent = Sent::default();
    let mut answered = 0;
    loop {
        while sent.entries.len() < answered + AHEAD {
            let entry = entry(0, &random::<300>());
            let request = sent.entries.len() as u32 + 1_000_000;
            let frame = encode(&ClientFrame { request, body: append_after(&room, read_seq, &entry) });
            sent.entries.push(entry);
            if client.socket.send(Message::binary(frame)).await.is_err() {
                return sent;
            }
        }
        let Some(Ok(Message::Binary(bytes))) = client.socket.next().await else { return sent };
        match decode(&bytes).unwrap() {
            RelayFrame::Reply(request, Reply::Appended(seq)) => {
                sent.acknowledged.insert(request as usize - 1_000_000, seq);
                answered += 1;
            }
            RelayFrame::Entry(_, entry) => read_seq = entry.seq,
            other => panic!("{other:?}"),
        }
    }
}

/// Starts the relay again, sends what was not acknowledged and is not in the log, and reads the whole log.
async fn verify(data: &std::path::Path, room: &Room, all: &mut HashMap<Vec<u8>, Option<u64>>) {
    let relay = Program::start(data);
    let mut client = Client::connect(&relay.authority).await;
    let read_seq = client.open(room).await.head_seq;
    for found in client.whole_log(room).await {
        all.get_mut(&found.entry).unwrap().get_or_insert(found.seq);
    }
    for (entry, place) in all.iter_mut().filter(|(_, place)| place.is_none()) {
        *place = Some(appended(client.ask(append_after(room, read_seq, entry)).await));
    }
    let log = client.whole_log(room).await;
    assert_eq!(seqs(&log), (1..=all.len() as u64).collect::<Vec<_>>(), "each once, without gaps");
    for entry in log {
        assert_eq!(all.get(&entry.entry), Some(&Some(entry.seq)), "at the place that was acknowledged");
    }
}

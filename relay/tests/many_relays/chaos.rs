//! Relays are killed, NATS stops, PostgreSQL restarts, while everybody writes and reads.

use crate::cluster::Cluster;
use crate::lead::lead;
use crate::room::{self, Shared};
use crate::support::*;
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_protocol::{ClientFrame, LogEntry, RelayFrame, Reply, Request, decode, encode};
use sotto_test_services::Dice;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

const ROOMS: usize = 4;
const WRITERS: usize = 6;
/// How long the NATS server is away.
const NATS_AWAY: Duration = Duration::from_secs(5);

/// What a writer has to show at the end: each entry with the place that it was told.
type Written = Vec<(usize, Vec<u8>, u64)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_whatever_dies() {
    let mut cluster = Cluster::start(3, true);
    let relays = Arc::new(cluster.authorities());
    let rooms: Arc<Vec<Room>> = Arc::new((0..ROOMS).map(|_| Room::new()).collect());
    let mut client = Client::connect(&relays[0]).await;
    for room in rooms.iter() {
        client.create(room).await;
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|index| tokio::spawn(write(index, relays.clone(), rooms.clone(), is_over.clone())))
        .collect();
    let readers: Vec<_> = (0..3)
        .map(|index| tokio::spawn(read(index, relays.clone(), rooms[index % ROOMS].clone(), is_over.clone())))
        .collect();

    break_everything(&mut cluster).await;
    is_over.store(true, Ordering::Release);

    let mut written: Vec<HashMap<Vec<u8>, u64>> = vec![HashMap::new(); ROOMS];
    for writer in writers {
        for (room, entry, seq) in timeout(Duration::from_secs(60), writer).await.unwrap().unwrap() {
            written[room].insert(entry, seq);
        }
    }
    // Every relay has the same log, with each entry once, at the place that its writer was told.
    for authority in relays.iter() {
        let mut client = Client::connect(authority).await;
        for (room, written) in rooms.iter().zip(&written) {
            client.open(room).await;
            let log = client.whole_log(room).await;
            assert_eq!(seqs(&log), (1..=written.len() as u64).collect::<Vec<_>>());
            assert!(log.iter().all(|entry| written.get(&entry.entry) == Some(&entry.seq)));
            assert!(written.len() > 50, "only {} entries", written.len());
        }
    }
    for (index, reader) in readers.into_iter().enumerate() {
        let seen = timeout(Duration::from_secs(60), reader).await.unwrap().unwrap();
        let mut client = Client::connect(&relays[2]).await;
        client.open(&rooms[index % ROOMS]).await;
        assert_eq!(
            seen,
            client.whole_log(&rooms[index % ROOMS]).await,
            "live and by the log, without gap or overlap"
        );
    }
}

/// One thing after the other dies and comes back, while somebody works.
async fn break_everything(cluster: &mut Cluster) {
    sleep(Duration::from_secs(1)).await;
    cluster.kill_relay(0);
    sleep(Duration::from_millis(700)).await;
    cluster.start_relay(0);
    cluster.nats.as_mut().unwrap().stop();
    sleep(NATS_AWAY).await;
    cluster.nats.as_mut().unwrap().resume().unwrap();
    sleep(Duration::from_millis(500)).await;
    cluster.postgres.stop();
    sleep(Duration::from_millis(700)).await;
    cluster.postgres.resume().unwrap();
    sleep(Duration::from_secs(1)).await;
    cluster.kill_relay(1);
    cluster.start_relay(1);
    sleep(Duration::from_secs(1)).await;
}

/// The same while rooms are led from epoch to epoch, rewound, repaired and cut, each time at another relay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_that_are_led_on_meanwhile_have_one_history() {
    let mut cluster = Cluster::start(3, true);
    let relays = cluster.authorities();
    let mut dice = Dice::from_environment("SOTTO_CHAOS_SEED");
    let (mut shared, mut writers, mut readers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..2 {
        let room = Shared::create(&relays[0], &relays, true).await;
        writers.push(tokio::spawn(lead(Arc::clone(&room), dice.split(), true)));
        writers.push(tokio::spawn(lead(Arc::clone(&room), dice.split(), false)));
        writers.extend((0..2).map(|_| tokio::spawn(room::write(Arc::clone(&room)))));
        readers.push([
            tokio::spawn(room::follow(Arc::clone(&room))),
            tokio::spawn(room::follow(Arc::clone(&room))),
        ]);
        shared.push(room);
    }
    break_everything(&mut cluster).await;
    shared.iter().for_each(|room| room.end());
    for writer in writers {
        timeout(Duration::from_secs(60), writer).await.expect("everything is acknowledged").unwrap();
    }
    for (room, readers) in shared.iter().zip(readers) {
        let chain = room::verify(room, &relays[2], &mut cluster.database().await).await;
        assert!(chain.len() > 30, "only {} entries", chain.len());
        for reader in readers {
            let seen = timeout(Duration::from_secs(60), reader).await.expect("readers converge").unwrap();
            assert!(seen == chain, "another history than the log's");
        }
    }
}

/// Connects to one relay after the other until one answers and opens the rooms.
async fn connect(relays: &[String], first: usize, rooms: &[Room]) -> Client {
    for index in first.. {
        let tried = timeout(Duration::from_secs(5), async {
            let mut client = Client::try_connect(&relays[index % relays.len()], &[]).await.ok()?;
            for room in rooms {
                client.try_open_or_leave(room).await?;
            }
            Some(client)
        });
        if let Ok(Some(client)) = tried.await {
            return client;
        }
        sleep(Duration::from_millis(50)).await;
    }
    unreachable!("there are enough numbers")
}

/// Sends an entry again, the same bytes, until it is acknowledged.
async fn write(
    index: usize,
    relays: Arc<Vec<String>>,
    rooms: Arc<Vec<Room>>,
    is_over: Arc<AtomicBool>,
) -> Written {
    let mut written: Written = Vec::new();
    let mut client = connect(&relays, index, &rooms).await;
    let mut count = 0_usize;
    while !is_over.load(Ordering::Acquire) {
        let which = (index + count) % ROOMS;
        let entry = entry(0, &random::<200>());
        let seq = loop {
            // What is written now is none of what was there when the last one was.
            let before = written.iter().rev().find(|(of, ..)| *of == which).map_or(0, |(_, _, seq)| *seq);
            let append = append_after(&rooms[which], before, &entry);
            match timeout(Duration::from_secs(5), try_append(&mut client, append, count)).await {
                Ok(Some(seq)) => break seq,
                _ => client = connect(&relays, index + count, &rooms).await,
            }
        };
        written.push((which, entry, seq));
        count += 1;
        sleep(Duration::from_millis(5)).await;
    }
    written
}

async fn try_append(client: &mut Client, append: Request, number: usize) -> Option<u64> {
    let request = 1_000_000 + number as u32;
    let frame = encode(&ClientFrame { request, body: append });
    client.socket.send(Message::binary(frame)).await.ok()?;
    loop {
        match client.socket.next().await?.ok()? {
            Message::Binary(bytes) => match decode(&bytes).unwrap() {
                RelayFrame::Reply(of, Reply::Appended(seq)) if of == request => return Some(seq),
                RelayFrame::Reply(of, Reply::Error(_)) if of == request => return None,
                _ => {}
            },
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

/// Follows a room live, reads what was missed after each break, and gives everything in the order in which it came.
async fn read(index: usize, relays: Arc<Vec<String>>, room: Room, is_over: Arc<AtomicBool>) -> Vec<LogEntry> {
    let mut seen: Vec<LogEntry> = Vec::new();
    let mut quiet = 0;
    let mut round = index;
    loop {
        let mut client = connect(&relays, round, std::slice::from_ref(&room)).await;
        round += 1;
        let Ok(Some(missed)) =
            timeout(Duration::from_secs(5), client.try_page_after(&room, seen.len() as u64)).await
        else {
            continue;
        };
        seen.extend(missed);
        loop {
            match timeout(Duration::from_millis(1500), client.try_pushed()).await {
                Ok(Some(RelayFrame::Entry(_, entry))) => {
                    quiet = 0;
                    // What was pushed while the page was read is in the page, too.
                    if entry.seq > seen.len() as u64 {
                        assert_eq!(entry.seq, seen.len() as u64 + 1, "no gap");
                        seen.push(entry);
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) if is_over.load(Ordering::Acquire) => {
                    quiet += 1;
                    if quiet > 2 {
                        return seen;
                    }
                }
                Err(_) => {}
            }
        }
    }
}

//! What is written at one relay is read at the others, soon.

use crate::cluster::Cluster;
use crate::support::*;
use std::time::{Duration, Instant};

const ENTRIES: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_relay_takes_is_pushed_by_the_others_in_order() {
    let cluster = Cluster::start(3, true);
    let mut room = Room::new();
    let mut clients = Vec::new();
    for relay in &cluster.relays {
        let mut client = Client::connect(&relay.authority).await;
        if clients.is_empty() {
            client.create(&room).await;
        }
        client.open(&room).await;
        clients.push(client);
    }
    // Everybody writes, in turn and at different relays.
    let mut sent = Vec::new();
    for index in 0..ENTRIES {
        let entry = entry(0, &index.to_be_bytes());
        let writer = (index % 3) as usize;
        assert_eq!(clients[writer].append(&room, &entry).await, index + 1);
        sent.push(entry);
    }
    for client in &mut clients {
        for (index, entry) in sent.iter().enumerate() {
            let (_, pushed) = client.pushed_entry().await;
            assert_eq!((pushed.seq, &pushed.entry), (index as u64 + 1, entry));
        }
    }
    // A handshake at one shuts out those at the others who have not followed.
    let commit = room.commit(&[]);
    let seq = appended(clients[0].ask(sotto_protocol::Request::AppendHandshake(commit)).await);
    room.last_handshake_seq = seq;
    let stale = entry(0, b"from before");
    let refused = clients[1].refusal_code(append(&room, &stale)).await;
    assert_eq!(refused, sotto_protocol::ErrorCode::StaleEpoch);
    clients[2].open(&room).await;
    assert_eq!(clients[2].append(&room, &entry(1, b"after")).await, seq + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_is_quick_and_without_one_the_database_is_looked_into() {
    let mut with_nats = median(&Cluster::start(2, true)).await;
    let mut without = median(&Cluster::start(2, false)).await;
    // Not a measure of speed: between the two lies the second after which a relay looks by itself.
    for _ in 0..3 {
        if with_nats < Duration::from_millis(400) && without < Duration::from_secs(2) {
            break;
        }
        with_nats = median(&Cluster::start(2, true)).await;
        without = median(&Cluster::start(2, false)).await;
    }
    let is_healed = with_nats < Duration::from_millis(400) && without < Duration::from_secs(2);
    assert!(is_healed, "{with_nats:?} with hints, {without:?} without");
}

async fn median(cluster: &Cluster) -> Duration {
    let room = Room::new();
    let mut writer = Client::connect(&cluster.relays[0].authority).await;
    let mut reader = Client::connect(&cluster.relays[1].authority).await;
    writer.create(&room).await;
    writer.open(&room).await;
    reader.open(&room).await;
    let mut waits = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        writer.append(&room, &entry(0, b"news")).await;
        reader.pushed_entry().await;
        waits.push(began.elapsed());
    }
    waits.sort_unstable();
    waits[2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_made_once_and_each_place_given_once_whoever_asks() {
    let cluster = Cluster::start(3, true);
    let room = Room::new();
    let (mut one, mut other) = (
        Client::connect(&cluster.relays[0].authority).await,
        Client::connect(&cluster.relays[1].authority).await,
    );
    tokio::join!(one.create(&room), other.create(&room));
    one.open(&room).await;
    other.open(&room).await;
    // The same entry at both, and many different ones at once.
    let same = entry(0, b"the same");
    let (here, there) = tokio::join!(one.append(&room, &same), other.append(&room, &same));
    assert_eq!(here, there);
    let mut tasks = Vec::new();
    for index in 0..12_usize {
        let mut client = Client::connect(&cluster.relays[index % 3].authority).await;
        let room = room.clone();
        tasks.push(tokio::spawn(async move {
            client.open(&room).await;
            let mut places = Vec::new();
            for _ in 0..25 {
                places.push(client.append(&room, &entry(0, &random::<32>())).await);
            }
            places
        }));
    }
    let mut places = vec![here];
    for task in tasks {
        places.extend(task.await.unwrap());
    }
    places.sort_unstable();
    assert_eq!(places, (1..=301).collect::<Vec<_>>());
}

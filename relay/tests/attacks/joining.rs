//! Turns to join, taken by clients that do not come in.

use crate::support::*;
use sotto_protocol::{DoorId, ErrorCode, Reply, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::sleep;

const NEWCOMERS: usize = 12;
/// What a member may have to wait for a commit, in the worst case.
const COMMIT_WITHIN: Duration = Duration::from_secs(2);

/// A connection from that address, as a trusted proxy names it.
async fn connect_from(relay: &TestRelay, address: &str) -> Client {
    Client::try_connect(&relay.authority(), &[("x-forwarded-for", address)]).await.unwrap()
}

/// Takes turns for as long as there are any, on one connection after the other, and never comes in. Gives how many it had.
async fn squat(
    relay: &TestRelay,
    address: String,
    (room, door): (Room, DoorId),
    is_over: &AtomicBool,
) -> usize {
    let mut had = 0;
    let mut client = connect_from(relay, &address).await;
    while !is_over.load(Ordering::Relaxed) {
        match client.ask(client.turn_request(room.id, door)).await {
            Reply::Card(card) if card.turn_ms.is_some() => {
                had += 1;
                // The first for as long as it lasts; then it goes at once, to come again.
                if had == 1 {
                    sleep(Duration::from_millis(card.turn_ms.unwrap())).await;
                } else {
                    client = connect_from(relay, &address).await;
                }
            }
            _ => {}
        }
        sleep(Duration::from_millis(20)).await;
    }
    had
}

/// Comes in as a client does: with its turn, and anew whenever somebody else came first.
async fn come_in(client: &mut Client, shared: &Mutex<Room>, door: DoorId) {
    loop {
        match client.ask(client.turn_request(shared.lock().await.id, door)).await {
            Reply::Card(_) => {}
            Reply::Error(error) => {
                assert_eq!(error.code, ErrorCode::NotYourTurn);
                sleep(Duration::from_millis(error.retry_after_ms.unwrap())).await;
                continue;
            }
            other => panic!("{other:?}"),
        }
        // The keys of the next epoch are everybody's in this test: the next one takes them from here.
        let mut room = shared.lock().await;
        let mut next = room.clone();
        let mut join = next.commit(&[door]);
        room.join(client, room.epoch(), door, &mut join);
        match client.ask(Request::AppendHandshake(join)).await {
            Reply::Appended(seq) => {
                *room = Room { last_handshake_seq: seq, ..next };
                return;
            }
            Reply::Error(error) => {
                let wait = match error.code {
                    ErrorCode::NotYourTurn => error.retry_after_ms.unwrap(),
                    ErrorCode::Conflict | ErrorCode::BadSignature => 5,
                    other => panic!("{other:?}"),
                };
                drop(room);
                sleep(Duration::from_millis(wait)).await;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Three who hold the link, from three addresses and one of them that of the newcomers, take turns over and over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_turns_and_does_not_come_in_keeps_neither_members_nor_others_out() {
    let relay = Arc::new(TestRelay::start().await);
    let (mut alice, mut room, door) = (relay.connect().await, Room::new(), DoorId::new(random()));
    alice.create(&room).await;
    alice.open(&room).await;
    alice.commit(&mut room, &[door]).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut squatters = Vec::new();
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.9"] {
        let (relay, is_over, place) = (Arc::clone(&relay), Arc::clone(&is_over), (room.clone(), door));
        squatters.push(tokio::spawn(async move { squat(&relay, address.to_owned(), place, &is_over).await }));
    }
    sleep(Duration::from_millis(500)).await;

    let shared = Arc::new(Mutex::new(room));
    let began = Instant::now();
    let mut newcomers = Vec::new();
    for _ in 0..NEWCOMERS {
        let mut client = connect_from(&relay, "192.0.2.9").await;
        let shared = Arc::clone(&shared);
        newcomers.push(tokio::spawn(async move { come_in(&mut client, &shared, door).await }));
    }
    // Alice commits meanwhile, as a member who removes somebody would.
    let mut longest = Duration::ZERO;
    while newcomers.iter().any(|newcomer| !newcomer.is_finished()) {
        assert!(began.elapsed() < Duration::from_secs(60), "somebody does not get in");
        let mut room = shared.lock().await;
        let asked = Instant::now();
        alice.open(&room).await;
        alice.commit(&mut room, &[door]).await;
        longest = longest.max(asked.elapsed());
        drop(room);
        sleep(Duration::from_millis(700)).await;
    }
    for newcomer in newcomers {
        newcomer.await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    let took = began.elapsed();
    let mut had = Vec::new();
    for squatter in squatters {
        had.push(squatter.await.unwrap());
    }
    println!("all in after {took:?}; turns taken for nothing: {had:?}; a commit took {longest:?} at most");
    assert!(longest < COMMIT_WITHIN, "a member waited {longest:?}");
    assert!(had.iter().all(|had| *had <= 4), "an address gets two for nothing in a minute: {had:?}");
}

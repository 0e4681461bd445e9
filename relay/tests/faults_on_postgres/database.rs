//! A PostgreSQL server that goes away and comes back, stands still, or only reads.

use crate::crash::{lead, room};
use crate::support::*;
use sotto_protocol::{ErrorCode, Reply};
use sotto_relay::RunningRelay;
use sotto_test_services::{Dice, Postgres, ServiceError};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::block_in_place;
use tokio::time::{sleep, timeout};

/// A relay on a server that can be stopped.
async fn relay() -> (Postgres, RunningRelay, TempDir) {
    let (postgres, data) = (Postgres::start().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(data.path().join("test-database"), postgres.new_database().unwrap()).unwrap();
    let running =
        start_on(data.path(), |config| config.tuning.database_within = Duration::from_secs(1)).await;
    (postgres, running, data)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_away_for_five_seconds_lost_and_doubled_nothing() {
    let (mut postgres, relay, data) = relay().await;
    let mut dice = Dice::from_environment("SOTTO_AWAY_SEED");
    let authority = relay.addr().to_string();
    let shared = room::Shared::create(&authority, std::slice::from_ref(&authority), true).await;
    let mut writers = vec![tokio::spawn(lead::lead(Arc::clone(&shared), dice.split(), true))];
    writers.extend((0..3).map(|_| tokio::spawn(room::write(Arc::clone(&shared)))));
    let reader = tokio::spawn(room::follow(Arc::clone(&shared)));
    sleep(Duration::from_millis(700)).await;
    block_in_place(|| postgres.stop());
    sleep(Duration::from_secs(5)).await;
    block_in_place(|| postgres.resume()).unwrap();
    sleep(Duration::from_secs(2)).await;
    shared.end();
    for writer in writers {
        timeout(PATIENCE * 2, writer).await.expect("everything is acknowledged").unwrap();
    }
    let chain = room::verify(&shared, &authority, &mut database_in(data.path()).await).await;
    let seen = timeout(PATIENCE * 2, reader).await.expect("the reader catches up").unwrap();
    assert!(seen == chain && chain.len() > 20, "{} of {}", seen.len(), chain.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_stands_still_is_given_up_and_what_it_did_is_found() {
    let (postgres, relay, _data) = relay().await;
    let mut client = Client::connect(&relay.addr().to_string()).await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    client.append(&room, &entry(0, b"before")).await;
    let patient = entry(0, b"patient");
    for _ in 0..2 {
        block_in_place(|| postgres.freeze());
        assert_eq!(client.refusal_code(append(&room, &patient)).await, ErrorCode::Internal);
        block_in_place(|| postgres.thaw());
        // Perhaps it had heard it, perhaps not: sent again it is there once.
        assert_eq!(client.append(&room, &patient).await, 2);
    }
    assert_eq!(client.append(&room, &entry(0, b"after")).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_only_reads_refuses_and_recovers() {
    let (postgres, relay, _data) = relay().await;
    let mut client = Client::connect(&relay.addr().to_string()).await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    client.append(&room, &entry(0, b"before")).await;
    let set_only_reads = |value: &str| {
        let set = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
        // Whoever makes it writable again must be allowed to.
        let file = postgres.folder().join("data/postgresql.auto.conf");
        block_in_place(|| match value {
            "on" => postgres.run_sql(&set),
            _ => {
                std::fs::write(file, "").map_err(|source| ServiceError::Start { program: "postgres", source })
            }
        })
        .and_then(|()| block_in_place(|| postgres.run_sql("SELECT pg_reload_conf()")))
        .unwrap();
    };
    set_only_reads("on");
    let next = entry(0, b"next");
    // The server takes the setting up in its own time.
    loop {
        match client.try_ask(append(&room, &entry(0, b"more"))).await {
            Some(Reply::Appended(_)) => {}
            refused => break assert_eq!(refused, Some(error(ErrorCode::Internal))),
        }
    }
    assert_eq!(client.try_ask(append(&room, &next)).await, Some(error(ErrorCode::Internal)));
    assert!(!client.whole_log(&room).await.is_empty(), "reading goes on");
    set_only_reads("off");
    let recovered = timeout(PATIENCE, async {
        while client.try_ask(append(&room, &next)).await == Some(error(ErrorCode::Internal)) {
            sleep(Duration::from_millis(20)).await;
        }
    });
    recovered.await.expect("it writes again");
    let log = client.whole_log(&room).await;
    assert_eq!(log.iter().filter(|entry| entry.entry == next).count(), 1);
}

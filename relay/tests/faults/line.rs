//! A bad line: of every ten frames one is delayed, cut in the middle or delivered twice, either way; and everybody has the same in the
//! end.

use crate::crash::{lead, room};
use crate::support::*;
use sotto_test_services::{Dice, FaultyLine};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// So much is to happen: of each kind of fault, so many.
const ENTRIES: usize = 60;
const FAULTS: u64 = 15;
const WRITERS: usize = 4;
const READERS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_line_loses_and_doubles_nothing() {
    let mut dice = Dice::from_environment("SOTTO_LINE_SEED");
    let relay = TestRelay::start().await;
    let line = FaultyLine::to(&relay.authority(), dice.split()).unwrap();
    let shared = room::Shared::create(&relay.authority(), &[line.authority()], false).await;
    let mut writers = vec![
        tokio::spawn(lead::lead(Arc::clone(&shared), dice.split(), true)),
        tokio::spawn(lead::lead(Arc::clone(&shared), dice.split(), false)),
    ];
    writers.extend((0..WRITERS).map(|_| tokio::spawn(room::write(Arc::clone(&shared)))));
    let readers: Vec<_> = (0..READERS).map(|_| tokio::spawn(room::follow(Arc::clone(&shared)))).collect();
    let enough = async {
        while shared.count() < ENTRIES || line.faults().iter().any(|count| *count < FAULTS) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE * 3, enough).await.expect("it goes on");
    shared.end();
    for writer in writers {
        timeout(PATIENCE * 2, writer).await.expect("everything is acknowledged").unwrap();
    }
    let chain = room::verify(&shared, &relay.authority(), &mut relay.database().await).await;
    for reader in readers {
        let seen = timeout(PATIENCE * 2, reader).await.expect("readers converge").unwrap();
        assert!(seen == chain, "another history than the log's");
    }
    println!("{} entries; delayed, cut, doubled: {:?}", chain.len(), line.faults());
}

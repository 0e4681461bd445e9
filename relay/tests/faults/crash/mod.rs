//! kill -9, again and again, while rooms and accounts are in use: what was acknowledged is there once, and so is what is sent
//! again.
//!
//! `SOTTO_CRASH_KILLS` says how often, `SOTTO_CRASH_SEED` repeats a run's decisions, `SOTTO_CRASH_LOG` has the relay talk. On
//! PostgreSQL the server itself is killed a few times, too, in a cluster of its own that waits for the disk.

pub mod lead;
pub mod people;
pub mod room;

use crate::process::command;
use crate::support::{database_in, is_on_postgres};
use people::Town;
use room::Shared;
use sotto_test_services::{Dice, Postgres, lasting_port};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::block_in_place;
use tokio::time::{sleep, timeout};

const KILLS: u64 = 200;
const ROOMS: usize = 3;
const WRITERS_PER_ROOM: usize = 3;
const PEOPLE: usize = 3;
/// How long a relay lives: at least, and by chance that much longer. With PostgreSQL it has connections to make first.
const ROUND_MS: (u64, u64) = (100, 300);
const ROUND_ON_POSTGRES_MS: (u64, u64) = (250, 450);
/// In so many rounds the database server is killed, and not the relay.
const DATABASE_KILLS: u64 = 4;

/// A relay that keeps its address.
struct Victim<'d> {
    data: &'d Path,
    listen: String,
    child: Option<Child>,
}

impl<'d> Victim<'d> {
    fn new(data: &'d Path) -> Self {
        Self { data, listen: format!("127.0.0.1:{}", lasting_port().unwrap()), child: None }
    }

    fn start(&mut self) {
        let log = std::env::var("SOTTO_CRASH_LOG").unwrap_or_else(|_| "off".to_owned());
        let mut command = command(self.data, &self.listen);
        self.child = Some(
            command
                .args(["--log", &log, "--trusted-proxies", "127.0.0.1"])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap(),
        );
    }

    fn wait_until_ready(&mut self) {
        let mut line = String::new();
        let stdout = self.child.as_mut().unwrap().stdout.take().unwrap();
        block_in_place(|| BufReader::new(stdout).read_line(&mut line)).unwrap();
        assert!(line.starts_with("Sotto relay is ready"), "{line:?}");
    }

    /// kill -9.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Victim<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_hundreds_of_kills() {
    let kills = std::env::var("SOTTO_CRASH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut dice = Dice::from_environment("SOTTO_CRASH_SEED");
    let data = tempfile::tempdir().unwrap();
    let mut postgres = durable_database(data.path());
    let mut relay = Victim::new(data.path());
    relay.start();
    relay.wait_until_ready();

    let began = Instant::now();
    let town = Arc::new(Town::found(&relay.listen, PEOPLE, postgres.is_some()).await);
    let mut rooms = Vec::new();
    for _ in 0..ROOMS {
        rooms.push(
            Shared::create(&relay.listen, std::slice::from_ref(&relay.listen), postgres.is_some()).await,
        );
    }
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    for room in &rooms {
        writers.push(tokio::spawn(lead::lead(Arc::clone(room), dice.split(), true)));
        writers.push(tokio::spawn(lead::lead(Arc::clone(room), dice.split(), false)));
        for _ in 0..WRITERS_PER_ROOM {
            writers.push(tokio::spawn(room::write(Arc::clone(room))));
        }
        readers.push(tokio::spawn(room::follow(Arc::clone(room))));
        readers.push(tokio::spawn(room::follow(Arc::clone(room))));
    }
    for index in 0..PEOPLE {
        writers.push(tokio::spawn(people::live(Arc::clone(&town), index, dice.split())));
        writers.push(tokio::spawn(people::use_other_device(Arc::clone(&town), index)));
    }

    for kill in 0..kills {
        let (shortest, spread) = if postgres.is_some() { ROUND_ON_POSTGRES_MS } else { ROUND_MS };
        sleep(Duration::from_millis(shortest + dice.below(spread))).await;
        if let Some(place) = writers.iter().position(tokio::task::JoinHandle::is_finished) {
            writers.swap_remove(place).await.expect("somebody found something wrong");
        }
        match &mut postgres {
            Some(postgres) if kill % (kills / DATABASE_KILLS).max(1) == kills / DATABASE_KILLS / 2 => {
                postgres.kill();
                sleep(Duration::from_millis(dice.below(100))).await;
                block_in_place(|| postgres.resume()).unwrap();
            }
            _ => {
                relay.kill();
                relay.start();
                // Now and then it dies before it is up.
                if dice.one_in(8) {
                    sleep(Duration::from_millis(dice.below(150))).await;
                    relay.kill();
                    relay.start();
                }
                relay.wait_until_ready();
            }
        }
    }

    town.end();
    rooms.iter().for_each(|room| room.end());
    for writer in writers {
        timeout(Duration::from_secs(60), writer).await.expect("everything is acknowledged").unwrap();
    }
    let mut acknowledged = 0;
    let mut readers = readers.into_iter();
    for room in &rooms {
        let chain = room::verify(room, &relay.listen, &mut database_in(data.path()).await).await;
        acknowledged += chain.len();
        for reader in readers.by_ref().take(2) {
            let seen = timeout(Duration::from_secs(60), reader).await.expect("readers converge").unwrap();
            assert!(seen == chain, "another history than the log's");
        }
    }
    let calls = town.verify().await;
    println!("{kills} kills in {:?}: {acknowledged} entries, {calls} calls of accounts", began.elapsed());
    assert!(
        acknowledged as u64 > kills / 2 && calls as u64 > kills / 2,
        "{acknowledged} entries, {calls} calls"
    );
}

/// A PostgreSQL of its own that waits for the disk, where the tests run on PostgreSQL.
fn durable_database(data: &Path) -> Option<Postgres> {
    if !is_on_postgres() {
        return None;
    }
    let postgres = Postgres::start_durable().unwrap();
    std::fs::write(data.join("test-database"), postgres.new_database().unwrap()).unwrap();
    Some(postgres)
}

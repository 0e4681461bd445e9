//! A relay as a program of its own, a victim who chats on it while an attack runs, and what is measured of both.

use crate::process::Program;
use crate::support::*;
use sotto_protocol::{RelayFrame, Reply, Request};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// What a victim may have to wait for an acknowledgement, in 99 of 100 cases.
const P99_MAX: Duration = Duration::from_millis(250);
/// How long an attack goes on at least: so long that one stall of the machine's disk is less than a hundredth of the messages.
const LASTS: Duration = Duration::from_secs(3);
/// One message each so often.
const EVERY: Duration = Duration::from_millis(4);

/// A relay that is attacked.
pub struct Scene {
    pub program: Program,
    pub data: TempDir,
}

/// What an attack came to.
#[derive(Debug)]
pub struct Measured {
    /// The victim's times from message to acknowledgement, the shortest first.
    waits: Vec<Duration>,
    /// How much the relay's memory grew at most, in bytes.
    grown_bytes: u64,
}

impl Scene {
    pub fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        Self { program: Program::start(data.path()), data }
    }

    pub async fn connect(&self) -> Client {
        Client::connect(&self.program.authority).await
    }

    /// A client in a room of its own, in the first epoch.
    pub async fn member(&self) -> (Client, Room) {
        let (mut client, room) = (self.connect().await, Room::new());
        client.create(&room).await;
        client.open(&room).await;
        (client, room)
    }

    /// Attacks while a victim chats on a thread of its own: what the attack costs its makers does not count.
    pub async fn attack(&self, attack: impl Future<Output = ()>) -> Measured {
        let process = self.program.child.id();
        let before = resident_bytes(process);
        let is_over = Arc::new(AtomicBool::new(false));
        let (authority, until) = (self.program.authority.clone(), Arc::clone(&is_over));
        let victim = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(chat(&authority, process, &until))
        });
        attack.await;
        is_over.store(true, Ordering::Relaxed);
        let (waits, most) = tokio::task::spawn_blocking(move || victim.join().unwrap()).await.unwrap();
        Measured { waits, grown_bytes: most.saturating_sub(before) }
    }
}

/// How long each message took to be acknowledged, the shortest first, and the most memory that the process had meanwhile.
async fn chat(authority: &str, process: u32, is_over: &AtomicBool) -> (Vec<Duration>, u64) {
    let (mut client, room) = (Client::connect(authority).await, Room::new());
    client.create(&room).await;
    client.open(&room).await;
    let (mut waits, mut most, mut read_seq) = (Vec::new(), 0, 0);
    while !is_over.load(Ordering::Relaxed) {
        tokio::time::sleep(EVERY).await;
        most = most.max(resident_bytes(process));
        let began = Instant::now();
        read_seq = appended(client.ask(append_after(&room, read_seq, &entry(0, b"how are you?"))).await);
        waits.push(began.elapsed());
    }
    waits.sort_unstable();
    (waits, most)
}

impl Measured {
    fn p99(&self) -> Duration {
        // By the nearest rank: of a hundred the last but one.
        self.waits[(self.waits.len() * 99).div_ceil(100) - 1]
    }

    /// The victim hardly noticed, and the relay took no more memory than that.
    pub fn assert_bounded(&self, what: &str, grown_max_bytes: u64) {
        let (p99, middle) = (self.p99(), self.waits[self.waits.len() / 2]);
        let grown_mib = self.grown_bytes / 1024 / 1024;
        println!("{what}: {} messages, p50 {middle:?}, p99 {p99:?}, {grown_mib} MiB", self.waits.len());
        assert!(p99 < P99_MAX, "{what}: the victim waited {p99:?}");
        assert!(self.grown_bytes < grown_max_bytes, "{what}: the relay grew by {grown_mib} MiB");
    }
}

/// Does it again and again, until there is enough to measure beside it.
pub async fn for_a_while(mut once: impl AsyncFnMut()) {
    let began = Instant::now();
    while began.elapsed() < LASTS {
        once().await;
    }
}

/// Sends all of it on one connection, as many at once as may be under way, and gives the answers in the same order.
pub async fn flood(client: &mut Client, requests: impl IntoIterator<Item = Request>) -> Vec<Reply> {
    const WINDOW: usize = 64;
    let mut requests = requests.into_iter().peekable();
    let mut answers = Vec::new();
    while requests.peek().is_some() {
        let mut numbers = Vec::new();
        for request in requests.by_ref().take(WINDOW) {
            numbers.push(client.send(request).await);
        }
        let mut answered = HashMap::new();
        while answered.len() < numbers.len() {
            if let RelayFrame::Reply(number, reply) = client.read().await {
                answered.insert(number, reply);
            }
        }
        answers.extend(numbers.iter().map(|number| answered.remove(number).unwrap()));
    }
    answers
}

/// Memory that a process has.
pub fn resident_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

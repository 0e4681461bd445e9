//! Readers that do not read: what they cost the relay, and what they cost others.

use crate::process::Program;
use crate::support::*;
use std::process::Stdio;
use std::time::Duration;
use tokio::time::Instant;

const SLOW: usize = 20;
const ENTRIES: usize = 600;

fn resident_kib(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How long each of so many entries takes from the writer to the reader.
async fn latencies(writer: &mut Client, reader: &mut Client, room: &Room, entries: usize) -> Vec<Duration> {
    let mut all = Vec::new();
    for _ in 0..entries {
        let begin = Instant::now();
        writer.append(room, &entry(0, &[7; 60_000])).await;
        reader.pushed_entry().await;
        all.push(begin.elapsed());
    }
    all.sort();
    all
}

#[tokio::test]
async fn who_does_not_read_costs_the_relay_no_memory_and_others_no_time() {
    let data = tempfile::tempdir().unwrap();
    let program = Program::start_with(data.path(), &[], Stdio::null());
    let (room, mut writer) = (Room::new(), Client::connect(&program.authority).await);
    writer.create(&room).await;
    let mut reader = Client::connect(&program.authority).await;
    reader.open(&room).await;
    writer.open(&room).await;
    let before = latencies(&mut writer, &mut reader, &room, 100).await;
    let before_kib = resident_kib(&program);
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut client = Client::connect(&program.authority).await;
        client.open(&room).await;
        slow.push(client);
    }
    // 36 MB for each of them, of which each reads nothing: 720 MB if it were kept.
    let during = latencies(&mut writer, &mut reader, &room, ENTRIES).await;
    let grown_kib = resident_kib(&program).saturating_sub(before_kib);
    assert!(grown_kib < 100 * 1024, "{grown_kib} KiB more for {SLOW} that do not read");
    let (usual, now) = (before[before.len() / 2], during[during.len() / 2]);
    assert!(now < usual * 5 + Duration::from_millis(20), "{usual:?} without them, {now:?} with them");
    assert!(during.last().unwrap() < &Duration::from_secs(5), "{:?}", during.last());
    // Each is told, and finds everything in the log.
    let mut one = slow.pop().unwrap();
    loop {
        match one.pushed().await {
            sotto_protocol::RelayFrame::Entry(..) => {}
            sotto_protocol::RelayFrame::Behind(behind) => break assert_eq!(behind, room.id),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(one.whole_log(&room).await.len(), 100 + ENTRIES);
}

#[tokio::test]
async fn a_connection_that_does_nothing_takes_8_kib() {
    const CONNECTIONS: usize = 800;
    let data = tempfile::tempdir().unwrap();
    let program = Program::start_with(data.path(), &[], Stdio::null());
    let (room, mut writer) = (Room::new(), Client::connect(&program.authority).await);
    writer.create(&room).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        // The allocator has its first pages by then.
        let mut client = Client::connect(&program.authority).await;
        client.open(&room).await;
        idle.push(client);
    }
    let before_kib = resident_kib(&program);
    for _ in 0..CONNECTIONS {
        let mut client = Client::connect(&program.authority).await;
        client.open(&room).await;
        idle.push(client);
    }
    let each = (resident_kib(&program) - before_kib) as f64 / CONNECTIONS as f64;
    assert!(each <= 8.0, "{each:.1} KiB each");
}

//! Readers that do not read: what they cost the relay, and what they cost others.

use crate::process::Program;
use crate::support::*;
use futures_util::SinkExt as _;
use sotto_protocol::{ClientFrame, ErrorCode, HeldRequest, RelayFrame, Reply, Request, encode};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

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
            RelayFrame::Entry(..) => {}
            RelayFrame::Behind(behind) => break assert_eq!(behind, room.id),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(one.whole_log(&room).await.len(), 100 + ENTRIES);
}

/// Answers are made for those who read them: an address that asks for more than it reads waits, and no other address does.
#[tokio::test]
async fn answers_that_nobody_reads_take_little_memory_and_hold_up_only_who_asked() {
    const GREEDY: usize = 60;
    let data = tempfile::tempdir().unwrap();
    // An eighth for each address: for one of the longest answers.
    let settings = ["--waiting-bytes", "70000000", "--trusted-proxies", "127.0.0.1"];
    let program = Program::start_with(data.path(), &settings, Stdio::null());
    let (mut room, mut writer) = (Room::new(), Client::connect(&program.authority).await);
    writer.create(&room).await;
    writer.open(&room).await;
    let mut commit = room.commit(&[]);
    commit.card = vec![7; 4 * 1024 * 1024];
    writer.send_commit(&mut room, commit).await;
    writer.open(&room).await;
    let held = || Request::Held(HeldRequest { room: room.id, door: None, tag: None });
    assert!(matches!(writer.ask(held()).await, Reply::Held(_)));
    let before_kib = resident_kib(&program);
    let mut greedy = Vec::new();
    for _ in 0..GREEDY {
        let mut client = Client::connect(&program.authority).await;
        client.open(&room).await;
        for _ in 0..8 {
            client.send(held()).await;
        }
        greedy.push(client);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Two gigabytes, if they were all made.
    let grown_kib = resident_kib(&program).saturating_sub(before_kib);
    assert!(grown_kib < 80 * 1024, "{grown_kib} KiB more for answers that nobody reads");
    let elsewhere = [("x-forwarded-for", "192.0.2.7")];
    let mut other = Client::try_connect(&program.authority, &elsewhere).await.unwrap();
    other.open(&room).await;
    let began = Instant::now();
    assert!(matches!(other.ask(held()).await, Reply::Held(_)));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // Whoever reads gets all that they asked for, and whoever goes leaves room.
    let mut one = greedy.pop().unwrap();
    drop(greedy);
    let mut answers = 0;
    while answers < 8 {
        if let RelayFrame::Reply(_, Reply::Held(_)) = one.pushed().await {
            answers += 1;
        }
    }
}

/// A byte now and then keeps no connection, nor the memory of its answers.
#[tokio::test]
async fn who_takes_too_little_of_what_waits_is_dropped() {
    let relay = TestRelay::start_with(|config| {
        config.tuning.ping_after = Duration::from_millis(300);
        config.tuning.drop_after = Duration::from_millis(1500);
    })
    .await;
    let (mut room, mut writer) = (Room::new(), relay.connect().await);
    writer.create(&room).await;
    writer.open(&room).await;
    let mut commit = room.commit(&[]);
    commit.card = vec![7; 7 * 1024 * 1024];
    writer.send_commit(&mut room, commit).await;
    let mut slow = relay.connect().await;
    slow.open(&room).await;
    for _ in 0..4 {
        slow.send(Request::Held(HeldRequest { room: room.id, door: None, tag: None })).await;
    }
    let MaybeTlsStream::Plain(stream) = slow.socket.get_mut() else { panic!("there is no TLS") };
    let began = Instant::now();
    let mut byte = [0; 64];
    // It goes on speaking, and takes a little.
    let is_dropped = loop {
        let pong = [0x8a, 0x80, 0, 0, 0, 0];
        if stream.write_all(&pong).await.is_err() {
            break true;
        }
        match stream.try_read(&mut byte) {
            Ok(1..) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            _ => break true,
        }
        if began.elapsed() > PATIENCE {
            break false;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(is_dropped && began.elapsed() > Duration::from_millis(1400), "{:?}", began.elapsed());
}

#[tokio::test]
async fn long_messages_that_do_not_end_are_bounded_by_address() {
    let relay = TestRelay::start_with(|config| config.limits.waiting_bytes = 70_000_000).await;
    let room = Room::new();
    let mut commit = room.clone().commit(&[]);
    commit.card = vec![7; 5 * 1024 * 1024];
    let frame = encode(&ClientFrame { request: 9, body: Request::AppendHandshake(commit) });
    // Half a message, on a connection that then stands still.
    let mut half = relay.connect().await;
    let (first, rest) = frame.split_at(frame.len() / 2);
    let part = |bytes: &[u8], opcode, is_final| {
        Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(opcode), is_final))
    };
    half.socket.send(part(first, Data::Binary, false)).await.unwrap();
    tokio::time::sleep(SILENCE).await;
    let mut second = relay.connect().await;
    second.create(&room).await;
    second.open(&room).await;
    second.socket.send(Message::binary(frame.clone())).await.unwrap();
    match second.reply_to(9).await {
        Reply::Error(error) => {
            assert_eq!(error.code, ErrorCode::SlowDown);
            assert!(error.retry_after_ms.is_some());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(second.append(&room, &entry(0, &[7; 50_000])).await, 1, "short ones come through");
    half.socket.send(part(rest, Data::Continue, true)).await.unwrap();
    assert_eq!(half.reply_to(9).await, error(ErrorCode::RoomNotOpen), "it is read to its end");
    second.socket.send(Message::binary(frame)).await.unwrap();
    assert_eq!(second.reply_to(9).await, Reply::Appended(2));
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

//! The runs: flat out, paced, and idle.

use crate::client::{Reader, Room, append_frame, bare, catch_up, connect, fetch, open, page};
use crate::process::Server;
use anyhow::{Context as _, Result};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use sotto_protocol::{Direction, RoomId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Connections that are made at the same time.
const CONNECTING: usize = 32;

/// What a run flat out has moved.
pub struct Throughput {
    pub messages: u64,
    pub deliveries: u64,
    pub cpu_s: f64,
    time: Duration,
}

impl Throughput {
    pub fn messages_per_s(&self) -> f64 {
        self.messages as f64 / self.time.as_secs_f64()
    }

    /// CPU time of the server for 1,000 messages, in seconds.
    pub fn cpu_s_per_1000(&self) -> f64 {
        self.cpu_s * 1e3 / self.messages as f64
    }

    /// CPU time of the server for a million deliveries, in seconds.
    pub fn cpu_s_per_1m(&self) -> f64 {
        self.cpu_s * 1e6 / self.deliveries as f64
    }

    pub fn deliveries_per_s(&self) -> f64 {
        self.deliveries as f64 / self.time.as_secs_f64()
    }
}

/// The run in the middle.
pub fn median(mut runs: Vec<Throughput>) -> Throughput {
    runs.sort_by(|a, b| a.messages_per_s().total_cmp(&b.messages_per_s()));
    runs.swap_remove(runs.len() / 2)
}

/// From sending to the last member.
pub struct Latency {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub cpu_s_per_1000: f64,
}

/// Who sends in every room, and how much each has under way.
#[derive(Clone, Copy)]
pub struct Senders {
    pub count: usize,
    pub window: usize,
}

/// Flat out: in every room some members send, and all receive.
pub async fn rooms(
    server: &Server,
    (rooms, members): (usize, usize),
    senders: Senders,
    time: Duration,
) -> Result<Throughput> {
    let connected = connect_rooms(server, rooms, members).await?;
    flat_out(server, connected, senders, time).await
}

/// The same against a server that knows no rooms.
pub async fn broadcast(
    server: &Server,
    members: usize,
    senders: Senders,
    time: Duration,
) -> Result<Throughput> {
    flat_out(server, connect_bare(server, members).await?, senders, time).await
}

async fn connect_bare(server: &Server, members: usize) -> Result<Vec<(RoomId, Vec<TcpStream>)>> {
    let mut streams = Vec::new();
    for _ in 0..members {
        streams.push(bare(connect(&server.authority).await?)?);
    }
    Ok(vec![(RoomId::new([0; 16]), streams)])
}

/// `per_s` messages a second over all rooms.
pub async fn paced(
    server: &Server,
    (rooms, members): (usize, usize),
    per_s: u64,
    time: Duration,
) -> Result<Latency> {
    let connected = connect_rooms(server, rooms, members).await?;
    send_paced(server, connected, per_s, time).await
}

/// The same against a server that knows no rooms.
pub async fn paced_broadcast(server: &Server, members: usize, per_s: u64, time: Duration) -> Result<Latency> {
    send_paced(server, connect_bare(server, members).await?, per_s, time).await
}

async fn send_paced(
    server: &Server,
    connected: Vec<(RoomId, Vec<TcpStream>)>,
    per_s: u64,
    time: Duration,
) -> Result<Latency> {
    let members = connected.first().map_or(0, |(_, streams)| streams.len());
    let began = Instant::now();
    let arrivals: Arc<Mutex<HashMap<u64, (usize, u64)>>> = Arc::default();
    let mut senders = Vec::new();
    for (room, streams) in connected {
        for (index, stream) in streams.into_iter().enumerate() {
            let (read, write) = stream.into_split();
            // A member is pushed all that is said, from the room's beginning: so many entries were read.
            let read_seq = Arc::new(AtomicU64::new(0));
            if index == 0 {
                senders.push((room, write, Arc::clone(&read_seq)));
            } else {
                write.forget(); // Dropping it would close the stream.
            }
            let arrivals = Arc::clone(&arrivals);
            tokio::spawn(async move {
                let mut reader = Reader::new(read);
                while let Some(received) = reader.receive().await? {
                    read_seq.fetch_add(received.entries.len() as u64, Relaxed);
                    let now = began.elapsed().as_micros() as u64;
                    let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
                    for (message, sent) in received.entries {
                        let arrival = arrivals.entry(message).or_default();
                        arrival.0 += 1;
                        arrival.1 = now - sent;
                    }
                }
                anyhow::Ok(())
            });
        }
    }
    let cpu_before_s = server.cpu_s()?;
    let messages = per_s * time.as_secs();
    let start = tokio::time::Instant::now();
    for message in 0..messages {
        tokio::time::sleep_until(start + Duration::from_micros(message * 1_000_000 / per_s)).await;
        let place = message as usize % senders.len();
        if let Some((room, write, read_seq)) = senders.get_mut(place) {
            write.write_all(&append_frame(room, read_seq.load(Relaxed), message, began)?).await?;
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let cpu_s = server.cpu_s()? - cpu_before_s;
    let arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    let mut last: Vec<u64> =
        arrivals.values().filter(|(count, _)| *count == members).map(|(_, last)| *last).collect();
    anyhow::ensure!(
        last.len() as u64 == messages,
        "{} of {messages} messages arrived everywhere",
        last.len()
    );
    last.sort_unstable();
    let at = |share: f64| last.get((last.len() as f64 * share) as usize).map_or(0.0, |us| *us as f64 / 1e3);
    Ok(Latency { p50_ms: at(0.5), p99_ms: at(0.99), cpu_s_per_1000: cpu_s * 1e3 / messages as f64 })
}

/// Writes as many entries into a new room, and then reads the last fifty again and again: milliseconds, median and 99th percentile.
pub async fn last_page_ms(server: &Server, entries: u64) -> Result<(f64, f64)> {
    const READS: usize = 1_000;
    let room = Room::new()?;
    fill(server, &room, entries, true).await?;
    let mut socket = open(&server.authority, &room, false).await?;
    let mut times = Vec::new();
    for _ in 0..READS {
        let began = Instant::now();
        let read = page(&mut socket, &room, u64::MAX, Direction::Backward).await?;
        anyhow::ensure!(read == 50, "a page of {read} entries");
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(READS * share / 100).copied().unwrap_or_default();
    Ok((at(50), at(99)))
}

/// Everybody comes back at once, and has missed fifty entries: seconds until all have them.
pub async fn come_back_s(server: &Server, rooms: usize, members: usize) -> Result<f64> {
    let mut all = Vec::new();
    for _ in 0..rooms {
        let room = Room::new()?;
        fill(server, &room, 100, true).await?;
        all.push(room);
    }
    let began = Instant::now();
    let back = all.iter().flat_map(|room| std::iter::repeat_n(room, members));
    let back = back.map(|room| {
        let (authority, room) = (server.authority.clone(), room.clone());
        tokio::spawn(async move { catch_up(&authority, &room, 50).await })
    });
    for client in back.collect::<Vec<_>>() {
        let read = client.await??;
        anyhow::ensure!(read == 50, "{read} entries instead of 50");
    }
    Ok(began.elapsed().as_secs_f64())
}

/// The same against a server that has the answer at hand.
pub async fn bare_come_back_s(server: &Server, clients: usize) -> Result<f64> {
    let began = Instant::now();
    let back = (0..clients).map(|_| {
        let authority = server.authority.clone();
        tokio::spawn(async move { fetch(&authority).await })
    });
    for client in back.collect::<Vec<_>>() {
        client.await??;
    }
    Ok(began.elapsed().as_secs_f64())
}

/// Appends entries, and waits until they are on disk.
async fn fill(server: &Server, room: &Room, entries: u64, create: bool) -> Result<()> {
    const WINDOW: u64 = 400;
    let (read, mut write) = bare(open(&server.authority, room, create).await?)?.into_split();
    let mut reader = Reader::new(read);
    let began = Instant::now();
    let (mut sent, mut acknowledged) = (0, 0);
    while acknowledged < entries {
        let mut frames = Vec::new();
        while sent < entries && sent - acknowledged < WINDOW {
            frames.extend(append_frame(&room.id, acknowledged, sent, began)?);
            sent += 1;
        }
        write.write_all(&frames).await?;
        let received = reader.receive().await?;
        acknowledged += received.map(|received| received.acknowledgements).context("closed")?;
    }
    Ok(())
}

/// KiB of the relay for each connection that has a room open and does nothing.
pub async fn idle_memory(server: &Server, connections: usize) -> Result<f64> {
    let room = Room::new()?;
    let first = open(&server.authority, &room, true).await?;
    let before_kib = server.resident_kib()?;
    let idle: Vec<_> = stream::iter(0..connections)
        .map(|_| open(&server.authority, &room, false))
        .buffer_unordered(CONNECTING)
        .try_collect()
        .await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let each_kib = (server.resident_kib()? - before_kib) / idle.len() as f64;
    drop(first);
    Ok(each_kib)
}

/// The same of a server that knows no rooms.
pub async fn bare_idle_memory(server: &Server, connections: usize) -> Result<f64> {
    let first = connect(&server.authority).await?;
    let before_kib = server.resident_kib()?;
    let idle: Vec<_> = stream::iter(0..connections)
        .map(|_| connect(&server.authority))
        .buffer_unordered(CONNECTING)
        .try_collect()
        .await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let each_kib = (server.resident_kib()? - before_kib) / idle.len() as f64;
    drop(first);
    Ok(each_kib)
}

async fn connect_rooms(
    server: &Server,
    rooms: usize,
    members: usize,
) -> Result<Vec<(RoomId, Vec<TcpStream>)>> {
    let connect = |_| async move {
        let room = Room::new()?;
        let mut streams = Vec::new();
        for member in 0..members {
            streams.push(bare(open(&server.authority, &room, member == 0).await?)?);
        }
        anyhow::Ok((room.id, streams))
    };
    stream::iter(0..rooms).map(connect).buffer_unordered(CONNECTING).try_collect().await
}

async fn flat_out(
    server: &Server,
    rooms: Vec<(RoomId, Vec<TcpStream>)>,
    senders: Senders,
    time: Duration,
) -> Result<Throughput> {
    let counts = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let stop = Arc::new(AtomicBool::new(false));
    for (room, streams) in rooms {
        for (index, stream) in streams.into_iter().enumerate() {
            let (read, write) = stream.into_split();
            let free = Arc::new(Semaphore::new(senders.window));
            let read_seq = Arc::new(AtomicU64::new(0));
            let reader = (Reader::new(read), Arc::clone(&read_seq));
            tokio::spawn(count(reader, Arc::clone(&free), Arc::clone(&counts)));
            if index < senders.count {
                tokio::spawn(send(write, (room, read_seq), free, Arc::clone(&stop)));
            } else {
                write.forget(); // Dropping it would close the stream.
            }
        }
    }
    let [acknowledged, delivered] = &*counts;
    // The first moments are not counted.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = (acknowledged.load(Relaxed), delivered.load(Relaxed), server.cpu_s()?, Instant::now());
    tokio::time::sleep(time).await;
    let run = Throughput {
        messages: acknowledged.load(Relaxed) - before.0,
        deliveries: delivered.load(Relaxed) - before.1,
        cpu_s: server.cpu_s()? - before.2,
        time: before.3.elapsed(),
    };
    stop.store(true, Relaxed);
    Ok(run)
}

async fn count<R>(
    (mut reader, read_seq): (Reader<R>, Arc<AtomicU64>),
    free: Arc<Semaphore>,
    counts: Arc<[AtomicU64; 2]>,
) -> Result<()>
where
    R: tokio::io::AsyncRead + Unpin,
{
    let [acknowledged, delivered] = &*counts;
    while let Some(received) = reader.receive().await? {
        read_seq.fetch_add(received.entries.len() as u64, Relaxed);
        acknowledged.fetch_add(received.acknowledgements, Relaxed);
        delivered.fetch_add(received.entries.len() as u64, Relaxed);
        free.add_permits(received.acknowledgements as usize);
    }
    Ok(())
}

async fn send<W>(
    mut write: W,
    (room, read_seq): (RoomId, Arc<AtomicU64>),
    free: Arc<Semaphore>,
    stop: Arc<AtomicBool>,
) -> Result<()>
where
    W: AsyncWrite + Unpin,
{
    let began = Instant::now();
    while !stop.load(Relaxed) {
        let mut frames = Vec::new();
        free.acquire().await?.forget();
        frames.extend(append_frame(&room, read_seq.load(Relaxed), 0, began)?);
        while let Ok(permit) = free.try_acquire() {
            permit.forget();
            frames.extend(append_frame(&room, read_seq.load(Relaxed), 0, began)?);
        }
        write.write_all(&frames).await?;
    }
    Ok(())
}

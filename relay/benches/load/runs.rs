//! The runs: flat out, paced, and idle.

use crate::client::{Reader, Room, append_frame, bare, connect, open};
use crate::process::Server;
use anyhow::Result;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use sotto_protocol::RoomId;
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
    let mut streams = Vec::new();
    for _ in 0..members {
        streams.push(bare(connect(&server.authority).await?)?);
    }
    flat_out(server, vec![(RoomId::new([0; 16]), streams)], senders, time).await
}

/// `per_s` messages a second over all rooms.
pub async fn paced(
    server: &Server,
    rooms: usize,
    members: usize,
    per_s: u64,
    time: Duration,
) -> Result<Latency> {
    let connected = connect_rooms(server, rooms, members).await?;
    let began = Instant::now();
    let arrivals: Arc<Mutex<HashMap<u64, (usize, u64)>>> = Arc::default();
    let mut senders = Vec::new();
    for (room, streams) in connected {
        for (index, stream) in streams.into_iter().enumerate() {
            let (read, write) = stream.into_split();
            if index == 0 {
                senders.push((room, write));
            } else {
                write.forget(); // Dropping it would close the stream.
            }
            let arrivals = Arc::clone(&arrivals);
            tokio::spawn(async move {
                let mut reader = Reader::new(read);
                while let Some(received) = reader.receive().await? {
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
        if let Some((room, write)) = senders.get_mut(place) {
            write.write_all(&append_frame(room, message, began)?).await?;
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
            tokio::spawn(count(Reader::new(read), Arc::clone(&free), Arc::clone(&counts)));
            if index < senders.count {
                tokio::spawn(send(write, room, free, Arc::clone(&stop)));
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

async fn count<R>(mut reader: Reader<R>, free: Arc<Semaphore>, counts: Arc<[AtomicU64; 2]>) -> Result<()>
where
    R: tokio::io::AsyncRead + Unpin,
{
    let [acknowledged, delivered] = &*counts;
    while let Some(received) = reader.receive().await? {
        acknowledged.fetch_add(received.acknowledgements, Relaxed);
        delivered.fetch_add(received.entries.len() as u64, Relaxed);
        free.add_permits(received.acknowledgements as usize);
    }
    Ok(())
}

async fn send<W>(mut write: W, room: RoomId, free: Arc<Semaphore>, stop: Arc<AtomicBool>) -> Result<()>
where
    W: AsyncWrite + Unpin,
{
    let began = Instant::now();
    while !stop.load(Relaxed) {
        let mut frames = Vec::new();
        free.acquire().await?.forget();
        frames.extend(append_frame(&room, 0, began)?);
        while let Ok(permit) = free.try_acquire() {
            permit.forget();
            frames.extend(append_frame(&room, 0, began)?);
        }
        write.write_all(&frames).await?;
    }
    Ok(())
}

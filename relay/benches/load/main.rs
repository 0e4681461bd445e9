//! How much one relay carries, beside what this machine can do at all.
//!
//! `cargo xtask bench relay`, or with the names of parts: `broadcast rooms latency reading memory postgres`. The relay runs as a process of its own, on a fresh database; the clients are
//! in this one. The limits run the same way with the same clients: a bare WebSocket broadcast that stores nothing, bare
//! inserts into the same schema, bare sockets that answer from memory. Everything shares the machine's cores, so that ratios say more than numbers.

mod client;
mod limits;
mod process;
mod runs;

use anyhow::Result;
use process::Server;
use runs::{Latency, Senders};
use sotto_test_services::Postgres;
use std::io::Write as _;
use std::time::Duration;

/// Each run is repeated, and the middle one counts.
const REPEATS: usize = 3;
const RUN: Duration = Duration::from_secs(3);
const PACED: Duration = Duration::from_secs(5);
const ONE_ROOM: Senders = Senders { count: 4, window: 100 };
const MANY_ROOMS: Senders = Senders { count: 1, window: 4 };
const IDLE_CONNECTIONS: usize = 5_000;
const LONG_LOG_ENTRIES: u64 = 100_000;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    if has(limits::BARE_BROADCAST) {
        return runtime.block_on(limits::serve_bare_broadcast());
    }
    if has(limits::BARE_PAGES) {
        return runtime.block_on(limits::serve_bare_pages());
    }
    runtime.block_on(measure())
}

async fn measure() -> Result<()> {
    print("512-byte bodies; medians of three runs of 3 s, load generator included\n")?;
    if is_wanted("broadcast") {
        broadcast().await?;
    }
    let sqlite = || Server::relay();
    if is_wanted("rooms") {
        many_rooms("", async || limits::inserts_per_s(RUN).await, sqlite).await?;
    }
    if is_wanted("latency") {
        bare_latency().await?;
        latency("", sqlite).await?;
    }
    if is_wanted("reading") {
        reading("", limits::page_ms(LONG_LOG_ENTRIES).await?, sqlite).await?;
    }
    if is_wanted("memory") {
        let bare = runs::bare_idle_memory(&Server::bare(limits::BARE_BROADCAST)?, IDLE_CONNECTIONS).await?;
        let idle = runs::idle_memory(&sqlite()?, IDLE_CONNECTIONS).await?;
        let name = format!("\n{IDLE_CONNECTIONS} idle connections, a room open");
        print(&format!("{name:<41} {idle:>6.1} KiB each; {bare:.1} of a bare WebSocket server"))?;
        print_target(idle <= 8.0, "<= 8 KiB")?;
    }
    if is_wanted("postgres") {
        on_postgres().await?;
    }
    Ok(())
}

async fn on_postgres() -> Result<()> {
    let cluster = Postgres::start_durable()?;
    let relay = || Server::relay_on(&cluster);
    many_rooms("PostgreSQL: ", async || limits::postgres_inserts_per_s(&cluster, RUN).await, relay).await?;
    latency("PostgreSQL: ", relay).await?;
    reading("PostgreSQL: ", limits::postgres_page_ms(&cluster, LONG_LOG_ENTRIES).await?, relay).await
}

/// Whether the arguments name this part, or none.
fn is_wanted(part: &str) -> bool {
    let mut named = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    named.peek().is_none() || named.any(|name| part.contains(&name))
}

async fn broadcast() -> Result<()> {
    let (mut bare, mut one_room) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        bare.push(runs::broadcast(&Server::bare(limits::BARE_BROADCAST)?, 100, ONE_ROOM, RUN).await?);
        one_room.push(runs::rooms(&Server::relay()?, (1, 100), ONE_ROOM, RUN).await?);
    }
    let (bare, one_room) = (runs::median(bare), runs::median(one_room));
    print_throughput("bare broadcast x 100, nothing stored", &bare)?;
    print_throughput("1 room x 100, durable", &one_room)?;
    let ratio = one_room.deliveries_per_s() / bare.deliveries_per_s();
    print_ratio("  of the bare broadcast", ratio)?;
    print_target(ratio >= 0.8, ">= 0.8 x")?;
    print_target(one_room.cpu_s_per_1m() <= 0.4, "<= 0.4 CPU-s per 1M deliveries")
}

/// Beside bare inserts, in turn.
async fn many_rooms(
    on: &str,
    bare_inserts: impl AsyncFn() -> Result<f64>,
    relay: impl Fn() -> Result<Server>,
) -> Result<()> {
    let (mut inserts, mut many) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        inserts.push(bare_inserts().await?);
        many.push(runs::rooms(&relay()?, (500, 4), MANY_ROOMS, RUN).await?);
    }
    let (inserts, many) = (middle(&mut inserts), runs::median(many));
    let name = format!("{on}bare inserts");
    print(&format!("{name:<40} {inserts:>10.0} rows/s, 512 to a transaction"))?;
    print_throughput(&format!("{on}500 rooms x 4, durable"), &many)?;
    let ratio = many.messages_per_s() / inserts;
    print_ratio("  of the bare inserts", ratio)?;
    print_target(ratio >= 0.5, ">= 0.5 x")?;
    print_target(many.cpu_s_per_1000() <= 0.04, "<= 0.04 CPU-s per 1,000 messages")
}

async fn bare_latency() -> Result<()> {
    let server = Server::bare(limits::BARE_BROADCAST)?;
    let latency = runs::paced_broadcast(&server, 100, 1_000, PACED).await?;
    print("\nat 1,000 messages a second, from sending to the last member:")?;
    print_latency("bare broadcast x 100, nothing stored", &latency)
}

async fn latency(on: &str, relay: impl Fn() -> Result<Server>) -> Result<()> {
    for (name, rooms, members) in [("1 room x 100", 1, 100), ("500 rooms x 4", 500, 4)] {
        let latency = runs::paced(&relay()?, (rooms, members), 1_000, PACED).await?;
        print_latency(&format!("{on}{name}"), &latency)?;
        print_target(latency.p99_ms <= 20.0, "p99 <= 20 ms")?;
    }
    Ok(())
}

async fn reading(on: &str, bare_ms: f64, relay: impl Fn() -> Result<Server>) -> Result<()> {
    let (p50, p99) = runs::last_page_ms(&relay()?, LONG_LOG_ENTRIES).await?;
    let name = format!("\n{on}last 50 of {LONG_LOG_ENTRIES} entries");
    print(&format!("{name:<41} p50 {p50:>6.2} ms  p99 {p99:>6.2} ms; a bare query: p50 {bare_ms:.2} ms"))?;
    print_target(p50 <= 0.3, "p50 <= 0.3 ms")?;
    let (mut bare, mut back) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        bare.push(runs::bare_come_back_s(&Server::bare(limits::BARE_PAGES)?, 1_000).await?);
        back.push(runs::come_back_s(&relay()?, 250, 4).await?);
    }
    let name = format!("{on}1,000 clients back, 50 missed each");
    let (bare, back) = (middle(&mut bare), middle(&mut back));
    print(&format!("{name:<40} {back:>10.2} s; bare sockets that have the answer at hand: {bare:.2} s"))?;
    print_target(back <= 0.5, "<= 0.5 s")
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Prints as the numbers come in.
fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

fn print_throughput(name: &str, run: &runs::Throughput) -> Result<()> {
    print(&format!(
        "{name:<40} {:>10.0} messages/s {:>10.0} deliveries/s  server {:.3} CPU-s per 1,000 messages, {:.2} per 1M \
         deliveries",
        run.messages_per_s(),
        run.deliveries_per_s(),
        run.cpu_s_per_1000(),
        run.cpu_s_per_1m(),
    ))
}

fn print_latency(name: &str, latency: &Latency) -> Result<()> {
    print(&format!(
        "{name:<40} p50 {:>6.1} ms  p99 {:>6.1} ms  server {:.3} CPU-s per 1,000 messages",
        latency.p50_ms, latency.p99_ms, latency.cpu_s_per_1000
    ))
}

/// What was aimed at, and whether it was reached in this run.
fn print_target(is_met: bool, target: &str) -> Result<()> {
    print(&format!("    target {target}: {}", if is_met { "met" } else { "missed" }))
}

fn print_ratio(name: &str, ratio: f64) -> Result<()> {
    print(&format!("{name:<40} {ratio:>10.2} x"))
}

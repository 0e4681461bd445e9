//! How much one relay carries, beside what this machine can do at all.
//!
//! `cargo bench -p sotto-relay --bench load`. The relay runs as a process of its own, on a fresh database; the clients are
//! in this one. The two limits run the same way with the same clients: a bare WebSocket broadcast that stores nothing, and
//! bare inserts into the same schema. Everything shares the machine's cores, so that ratios say more than numbers.

mod client;
mod limits;
mod process;
mod runs;

use anyhow::Result;
use process::Server;
use runs::Senders;
use std::io::Write as _;
use std::time::Duration;

/// Each run is repeated, and the middle one counts.
const REPEATS: usize = 3;
const RUN: Duration = Duration::from_secs(3);
const ONE_ROOM: Senders = Senders { count: 4, window: 100 };
const MANY_ROOMS: Senders = Senders { count: 1, window: 4 };
const IDLE_CONNECTIONS: usize = 5_000;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    if std::env::args().any(|argument| argument == limits::BARE_BROADCAST) {
        return runtime.block_on(limits::serve_bare_broadcast());
    }
    runtime.block_on(measure())
}

async fn measure() -> Result<()> {
    print("512-byte bodies; medians of three runs of 3 s, load generator included\n")?;

    let mut bare = Vec::new();
    let mut one_room = Vec::new();
    for _ in 0..REPEATS {
        bare.push(runs::broadcast(&Server::bare()?, 100, ONE_ROOM, RUN).await?);
        one_room.push(runs::rooms(&Server::relay()?, (1, 100), ONE_ROOM, RUN).await?);
    }
    let (bare, one_room) = (runs::median(bare), runs::median(one_room));
    print_throughput("bare broadcast x 100, nothing stored", &bare)?;
    print_throughput("1 room x 100, durable", &one_room)?;
    print_ratio("  of the bare broadcast", one_room.deliveries_per_s() / bare.deliveries_per_s())?;

    let mut inserts = Vec::new();
    let mut many_rooms = Vec::new();
    for _ in 0..REPEATS {
        inserts.push(limits::inserts_per_s(RUN).await?);
        many_rooms.push(runs::rooms(&Server::relay()?, (500, 4), MANY_ROOMS, RUN).await?);
    }
    inserts.sort_by(f64::total_cmp);
    let inserts = inserts.get(REPEATS / 2).copied().unwrap_or_default();
    let many_rooms = runs::median(many_rooms);
    print(&format!("{:<40} {inserts:>10.0} rows/s, 500 to a transaction", "bare inserts"))?;
    print_throughput("500 rooms x 4, durable", &many_rooms)?;
    print_ratio("  of the bare inserts", many_rooms.messages_per_s() / inserts)?;

    print("\nat 1,000 messages a second, from sending to the last member:")?;
    for (name, rooms, members) in [("1 room x 100", 1, 100), ("500 rooms x 4", 500, 4)] {
        let relay = Server::relay()?;
        let latency = runs::paced(&relay, rooms, members, 1_000, Duration::from_secs(5)).await?;
        print(&format!(
            "{name:<40} p50 {:>6.1} ms  p99 {:>6.1} ms  relay {:.3} CPU-s per 1,000 messages",
            latency.p50_ms, latency.p99_ms, latency.cpu_s_per_1000
        ))?;
    }

    let relay = Server::relay()?;
    let idle = runs::idle_memory(&relay, IDLE_CONNECTIONS).await?;
    print(&format!(
        "\n{:<40} {idle:>6.1} KiB each",
        format!("{IDLE_CONNECTIONS} idle connections, a room open")
    ))
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
        run.cpu_s * 1e3 / run.messages as f64,
        run.cpu_s * 1e6 / run.deliveries as f64,
    ))
}

fn print_ratio(name: &str, ratio: f64) -> Result<()> {
    print(&format!("{name:<40} {ratio:>10.2} x"))
}

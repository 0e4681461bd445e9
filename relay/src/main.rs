//! `sotto-relay`: the relay as a program. Prints one line with its address when it is ready; logs go to stderr.

use clap::{Parser, Subcommand};
use sotto_relay::{Config, Database, SecretUrl, start};
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Sotto's relay: keeps sealed rooms, and serves the web client.
///
/// It never sees a message, a room's name, or who is in it.
#[derive(Parser)]
#[command(name = "sotto-relay", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the relay until it is stopped (Ctrl-C, or SIGTERM)
    Serve(Serve),
}

#[derive(clap::Args)]
struct Serve {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "SOTTO_RELAY_LISTEN")]
    listen: SocketAddr,

    /// Folder for the database; made if it is missing
    #[arg(long, value_name = "DIR", default_value = "./data", env = "SOTTO_RELAY_DATA")]
    data: PathBuf,

    /// Keep rooms in this PostgreSQL server instead of a file: postgres://user:password@host/name. Other users of this
    /// machine see a program's arguments: put an address with a password into the environment
    #[arg(long, value_name = "URL", env = "SOTTO_RELAY_DATABASE", hide_env_values = true)]
    database: Option<SecretUrl>,

    /// Wake other relays on the same database through this NATS server: nats://host:4222
    #[arg(long, value_name = "URL", env = "SOTTO_RELAY_NATS", hide_env_values = true)]
    nats: Option<SecretUrl>,

    /// Refuse new entries once the database has grown to this size (default: no limit)
    #[arg(long, value_name = "BYTES")]
    max_database_bytes: Option<u64>,

    /// What to log, to stderr: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "SOTTO_RELAY_LOG")]
    log: LevelFilter,
}

fn main() -> ExitCode {
    let Command::Serve(arguments) = Arguments::parse().command;
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { what, help }) => {
            let mut stderr = std::io::stderr().lock();
            // With stderr gone there is nobody to tell; the exit code still says it.
            let _ = writeln!(stderr, "error: {what}\nhelp: {help}");
            ExitCode::FAILURE
        }
    }
}

struct Failure {
    what: String,
    help: String,
}

fn run(arguments: Serve) -> Result<(), Failure> {
    // Only our own words: what libraries would log is not bound by our promise about addresses and ids.
    let filter = EnvFilter::new(format!("sotto_relay={}", arguments.log));
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(is_terminal)
        .with_writer(std::io::stderr)
        .init();
    // Every connection is an open file; where the limit cannot be raised, the system's own holds.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failure {
            what: format!("cannot start: {error}"),
            help: "check the system's limits on threads and open files".to_owned(),
        })?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: Serve) -> Result<(), Failure> {
    // Before the address is printed, so that whoever waits for that line may stop us at once.
    let signals = signal(SignalKind::interrupt()).and_then(|int| Ok((int, signal(SignalKind::terminate())?)));
    let (mut interrupt, mut terminate) = signals.map_err(|error| Failure {
        what: format!("cannot listen for signals: {error}"),
        help: "check the system's limits on open files".to_owned(),
    })?;
    let mut config = Config::new(arguments.listen, arguments.data);
    if let Some(url) = arguments.database {
        config.database = Database::Postgres(url);
    }
    config.nats = arguments.nats;
    config.max_database_bytes = arguments.max_database_bytes;
    let relay =
        start(config).await.map_err(|error| Failure { what: error.to_string(), help: error.help() })?;
    announce(&relay.url());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    relay.shutdown().await;
    Ok(())
}

/// The one line on stdout: people open it, scripts and tests read it.
fn announce(url: &str) {
    let mut stdout = std::io::stdout().lock();
    // Whoever closed stdout does not want to know.
    let _ = writeln!(stdout, "Sotto relay is ready: {url}").and_then(|()| stdout.flush());
}

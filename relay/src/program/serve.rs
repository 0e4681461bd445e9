//! `sotto-relay serve`: runs until it is told to stop.

use super::args::{LogFormat, Settings};
use super::{Failure, print};
use sotto_relay::{start, upkeep};
use std::io::IsTerminal as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Runs the relay.
pub async fn serve(settings: Settings) -> Result<(), Failure> {
    // Only our own words: what libraries would log is not bound by our promise about addresses and ids.
    let filter = EnvFilter::new(format!("sotto_relay={}", settings.log));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).init()
        }
    }
    // Before the address is printed, so that whoever waits for that line may stop us at once.
    let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [interrupt, terminate, hang_up] = signals;
    let signals = interrupt.and_then(|interrupt| Ok((interrupt, terminate?, hang_up?)));
    let (mut interrupt, mut terminate, mut hang_up) = signals.map_err(|error| {
        Failure::new(format!("cannot listen for signals: {error}"), "check the system's limits on open files")
    })?;
    let config = settings.to_config();
    for finding in upkeep::contradictions(&config) {
        if let Err((state, help)) = finding.state {
            tracing::warn!(setting = finding.what, %help, "{state}");
        }
    }
    let relay = start(config).await.map_err(|error| Failure::new(&error, error.help()))?;
    // The one line on stdout: people open it, scripts and tests read it.
    print(&format!("Sotto relay is ready: {}\n", relay.url()));
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hang_up.recv() => relay.reload_certificate(),
        }
    }
    tracing::info!("stopping");
    relay.shutdown().await;
    Ok(())
}

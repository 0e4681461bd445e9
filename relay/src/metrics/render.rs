//! From counters to the text that Prometheus reads (OpenMetrics 1.0).

use super::process::Process;
use super::{Kind, Metrics, Outcomes, metrics};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;

/// What is looked up when it is asked for, rather than counted.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sample {
    /// Room sockets that are open.
    pub connections: usize,
    /// Rooms that somebody follows.
    pub rooms_followed: usize,
    /// What waits to be written.
    pub write_queue_bytes: usize,
    /// The database, if it says so.
    pub database_bytes: Option<u64>,
    /// Whether the NATS server is there, where one is used.
    pub nats_is_connected: Option<bool>,
    /// Whether the relay could serve.
    pub is_ready: bool,
}

/// The whole page.
pub(super) fn render(sample: &Sample) -> Result<String, fmt::Error> {
    let mut page = String::new();
    encode_registry(&mut page, &own(sample))?;
    if let Some(process) = Process::look() {
        encode_registry(&mut page, &of_process(process))?;
    }
    encode_eof(&mut page)?;
    Ok(page)
}

fn own(sample: &Sample) -> Registry {
    let mut registry = Registry::with_prefix("sotto");
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The program", build);
    let mut gauge = |name: &str, help: &str, value: u64| {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        registry.register(name, help, ConstGauge::new(value));
    };
    gauge("ready", "1 where the relay could serve, as /readyz says", u64::from(sample.is_ready));
    gauge("connections", "Room sockets that are open", sample.connections as u64);
    gauge("rooms_followed", "Rooms that somebody follows", sample.rooms_followed as u64);
    gauge("write_queue_bytes", "What waits to be written", sample.write_queue_bytes as u64);
    if let Some(bytes) = sample.database_bytes {
        gauge("database_bytes", "Size of the database", bytes);
    }
    if let Some(is_connected) = sample.nats_is_connected {
        gauge("nats_connected", "1 where the NATS server is there", u64::from(is_connected));
    }
    let metrics = metrics();
    for (name, help, counter) in [
        ("connections_accepted", "Connections that became room sockets", &metrics.sockets),
        (
            "unnamed_proxy_requests",
            "Requests through a proxy that is not named",
            &metrics.unnamed_proxy_requests,
        ),
        ("behind", "Slow connections that were told to catch up from the log", &metrics.behind),
        ("entries_committed", "Entries that were stored", &metrics.entries),
        ("batches_failed", "Transactions that failed", &metrics.failed_batches),
        ("sweeps", "Sweeps that were done", &metrics.sweeps),
        ("swept_entries", "Bodies of messages that were dropped for their age", &metrics.swept_entries),
        ("swept_doors", "Doors that were closed because their time had come", &metrics.swept_doors),
    ] {
        registry.register(name, help, counter.clone());
    }
    let batches = "Operations that shared one transaction";
    registry.register("batch_operations", batches, metrics.batch_operations.clone());
    registry.register_with_unit(
        "commit",
        "Time that a transaction took, the wait for the disk included",
        Unit::Seconds,
        metrics.commit_seconds.clone(),
    );
    registry.register_collector(Box::new(Tables(metrics)));
    registry
}

fn of_process(process: Process) -> Registry {
    let mut registry = Registry::with_prefix("process");
    let memory = i64::try_from(process.resident_bytes).unwrap_or(i64::MAX);
    registry.register("resident_memory_bytes", "Memory that the process takes", ConstGauge::new(memory));
    let files = i64::try_from(process.open_files).unwrap_or(i64::MAX);
    registry.register("open_fds", "Open files and connections", ConstGauge::new(files));
    let cpu = ConstCounter::new(process.cpu_seconds);
    registry.register_with_unit("cpu", "Time of processors that the process took", Unit::Seconds, cpu);
    registry
}

/// What has two labels.
struct Tables(&'static Metrics);

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tables")
    }
}

impl Collector for Tables {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Requests on room sockets, by what became of them";
        let requests = Kind::ALL.into_iter().zip(&self.0.requests).map(|(kind, row)| (kind.name(), row));
        table(&mut encoder, ("room_requests", help), "request", requests)?;
        let help = "Requests over HTTP, by what became of them";
        let calls = crate::lock::lock(&self.0.calls).clone();
        let calls = calls.iter().map(|(path, row)| (*path, &**row));
        table(&mut encoder, ("http_requests", help), "route", calls)
    }
}

fn table<'m>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    label: &'static str,
    rows: impl Iterator<Item = (&'static str, &'m Outcomes)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (row, outcomes) in rows {
        for (outcome, count) in outcomes.counts() {
            let labels = [(label, row), ("outcome", outcome)];
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_protocol::{ErrorCode, Reply};

    #[test]
    fn the_page_is_openmetrics() {
        metrics().count_reply(Kind::Append, &Reply::Error(ErrorCode::StaleEpoch.into()));
        metrics().note_batch(3, std::time::Duration::from_millis(4));
        let sample = Sample { connections: 5, nats_is_connected: Some(true), ..Sample::default() };
        let page = render(&sample).unwrap();
        for line in [
            "# TYPE sotto_connections gauge",
            "sotto_connections 5",
            "sotto_nats_connected 1",
            "sotto_room_requests_total{request=\"append\",outcome=\"stale_epoch\"} 1",
            "sotto_room_requests_total{request=\"page\",outcome=\"ok\"} 0",
            "sotto_batch_operations_bucket{le=\"4.0\"} 1",
            "sotto_commit_seconds_count 1",
            "# TYPE process_cpu_seconds counter",
        ] {
            assert!(page.lines().any(|known| known == line), "{line} is not in\n{page}");
        }
        assert!(page.contains("sotto_build_info{version=\"") && page.ends_with("# EOF\n"), "{page}");
        assert!(!page.contains("sotto_database_bytes"), "what is not known is left out");
    }
}

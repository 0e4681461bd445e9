//! What the relay counts of itself: how much and how fast, never who or where.
//!
//! One set for the whole program, as it has one log. Counting on the way of a message is an addition without a lock. Labels are
//! of closed sets: kinds of requests, routes and error codes. There is no way to make one of an id or an address.

mod listener;
mod outcomes;
mod process;
mod render;

pub(crate) use listener::{MetricsListener, Sources};
pub(crate) use outcomes::{Kind, Outcomes};

use crate::lock::lock;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use sotto_protocol::Reply;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Everything that is counted.
pub(crate) struct Metrics {
    requests: [Outcomes; Kind::ALL.len()],
    calls: Mutex<Vec<(&'static str, Arc<Outcomes>)>>,
    /// Connections that became room sockets.
    pub sockets: Counter,
    /// Requests that came through a proxy that nobody has named.
    pub unnamed_proxy_requests: Counter,
    /// Times that a connection was told to catch up from the log, because it read too slowly.
    pub behind: Counter,
    /// Entries that were committed.
    pub entries: Counter,
    /// Transactions that failed.
    pub failed_batches: Counter,
    /// Sweeps that were done.
    pub sweeps: Counter,
    /// Bodies of messages that were dropped for their age.
    pub swept_entries: Counter,
    /// Doors that were closed because their time had come.
    pub swept_doors: Counter,
    batch_operations: Histogram,
    commit_seconds: Histogram,
}

/// The program's own.
pub(crate) fn metrics() -> &'static Metrics {
    &METRICS
}

impl Metrics {
    fn new() -> Self {
        Self {
            requests: Kind::ALL.map(|_| Outcomes::default()),
            calls: Mutex::default(),
            sockets: Counter::default(),
            unnamed_proxy_requests: Counter::default(),
            behind: Counter::default(),
            entries: Counter::default(),
            failed_batches: Counter::default(),
            sweeps: Counter::default(),
            swept_entries: Counter::default(),
            swept_doors: Counter::default(),
            batch_operations: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            commit_seconds: Histogram::new(exponential_buckets(0.000_5, 2.0, 15)),
        }
    }

    /// Counts the answer to a request on a room socket.
    pub(crate) fn count_reply(&self, kind: Kind, reply: &Reply) {
        let Some(outcomes) = self.requests.get(kind as usize) else { return };
        match reply {
            Reply::Error(error) => outcomes.count_error(error.code as usize, &error.code),
            _ => outcomes.count_success(),
        }
    }

    /// The counters of a route. To be asked for once: it is found by searching.
    pub(crate) fn calls(&self, path: &'static str) -> Arc<Outcomes> {
        let mut calls = lock(&self.calls);
        if let Some((_, outcomes)) = calls.iter().find(|(known, _)| *known == path) {
            return Arc::clone(outcomes);
        }
        let outcomes = Arc::new(Outcomes::default());
        calls.push((path, Arc::clone(&outcomes)));
        outcomes
    }

    /// Notes a transaction.
    pub(crate) fn note_batch(&self, operations: usize, took: Duration) {
        self.batch_operations.observe(f64::from(u32::try_from(operations).unwrap_or(u32::MAX)));
        self.commit_seconds.observe(took.as_secs_f64());
    }
}

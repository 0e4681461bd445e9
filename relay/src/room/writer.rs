//! The one task that writes: everything that queued up meanwhile goes into one transaction, with one wait for the disk.

use super::batch::Batch;
use super::hints::Listening;
use super::lanes::{LONG_BYTES, Lanes, Taken};
use super::operation::{Operation, Queued};
use super::publish::{Outcome, Work};
use super::reply::ReplyTo;
use super::tails::Tails;
use crate::clock::Clock;
use crate::config::Tuning;
use crate::metrics::metrics;
use crate::store::{StoredRoom, WriteStore};
use sotto_protocol::{ErrorCode, RoomId, WireError};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

/// Most operations and entry bytes in one transaction: beyond, waiting costs more than sharing saves.
const BATCH_MAX_OPERATIONS: usize = 2048;
const BATCH_MAX_BYTES: usize = 2 * 1024 * 1024;
/// Rooms whose state the writer keeps in memory (about 100 bytes each).
const CACHED_ROOMS_MAX: usize = 100_000;
/// With so much waiting, a connection has little of the queue.
const LITTLE_BYTES: usize = 128 * 1024;
/// When to try again while the queue is full.
const OVERLOADED_RETRY_MS: u64 = 1_000;

/// Hands operations to the writer task.
pub(super) struct Writer {
    queue: UnboundedSender<Queued>,
    shared: Arc<Shared>,
    queue_max_bytes: usize,
}

#[derive(Default)]
struct Shared {
    queued_bytes: AtomicUsize,
    is_stopping: AtomicBool,
    stop: Notify,
}

/// The running task; gives the store back when it has stopped.
pub(crate) struct WriterTask {
    task: JoinHandle<WriteStore>,
    publishing: JoinHandle<()>,
    listening: Option<Listening>,
}

impl WriterTask {
    /// Listens to other relays until it finishes.
    pub(super) fn listen(&mut self, listening: Listening) {
        self.listening = Some(listening);
    }

    /// Waits until everything queued is committed, published and answered, and closes the database.
    pub(crate) async fn finish(self) {
        let Self { task, publishing, listening } = self;
        let written = task.await;
        // These hold the publisher's queue open, too.
        drop(listening);
        if let Err(error) = publishing.await {
            tracing::error!(%error, "publishing failed");
        }
        match written {
            Ok(store) => {
                if let Err(error) = store.close().await {
                    tracing::error!(%error, "closing the database failed");
                }
            }
            Err(error) => tracing::error!(%error, "the writer failed"),
        }
    }
}

impl Writer {
    /// Starts writing; `publisher` goes on with what is committed, and so may others beside.
    pub(super) fn start(
        store: WriteStore,
        (publisher, publishing): (Sender<Work>, JoinHandle<()>),
        tuning: &Tuning,
    ) -> (Self, WriterTask) {
        let (queue, operations) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let transactions = Transactions {
            store,
            cache: HashMap::new(),
            tails: Tails::default(),
            clock: tuning.clock.clone(),
            database_within: tuning.database_within,
        };
        let task = tokio::spawn(write(transactions, publisher, operations, Arc::clone(&shared)));
        let queue_max_bytes = tuning.write_queue_max_bytes;
        (Self { queue, shared, queue_max_bytes }, WriterTask { task, publishing, listening: None })
    }

    /// Queues an operation, or answers why not.
    pub(super) fn submit(&self, operation: Operation, reply_to: ReplyTo) {
        if self.is_stopping() {
            return reply_to.error(ErrorCode::ShuttingDown);
        }
        let size_bytes = operation.size_bytes();
        let of_connection = reply_to.session().queued_bytes();
        let queued_bytes = self.shared.queued_bytes.fetch_add(size_bytes, Ordering::AcqRel);
        if !has_room((queued_bytes, of_connection), size_bytes, self.queue_max_bytes) {
            self.shared.queued_bytes.fetch_sub(size_bytes, Ordering::AcqRel);
            return reply_to.error(WireError::with_delay(ErrorCode::Overloaded, OVERLOADED_RETRY_MS));
        }
        let reply_to = reply_to.queued(size_bytes);
        if let Err(refused) = self.queue.send(Queued { operation, reply_to: Some(reply_to) })
            && let Some(reply_to) = refused.0.reply_to
        {
            reply_to.error(ErrorCode::ShuttingDown);
        }
    }

    /// Queues what the relay does by itself. Whether it will be done.
    pub(super) fn submit_own(&self, operation: Operation) -> bool {
        if self.is_stopping() {
            return false;
        }
        self.shared.queued_bytes.fetch_add(operation.size_bytes(), Ordering::AcqRel);
        self.queue.send(Queued { operation, reply_to: None }).is_ok()
    }

    /// Bytes that wait to be written.
    pub(super) fn queued_bytes(&self) -> usize {
        self.shared.queued_bytes.load(Ordering::Acquire)
    }

    /// Whether there is a task that writes, and takes more.
    pub(super) fn is_writing(&self) -> bool {
        !self.is_stopping() && !self.queue.is_closed()
    }

    /// Whether it takes nothing more.
    pub(super) fn is_stopping(&self) -> bool {
        self.shared.is_stopping.load(Ordering::Acquire)
    }

    /// Takes nothing more; what is queued is still committed.
    pub(super) fn stop(&self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        self.shared.stop.notify_one();
    }
}

/// Whether so much more may wait. One connection has a quarter of the queue, what is long has three quarters of it all in all; and
/// a connection with little finds room when others have filled it.
fn has_room((queued_bytes, of_connection): (usize, usize), size_bytes: usize, max_bytes: usize) -> bool {
    let of_all = if of_connection + size_bytes <= LITTLE_BYTES {
        max_bytes.saturating_add(max_bytes / 2)
    } else if size_bytes > LONG_BYTES {
        max_bytes / 4 * 3
    } else {
        max_bytes
    };
    (queued_bytes == 0 || queued_bytes + size_bytes <= of_all)
        && (of_connection == 0 || of_connection + size_bytes <= max_bytes / 4)
}

/// What one transaction after the other is made with.
struct Transactions {
    store: WriteStore,
    cache: HashMap<RoomId, StoredRoom>,
    tails: Tails,
    clock: Clock,
    database_within: Duration,
}

async fn write(
    mut transactions: Transactions,
    publisher: Sender<Work>,
    mut operations: UnboundedReceiver<Queued>,
    shared: Arc<Shared>,
) -> WriteStore {
    let mut lanes = Lanes::default();
    let mut is_closed = false;
    loop {
        if lanes.is_empty() {
            let first = tokio::select! {
                biased;
                () = shared.stop.notified(), if !is_closed => {
                    // What is in the queue still comes out of it.
                    operations.close();
                    is_closed = true;
                    continue;
                }
                first = operations.recv() => first,
            };
            let Some(first) = first else { break };
            lanes.add(first);
        }
        while let Ok(next) = operations.try_recv() {
            lanes.add(next);
        }
        let taken = lanes.take(BATCH_MAX_OPERATIONS, BATCH_MAX_BYTES);
        let mut outcome = commit(&mut transactions, taken, &shared).await;
        lanes.put_back(std::mem::take(&mut outcome.put_off));
        if publisher.send(Work::Outcome(outcome)).await.is_err() {
            break;
        }
        if transactions.cache.len() > CACHED_ROOMS_MAX {
            transactions.cache.clear();
        }
    }
    transactions.store
}

async fn commit(transactions: &mut Transactions, taken: Taken, shared: &Shared) -> Outcome {
    let Taken { operations, size_bytes, .. } = taken;
    let (began, count) = (Instant::now(), operations.len());
    let Transactions { store, cache, tails, clock, database_within } = transactions;
    let outcome = Batch::new(store, (cache, tails), operations, clock).run(*database_within).await;
    metrics().note_batch(count - outcome.put_off.len(), began.elapsed());
    metrics().entries.inc_by(outcome.rooms.iter().map(|(_, _, entries)| entries.len() as u64).sum());
    let put_off: usize = outcome.put_off.iter().map(|queued| queued.operation.size_bytes()).sum();
    shared.queued_bytes.fetch_sub(size_bytes - put_off, Ordering::AcqRel);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_fills_the_queue_for_others() {
        const MIB: usize = 1024 * 1024;
        let max = 64 * MIB;
        let message = 80 * 1024;
        assert!(has_room((0, 0), 16 * MIB, MIB), "a single one always");
        assert!(has_room((60 * MIB, 0), message, max));
        assert!(has_room((90 * MIB, 0), message, max), "who has little finds room in a full queue");
        assert!(!has_room((96 * MIB, 0), message, max), "but not without end");
        assert!(!has_room((64 * MIB, message), message, max), "who has more does not");
        assert!(has_room((40 * MIB, 0), 8 * MIB, max));
        assert!(!has_room((41 * MIB, 0), 8 * MIB, max), "what is long leaves a quarter");
        assert!(!has_room((16 * MIB, 16 * MIB - 1), message, max), "a connection has a quarter");
    }
}

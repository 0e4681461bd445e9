//! The one task that writes: everything that queued up meanwhile goes into one transaction, with one wait for the disk.

use super::batch::Batch;
use super::hints::Listening;
use super::publish::{Outcome, Work};
use super::reply::ReplyTo;
use crate::access::Grant;
use crate::account::GoodToken;
use crate::clock::Clock;
use crate::config::Tuning;
use crate::metrics::metrics;
use crate::push::GonePush;
use crate::store::{HandshakeRecord, NewPush, Registers, StoredRoom, Swept, WriteStore};
use sotto_protocol::{
    ConfirmJoin, CreateRoom, DoorId, DropWraps, EntryHeader, EntryId, ErrorCode, Published, Rewind, RoomId,
    Status, WireError,
};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// Most operations and entry bytes in one transaction: beyond, waiting costs more than sharing saves.
const BATCH_MAX_OPERATIONS: usize = 2048;
const BATCH_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Rooms whose state the writer keeps in memory (about 100 bytes each).
const CACHED_ROOMS_MAX: usize = 100_000;
/// When to try again while the queue is full.
const OVERLOADED_RETRY_MS: u64 = 1_000;

/// Something to be written.
pub(super) enum Operation {
    /// A new room.
    Create {
        create: CreateRoom,
        /// The right to make it, where that takes one: used up with it.
        token: Option<GoodToken>,
    },
    /// A message.
    Append {
        /// Where to.
        room: RoomId,
        /// What the connection has proven.
        grant: Grant,
        /// Of the entry.
        header: EntryHeader,
        /// Header and ciphertext.
        entry: Vec<u8>,
    },
    /// A handshake.
    Handshake(Box<Handshake>),
    /// A rewind, signed by the key that it names.
    Rewind(Box<AppendedRewind>),
    /// A word for a join.
    Confirm(ConfirmJoin),
    /// What is to be kept for the current epoch instead.
    Repair(Box<Repair>),
    /// Wraps that are to be dropped, signed by their owner.
    DropWraps { grant: Grant, drop: DropWraps },
    /// The end of a room, signed by this key.
    Delete { room: RoomId, admin_key: [u8; 32] },
    /// How long messages are kept, signed by this key.
    Retain { room: RoomId, admin_key: [u8; 32], seconds: Option<u64> },
    /// Where a device wants to be woken.
    Subscribe { room: RoomId, grant: Grant, push: NewPush },
    /// That it wants to be woken no more.
    Unsubscribe { room: RoomId, grant: Grant, id: [u8; 16] },
    /// That its push service does not know it any more.
    ForgetPush(GonePush),
    /// Status registers.
    Registers { registers: Registers, done: oneshot::Sender<()> },
    /// What is too old.
    Sweep { retention_s: Option<u64>, done: oneshot::Sender<Swept> },
}

/// A rewind to be written, if it is still to the point.
pub(super) struct AppendedRewind {
    pub room: RoomId,
    pub grant: Grant,
    pub rewind: Rewind,
    pub entry: Vec<u8>,
    pub published: Published,
}

/// What a member publishes again.
pub(super) struct Repair {
    pub room: RoomId,
    pub grant: Grant,
    pub epoch: u64,
    /// The last handshake its writer knows.
    pub known_seq: u64,
    pub published: Option<Published>,
    pub history: Option<Vec<u8>>,
}

/// A handshake to be written, if it comes next.
pub(super) struct Handshake {
    pub room: RoomId,
    /// The last handshake its writer knows.
    pub known_seq: u64,
    pub header: EntryHeader,
    pub entry: Vec<u8>,
    pub record: HandshakeRecord,
    pub authority: Authority,
}

/// By what right a handshake comes.
pub(super) enum Authority {
    /// A member's connection.
    Member(Grant),
    /// A newcomer who proved to have opened the card behind `door`, under this join key.
    Joiner { door: DoorId, join_key: [u8; 32] },
}

impl Operation {
    pub(super) fn room(&self) -> Option<&RoomId> {
        match self {
            Self::Create { create, .. } => Some(&create.room),
            Self::Append { room, .. }
            | Self::Delete { room, .. }
            | Self::Retain { room, .. }
            | Self::Subscribe { room, .. }
            | Self::Unsubscribe { room, .. } => Some(room),
            Self::ForgetPush(gone) => Some(&gone.room.0),
            Self::Handshake(handshake) => Some(&handshake.room),
            Self::Rewind(rewind) => Some(&rewind.room),
            Self::Confirm(confirm) => Some(&confirm.room),
            Self::Repair(repair) => Some(&repair.room),
            Self::DropWraps { drop, .. } => Some(&drop.room),
            Self::Registers { registers, .. } => Some(&registers.room),
            Self::Sweep { .. } => None,
        }
    }

    /// The id of the entry that it brings.
    pub(super) fn entry_id(&self) -> Option<EntryId> {
        match self {
            Self::Append { header, .. } => Some(header.id),
            Self::Handshake(handshake) => Some(handshake.header.id),
            Self::Rewind(rewind) => Some(Rewind::entry_id(&rewind.entry)),
            _ => None,
        }
    }

    fn size_bytes(&self) -> usize {
        const OVERHEAD_BYTES: usize = 256;
        let history = |link: &Option<Vec<u8>>| link.as_ref().map_or(0, Vec::len);
        OVERHEAD_BYTES
            + match self {
                Self::Append { entry, .. } => entry.len(),
                Self::Handshake(handshake) => {
                    let record = &handshake.record;
                    handshake.entry.len() + published_bytes(&record.published) + history(&record.history)
                }
                Self::Rewind(rewind) => rewind.entry.len() + published_bytes(&rewind.published),
                Self::Repair(repair) => {
                    repair.published.as_ref().map_or(0, published_bytes) + history(&repair.history)
                }
                Self::Subscribe { push, .. } => push.sealed.len(),
                Self::Registers { registers, .. } => registers.values.len() * size_of::<Status>(),
                _ => 0,
            }
    }
}

fn published_bytes(published: &Published) -> usize {
    const ROW_BYTES: usize = 64;
    let doors = published.doors.iter().map(|door| door.wrap.len() + ROW_BYTES);
    let wraps = published.capsule_wraps.iter().flatten().map(|wrap| wrap.wrap.len() + ROW_BYTES);
    let capsule = published.capsule.as_ref().map_or(0, Vec::len);
    published.card.len() + capsule + doors.chain(wraps).sum::<usize>()
}

/// An operation and who waits for it.
pub(super) struct Queued {
    pub operation: Operation,
    /// Nobody, where the relay's own task waits.
    pub reply_to: Option<ReplyTo>,
}

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
        let queued_bytes = self.shared.queued_bytes.fetch_add(size_bytes, Ordering::AcqRel);
        if queued_bytes > 0 && queued_bytes + size_bytes > self.queue_max_bytes {
            self.shared.queued_bytes.fetch_sub(size_bytes, Ordering::AcqRel);
            return reply_to.error(WireError::with_delay(ErrorCode::Overloaded, OVERLOADED_RETRY_MS));
        }
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

/// What one transaction after the other is made with.
struct Transactions {
    store: WriteStore,
    cache: HashMap<RoomId, StoredRoom>,
    clock: Clock,
    database_within: Duration,
}

async fn write(
    mut transactions: Transactions,
    publisher: Sender<Work>,
    mut operations: UnboundedReceiver<Queued>,
    shared: Arc<Shared>,
) -> WriteStore {
    let mut deferred = VecDeque::new();
    let mut is_closed = false;
    loop {
        if deferred.is_empty() {
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
            deferred.push_back(first);
        }
        let (batch, size_bytes) = fill(&mut deferred, &mut operations);
        let outcome = commit(&mut transactions, batch, &mut deferred, size_bytes, &shared).await;
        if publisher.send(Work::Outcome(outcome)).await.is_err() {
            break;
        }
        if transactions.cache.len() > CACHED_ROOMS_MAX {
            transactions.cache.clear();
        }
    }
    transactions.store
}

/// Takes what is there, up to the bounds of a transaction.
fn fill(
    deferred: &mut VecDeque<Queued>,
    operations: &mut UnboundedReceiver<Queued>,
) -> (VecDeque<Queued>, usize) {
    let mut batch = VecDeque::new();
    let mut size_bytes = 0;
    while batch.len() < BATCH_MAX_OPERATIONS && size_bytes < BATCH_MAX_BYTES {
        let Some(next) = deferred.pop_front().or_else(|| operations.try_recv().ok()) else { break };
        size_bytes += next.operation.size_bytes();
        batch.push_back(next);
    }
    (batch, size_bytes)
}

async fn commit(
    transactions: &mut Transactions,
    batch: VecDeque<Queued>,
    deferred: &mut VecDeque<Queued>,
    size_bytes: usize,
    shared: &Shared,
) -> Outcome {
    let already_deferred: usize = deferred.iter().map(|queued| queued.operation.size_bytes()).sum();
    let (began, operations) = (Instant::now(), batch.len());
    let Transactions { store, cache, clock, database_within } = transactions;
    let outcome = Batch::new(store, cache, batch, deferred, clock).run(*database_within).await;
    metrics().note_batch(operations, began.elapsed());
    metrics().entries.inc_by(outcome.rooms.iter().map(|(_, _, entries)| entries.len() as u64).sum());
    // What was put off to the next transaction is still queued.
    let put_off: usize =
        deferred.iter().map(|queued| queued.operation.size_bytes()).sum::<usize>() - already_deferred;
    shared.queued_bytes.fetch_sub(size_bytes - put_off, Ordering::AcqRel);
    outcome
}

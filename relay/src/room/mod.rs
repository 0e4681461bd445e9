//! What can be asked about rooms, a file per operation, and what happens to entries on their way.
//!
//! ```text
//! create, append, handshake, repair, administer, push ──> writer (batch) ──commit──> publish ──> hub ──> outbox of every subscriber
//! open, page, card, join, held ──> read store
//! status ──> hub, and behind it background ──> writer
//! ```

mod administer;
mod append;
mod background;
mod batch;
mod card;
mod create;
mod envelope;
mod handshake;
mod held;
mod hints;
mod hub;
mod judge;
mod lanes;
mod open;
mod operation;
mod outbox;
mod page;
mod publish;
mod push;
mod repair;
mod reply;
mod run;
mod session;
mod status;
mod tails;
mod turns;
mod writer;

pub use hints::HintError;
pub(crate) use hints::check_address;
pub(crate) use outbox::{CloseReason, Piece};
pub(crate) use reply::ReplyTo;
pub(crate) use session::Session;
pub(crate) use writer::WriterTask;

use crate::account::RoomTokens;
use crate::clock::Clock;
use crate::config::{SecretUrl, Tuning};
use crate::push::{GonePush, Push};
use crate::store::{ReadStore, Store, StoreError};
use hints::Hints;
use hub::Hub;
use publish::Publisher;
use session::Left;
use sotto_protocol::{ErrorCode, Incarnation, Reply, WireError};
use status::StatusBoard;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use turns::Turns;
use writer::Writer;
use zeroize::Zeroizing;

/// All rooms of a relay.
pub(crate) struct Rooms {
    read: ReadStore,
    writer: Arc<Writer>,
    hub: Arc<Hub>,
    hints: Hints,
    statuses: Arc<StatusBoard>,
    /// Where only accounts make rooms: what checks that they may.
    gate: Option<RoomTokens>,
    /// Nothing where nobody is woken.
    push: Option<Push>,
    incarnation: Incarnation,
    clock: Clock,
    /// How long the operator keeps bodies of messages; nothing: without end.
    max_retention: Option<Duration>,
    turns: Arc<Turns>,
}

impl Rooms {
    /// Starts the writer on an open store, what the relay does by itself, and listening to other relays where they share it.
    pub(crate) async fn start(
        store: Store,
        (nats, hint_key): (Option<&SecretUrl>, Zeroizing<[u8; 32]>),
        max_retention: Option<Duration>,
        (gate, push): (Option<RoomTokens>, Option<(Push, UnboundedReceiver<GonePush>)>),
        tuning: &Tuning,
    ) -> Result<(Self, WriterTask), HintError> {
        let hub = Arc::new(Hub::default());
        let hints = Hints::connect(nats, hint_key).await?;
        let is_shared = store.write.is_shared();
        let statuses = Arc::new(StatusBoard::default());
        let (push, gone) = push.unzip();
        let publisher = Publisher {
            hub: Arc::clone(&hub),
            read: store.read.clone(),
            hints: hints.clone(),
            statuses: Arc::clone(&statuses),
            push: push.clone(),
            within: tuning.database_within,
        };
        let (queue, publishing) = publisher.start();
        let listening = hints.listen(Arc::clone(&hub), store.read.clone(), queue.clone(), is_shared).await?;
        let (writer, mut task) = Writer::start(store.write, (queue, publishing), tuning);
        task.listen(listening);
        let writer = Arc::new(writer);
        if let Some(gone) = gone {
            push::start_forgetting(Arc::clone(&writer), gone);
        }
        background::start_flushing(Arc::clone(&statuses), Arc::clone(&writer));
        background::start_sweeping(
            (Arc::clone(&writer), store.read.clone()),
            (tuning.sweep_every, max_retention),
            tuning.clock.clone(),
        );
        let (incarnation, clock) = (store.incarnation, tuning.clock.clone());
        let rooms = Self {
            read: store.read,
            writer,
            hub,
            hints,
            statuses,
            gate,
            push,
            incarnation,
            clock,
            max_retention,
            turns: Arc::default(),
        };
        Ok((rooms, task))
    }

    /// Which life of the database this is.
    pub(crate) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Ends a session: nothing is pushed to it any more.
    pub(crate) fn end(&self, session: &Session) {
        let Left { rooms, turns } = session.end(&self.hub);
        for room in rooms {
            self.statuses.forget(&room, session.id());
        }
        for room in turns {
            self.turns.leave(&room, session.id());
        }
    }

    /// Writes the status registers that are only in memory.
    pub(crate) async fn flush_statuses(&self) {
        background::flush(&self.statuses, &self.writer).await;
    }

    /// How many rooms somebody follows.
    pub(crate) fn followed(&self) -> usize {
        self.hub.count()
    }

    /// Bytes that wait to be written.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.writer.queued_bytes()
    }

    /// How much the database takes.
    pub(crate) async fn database_bytes(&self) -> Result<u64, StoreError> {
        self.read.size_bytes().await
    }

    /// Whether the NATS server is there, where one is used.
    pub(crate) fn nats_is_connected(&self) -> Option<bool> {
        self.hints.is_connected()
    }

    /// Whether the database answers and has this version's schema.
    pub(crate) async fn schema_is_current(&self) -> Result<bool, StoreError> {
        self.read.schema_is_current().await
    }

    /// Whether what is to be written is taken.
    pub(crate) fn is_writing(&self) -> bool {
        self.writer.is_writing()
    }

    /// Refuses new writes; what is queued is still committed.
    pub(crate) fn stop_writing(&self) {
        self.writer.stop();
    }

    /// Closes the connections that read.
    pub(crate) async fn close(&self) {
        self.read.close().await;
    }
}

/// A read failed: that is a fault of the relay, and only the operator can do something about it.
fn read_failed(error: &StoreError) -> Reply {
    tracing::error!(%error, "reading the database failed");
    Reply::Error(ErrorCode::Internal.into())
}

fn refused(code: ErrorCode) -> Reply {
    Reply::Error(WireError::new(code))
}

//! The connections there are, so that stopping can reach them all.

use crate::lock::lock;
use crate::metrics::metrics;
use crate::room::{CloseReason, Session};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// All sessions that are connected.
#[derive(Default)]
pub(crate) struct Connections {
    next_id: AtomicU64,
    sessions: Mutex<Sessions>,
    emptied: Notify,
}

#[derive(Default)]
struct Sessions {
    by_id: HashMap<u64, Arc<Session>>,
    is_closing: bool,
}

impl Connections {
    /// A number for a new session.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        lock(&self.sessions).by_id.len()
    }

    pub(super) fn add(&self, session: &Arc<Session>) {
        metrics().sockets.inc();
        let mut sessions = lock(&self.sessions);
        sessions.by_id.insert(session.id(), Arc::clone(session));
        if sessions.is_closing {
            session.outbox().close(CloseReason::GoingAway);
        }
    }

    pub(super) fn remove(&self, session: &Session) {
        let mut sessions = lock(&self.sessions);
        sessions.by_id.remove(&session.id());
        if sessions.by_id.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// Closes every connection, those that are just being made included. Whether there was any.
    pub(crate) fn close_all(&self) -> bool {
        let mut sessions = lock(&self.sessions);
        sessions.is_closing = true;
        for session in sessions.by_id.values() {
            session.outbox().close(CloseReason::GoingAway);
        }
        !sessions.by_id.is_empty()
    }

    /// Closes every connection and waits until all are gone.
    pub(crate) async fn close_all_and_wait(&self) {
        let emptied = self.emptied.notified();
        tokio::pin!(emptied);
        emptied.as_mut().enable();
        if self.close_all() {
            emptied.await;
        }
    }
}

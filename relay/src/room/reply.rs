//! The one answer that every request gets.

use super::session::Session;
use crate::limit::Share;
use crate::metrics::{Kind, metrics};
use crate::wire;
use sotto_protocol::{ErrorCode, Reply, WireError};
use std::sync::Arc;

/// Where the answer to one request goes. Whatever happens to the request, it is answered: at the latest when this is
/// dropped.
pub(crate) struct ReplyTo {
    session: Arc<Session>,
    request: u32,
    weight: u32,
    /// What it is counted as.
    kind: Option<Kind>,
    /// Bytes of the request that wait to be written.
    queued_bytes: usize,
    /// Memory for the answer.
    share: Option<Box<Share>>,
    /// What is to be done once the entry is known to be stored.
    once_appended: Option<Box<dyn FnOnce() + Send + Sync>>,
    is_answered: bool,
}

impl ReplyTo {
    /// Counts the request as under way until it is answered. `weight` bounds what one connection has under way.
    pub(crate) fn new(session: Arc<Session>, request: u32, weight: u32) -> Self {
        session.add_in_flight(weight);
        Self {
            session,
            request,
            weight,
            kind: None,
            queued_bytes: 0,
            share: None,
            once_appended: None,
            is_answered: false,
        }
    }

    /// Counts the answer as one to such a request.
    pub(crate) fn counted_as(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Takes that memory for the answer, until it is written.
    pub(crate) fn within(mut self, share: Share) -> Self {
        self.share = Some(Box::new(share));
        self
    }

    /// Does that before it is answered that an entry is stored.
    pub(super) fn once_appended(mut self, then: impl FnOnce() + Send + Sync + 'static) -> Self {
        self.once_appended = Some(Box::new(then));
        self
    }

    /// Counts so many bytes as waiting to be written, until it is answered.
    pub(super) fn queued(mut self, bytes: usize) -> Self {
        self.session.add_queued_bytes(bytes);
        self.queued_bytes += bytes;
        self
    }

    /// Who asked.
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Answers.
    pub(crate) fn send(mut self, reply: Reply) {
        self.answer(reply);
    }

    /// Answers with an error.
    pub(crate) fn error(self, error: impl Into<WireError>) {
        self.send(Reply::Error(error.into()));
    }

    fn answer(&mut self, reply: Reply) {
        self.is_answered = true;
        if let Some(then) = self.once_appended.take().filter(|_| matches!(reply, Reply::Appended(_))) {
            then();
        }
        if let Some(kind) = self.kind {
            metrics().count_reply(kind, &reply);
        }
        self.session.remove_in_flight(self.weight);
        self.session.remove_queued_bytes(self.queued_bytes);
        let frame = wire::reply(self.request, reply);
        let mut share = self.share.take();
        if let Some(share) = &mut share {
            share.shrink_to(frame.len());
        }
        self.session.outbox().push_within(frame, share);
    }
}

impl Drop for ReplyTo {
    fn drop(&mut self) {
        if !self.is_answered {
            self.answer(Reply::Error(ErrorCode::Internal.into()));
        }
    }
}

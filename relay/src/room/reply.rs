//! The one answer that every request gets.

use super::session::Session;
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
    is_answered: bool,
}

impl ReplyTo {
    /// Counts the request as under way until it is answered. `weight` bounds what one connection has under way.
    pub(crate) fn new(session: Arc<Session>, request: u32, weight: u32) -> Self {
        session.add_in_flight(weight);
        Self { session, request, weight, kind: None, is_answered: false }
    }

    /// Counts the answer as one to such a request.
    pub(crate) fn counted_as(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
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
        if let Some(kind) = self.kind {
            metrics().count_reply(kind, &reply);
        }
        self.session.remove_in_flight(self.weight);
        self.session.outbox().push(wire::reply(self.request, reply));
    }
}

impl Drop for ReplyTo {
    fn drop(&mut self) {
        if !self.is_answered {
            self.answer(Reply::Error(ErrorCode::Internal.into()));
        }
    }
}

//! What this connection knows of a room: nothing of it is stored.

use crate::{
    backoff::Backoff,
    room::{Bodiless, Moment, Suspect},
};
use sotto_crypto::message::MessageId;
use sotto_protocol::{Dropped, EntryId};
use std::collections::HashSet;

/// Where a room stands on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// To be opened.
    #[default]
    Closed,
    /// Asked to be made or opened.
    Opening,
    /// Reading handshakes up to the current epoch.
    Handshakes,
    /// Reading the log up to its head.
    Reading,
    /// Following the log.
    Live,
    /// Nothing more can be done on this connection.
    Stopped,
}

/// A room on this connection.
#[derive(Debug, Default)]
pub struct Link {
    pub phase: Phase,
    /// The number of the request whose answer the phase waits for. Any other answer comes too late.
    pub awaited: Option<u32>,
    /// Whether the relay said that it made the room.
    pub is_created: bool,
    /// The epoch with whose key it is open.
    pub opened_epoch: u64,
    /// The last entry that the relay is known to have.
    pub head_seq: u64,
    /// The last place that the relay acknowledged on this connection, until it is read.
    pub acknowledged_seq: Option<u64>,
    /// [`Link::acknowledged_seq`] when the last page was asked for: that page has to reach it, or say that there is more.
    pub page_promise_seq: Option<u64>,
    /// From where on to ask for the next page of handshakes, while there are more.
    pub handshakes_from: Option<u64>,
    /// A commit that the relay refused for good: given up once the log is read to its end without it.
    pub refused_commit: Option<EntryId>,
    /// What the relay said when it was opened that it has dropped.
    pub dropped: Option<Dropped>,
    /// Bodies that are missing beyond that: the room is opened again, and then it is judged.
    pub bodiless: Option<Bodiless>,
    /// Where the log ended when it was opened, and when that was asked: kept once it is read up to there.
    pub opened_end: Option<(u64, Moment)>,
    /// How long the relay keeps bodies, in seconds, where it does not keep them for ever.
    pub kept_s: Option<u64>,
    /// Whether anything was read since the room was opened.
    pub has_progress: bool,
    /// An entry that did not open, and is being fetched once more.
    pub suspect: Option<Suspect>,
    pub suspect_tries: u32,
    pub is_caught_up: bool,
    /// Messages that were sent and not answered.
    pub under_way: HashSet<MessageId>,
    /// The commit that was sent and has not come back through the log.
    pub commit_under_way: Option<EntryId>,
    /// Nothing is sent before this time.
    pub retry_at_ms: Option<u64>,
    pub backoff: Backoff,
}

impl Link {
    /// The connection is gone.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// To be opened anew on the same connection.
    pub fn reopen(&mut self) {
        if self.phase != Phase::Stopped {
            self.phase = Phase::Closed;
            self.awaited = None;
        }
    }

    /// Nothing more is done on this connection.
    pub fn stop(&mut self) {
        self.phase = Phase::Stopped;
        self.awaited = None;
    }

    /// The relay says that it stored something of this device.
    pub fn note_acknowledged(&mut self, seq: u64) {
        self.acknowledged_seq = self.acknowledged_seq.max(Some(seq));
        self.head_seq = self.head_seq.max(seq);
    }
}

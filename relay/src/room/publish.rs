//! After the commit: new entries to those who follow, then the answers to those who asked.
//!
//! A task of its own, so that the writer is already in the next transaction meanwhile. One queue keeps the order. What other
//! relays have written to a room, and this one has not pushed, is read and pushed first.

use super::hints::Hints;
use super::hub::{Hub, LiveEntry};
use super::reply::ReplyTo;
use super::status::StatusBoard;
use crate::access::RoomHead;
use crate::store::ReadStore;
use crate::wire;
use sotto_protocol::{Reply, RoomId, Status};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What one transaction has brought.
#[derive(Default)]
pub(super) struct Outcome {
    /// New entries by room, in the order of the log, and the room's state after them.
    pub rooms: Vec<(RoomId, RoomHead, Vec<LiveEntry>)>,
    /// Rooms that were deleted.
    pub gone: Vec<RoomId>,
    /// Everybody's answer.
    pub answers: Vec<(ReplyTo, Reply)>,
}

/// What is to be published.
pub(super) enum Work {
    /// What this relay has committed.
    Outcome(Outcome),
    /// What others may have committed to these rooms.
    CatchUp(Vec<RoomId>),
    /// What somebody wrote into a register at another relay.
    Status(RoomId, Box<Status>),
    /// Rooms that are not in the database any more.
    Gone(Vec<RoomId>),
}

/// So many transactions may wait to be published before the writer waits, too.
const WAITING_MAX: usize = 4;

/// Publishes in one order.
pub(super) struct Publisher {
    pub hub: Arc<Hub>,
    pub read: ReadStore,
    pub hints: Hints,
    pub statuses: Arc<StatusBoard>,
}

impl Publisher {
    /// Starts the task. It ends when the senders are dropped and everything has been published.
    pub(super) fn start(self) -> (mpsc::Sender<Work>, JoinHandle<()>) {
        let (sender, mut work) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(async move {
            while let Some(work) = work.recv().await {
                match work {
                    Work::Outcome(outcome) => self.publish(outcome).await,
                    Work::Status(room, status) => {
                        self.statuses.overtaken(&room, &status.register);
                        self.hub.publish_status(&room, &status);
                    }
                    Work::Gone(rooms) => rooms.iter().for_each(|room| self.hub.close(room)),
                    Work::CatchUp(rooms) => {
                        for room in rooms {
                            self.catch_up(&room).await;
                        }
                    }
                }
            }
        });
        (sender, task)
    }

    async fn publish(&self, outcome: Outcome) {
        for (room, head, entries) in &outcome.rooms {
            if let Some(first) = entries.first()
                && self.hub.misses_before(room, first.seq)
            {
                self.catch_up(room).await;
                if self.hub.misses_before(room, first.seq) {
                    // It cannot be read now. What comes after a gap waits, too, and is found with it at the next look.
                    continue;
                }
            }
            self.hub.publish(room, entries, *head);
        }
        for room in &outcome.gone {
            self.hub.close(room);
        }
        for (reply_to, reply) in outcome.answers {
            reply_to.send(reply);
        }
        self.hints.tell(outcome.rooms.iter().map(|(room, ..)| *room)).await;
    }

    /// Pushes what is in the database and was not pushed yet. What cannot be read now is found at the next look.
    async fn catch_up(&self, room: &RoomId) {
        while let Some(pushed_seq) = self.hub.pushed_seq(room) {
            let (head, entries) = match self.read.since(room, pushed_seq).await {
                Ok(Some(since)) => since,
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, "entries of another relay cannot be read");
                    return;
                }
            };
            let live: Vec<_> = entries
                .into_iter()
                .map(|(epoch, effect, entry)| LiveEntry {
                    seq: entry.seq,
                    kind: entry.kind,
                    epoch,
                    effect,
                    frame: wire::entry(room, &entry),
                })
                .collect();
            self.hub.publish(room, &live, head);
        }
    }
}

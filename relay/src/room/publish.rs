//! After the commit: new entries to those who follow, then the answers to those who asked.
//!
//! A task of its own, so that the writer is already in the next transaction meanwhile. One queue keeps the order. What other
//! relays have written to a room, and this one has not pushed, is read and pushed first.

use super::hints::{Hints, StatusHint};
use super::hub::{Hub, LiveEntry};
use super::operation::Queued;
use super::reply::ReplyTo;
use super::status::StatusBoard;
use crate::access::RoomHead;
use crate::push::{Push, Woken};
use crate::store::ReadStore;
use crate::wire;
use sotto_protocol::{RelayFrame, Reply, RoomId};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What one transaction has brought.
#[derive(Default)]
pub(super) struct Outcome {
    /// New entries by room, in the order of the log, and the room's state after them.
    pub rooms: Vec<(RoomId, RoomHead, Vec<LiveEntry>)>,
    /// Rooms that were deleted.
    pub gone: Vec<RoomId>,
    /// Rooms in which something was said, with the relay's numbers of them.
    pub woken: Vec<(RoomId, i64)>,
    /// What the transaction had no time for.
    pub put_off: VecDeque<Queued>,
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
    Status(Box<StatusHint>),
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
    /// Nothing where nobody is woken.
    pub push: Option<Push>,
    /// How long reading may take: whoever waits for an answer waits behind it.
    pub within: Duration,
}

impl Publisher {
    /// Starts the task. It ends when the senders are dropped and everything has been published.
    pub(super) fn start(self) -> (mpsc::Sender<Work>, JoinHandle<()>) {
        let (sender, mut work) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(async move {
            while let Some(work) = work.recv().await {
                match work {
                    Work::Outcome(outcome) => self.publish(outcome).await,
                    Work::Status(hint) => {
                        self.statuses.overtaken(&hint);
                        self.hub.publish_status(&hint);
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
        if let Some(push) = &self.push {
            for (room, row) in &outcome.woken {
                push.wake(Woken::Room(*row, *room.as_bytes()));
            }
        }
        for (reply_to, reply) in outcome.answers {
            reply_to.send(reply);
        }
        self.hints.tell(outcome.rooms.iter().map(|(room, ..)| *room));
    }

    /// Pushes what is in the database and was not pushed yet. What cannot be read now is found at the next look.
    async fn catch_up(&self, room: &RoomId) {
        while let Some(pushed_seq) = self.hub.pushed_seq(room) {
            let (head, entries) = match timeout(self.within, self.read.since(room, pushed_seq)).await {
                Ok(Ok(Some(since))) => since,
                Ok(Ok(None)) => return,
                Err(_) => return tracing::warn!("entries of another relay cannot be read: nothing comes"),
                Ok(Err(error)) => {
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
                    // What is pushed has its body: a relay that pushes one without keeps something back. What is that late is to be read.
                    frame: match entry.dropped {
                        None => wire::entry(room, &entry),
                        Some(_) => wire::frame(&RelayFrame::Behind(*room)),
                    },
                })
                .collect();
            self.hub.publish(room, &live, head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Effect, Grant};
    use crate::config::Database;
    use crate::room::hub::Seen;
    use crate::room::session::Session;
    use crate::store::Store;
    use sotto_protocol::{Challenge, EntryKind, LogEntry, Retention};

    #[tokio::test]
    async fn what_comes_after_a_gap_waits_until_the_gap_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Database::Sqlite, folder.path(), None).await.unwrap();
        // As if the database had just gone away.
        store.read.close().await;
        let (hub, room) = (Arc::new(Hub::default()), RoomId::new([1; 16]));
        let hints = Hints::connect(None, [0; 32].into()).await.unwrap();
        let publisher = Publisher {
            hub: Arc::clone(&hub),
            read: store.read.clone(),
            hints,
            statuses: Arc::default(),
            push: None,
            within: Duration::from_secs(1),
        };
        let session = Arc::new(Session::new(1, Challenge::new([0; 32]), "relay".into(), 1_000_000));
        let head = |head_seq| RoomHead { head_seq, ..RoomHead::default() };
        let grant = Grant { room: 1, epoch: 0, began_seq: 0 };
        let reply_to = ReplyTo::new(Arc::clone(&session), 1, 1);
        let seen = Seen { head: head(3), limit: None, retention: Retention::default() };
        assert!(hub.enter(&room).subscribe(&session, grant, seen, reply_to).is_ok());
        for (seq, pushed_seq) in [(6, 3), (4, 4), (5, 5), (6, 6), (8, 6)] {
            let frame = wire::entry(&room, &LogEntry::message(seq, vec![7; 40]));
            let entry = LiveEntry { seq, kind: EntryKind::Message, epoch: 0, effect: Effect::None, frame };
            let rooms = vec![(room, head(seq), vec![entry])];
            publisher.publish(Outcome { rooms, ..Outcome::default() }).await;
            assert_eq!(hub.pushed_seq(&room), Some(pushed_seq), "after {seq}");
        }
    }
}

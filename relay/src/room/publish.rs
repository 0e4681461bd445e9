//! After the commit: new entries to those who follow, then the answers to those who asked.
//!
//! A task of its own, so that the writer is already in the next transaction meanwhile. One queue keeps the order.

use super::hub::{Hub, LiveEntry};
use super::reply::ReplyTo;
use crate::access::RoomHead;
use sotto_protocol::{Reply, RoomId};
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

/// So many transactions may wait to be published before the writer waits, too.
const WAITING_MAX: usize = 4;

/// Starts the task. It ends when the sender is dropped and everything has been published.
pub(super) fn start(hub: Arc<Hub>) -> (mpsc::Sender<Outcome>, JoinHandle<()>) {
    let (sender, mut outcomes) = mpsc::channel::<Outcome>(WAITING_MAX);
    let task = tokio::spawn(async move {
        while let Some(outcome) = outcomes.recv().await {
            for (room, head, entries) in &outcome.rooms {
                hub.publish(room, entries, *head);
            }
            for room in &outcome.gone {
                hub.close(room);
            }
            for (reply_to, reply) in outcome.answers {
                reply_to.send(reply);
            }
        }
    });
    (sender, task)
}

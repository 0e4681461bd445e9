//! What the relay does by itself: writing status registers behind, and sweeping out what is too old.

use super::operation::{Operation, Sweep};
use super::status::StatusBoard;
use super::writer::Writer;
use crate::clock::Clock;
use crate::metrics::metrics;
use crate::store::{ReadStore, Registers, Swept};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// A value is on disk at the latest after this time and the time of a transaction.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Between two parts of a long sweep, so that others go on.
const SWEEP_PAUSE: Duration = Duration::from_millis(50);
/// Rooms that one part of it looks at.
const ROOMS_TOGETHER: usize = 64;

/// Starts writing registers behind. It ends when the writer stops.
pub(super) fn start_flushing(statuses: Arc<StatusBoard>, writer: Arc<Writer>) {
    tokio::spawn(async move {
        while !writer.is_stopping() {
            tokio::time::sleep(FLUSH_EVERY).await;
            flush(&statuses, &writer).await;
            statuses.tidy();
        }
    });
}

/// Writes what is not on disk yet. What fails stays for the next time.
pub(super) async fn flush(statuses: &StatusBoard, writer: &Writer) {
    let mut waiting = Vec::new();
    for Registers { room, row, began_seq, values } in statuses.unflushed() {
        let registers = Registers { room, row, began_seq, values: values.clone() };
        let (done, is_done) = oneshot::channel();
        if writer.submit_own(Operation::Registers { registers, done }) {
            waiting.push((Registers { room, row, began_seq, values }, is_done));
        }
    }
    for (registers, is_done) in waiting {
        if is_done.await.is_ok() {
            statuses.flushed(&registers);
        }
    }
}

/// Starts sweeping. It ends when the writer stops.
pub(super) fn start_sweeping(
    (writer, read): (Arc<Writer>, ReadStore),
    (every, retention): (Duration, Option<Duration>),
    clock: Clock,
) {
    let retention_s = retention.map(|retention| retention.as_secs());
    tokio::spawn(async move {
        while !writer.is_stopping() {
            tokio::time::sleep(every).await;
            sweep_bodies((&writer, &read), retention_s, &clock).await;
            while let Some(Swept { has_more: true, .. }) = sweep(&writer, Sweep::Rest).await {
                tokio::time::sleep(SWEEP_PAUSE).await;
            }
        }
    });
}

/// Goes through all rooms, some at a time. Only what there is to drop is the writer's business.
async fn sweep_bodies((writer, read): (&Writer, &ReadStore), retention_s: Option<u64>, clock: &Clock) {
    let mut after = 0;
    loop {
        let due = match read.due(clock.earliest_ms(), retention_s, after).await {
            Ok(due) => due,
            Err(error) => return tracing::warn!(%error, "what is too old cannot be found now"),
        };
        for mut rooms in due.rooms.chunks(ROOMS_TOGETHER) {
            while !rooms.is_empty() {
                let bodies = Sweep::Bodies { retention_s, rooms: rooms.to_vec() };
                let Some(swept) = sweep(writer, bodies).await else { return };
                rooms = rooms.get(swept.done_rooms..).unwrap_or_default();
                if !rooms.is_empty() {
                    tokio::time::sleep(SWEEP_PAUSE).await;
                }
            }
        }
        let Some(next) = due.after else { return };
        after = next;
    }
}

async fn sweep(writer: &Writer, sweep: Sweep) -> Option<Swept> {
    let (done, swept) = oneshot::channel();
    if !writer.submit_own(Operation::Sweep { sweep, done }) {
        return None;
    }
    let swept = swept.await.ok()?;
    metrics().sweeps.inc();
    metrics().swept_entries.inc_by(swept.entries);
    metrics().swept_doors.inc_by(swept.doors);
    if swept.entries > 0 || swept.doors > 0 {
        tracing::debug!(entries = swept.entries, doors = swept.doors, "dropped what is too old");
    }
    Some(swept)
}

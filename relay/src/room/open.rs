//! Opening a room: proof of membership in an epoch, and from then on the live feed.

use super::hub::Seen;
use super::session::Admission;
use super::{ReplyTo, Rooms, read_failed};
use crate::access::{Grant, proves_membership};
use crate::store::EpochKey;
use sotto_protocol::{ErrorCode, OpenRoom, Reply, Retention};

/// Each means that the room has changed just between reading and answering.
const TRIES: u32 = 100;

impl Rooms {
    /// Opens a room on the connection that asks. Opening again with another epoch's key replaces what was proven.
    pub(crate) async fn open(&self, open: OpenRoom, reply_to: ReplyTo) {
        let mut reply_to = reply_to;
        for _ in 0..TRIES {
            // First into the hub, then to the database: what is committed in between is published to us.
            let live = self.hub.enter(&open.room);
            let admission = match self.prove(&open, &reply_to).await {
                Ok(proven) => {
                    let session = reply_to.session().clone();
                    session.admit(&live, proven, reply_to)
                }
                Err(reply) => {
                    reply_to.send(reply);
                    Admission::Done
                }
            };
            self.hub.leave_if_unused(&live);
            match admission {
                Admission::Done => return,
                Admission::Again(again) => reply_to = again,
            }
        }
        reply_to.error(ErrorCode::Internal);
    }

    async fn prove(&self, open: &OpenRoom, reply_to: &ReplyTo) -> Result<(Grant, Seen), Reply> {
        let refused = |code: ErrorCode| Reply::Error(code.into());
        let opening = self.read.opening(&open.room, open.epoch).await.map_err(|error| read_failed(&error))?;
        let Some(opening) = opening else {
            let is_deleted = self.read.is_deleted(&open.room).await.map_err(|error| read_failed(&error))?;
            return Err(refused(if is_deleted { ErrorCode::RoomDeleted } else { ErrorCode::UnknownRoom }));
        };
        let session = reply_to.session();
        // A client without the key must not learn whether there is such an epoch: the answer is the same, and takes as long.
        let nobody = [EpochKey::NONE];
        let epochs = if opening.epochs.is_empty() { &nobody[..] } else { &opening.epochs };
        let proven = epochs.iter().find(|epoch| {
            proves_membership(
                &epoch.access_key,
                session.authority(),
                session.challenge(),
                &open.room,
                open.epoch,
                &open.signature,
            )
        });
        let proven = proven.filter(|_| !opening.epochs.is_empty());
        let proven = proven.ok_or_else(|| refused(ErrorCode::BadSignature))?;
        let grant = Grant { room: opening.row, epoch: open.epoch, began_seq: proven.began_seq };
        let operator_s = self.max_retention.map(|longest| longest.as_secs());
        let retention = Retention { operator_s, room_s: opening.retention_s, dropped: opening.dropped };
        Ok((grant, Seen { head: opening.head, limit: proven.limit, retention }))
    }
}

//! Opening a room: proof of membership in an epoch, and from then on the live feed.

use super::session::Admission;
use super::{ReplyTo, Rooms, read_failed};
use crate::access::{Grant, RoomHead, proves_membership};
use sotto_protocol::{ErrorCode, OpenRoom, Reply};

impl Rooms {
    /// Opens a room on the connection that asks. Opening again with another epoch's key replaces what was proven.
    pub(crate) async fn open(&self, open: OpenRoom, reply_to: ReplyTo) {
        let mut reply_to = reply_to;
        loop {
            // First into the hub, then to the database: what is committed in between is published to us.
            let live = self.hub.enter(&open.room);
            let admission = match self.prove(&open, &reply_to).await {
                Ok((row, grant, seen)) => {
                    let session = reply_to.session().clone();
                    session.admit(&live, row, (grant, seen), reply_to)
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
    }

    async fn prove(&self, open: &OpenRoom, reply_to: &ReplyTo) -> Result<(i64, Grant, RoomHead), Reply> {
        let refused = |code: ErrorCode| Reply::Error(code.into());
        let opening = self.read.opening(&open.room, open.epoch).await.map_err(|error| read_failed(&error))?;
        let opening = opening.ok_or_else(|| refused(ErrorCode::UnknownRoom))?;
        let (access_key, began_seq) = opening.access.ok_or_else(|| refused(ErrorCode::UnknownEpoch))?;
        let session = reply_to.session();
        let is_proven = proves_membership(
            &access_key,
            session.authority(),
            session.challenge(),
            &open.room,
            open.epoch,
            &open.signature,
        );
        if !is_proven {
            return Err(refused(ErrorCode::BadSignature));
        }
        Ok((opening.row, Grant { epoch: open.epoch, began_seq }, opening.head))
    }
}

//! What the relay holds for epochs: to be looked at, and to read past ones.

use super::{ReplyTo, Rooms, read_failed};
use crate::access::{RoomHead, room_access};
use crate::room::session::OpenRoom;
use crate::store::HeldPart;
use sotto_protocol::{ErrorCode, HeldRequest, HistoryRequest, Reply, RoomAccess, RoomId, WireError, limits};

impl Rooms {
    /// Everything that is held for the current epoch, or one's own part of it.
    pub(crate) async fn held(&self, request: HeldRequest, reply_to: ReplyTo) {
        let Some((open, _)) = open_fully(&reply_to, &request.room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        let part = match (request.door, request.tag) {
            (None, None) => HeldPart::All,
            (Some(door), None) => HeldPart::DoorWrap(door),
            (None, Some(tag)) => HeldPart::CapsuleWrap(tag),
            // Together they would say that they belong to one account.
            (Some(_), Some(_)) => return reply_to.error(ErrorCode::MalformedFrame),
        };
        match self.read.held(open.grant.room, open.grant.began_seq, part).await {
            Ok(Some(held)) => reply_to.send(Reply::Held(held)),
            // The room has moved on, or is gone.
            Ok(None) => reply_to.error(ErrorCode::RoomNotOpen),
            Err(error) => reply_to.send(read_failed(&error)),
        }
    }

    /// Capsules and links of past epochs, up to the one that the connection is in.
    pub(crate) async fn history(&self, request: HistoryRequest, reply_to: ReplyTo) {
        let Some((open, head)) = open_fully(&reply_to, &request.room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        if request.limit == 0 || request.limit > limits::HISTORY_MAX_EPOCHS {
            let limit = u64::from(limits::HISTORY_MAX_EPOCHS);
            return reply_to.error(WireError::with_limit(ErrorCode::LimitExceeded, limit));
        }
        let before = request.before.min(head.epoch.saturating_add(1));
        match self.read.history(open.grant.room, before, request.limit, request.tag).await {
            Ok(history) => reply_to.send(Reply::History(history)),
            Err(error) => reply_to.send(read_failed(&error)),
        }
    }
}

/// The room, if it is open here at its current epoch.
pub(super) fn open_fully(reply_to: &ReplyTo, room: &RoomId) -> Option<(OpenRoom, RoomHead)> {
    let open = reply_to.session().room(room)?;
    let head = open.live.head();
    (room_access(open.grant, head) == RoomAccess::Full).then_some((open, head))
}

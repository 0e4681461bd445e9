//! A stretch of the log.

use super::{ReplyTo, Rooms, read_failed};
use crate::access::{readable, room_access};
use sotto_protocol::{ErrorCode, PageRequest, Reply, RoomAccess, WireError, limits};

impl Rooms {
    /// Reads the log, as far as what the connection has proven reaches.
    ///
    /// The room's state is taken first and bounds the page: a member who is removed while this runs reads nothing that
    /// came after.
    pub(crate) async fn page(&self, request: PageRequest, reply_to: ReplyTo) {
        let Some(open) = reply_to.session().room(&request.room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        if request.limit == 0 || request.limit > limits::PAGE_MAX_ENTRIES {
            let limit = u64::from(limits::PAGE_MAX_ENTRIES);
            return reply_to.error(WireError::with_limit(ErrorCode::LimitExceeded, limit));
        }
        let head = open.live.head();
        let mut readable = readable(open.grant, head);
        if room_access(open.grant, head) == RoomAccess::Handshakes {
            match self
                .read
                .epochs(async |epochs| epochs.limit(open.grant.room, open.grant.began_seq).await)
                .await
            {
                Ok(limit) => readable.up_to_seq = limit.unwrap_or(u64::MAX).min(readable.up_to_seq),
                Err(error) => return reply_to.send(read_failed(&error)),
            }
        }
        readable.handshakes_only |= request.handshakes_only;
        let place = (request.from, request.direction);
        match self.read.page(open.grant.room, place, request.limit, readable).await {
            Ok(page) => reply_to.send(Reply::Page(page)),
            Err(error) => reply_to.send(read_failed(&error)),
        }
    }
}

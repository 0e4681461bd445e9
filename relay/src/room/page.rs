//! A stretch of the log.

use super::{ReplyTo, Rooms, read_failed};
use crate::access::readable;
use sotto_protocol::{ErrorCode, PageRequest, Reply, WireError, limits};

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
        let mut readable = readable(open.grant, open.live.head());
        readable.handshakes_only |= request.handshakes_only;
        let place = (request.from, request.direction);
        match self.read.page(open.row, place, request.limit, readable).await {
            Ok(page) => reply_to.send(Reply::Page(page)),
            Err(error) => reply_to.send(read_failed(&error)),
        }
    }
}

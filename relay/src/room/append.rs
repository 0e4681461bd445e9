//! A message into the log.

use super::writer::Operation;
use super::{ReplyTo, Rooms};
use sotto_protocol::{Append, EntryHeader, ErrorCode, WireError, limits};

impl Rooms {
    /// Appends a message: once, however often it is sent.
    pub(crate) fn append(&self, append: Append, reply_to: ReplyTo) {
        let Append { room, entry } = append;
        let Some(open) = reply_to.session().room(&room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        if entry.len() > limits::MESSAGE_ENTRY_MAX_BYTES {
            let limit = limits::MESSAGE_ENTRY_MAX_BYTES as u64;
            return reply_to.error(WireError::with_limit(ErrorCode::BadEntry, limit));
        }
        let Ok((header, _)) = EntryHeader::split(&entry) else {
            return reply_to.error(ErrorCode::BadEntry);
        };
        self.writer.submit(Operation::Append { room, grant: open.grant, header, entry }, reply_to);
    }
}

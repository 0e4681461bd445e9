//! A message into the log.

use super::operation::Operation;
use super::session::OpenRoom;
use super::{ReplyTo, Rooms, read_failed};
use crate::access::{Standing, is_in_reach, may_append, said_to};
use crate::store::Found;
use sotto_protocol::{Append, EntryHeader, ErrorCode, Reply, WireError, limits};
use std::sync::Arc;

impl Rooms {
    /// Appends a message: once, however often it is sent.
    pub(crate) fn append(self: &Arc<Self>, append: Append, reply_to: ReplyTo) {
        let Append { room, entry, read_seq } = append;
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
        let standing = open.live.standing(reply_to.session().id(), open.grant);
        if standing == Standing::Current {
            let operation = Operation::Append { room, grant: open.grant, header, read_seq, entry };
            return self.writer.submit(operation, reply_to);
        }
        let rooms = Arc::clone(self);
        tokio::spawn(async move {
            rooms.append_late((&open, standing), (header, read_seq, &entry), reply_to).await;
        });
    }

    /// What comes too late changes nothing: whether it had come before is looked up, and the writer is spared.
    async fn append_late(
        &self,
        (open, standing): (&OpenRoom, Standing),
        (header, read_seq, entry): (EntryHeader, u64, &[u8]),
        reply_to: ReplyTo,
    ) {
        if let Err(code) = is_in_reach(read_seq, open.live.head()) {
            return reply_to.error(said_to(standing, code));
        }
        match self.read.message(open.grant.room, (header.id, read_seq), entry).await {
            Ok(Some(Found::Same(seq))) => reply_to.send(Reply::Appended(seq)),
            Ok(Some(Found::Other)) => reply_to.error(said_to(standing, ErrorCode::EntryIdReused)),
            Ok(None) => match may_append(standing, header.epoch, open.live.head()) {
                Err(code) => reply_to.error(code),
                // It is the current epoch again.
                Ok(()) => reply_to.error(ErrorCode::StaleEpoch),
            },
            Err(error) => reply_to.send(read_failed(&error)),
        }
    }
}

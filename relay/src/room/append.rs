//! A message into the log.

use super::operation::Operation;
use super::session::OpenRoom;
use super::{ReplyTo, Rooms, read_failed};
use crate::access::{Standing, may_append, said_to};
use sotto_protocol::{Append, EntryHeader, EntryKind, ErrorCode, Reply, RoomId, WireError, limits};
use std::sync::Arc;

impl Rooms {
    /// Appends a message: once, however often it is sent.
    pub(crate) fn append(self: &Arc<Self>, append: Append, reply_to: ReplyTo) {
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
        let standing = open.live.standing(reply_to.session().id(), open.grant);
        if standing == Standing::Current {
            let operation = Operation::Append { room, grant: open.grant, header, entry };
            return self.writer.submit(operation, reply_to);
        }
        let rooms = Arc::clone(self);
        tokio::spawn(
            async move { rooms.append_late(&room, (&open, standing), (header, &entry), reply_to).await },
        );
    }

    /// What comes too late changes nothing: whether it had come before is looked up, and the writer is spared.
    async fn append_late(
        &self,
        room: &RoomId,
        (open, standing): (&OpenRoom, Standing),
        (header, entry): (EntryHeader, &[u8]),
        reply_to: ReplyTo,
    ) {
        match self.read.entry(room, header.id, entry.len()).await {
            Ok(Some(known)) if known.is(EntryKind::Message, entry) => {
                reply_to.send(Reply::Appended(known.seq));
            }
            Ok(Some(_)) => reply_to.error(said_to(standing, ErrorCode::EntryIdReused)),
            Ok(None) => match may_append(standing, header.epoch, open.live.head()) {
                Err(code) => reply_to.error(code),
                // It is the current epoch again.
                Ok(()) => reply_to.error(ErrorCode::StaleEpoch),
            },
            Err(error) => reply_to.send(read_failed(&error)),
        }
    }
}

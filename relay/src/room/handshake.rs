//! A handshake into the log, with everything that goes with the epoch it begins.
//!
//! Members send it in a room that is open on the connection. A newcomer proves instead to have opened the card behind a
//! door. What is slow about that (a hash over the entry, a signature) is done here, before the queue; the writer then
//! checks that nothing has changed since.

use super::writer::{Authority, Handshake, Operation};
use super::{ReplyTo, Rooms, read_failed, refused};
use crate::access::{doors_are_in_shape, handshake_is_next, proves_card_opened};
use crate::store::{CardLookup, HandshakeRecord};
use sotto_protocol::{
    AppendHandshake, EntryHeader, EntryKind, ErrorCode, JoinAuthority, Reply, RoomId, WireError,
};

impl Rooms {
    /// Appends a handshake if none came since the last one that its writer knows.
    pub(crate) async fn append_handshake(&self, append: AppendHandshake, reply_to: ReplyTo) {
        let Ok((header, _)) = EntryHeader::split(&append.entry) else {
            return reply_to.error(ErrorCode::BadEntry);
        };
        if let Err((code, limit)) = doors_are_in_shape(&append.doors) {
            return reply_to.error(WireError { limit, ..WireError::new(code) });
        }
        let authority = match &append.join {
            None => match reply_to.session().room(&append.room) {
                Some(open) => Authority::Member(open.grant),
                None => return reply_to.error(ErrorCode::RoomNotOpen),
            },
            Some(join) => match self.admit_joiner(&append, join, header, &reply_to).await {
                Ok(authority) => authority,
                Err(reply) => return reply_to.send(reply),
            },
        };
        let AppendHandshake { room, last_handshake_seq, entry, access_key, join_key, card, doors, .. } =
            append;
        let record = HandshakeRecord { access_key, join_key, card, doors };
        let handshake = Handshake { room, known_seq: last_handshake_seq, header, entry, record, authority };
        self.writer.submit(Operation::Handshake(Box::new(handshake)), reply_to);
    }

    /// Whether a newcomer may send this handshake, or its answer. The cheap questions come first.
    async fn admit_joiner(
        &self,
        append: &AppendHandshake,
        join: &JoinAuthority,
        header: EntryHeader,
        reply_to: &ReplyTo,
    ) -> Result<Authority, Reply> {
        if let Some(reply) = self.sent_before(&append.room, header, &append.entry).await? {
            return Err(reply);
        }
        let (head, join_key) = match self.read.door(&append.room, &join.door, false).await {
            Ok(CardLookup::Open { head, join_key, .. }) => (head, join_key),
            Ok(CardLookup::Closed) => return Err(refused(ErrorCode::DoorClosed)),
            Ok(CardLookup::UnknownRoom) => return Err(refused(ErrorCode::UnknownRoom)),
            Err(error) => return Err(read_failed(&error)),
        };
        handshake_is_next(append.last_handshake_seq, header.epoch, head).map_err(refused)?;
        let session = reply_to.session();
        let is_proven = proves_card_opened(
            &join_key,
            session.authority(),
            session.challenge(),
            (&append.room, head.epoch, &join.door),
            &append.entry,
            &join.signature,
        );
        if is_proven {
            Ok(Authority::Joiner { door: join.door, join_key })
        } else {
            Err(refused(ErrorCode::BadSignature))
        }
    }

    /// The answer to a join whose acknowledgement got lost: its join key is no longer the current one.
    async fn sent_before(
        &self,
        room: &RoomId,
        header: EntryHeader,
        entry: &[u8],
    ) -> Result<Option<Reply>, Reply> {
        let known = self.read.entry(room, &header.id).await.map_err(|error| read_failed(&error))?;
        Ok(known.map(|known| {
            if known.kind == EntryKind::Handshake && known.entry == entry {
                Reply::Appended(known.seq)
            } else {
                refused(ErrorCode::EntryIdReused)
            }
        }))
    }
}

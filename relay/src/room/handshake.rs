//! A handshake into the log, with everything that goes with the epoch it begins.
//!
//! Members send it in a room that is open on the connection. A newcomer proves instead to have opened the card behind a
//! door. What is slow about that (a hash over the entry, a signature) is done here, before the queue; the writer then
//! checks that nothing has changed since.

use super::operation::{Authority, Handshake, Operation};
use super::{ReplyTo, Rooms, read_failed, refused};
use crate::access::{
    Standing, handover_is_in_shape, handover_is_signed, handshake_is_next, proves_card_opened,
    published_is_in_shape, said_to,
};
use crate::store::{CardLookup, Found, HandshakeRecord};
use sotto_protocol::{
    AppendHandshake, EntryHeader, ErrorCode, Handover, JoinAuthority, Published, Reply, RoomId, entry_hash,
};

impl Rooms {
    /// Appends a handshake if none came since the last one that its writer knows.
    pub(crate) async fn append_handshake(&self, append: AppendHandshake, reply_to: ReplyTo) {
        let Ok((header, _)) = EntryHeader::split(&append.entry) else {
            return reply_to.error(ErrorCode::BadEntry);
        };
        let AppendHandshake {
            room, last_handshake_seq, entry, access_key, join_key, card, doors, join, ..
        } = append;
        let AppendHandshake { capsule, capsule_wraps, history, handover, cut, .. } = append;
        let published = Published { card, doors, capsule, capsule_wraps };
        if let Err(error) = published_is_in_shape(&published) {
            return reply_to.error(error);
        }
        if let Some(Err(error)) = handover.as_ref().map(handover_is_in_shape) {
            return reply_to.error(error);
        }
        let (by_door, is_cut) = (join.is_some(), cut == Some(true));
        if by_door && (is_cut || handover.is_some()) {
            // Who comes in removes nobody, and administers nothing.
            return reply_to.error(ErrorCode::MalformedFrame);
        }
        let authority = match &join {
            None => match self.admit_member((&room, &entry), (last_handshake_seq, header), &reply_to).await {
                Ok(authority) => authority,
                Err(reply) => return reply_to.send(reply),
            },
            Some(join) => {
                match self.admit_joiner((&room, &entry), (last_handshake_seq, header), join, &reply_to).await
                {
                    Ok(authority) => authority,
                    Err(reply) => return reply_to.send(reply),
                }
            }
        };
        let reply_to = match by_door {
            false => reply_to,
            true => match self.in_turn(&room, reply_to) {
                Some(reply_to) => reply_to,
                None => return,
            },
        };
        let (hash, known_seq) = (entry_hash(&entry), last_handshake_seq);
        let is_signed = |handover: &Handover| handover_is_signed(&room, header.epoch, &hash, handover);
        if !handover.as_ref().is_none_or(is_signed) {
            return reply_to.error(ErrorCode::BadSignature);
        }
        let door = join.map(|join| join.door);
        let record =
            HandshakeRecord { access_key, join_key, published, history, by_door, is_cut, door, handover };
        let handshake = Handshake { room, known_seq, header, entry, hash, record, authority };
        self.writer.submit(Operation::Handshake(Box::new(handshake)), reply_to);
    }

    /// Whether a member may send this handshake, or the answer. What comes too late changes nothing, and the writer is spared.
    async fn admit_member(
        &self,
        (room, entry): (&RoomId, &[u8]),
        (known_seq, header): (u64, EntryHeader),
        reply_to: &ReplyTo,
    ) -> Result<Authority, Reply> {
        let open = reply_to.session().room(room).ok_or_else(|| refused(ErrorCode::RoomNotOpen))?;
        let standing = open.live.standing(reply_to.session().id(), open.grant);
        if standing == Standing::Current {
            return Ok(Authority::Member(open.grant));
        }
        let is_next = handshake_is_next(known_seq, header.epoch, open.live.head());
        let code = said_to(standing, is_next.err().unwrap_or(ErrorCode::RoomNotOpen));
        let sent_before = self.sent_before(open.grant.room, (known_seq, header), entry).await?;
        Err(sent_before.unwrap_or_else(|| refused(code)))
    }

    /// Whether a newcomer may send this handshake, or its answer.
    async fn admit_joiner(
        &self,
        (room, entry): (&RoomId, &[u8]),
        known: (u64, EntryHeader),
        join: &JoinAuthority,
        reply_to: &ReplyTo,
    ) -> Result<Authority, Reply> {
        let judged = self.judge_joiner((room, entry), known, join, reply_to).await;
        match judged {
            Ok(authority) => Ok(authority),
            // What has changed since the card may have been this very handshake, whose answer was lost. Only its maker has its bytes;
            // that its id is taken by another entry is nothing to be told without a proof.
            Err(refusal) => {
                let row = self.read.row(room).await.map_err(|error| read_failed(&error))?;
                let Some(row) = row else { return Err(refusal) };
                Err(match self.sent_before(row, known, entry).await? {
                    Some(Reply::Appended(seq)) => Reply::Appended(seq),
                    _ => refusal,
                })
            }
        }
    }

    /// The proof is checked first: a client that has not opened the card must not learn how the room has changed, nor which doors it has.
    async fn judge_joiner(
        &self,
        (room, entry): (&RoomId, &[u8]),
        (known_seq, header): (u64, EntryHeader),
        join: &JoinAuthority,
        reply_to: &ReplyTo,
    ) -> Result<Authority, Reply> {
        let found = self.read.door(room, &join.door, (false, self.clock.latest_ms())).await;
        let (head, join_key, is_open) = match found {
            Ok(CardLookup::Found { head, join_key, door }) => (head, join_key, door.is_some()),
            Ok(CardLookup::UnknownRoom) => return Err(refused(ErrorCode::UnknownRoom)),
            Err(error) => return Err(read_failed(&error)),
        };
        let session = reply_to.session();
        let is_proven = proves_card_opened(
            &join_key,
            session.authority(),
            session.challenge(),
            (room, head.epoch, &join.door),
            entry,
            &join.signature,
        );
        if !is_proven {
            return Err(refused(ErrorCode::BadSignature));
        }
        if !is_open {
            return Err(refused(ErrorCode::DoorClosed));
        }
        handshake_is_next(known_seq, header.epoch, head).map_err(refused)?;
        Ok(Authority::Joiner { door: join.door, join_key })
    }

    /// The answer to a handshake whose acknowledgement got lost: what permitted it is no longer the current key.
    async fn sent_before(
        &self,
        row: i64,
        (known_seq, header): (u64, EntryHeader),
        entry: &[u8],
    ) -> Result<Option<Reply>, Reply> {
        let (id, hash) = (header.id, entry_hash(entry));
        let known =
            self.read.epochs(async |epochs| epochs.handshake(row, known_seq, (id, &hash)).await).await;
        Ok(known.map_err(|error| read_failed(&error))?.map(|found| match found {
            Found::Same(seq) => Reply::Appended(seq),
            Found::Other => refused(ErrorCode::EntryIdReused),
        }))
    }
}

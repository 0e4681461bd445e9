//! What a frame asks for, and to whom it goes.

use crate::limit::{Deed, LONGEST_ANSWER_BYTES, Pace, Pool, whole_ms};
use crate::metrics::Kind;
use crate::room::{ReplyTo, Rooms, Session};
use minicbor::Decoder;
use sotto_protocol::{ClientFrame, ErrorCode, Request, WireError, decode, limits};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// What one connection may have under way: beyond, no more is read from it until answers have gone out.
pub(super) const IN_FLIGHT_MAX: u32 = 128;
/// How long an answer waits for memory.
const MEMORY_WITHIN: Duration = Duration::from_secs(10);
/// When to come again with what found none.
pub(super) const MEMORY_WAIT: Duration = Duration::from_secs(5);
/// All registers of a room.
const STATUSES_MAX_BYTES: usize = limits::REGISTERS_MAX * (limits::STATUS_VALUE_BYTES + 64);

/// The beginning of a client's frame, as far as it can be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FrameHead {
    /// The request number; 0 where it is lost.
    pub request: u32,
    /// Whether it brings a card, and may be longer than other frames.
    pub is_long: bool,
}

impl FrameHead {
    /// Reads what there is. Malformed and cut frames give what came before the fault.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut head = Self::default();
        // The error says no more than that the rest could not be read.
        let _ = head.fill(&mut Decoder::new(bytes));
        head
    }

    /// How long the frame may be.
    pub(super) const fn limit_bytes(&self) -> usize {
        if self.is_long { limits::HANDSHAKE_FRAME_MAX_BYTES } else { limits::FRAME_MAX_BYTES }
    }

    fn fill(&mut self, decoder: &mut Decoder<'_>) -> Result<(), minicbor::decode::Error> {
        /// `AppendHandshake`, `Rewind`, `Repair`.
        const WITH_CARD: [u32; 3] = [3, 6, 8];
        let fields = decoder.map()?.unwrap_or(2);
        for _ in 0..fields.min(2) {
            match decoder.u32()? {
                0 => self.request = decoder.u32()?,
                1 => {
                    decoder.array()?;
                    self.is_long = WITH_CARD.contains(&decoder.u32()?);
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dispatched {
    /// It could be read, and what it asks for is under way.
    Done,
    /// It could not be read.
    Malformed,
    /// It came too fast, and was not read.
    TooFast,
}

/// Reads a frame and sees to it that it is answered.
pub(super) fn dispatch(
    rooms: &Arc<Rooms>,
    session: &Arc<Session>,
    pace: &mut Pace,
    bytes: &[u8],
) -> Dispatched {
    if let Err(wait) = pace.count_request() {
        session.refuse(FrameHead::read(bytes).request, slow_down(wait));
        return Dispatched::TooFast;
    }
    let Ok(frame) = decode::<ClientFrame>(bytes) else {
        session.refuse(FrameHead::read(bytes).request, ErrorCode::MalformedFrame.into());
        return Dispatched::Malformed;
    };
    if let Some(Err(wait)) = deed(&frame.body).map(|deed| pace.count(deed)) {
        session.refuse(frame.request, slow_down(wait));
        return Dispatched::Done;
    }
    let reply_to = ReplyTo::new(Arc::clone(session), frame.request, weight(&frame.body));
    let reply_to = reply_to.counted_as(Kind::of(&frame.body));
    match frame.body {
        Request::Create(create) => rooms.create(create, reply_to),
        Request::Append(append) => rooms.append(append, reply_to),
        Request::AppendHandshake(append) => {
            let rooms = Arc::clone(rooms);
            tokio::spawn(async move { rooms.append_handshake(append, reply_to).await });
        }
        Request::Open(open) => {
            let rooms = Arc::clone(rooms);
            tokio::spawn(async move { rooms.open(open, reply_to).await });
        }
        Request::Page(page) => {
            let (rooms, answers) = (Arc::clone(rooms), pace.answers());
            tokio::spawn(async move {
                let Some(reply_to) = with_memory(reply_to, &answers, LONGEST_ANSWER_BYTES).await else {
                    return;
                };
                rooms.page(page, reply_to).await;
            });
        }
        Request::Card(card) => {
            let (rooms, answers) = (Arc::clone(rooms), pace.answers());
            tokio::spawn(async move {
                let Some(reply_to) = with_memory(reply_to, &answers, LONGEST_ANSWER_BYTES).await else {
                    return;
                };
                rooms.card(card, reply_to).await;
            });
        }
        Request::JoinTurn(card) => {
            let (rooms, answers, origin) = (Arc::clone(rooms), pace.answers(), pace.origin());
            tokio::spawn(async move {
                // Who waits for a turn takes no memory meanwhile.
                let Some((turn, reply_to)) = rooms.wait_for_turn(&card, &origin, reply_to).await else {
                    return;
                };
                match with_memory(reply_to, &answers, LONGEST_ANSWER_BYTES).await {
                    Some(reply_to) => rooms.card_in_turn(card, turn, reply_to).await,
                    None => turn.give_back(),
                }
            });
        }
        // Nothing is missing in any room of this relay.
        Request::Outline(_) | Request::Replay(_) | Request::GoOn(_) => reply_to.error(ErrorCode::Conflict),
        Request::Rewind(append) => {
            let rooms = Arc::clone(rooms);
            tokio::spawn(async move { rooms.rewind(append, reply_to).await });
        }
        Request::Confirm(confirm) => {
            let rooms = Arc::clone(rooms);
            tokio::spawn(async move { rooms.confirm(confirm, reply_to).await });
        }
        Request::Repair(repair) => rooms.repair(repair, reply_to),
        Request::Held(held) => {
            let (rooms, answers) = (Arc::clone(rooms), pace.answers());
            tokio::spawn(async move {
                let Some(reply_to) = with_memory(reply_to, &answers, LONGEST_ANSWER_BYTES).await else {
                    return;
                };
                rooms.held(held, reply_to).await;
            });
        }
        Request::History(history) => {
            let (rooms, answers) = (Arc::clone(rooms), pace.answers());
            tokio::spawn(async move {
                let Some(reply_to) = with_memory(reply_to, &answers, LONGEST_ANSWER_BYTES).await else {
                    return;
                };
                rooms.history(history, reply_to).await;
            });
        }
        Request::DropWraps(drop) => rooms.drop_wraps(drop, reply_to),
        Request::WriteStatus(write) => {
            let rooms = Arc::clone(rooms);
            tokio::spawn(async move { rooms.write_status(write, reply_to).await });
        }
        Request::Statuses(request) => {
            let (rooms, answers) = (Arc::clone(rooms), pace.answers());
            tokio::spawn(async move {
                let Some(reply_to) = with_memory(reply_to, &answers, STATUSES_MAX_BYTES).await else {
                    return;
                };
                rooms.read_statuses(request, reply_to).await;
            });
        }
        Request::DeleteRoom(delete) => {
            let rooms = Arc::clone(rooms);
            tokio::spawn(async move { rooms.delete(&delete, reply_to).await });
        }
        Request::SetRetention(set) => {
            let rooms = Arc::clone(rooms);
            tokio::spawn(async move { rooms.set_retention(&set, reply_to).await });
        }
        Request::Subscribe(subscribe) => rooms.subscribe(&subscribe, reply_to),
        Request::Unsubscribe(unsubscribe) => rooms.unsubscribe(&unsubscribe, reply_to),
    }
    Dispatched::Done
}

/// What of a request counts by address.
fn deed(request: &Request) -> Option<Deed> {
    match request {
        Request::Create(_) => Some(Deed::Create),
        Request::Open(_)
        | Request::Rewind(_)
        | Request::Confirm(_)
        | Request::DropWraps(_)
        | Request::DeleteRoom(_)
        | Request::SetRetention(_)
        | Request::Subscribe(_) => Some(Deed::Prove),
        Request::Card(_) | Request::JoinTurn(_) => Some(Deed::LookUp),
        Request::AppendHandshake(append) => append.join.as_ref().map(|_| Deed::Join),
        Request::Append(_)
        | Request::Page(_)
        | Request::Repair(_)
        | Request::Held(_)
        | Request::History(_)
        | Request::WriteStatus(_)
        | Request::Statuses(_)
        | Request::Unsubscribe(_)
        | Request::Outline(_)
        | Request::Replay(_)
        | Request::GoOn(_) => None,
    }
}

/// Waits until there is memory for an answer of so many bytes, but not for ever: who has not read what was answered before is told
/// to come again. What is more than the answer takes is given back as soon as it is made.
async fn with_memory(reply_to: ReplyTo, answers: &Pool, bytes: usize) -> Option<ReplyTo> {
    if let Ok(Some(share)) = timeout(MEMORY_WITHIN, answers.take(bytes)).await {
        return Some(reply_to.within(share));
    }
    reply_to.error(slow_down(MEMORY_WAIT));
    None
}

pub(super) fn slow_down(wait: Duration) -> WireError {
    WireError::with_delay(ErrorCode::SlowDown, whole_ms(wait))
}

/// Refuses a frame that was too long to be read.
pub(super) fn refuse_too_long(session: &Session, head: &[u8], limit_bytes: usize) {
    let error = WireError::with_limit(ErrorCode::FrameTooLarge, limit_bytes as u64);
    session.refuse(FrameHead::read(head).request, error);
}

/// A request weighs what its answer, or itself, may take of memory.
fn weight(request: &Request) -> u32 {
    match request {
        Request::Page(_)
        | Request::Card(_)
        | Request::JoinTurn(_)
        | Request::AppendHandshake(_)
        | Request::Rewind(_)
        | Request::Repair(_)
        | Request::Held(_)
        | Request::History(_)
        | Request::Statuses(_)
        | Request::Outline(_)
        | Request::Replay(_)
        | Request::GoOn(_) => 16,
        Request::Create(_)
        | Request::Open(_)
        | Request::Append(_)
        | Request::Confirm(_)
        | Request::DropWraps(_)
        | Request::WriteStatus(_)
        | Request::DeleteRoom(_)
        | Request::SetRetention(_)
        | Request::Subscribe(_)
        | Request::Unsubscribe(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_protocol::{Append, AppendHandshake, RoomId, encode};

    #[test]
    fn the_head_of_a_frame_survives_a_cut() {
        let room = RoomId::new([1; 16]);
        let append = ClientFrame {
            request: 70_000,
            body: Request::Append(Append { room, entry: vec![2; 300], read_seq: 0 }),
        };
        let handshake = ClientFrame {
            request: 9,
            body: Request::AppendHandshake(AppendHandshake {
                room,
                last_handshake_seq: 0,
                entry: vec![2; 300],
                access_key: [0; 32],
                join_key: [0; 32],
                card: vec![],
                doors: vec![],
                join: None,
                capsule: None,
                capsule_wraps: None,
                history: None,
                handover: None,
                cut: None,
            }),
        };
        for (frame, expected) in [
            (append, FrameHead { request: 70_000, is_long: false }),
            (handshake, FrameHead { request: 9, is_long: true }),
        ] {
            assert_eq!(FrameHead::read(&encode(&frame)[..64]), expected);
        }
        for nothing in [&[][..], &[0xff; 20], &[0xa2], b"not CBOR"] {
            assert_eq!(FrameHead::read(nothing), FrameHead::default());
        }
    }
}

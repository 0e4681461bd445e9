//! Turns to join, so that a crowd that comes by one link comes in one by one and nobody is overtaken for ever: compare-and-swap alone
//! lets the fastest in first, and a slow device starves.
//!
//! A turn is in memory, and this relay's: of several relays on one database each has its own line, and compare-and-swap decides between
//! them. It keeps other newcomers waiting and nobody else: what members commit comes at any time. So nothing is lost with it, and a client that
//! takes turns and does not come in costs others little ([`line`]).

mod line;

use super::session::Session;
use super::{ReplyTo, Rooms, read_failed};
use crate::access::{NOBODYS_KEY, proves_door};
use crate::limit::{Origin, whole_ms};
use crate::lock::lock;
use crate::store::{CardLookup, OpenDoor};
use line::{Asked, Asker, Line};
use sotto_protocol::{CardReply, CardRequest, ErrorCode, Reply, RoomId, WireError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::sleep;

/// How long a turn lasts, whatever the card.
const LASTS: Duration = Duration::from_secs(4);
/// So many bytes of card make it a second longer: they go to the newcomer, and as many come back.
const CARD_BYTES_PER_S: u64 = 64 * 1024;
const LASTS_MAX: Duration = Duration::from_secs(30);
/// How long a request waits for its turn.
const WAITS_MAX: Duration = Duration::from_secs(20);
/// When to ask again that has waited so long, and where too many wait.
const ASK_AGAIN: Duration = Duration::from_millis(250);
const FULL_RETRY: Duration = Duration::from_secs(5);
/// How long a request sleeps at most before it looks whether it is next.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// From so many rooms on it is looked which of them have nothing to remember.
const ROOMS_MANY: usize = 256;

/// All lines.
#[derive(Default)]
pub(super) struct Turns {
    rooms: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    lines: HashMap<RoomId, (Line, Arc<Notify>)>,
    /// When there are so many, those that are idle are forgotten.
    forget_at: usize,
}

/// A turn, or the right to try without one.
pub(crate) struct Turn {
    turns: Arc<Turns>,
    room: RoomId,
    session: u64,
    lasts: Option<Duration>,
}

impl Turn {
    /// It cannot be used, through no fault of whose it is.
    pub(crate) fn give_back(self) {
        self.turns.finish(&self.room, self.session);
    }
}

impl Turns {
    fn with<T>(&self, room: &RoomId, ask: impl FnOnce(&mut Line) -> (T, bool)) -> T {
        let mut rooms = lock(&self.rooms);
        let Some((line, changed)) = rooms.lines.get_mut(room) else {
            let mut line = Line::default();
            return ask(&mut line).0;
        };
        let (answer, has_changed) = ask(line);
        if has_changed {
            changed.notify_waiters();
        }
        answer
    }

    /// Makes the line if there is none.
    fn enter(&self, room: &RoomId) -> Arc<Notify> {
        let mut rooms = lock(&self.rooms);
        if rooms.lines.len() >= rooms.forget_at.max(ROOMS_MANY) {
            let now = Instant::now();
            rooms.lines.retain(|_, (line, changed)| Arc::strong_count(changed) > 1 || !line.is_idle(now));
            rooms.forget_at = rooms.lines.len() * 2;
        }
        Arc::clone(&rooms.lines.entry(*room).or_default().1)
    }

    /// Waits for a turn, for a while, as long as the connection is there.
    async fn wait(&self, room: &RoomId, session: &Session, who: &Asker, lasts: Duration) -> Asked {
        let changed = self.enter(room);
        let gives_up = Instant::now() + WAITS_MAX;
        loop {
            let notified = changed.notified();
            tokio::pin!(notified);
            // Before asking, so that no change is missed in between.
            notified.as_mut().enable();
            let now = Instant::now();
            if !session.may_take_turn(room) {
                return Asked::Shared;
            }
            let asked = self.with(room, |line| (line.ask(who, lasts, now), false));
            let Asked::Wait(until) = asked else { return asked };
            if now >= gives_up {
                self.with(room, |line| (line.pause(who.session), true));
                return asked;
            }
            let until = until.map_or(LOOK_EVERY, |until| until.saturating_duration_since(now));
            tokio::select! {
                () = notified => {}
                () = sleep(until.min(LOOK_EVERY).max(Duration::from_millis(1))) => {}
            }
        }
    }

    /// How long somebody else's turn keeps a connection from coming in.
    pub(super) fn keeps_out(&self, room: &RoomId, session: u64) -> Option<Duration> {
        self.with(room, |line| (line.keeps_out(session, Instant::now()), false))
    }

    /// A connection has come in.
    pub(super) fn finish(&self, room: &RoomId, session: u64) {
        self.with(room, |line| (line.finish(session), true));
    }

    /// A connection is gone.
    pub(super) fn leave(&self, room: &RoomId, session: u64) {
        self.with(room, |line| (line.leave(session, Instant::now()), true));
    }
}

impl Rooms {
    /// Waits until it is a newcomer's turn, or answers why not.
    pub(crate) async fn wait_for_turn(
        &self,
        request: &CardRequest,
        origin: &Origin,
        reply_to: ReplyTo,
    ) -> Option<(Turn, ReplyTo)> {
        let now_ms = self.clock.latest_ms();
        let door = match self.read.door(&request.room, &request.door, (false, now_ms)).await {
            Ok(CardLookup::Found { door, .. }) => door,
            Ok(CardLookup::UnknownRoom) => {
                reply_to.error(ErrorCode::UnknownRoom);
                return None;
            }
            Err(error) => {
                reply_to.send(read_failed(&error));
                return None;
            }
        };
        let session = Arc::clone(reply_to.session());
        let key = door.as_ref().map_or(&NOBODYS_KEY, |door| &door.key);
        let is_proven = proves_door(key, session.authority(), session.challenge(), request);
        let Some(OpenDoor { card_bytes, .. }) = door.filter(|_| is_proven) else {
            reply_to.error(ErrorCode::DoorClosed);
            return None;
        };
        let who = Asker { session: session.id(), door: request.door, origin: origin.clone() };
        let asked = match session.may_take_turn(&request.room) {
            true => self.turns.wait(&request.room, &session, &who, lasts(card_bytes)).await,
            false => Asked::Shared,
        };
        let retry = |after| WireError::with_delay(ErrorCode::NotYourTurn, whole_ms(after));
        let lasts = match asked {
            Asked::Alone(lasts) => Some(lasts),
            Asked::Shared => None,
            Asked::Wait(_) => {
                reply_to.error(retry(ASK_AGAIN));
                return None;
            }
            Asked::Full => {
                reply_to.error(retry(FULL_RETRY));
                return None;
            }
        };
        // It may have ended while it waited, and then nobody else gives the turn back.
        if !session.may_take_turn(&request.room) {
            self.turns.leave(&request.room, session.id());
        }
        let turn = Turn { turns: Arc::clone(&self.turns), room: request.room, session: session.id(), lasts };
        Some((turn, reply_to))
    }

    /// Whether a join may come now, with what ends its turn once it is stored. Else it is answered.
    pub(super) fn in_turn(&self, room: &RoomId, reply_to: ReplyTo) -> Option<ReplyTo> {
        let session = Arc::clone(reply_to.session());
        if let Some(left) = self.turns.keeps_out(room, session.id()) {
            reply_to.error(WireError::with_delay(ErrorCode::NotYourTurn, whole_ms(left)));
            return None;
        }
        let (turns, room) = (Arc::clone(&self.turns), *room);
        Some(reply_to.once_appended(move || {
            turns.finish(&room, session.id());
            session.forget_turn(&room);
        }))
    }

    /// The card, as it is now that it is the newcomer's turn.
    pub(crate) async fn card_in_turn(&self, request: CardRequest, turn: Turn, reply_to: ReplyTo) {
        let began = Instant::now();
        let reply = match self.card_of(&request, reply_to.session()).await {
            Reply::Card(card) => {
                let left = turn.lasts.map(|lasts| lasts.saturating_sub(began.elapsed()));
                Reply::Card(CardReply { turn_ms: left.map(whole_ms), ..card })
            }
            refusal => {
                turn.give_back();
                refusal
            }
        };
        reply_to.send(reply);
    }
}

fn lasts(card_bytes: u64) -> Duration {
    LASTS_MAX.min(LASTS + Duration::from_secs(card_bytes / CARD_BYTES_PER_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_card_takes_longer_within_bounds() {
        assert_eq!(lasts(0), LASTS);
        assert_eq!(lasts(6 * CARD_BYTES_PER_S), LASTS + Duration::from_secs(6));
        assert_eq!(lasts(u64::MAX), LASTS_MAX);
    }
}

//! Who comes in next, in one room. Nothing here waits or asks for the time.
//!
//! Turns go round doors, then addresses, then by who came first. What is wasted is remembered for a minute, and bounds what turns can cost
//! those who do without: see [`Line::has_spent`].

use crate::limit::Origin;
use sotto_protocol::DoorId;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// How many wait in one room; more are told to come again.
const WAITING_MAX: usize = 512;
/// Who was told to ask again keeps the place in the line for so long.
const PLACE_KEPT: Duration = Duration::from_secs(30);
/// How long it is remembered that a turn was wasted.
const REMEMBERED: Duration = Duration::from_secs(60);
/// So many turns may be wasted by an address within that time, before it gets none.
const WASTED_BY_ORIGIN_MAX: usize = 2;
/// So much time may be wasted within that time, before nobody gets a turn: half of it.
const WASTED_MAX: Duration = Duration::from_secs(30);

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    /// The connection.
    pub session: u64,
    /// By which door.
    pub door: DoorId,
    /// From where.
    pub origin: Origin,
}

/// What asking comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is this one's turn, for so long.
    Alone(Duration),
    /// There is no turn for this one: the first to send a join comes in.
    Shared,
    /// Others come before. The turn that is on ends then, if there is one.
    Wait(Option<Instant>),
    /// Too many wait.
    Full,
}

/// The line before one room.
#[derive(Debug, Default)]
pub(super) struct Line {
    holder: Option<Holder>,
    waiting: Vec<Waiting>,
    next_number: u64,
    doors: Rounds<DoorId>,
    origins: Rounds<Origin>,
    wasted: Vec<Wasted>,
}

#[derive(Debug)]
struct Holder {
    session: u64,
    origin: Origin,
    since: Instant,
    until: Instant,
}

#[derive(Debug)]
struct Waiting {
    who: Asker,
    number: u64,
    asked_at: Instant,
    /// Whether a request waits, and not just a place.
    is_asking: bool,
}

#[derive(Debug)]
struct Wasted {
    origin: Origin,
    at: Instant,
    lasted: Duration,
}

/// Goes round whom turns are for: who comes anew begins with the present round, and catches nothing up.
#[derive(Debug)]
struct Rounds<T> {
    present: u64,
    next: HashMap<T, u64>,
}

impl<T> Default for Rounds<T> {
    fn default() -> Self {
        Self { present: 0, next: HashMap::new() }
    }
}

impl<T: Eq + Hash + Clone> Rounds<T> {
    fn of(&self, who: &T) -> u64 {
        self.next.get(who).copied().unwrap_or(0).max(self.present)
    }

    fn take(&mut self, who: &T) {
        self.present = self.of(who);
        self.next.insert(who.clone(), self.present + 1);
    }
}

impl Line {
    /// Asks for a turn that `lasts` so long, or for the one that is on.
    pub(super) fn ask(&mut self, who: &Asker, lasts: Duration, now: Instant) -> Asked {
        self.look(now);
        if let Some(holder) = self.holder.as_ref().filter(|holder| holder.session == who.session) {
            return Asked::Alone(holder.until.saturating_duration_since(now));
        }
        if self.has_spent(&who.origin) {
            self.waiting.retain(|waiting| waiting.who.session != who.session);
            return Asked::Shared;
        }
        let is_full = self.waiting.len() >= WAITING_MAX;
        match self.waiting.iter_mut().find(|waiting| waiting.who.session == who.session) {
            Some(waiting) => {
                (waiting.asked_at, waiting.is_asking) = (now, true);
                waiting.who.door = who.door;
            }
            None if is_full => return Asked::Full,
            None => {
                let number = self.next_number;
                self.next_number += 1;
                self.waiting.push(Waiting { who: who.clone(), number, asked_at: now, is_asking: true });
            }
        }
        if let Some(holder) = &self.holder {
            return Asked::Wait(Some(holder.until));
        }
        if self.next() != Some(who.session) {
            return Asked::Wait(None);
        }
        self.waiting.retain(|waiting| waiting.who.session != who.session);
        self.doors.take(&who.door);
        self.origins.take(&who.origin);
        let (session, origin) = (who.session, who.origin.clone());
        self.holder = Some(Holder { session, origin, since: now, until: now + lasts });
        Asked::Alone(lasts)
    }

    /// How long somebody else's turn keeps this connection from coming in.
    pub(super) fn keeps_out(&mut self, session: u64, now: Instant) -> Option<Duration> {
        self.look(now);
        let holder = self.holder.as_ref().filter(|holder| holder.session != session)?;
        Some(holder.until.saturating_duration_since(now))
    }

    /// This connection has come in, or could not use its turn through no fault of its own.
    pub(super) fn finish(&mut self, session: u64) {
        self.holder.take_if(|holder| holder.session == session);
    }

    /// This connection does not wait for an answer any more; its place is kept for a while.
    pub(super) fn pause(&mut self, session: u64) {
        let waiting = self.waiting.iter_mut().find(|waiting| waiting.who.session == session);
        if let Some(waiting) = waiting {
            waiting.is_asking = false;
        }
    }

    /// This connection is gone. A turn that it had was wasted.
    pub(super) fn leave(&mut self, session: u64, now: Instant) {
        self.look(now);
        self.waiting.retain(|waiting| waiting.who.session != session);
        if let Some(holder) = self.holder.take_if(|holder| holder.session == session) {
            self.waste(holder, now);
        }
    }

    /// Whether there is nothing to remember.
    pub(super) fn is_idle(&mut self, now: Instant) -> bool {
        self.look(now);
        self.holder.is_none() && self.waiting.is_empty() && self.wasted.is_empty()
    }

    /// Lets go of what time has ended.
    fn look(&mut self, now: Instant) {
        if let Some(holder) = self.holder.take_if(|holder| holder.until <= now) {
            let at = holder.until;
            self.waste(holder, at);
        }
        self.wasted.retain(|wasted| now.saturating_duration_since(wasted.at) < REMEMBERED);
        self.waiting.retain(|waiting| {
            waiting.is_asking || now.saturating_duration_since(waiting.asked_at) < PLACE_KEPT
        });
        if self.waiting.is_empty() && self.holder.is_none() {
            (self.doors, self.origins) = Default::default();
        }
    }

    fn waste(&mut self, holder: Holder, at: Instant) {
        let lasted = at.saturating_duration_since(holder.since);
        self.wasted.push(Wasted { origin: holder.origin, at, lasted });
    }

    /// Who asks for turns and does not come in, gets no more of them for a while; and however many they are, half of the time is
    /// nobody's: then it is as if there were no turns.
    fn has_spent(&self, origin: &Origin) -> bool {
        let by_origin = self.wasted.iter().filter(|wasted| wasted.origin == *origin).count();
        let in_all: Duration = self.wasted.iter().map(|wasted| wasted.lasted).sum();
        by_origin >= WASTED_BY_ORIGIN_MAX || in_all >= WASTED_MAX
    }

    fn next(&self) -> Option<u64> {
        let asking = self.waiting.iter().filter(|waiting| waiting.is_asking);
        let rank = |waiting: &&Waiting| {
            let Asker { door, origin, .. } = &waiting.who;
            (self.doors.of(door), self.origins.of(origin), waiting.number)
        };
        asking.max_by_key(|waiting| Reverse(rank(waiting))).map(|waiting| waiting.who.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::{Addresses, Limits, Strictness};

    const LASTS: Duration = Duration::from_secs(4);

    fn origins<const N: usize>() -> [Origin; N] {
        let addresses = Addresses::new(Limits::new(Strictness::Off), &[]);
        std::array::from_fn(|n| addresses.origin_of([192, 0, 2, n as u8].into()))
    }

    fn asker(session: u64, door: u8, origin: &Origin) -> Asker {
        Asker { session, door: DoorId::new([door; 16]), origin: origin.clone() }
    }

    /// Lets everybody ask and come in at once, and gives the order in which they did.
    fn served(line: &mut Line, askers: &[Asker], now: Instant) -> Vec<u64> {
        let mut order = Vec::new();
        // All ask before the first turn is over.
        for who in askers {
            line.ask(who, LASTS, now);
        }
        while order.len() < askers.len() {
            let left: Vec<_> = askers.iter().filter(|who| !order.contains(&who.session)).collect();
            let next = left.iter().find(|who| matches!(line.ask(who, LASTS, now), Asked::Alone(_)));
            let session = next.expect("somebody is next").session;
            line.finish(session);
            order.push(session);
        }
        order
    }

    #[test]
    fn who_came_first_comes_in_first() {
        let [home] = origins();
        let askers: Vec<_> = (1..=5).map(|session| asker(session, 1, &home)).collect();
        assert_eq!(served(&mut Line::default(), &askers, Instant::now()), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_crowd_at_one_door_or_address_does_not_come_before_everybody_else() {
        let [crowd, home] = origins();
        let mut by_one_link: Vec<_> = (1..=5).map(|session| asker(session, 1, &crowd)).collect();
        let mut by_another = by_one_link.clone();
        by_one_link.push(asker(6, 1, &home));
        assert_eq!(served(&mut Line::default(), &by_one_link, Instant::now()), [1, 6, 2, 3, 4, 5]);
        by_another.push(asker(6, 2, &crowd));
        by_another.push(asker(7, 2, &crowd));
        assert_eq!(served(&mut Line::default(), &by_another, Instant::now()), [1, 6, 2, 7, 3, 4, 5]);
    }

    #[test]
    fn while_it_is_somebodys_turn_nobody_else_comes_in_and_then_the_next() {
        let ([home], mut line, now) = (origins(), Line::default(), Instant::now());
        let (first, second) = (asker(1, 1, &home), asker(2, 1, &home));
        assert_eq!(line.keeps_out(1, now), None, "nobody's turn");
        assert_eq!(line.ask(&first, LASTS, now), Asked::Alone(LASTS));
        assert_eq!(line.ask(&second, LASTS, now), Asked::Wait(Some(now + LASTS)));
        assert_eq!((line.keeps_out(1, now), line.keeps_out(3, now)), (None, Some(LASTS)));
        let later = now + LASTS / 4;
        assert_eq!(
            line.ask(&first, LASTS, later),
            Asked::Alone(LASTS - LASTS / 4),
            "no longer for asking again"
        );
        let after = now + LASTS;
        assert_eq!(line.keeps_out(3, after), None);
        assert_eq!(line.ask(&second, LASTS, after), Asked::Alone(LASTS));
        line.leave(2, after);
        assert_eq!(line.ask(&first, LASTS, after), Asked::Shared, "two were wasted from there");
        assert!(!line.is_idle(after) && line.is_idle(after + REMEMBERED));
    }

    #[test]
    fn a_place_in_the_line_is_kept_for_whom_it_takes_long() {
        let ([home], mut line, now) = (origins(), Line::default(), Instant::now());
        let [first, second, third] = [1, 2, 3].map(|session| asker(session, 1, &home));
        for who in [&first, &second, &third] {
            line.ask(who, LASTS, now);
        }
        line.pause(2);
        line.finish(1);
        assert_eq!(line.ask(&third, LASTS, now), Asked::Alone(LASTS), "who does not ask is not waited for");
        line.ask(&first, LASTS, now);
        line.ask(&second, LASTS, now);
        line.finish(3);
        assert!(matches!(line.ask(&first, LASTS, now), Asked::Wait(_)));
        assert_eq!(line.ask(&second, LASTS, now), Asked::Alone(LASTS), "where it was");
    }

    #[test]
    fn turns_that_are_wasted_take_no_more_than_half_of_the_time() {
        let (homes, mut line, began) = (origins::<128>(), Line::default(), Instant::now());
        let (mut now, mut kept_out) = (began, Duration::ZERO);
        let step = Duration::from_millis(100);
        // As long as five rounds of wasting what may be wasted, and of waiting until that is forgotten.
        let in_all = 5 * (REMEMBERED + LASTS);
        while now < began + in_all {
            for (session, home) in homes.iter().enumerate() {
                let _ = line.ask(&asker(session as u64, 1, home), LASTS, now);
            }
            if line.keeps_out(u64::MAX, now).is_some() {
                kept_out += step;
            }
            now += step;
        }
        assert!(kept_out > in_all / 4 && kept_out <= in_all / 2 + LASTS, "{kept_out:?}");
    }
}

//! The relay's clock, and what it makes of one that was set.
//!
//! A machine's clock can be wrong, and be put right, by days. Therefore the relay keeps a second one that starts with the machine's
//! and goes on by itself, and follows a step of the machine's only when it has lasted an hour. What is done by time asks for the
//! one of the two that does less harm: nothing is deleted before its time by either, and nothing that expires is good after its
//! time by either.

use crate::lock::lock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const HOUR_MS: u64 = 60 * 60 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// What a clock that is kept right differs from one that goes by itself, from one look to the next.
const DRIFT_MS: u64 = 60 * 1000;

/// The two clocks. Clones are the same.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    believes_after: Duration,
    /// What tests have set the machine's clock off by.
    offset_ms: AtomicI64,
    steady: Mutex<Steady>,
}

#[derive(Debug)]
struct Steady {
    ms: u64,
    at: Instant,
    differs_since: Option<Instant>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Duration::from_millis(HOUR_MS))
    }
}

impl Clock {
    /// Believes the machine's clock now, and a step of it when it has lasted so long.
    #[must_use]
    pub fn new(believes_after: Duration) -> Self {
        let steady = Steady { ms: now_ms(), at: Instant::now(), differs_since: None };
        Self(Arc::new(Inner { believes_after, offset_ms: AtomicI64::new(0), steady: Mutex::new(steady) }))
    }

    /// For tests: as if somebody had set the machine's clock.
    pub fn step(&self, by_ms: i64) {
        self.0.offset_ms.fetch_add(by_ms, Ordering::AcqRel);
    }

    /// Milliseconds since 1970, by the clock that is behind: for what is deleted.
    pub(crate) fn earliest_ms(&self) -> u64 {
        let (machine, steady) = self.both_ms();
        machine.min(steady)
    }

    /// Milliseconds since 1970, by the clock that is ahead: for what expires, and for when something was stored.
    pub(crate) fn latest_ms(&self) -> u64 {
        let (machine, steady) = self.both_ms();
        machine.max(steady)
    }

    /// The same, in days.
    pub(crate) fn earliest_day(&self) -> u32 {
        day_of(self.earliest_ms())
    }

    /// The same, in days.
    pub(crate) fn latest_day(&self) -> u32 {
        day_of(self.latest_ms())
    }

    fn both_ms(&self) -> (u64, u64) {
        let machine = now_ms().saturating_add_signed(self.0.offset_ms.load(Ordering::Acquire));
        let mut steady = lock(&self.0.steady);
        let is_step = steady.look(machine, Instant::now(), self.0.believes_after);
        let steady = steady.ms;
        if is_step {
            tracing::warn!("the machine's clock was set: the relay goes by it from now on");
        }
        (machine, steady)
    }
}

impl Steady {
    /// Goes on to now. Whether it follows a step.
    fn look(&mut self, machine_ms: u64, now: Instant, believes_after: Duration) -> bool {
        let passed = now.saturating_duration_since(self.at);
        // What is less than a millisecond is kept for the next look.
        let passed_ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        self.ms = self.ms.saturating_add(passed_ms);
        self.at += Duration::from_millis(passed_ms);
        let is_near = machine_ms.abs_diff(self.ms) <= DRIFT_MS;
        let since = if is_near { None } else { Some(self.differs_since.unwrap_or(now)) };
        let is_believed = since.is_some_and(|since| now.saturating_duration_since(since) >= believes_after);
        if is_near || is_believed {
            self.ms = machine_ms;
        }
        self.differs_since = since.filter(|_| !is_believed);
        is_believed
    }
}

/// Milliseconds since 1970, by the machine's clock.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The hour since 1970: all that is kept of the time of an entry.
pub(crate) const fn hour_of(now_ms: u64) -> u64 {
    now_ms / HOUR_MS
}

/// The day since 1970.
pub(crate) fn day_of(now_ms: u64) -> u32 {
    u32::try_from(now_ms / DAY_MS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_millis(HOUR_MS);

    #[test]
    fn a_step_is_followed_when_it_has_lasted_and_small_ones_at_once() {
        let begin = Instant::now();
        let mut steady = Steady { ms: 10 * DAY_MS, at: begin, differs_since: None };
        let mut at = |minutes: u64, machine_ms: u64| {
            steady.look(machine_ms, begin + Duration::from_secs(60 * minutes), HOUR);
            steady.ms
        };
        let right = |minutes: u64| 10 * DAY_MS + 60_000 * minutes;
        assert_eq!(at(1, right(1) + 30_000), right(1) + 30_000, "kept right by the network");
        assert_eq!(at(2, right(2)), right(2));
        for step in [DAY_MS, 400 * DAY_MS] {
            assert_eq!(at(3, right(3) + step), right(3));
            assert_eq!(at(3, right(3) - DAY_MS), right(3));
        }
        assert_eq!(at(62, right(62) + DAY_MS), right(62), "not yet");
        assert_eq!(at(63, right(63) + DAY_MS), right(63) + DAY_MS, "for an hour");
        assert_eq!(at(64, right(64)), right(64) + DAY_MS, "and as long on the way back");
        assert_eq!(at(65, right(65) + DAY_MS), right(65) + DAY_MS);
        assert_eq!(at(120, right(120)), right(120) + DAY_MS, "a step that was taken back counts anew");
        assert_eq!(at(180, right(180)), right(180));
    }

    #[test]
    fn the_two_clocks_are_apart_while_a_step_is_new() {
        let clock = Clock::default();
        assert!(clock.latest_ms() - clock.earliest_ms() < 1000);
        let day = i64::try_from(DAY_MS).unwrap();
        clock.step(day);
        assert!(clock.latest_ms() - clock.earliest_ms() > DAY_MS - 1000);
        assert!(clock.earliest_ms().abs_diff(now_ms()) < 1000);
        clock.step(-2 * day);
        assert!(clock.latest_ms().abs_diff(now_ms()) < 1000);
        assert_eq!(clock.latest_day(), clock.earliest_day() + 1);
    }
}

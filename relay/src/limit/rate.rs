//! How often something may be done: a rate, and the bucket that counts by it.

use std::time::{Duration, Instant};

/// How much an address, a name or a connection may do: so much at once, and then one more every so many seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// Seconds for one more.
    pub every_s: f64,
}

impl Rate {
    /// As good as none.
    pub const UNLIMITED: Self = Self { burst: u32::MAX, every_s: 1e-9 };

    /// So much at once, and then so much in a second.
    #[must_use]
    pub fn per_second(burst: u32, each_second: f64) -> Self {
        Self { burst, every_s: 1.0 / each_second }
    }

    /// So many in a day: all of them at once, or spread over it.
    #[must_use]
    pub fn per_day(count: u32) -> Self {
        const DAY_S: f64 = 24.0 * 60.0 * 60.0;
        Self { burst: count, every_s: DAY_S / f64::from(count.max(1)) }
    }

    /// More of it, or less.
    pub(super) fn times(self, factor: f64) -> Self {
        Self { burst: times(self.burst, factor), every_s: self.every_s / factor }
    }
}

/// More, or less; one at least.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast stops at the ends of u32"
)]
pub(super) fn times(count: u32, factor: f64) -> u32 {
    ((f64::from(count) * factor) as u32).max(1)
}

/// What is left of a rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn full(rate: Rate, now: Instant) -> Self {
        Self { left: f64::from(rate.burst), at: now }
    }

    /// Takes one, or says how long to wait for it.
    pub(super) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        let level = self.level(rate, now);
        if level < 1.0 {
            return Err(seconds((1.0 - level) * rate.every_s));
        }
        *self = Self { left: level - 1.0, at: now };
        Ok(())
    }

    /// Takes what was used already, and goes into debt for it if need be.
    pub(super) fn owe(&mut self, amount: usize, rate: Rate, now: Instant) {
        let amount = u32::try_from(amount).unwrap_or(u32::MAX);
        *self = Self { left: self.level(rate, now) - f64::from(amount), at: now };
    }

    /// How long a debt lasts; nothing where there is none.
    pub(super) fn debt(&self, rate: Rate, now: Instant) -> Option<Duration> {
        let level = self.level(rate, now);
        (level < 0.0).then(|| seconds(-level * rate.every_s))
    }

    /// Gives one back.
    pub(super) fn give_back(&mut self, rate: Rate) {
        self.left = (self.left + 1.0).min(f64::from(rate.burst));
    }

    pub(super) fn is_full(&self, rate: Rate, now: Instant) -> bool {
        self.level(rate, now) >= f64::from(rate.burst)
    }

    /// How much of it is used up.
    pub(super) fn used(&self, rate: Rate, now: Instant) -> f64 {
        f64::from(rate.burst) - self.level(rate, now)
    }

    fn level(&self, rate: Rate, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + since / rate.every_s.max(1e-9)).min(f64::from(rate.burst))
    }
}

/// A wait as it is told to clients: never shorter than it is, so that one who comes back then is not refused for the rest of it.
pub(crate) fn whole_ms(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1)
}

fn seconds(seconds: f64) -> Duration {
    const LONGEST_S: f64 = 1e9;
    Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debt_is_paid_by_time() {
        let rate = Rate::per_second(100, 10.0);
        let begin = Instant::now();
        let mut bucket = Bucket::full(rate, begin);
        bucket.owe(100, rate, begin);
        assert_eq!(bucket.debt(rate, begin), None, "all that there is may be used");
        bucket.owe(50, rate, begin);
        assert_eq!(bucket.debt(rate, begin), Some(Duration::from_secs(5)));
        assert_eq!(bucket.debt(rate, begin + Duration::from_secs(5)), None);
        assert!(!bucket.is_full(rate, begin + Duration::from_secs(14)));
        assert!(bucket.is_full(rate, begin + Duration::from_secs(16)));
    }

    #[test]
    fn without_a_limit_nothing_has_to_wait() {
        let now = Instant::now();
        let mut bucket = Bucket::full(Rate::UNLIMITED, now);
        for _ in 0..100_000 {
            assert_eq!(bucket.take(Rate::UNLIMITED, now), Ok(()));
        }
        bucket.owe(usize::MAX, Rate::UNLIMITED, now);
        assert!(bucket.debt(Rate::UNLIMITED, now + Duration::from_secs(1)).is_none());
    }

    #[test]
    fn who_waits_as_long_as_was_said_is_not_refused_again() {
        let rate = Rate { burst: 1, every_s: 0.123_456_7 };
        let begin = Instant::now();
        let mut bucket = Bucket::full(rate, begin);
        bucket.take(rate, begin).unwrap();
        let wait = bucket.take(rate, begin).unwrap_err();
        assert_eq!(whole_ms(wait), 124);
        bucket.take(rate, begin + Duration::from_millis(whole_ms(wait))).unwrap();
        assert_eq!(whole_ms(Duration::ZERO), 1);
        assert_eq!(whole_ms(Duration::MAX), u64::MAX);
    }

    #[test]
    fn what_is_made_smaller_does_not_vanish() {
        assert_eq!(Rate::per_day(2).times(0.25).burst, 1);
        assert_eq!(Rate::per_day(10).times(8.0), Rate { burst: 80, every_s: 1080.0 });
        assert_eq!(times(u32::MAX, 8.0), u32::MAX);
    }
}

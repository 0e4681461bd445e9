//! Token buckets: how often an address, a name or an account may do something. In memory only, and nobody is locked out for
//! good: a bucket fills again with time.

use super::Rate;
use super::rate::Bucket;
use crate::lock::lock;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Most keys that are remembered of one kind. Past it, those that are as good as new are forgotten, then the half that has used up
/// less: a client that invents keys does not make the relay forget the one that it guesses at.
const KEYS_MAX: usize = 200_000;

/// Buckets of one kind.
#[derive(Debug)]
pub(crate) struct Attempts<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: Hash + Eq> Attempts<K> {
    /// All full.
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes one, or says how long to wait for it.
    pub(crate) fn take(&self, key: K) -> Result<(), Duration> {
        self.take_at(key, Instant::now())
    }

    /// Gives one back: it was no guess after all.
    pub(crate) fn give_back(&self, key: &K) {
        if let Some(bucket) = lock(&self.buckets).get_mut(key) {
            bucket.give_back(self.rate);
        }
    }

    fn take_at(&self, key: K, now: Instant) -> Result<(), Duration> {
        let rate = self.rate;
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= KEYS_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| !bucket.is_full(rate, now));
            if buckets.len() >= KEYS_MAX {
                tracing::warn!(
                    "more addresses than can be remembered: those that asked for little begin anew"
                );
                forget_half(&mut buckets, rate, now);
            }
        }
        buckets.entry(key).or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
    }
}

fn forget_half<K>(buckets: &mut HashMap<K, Bucket>, rate: Rate, now: Instant) {
    let mut used: Vec<f64> = buckets.values().map(|bucket| bucket.used(rate, now)).collect();
    let half = used.len() / 2;
    if half == 0 {
        return;
    }
    let (_, median, _) = used.select_nth_unstable_by(half, f64::total_cmp);
    let median = *median;
    let mut to_forget = half;
    buckets.retain(|_, bucket| {
        let is_kept = bucket.used(rate, now) > median || to_forget == 0;
        to_forget -= usize::from(!is_kept);
        is_kept
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_keys_do_not_make_it_forget_who_has_used_up_theirs() {
        let attempts = Attempts::new(Rate { burst: 3, every_s: 1000.0 });
        let now = Instant::now();
        while attempts.take_at(usize::MAX, now).is_ok() {}
        for invented in 0..KEYS_MAX * 2 {
            assert!(attempts.take_at(invented, now).is_ok());
        }
        assert!(attempts.take_at(usize::MAX, now).is_err());
        assert!(lock(&attempts.buckets).len() <= KEYS_MAX);
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_one_at_a_time() {
        let attempts = Attempts::new(Rate { burst: 2, every_s: 10.0 });
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert!(attempts.take_at("a", begin).is_ok() && attempts.take_at("a", begin).is_ok());
        assert_eq!(attempts.take_at("a", begin), Err(Duration::from_secs(10)));
        assert!(attempts.take_at("b", begin).is_ok(), "another key has a bucket of its own");
        assert_eq!(attempts.take_at("a", at(4)), Err(Duration::from_secs(6)));
        assert!(attempts.take_at("a", at(10)).is_ok());
        assert!(attempts.take_at("a", at(10)).is_err());
        attempts.give_back(&"a");
        assert!(attempts.take_at("a", at(10)).is_ok());
        for _ in 0..2 {
            assert!(attempts.take_at("a", at(1000)).is_ok());
        }
        assert!(attempts.take_at("a", at(1000)).is_err(), "no more than the burst is saved up");
    }
}

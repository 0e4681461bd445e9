//! Token buckets: how often an address, a name or an account may do something. In memory only, and nobody is locked out for
//! good: a bucket fills again with time.

use super::Rate;
use super::rate::Bucket;
use crate::lock::lock;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Most keys that are remembered of one kind. Past it, those that are as good as new are forgotten, then all.
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
                tracing::warn!("more addresses than can be remembered: limits begin anew");
                buckets.clear();
            }
        }
        buckets.entry(key).or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

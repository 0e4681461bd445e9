//! How long to wait before trying again: longer each time, with jitter, so that a thousand clients of a relay that comes
//! back do not come back in the same moment.

const FIRST_MS: u64 = 250;
const LONGEST_MS: u64 = 30_000;

/// Counts failures.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Another failure: how long to wait. `random` is any random number.
    pub fn next_delay_ms(&mut self, random: u64) -> u64 {
        let ceiling = FIRST_MS.saturating_mul(1 << self.failures.min(10)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        // Between half of the ceiling and all of it.
        let half = ceiling / 2;
        half + random % (half + 1)
    }

    /// It went well.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_never_vanish() {
        let mut backoff = Backoff::default();
        let delays: Vec<u64> = (0..20).map(|step| backoff.next_delay_ms(step * 7919)).collect();
        assert!(delays.iter().all(|delay| (FIRST_MS / 2..=LONGEST_MS).contains(delay)), "{delays:?}");
        assert!(delays[19] >= LONGEST_MS / 2);
        backoff.reset();
        assert!(backoff.next_delay_ms(u64::MAX) <= FIRST_MS);
    }
}

//! Messages that vanish: when, and what a device does about it.
//!
//! A message vanishes by its keys: there is no capsule for it, its epoch ends soon ([`RotationPolicy`](super::RotationPolicy)),
//! and the epoch's secrets are erased with its last message. What a device has shown, cached or indexed of it goes at the same
//! time. Each device counts from when the message came to it, by its own clock.

/// A room's timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    seconds: u32,
}

impl Timer {
    /// The timer of a room's state.
    #[must_use]
    pub fn of(timer_s: Option<u32>) -> Option<Self> {
        timer_s.map(|seconds| Self { seconds })
    }

    /// When a message that came at `received_at_ms` is erased, in milliseconds since 1970.
    #[must_use]
    pub fn erases_at_ms(self, received_at_ms: u64) -> u64 {
        received_at_ms.saturating_add(self.milliseconds())
    }

    /// Whether a device that was last up to date at `seen_at_ms` may not follow the log any more: with what it has it could open
    /// what has vanished by now. It erases its keys of the room first, and comes in again by its account's door.
    #[must_use]
    pub fn must_return(self, seen_at_ms: u64, now_ms: u64) -> bool {
        now_ms.saturating_sub(seen_at_ms) >= self.milliseconds()
    }

    fn milliseconds(self) -> u64 {
        u64::from(self.seconds) * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_when_its_time_is_over_and_a_device_that_was_away_longer_comes_in_again() {
        let timer = Timer::of(Some(60)).unwrap();
        assert_eq!(timer.erases_at_ms(1_000), 61_000);
        assert_eq!(timer.erases_at_ms(u64::MAX), u64::MAX);
        assert!(!timer.must_return(1_000, 60_999));
        assert!(timer.must_return(1_000, 61_000));
        assert!(!timer.must_return(61_000, 1_000), "a clock that was put back");
        assert_eq!(Timer::of(None), None);
    }
}

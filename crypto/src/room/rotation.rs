//! When a device makes a commit just for new keys: after so many messages, after some time, and often enough that what vanishes
//! vanishes in time.

/// When to rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationPolicy {
    /// After so many messages in an epoch.
    pub max_messages: u32,
    /// After an epoch has lasted so long, in milliseconds, and something was said in it.
    pub max_age_ms: u64,
}

impl Default for RotationPolicy {
    /// 1,000 messages, or a day.
    fn default() -> Self {
        Self { max_messages: 1000, max_age_ms: 24 * 60 * 60 * 1000 }
    }
}

impl RotationPolicy {
    /// Whether a commit for new keys is due. In a room with a timer an epoch in which something was said lasts no longer than a
    /// quarter of it: its keys are erased when its last message expires, so erasure lags by no more than that.
    #[must_use]
    pub fn is_due(&self, messages: u32, age_ms: u64, timer_s: Option<u32>) -> bool {
        if messages == 0 {
            return false;
        }
        let quarter_ms = timer_s.map_or(u64::MAX, |timer| u64::from(timer) * 250);
        messages >= self.max_messages || age_ms >= self.max_age_ms.min(quarter_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_by_messages_by_time_and_by_the_timer() {
        let policy = RotationPolicy { max_messages: 10, max_age_ms: 1_000_000 };
        let cases = [
            ("nothing was said", 0, u64::MAX, None, false),
            ("little, and not long ago", 9, 999_999, None, false),
            ("enough was said", 10, 0, None, true),
            ("long ago", 1, 1_000_000, None, true),
            ("a quarter of the timer", 1, 15_000, Some(60), true),
            ("less than a quarter", 1, 14_999, Some(60), false),
            ("a long timer does not hold it back", 1, 1_000_000, Some(31_536_000), true),
        ];
        for (what, messages, age_ms, timer_s, expected) in cases {
            assert_eq!(policy.is_due(messages, age_ms, timer_s), expected, "{what}");
        }
    }
}

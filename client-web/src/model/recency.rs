//! When a room was heard of last: by the sender's clock where that can be, and never later than it came here.

/// When a message counts as heard. A sender whose clock is in the future is believed no further than the moment at which this
/// device first saw the message: `remembered`, or now, which is then to be remembered.
#[must_use]
pub fn heard_at(sent_ms: u64, now_ms: u64, remembered: Option<u64>) -> Heard {
    match remembered {
        Some(at_ms) => Heard { at_ms: at_ms.min(sent_ms), is_to_be_remembered: false },
        None => Heard { at_ms: sent_ms.min(now_ms), is_to_be_remembered: sent_ms > now_ms },
    }
}

/// When a message counts as heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// In milliseconds since 1970.
    pub at_ms: u64,
    /// Whether that is this device's own clock, which will have gone on when it is asked again.
    pub is_to_be_remembered: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_in_the_future_keeps_no_room_on_top() {
        let honest = heard_at(900, 1000, None);
        assert_eq!(honest, Heard { at_ms: 900, is_to_be_remembered: false });
        let first = heard_at(u64::MAX, 1000, None);
        assert_eq!(first, Heard { at_ms: 1000, is_to_be_remembered: true });
        let later = heard_at(u64::MAX, 5000, Some(first.at_ms));
        assert_eq!(later, Heard { at_ms: 1000, is_to_be_remembered: false });
        assert!(heard_at(4000, 5000, None).at_ms > later.at_ms, "what was said since comes first");
    }
}

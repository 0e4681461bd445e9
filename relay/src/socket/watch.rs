//! Connections that nothing is done with: for how long they are kept.
//!
//! A connection that follows a room may be silent for ever, and is pinged. One that never asked for anything, that follows
//! nothing, or whose frame never ends, only holds a place.

use crate::config::Tuning;
use crate::room::CloseReason;
use std::time::Duration;
use tokio::time::Instant;

/// A frame has a second more for each so many bytes of it that have come.
pub(super) const SLOWEST_BYTES_PER_S: usize = 4096;

/// What is remembered of a connection for that.
#[derive(Debug)]
pub(super) struct Watch {
    /// The last request, or the beginning.
    asked_at: Instant,
    has_asked: bool,
    /// Since when a message is on its way that is not whole.
    partial_since: Option<Instant>,
    /// Until when the relay itself does not read.
    excused_until: Instant,
}

impl Watch {
    pub(super) fn new(now: Instant) -> Self {
        Self { asked_at: now, has_asked: false, partial_since: None, excused_until: now }
    }

    /// A message has come to its end.
    pub(super) fn note_message(&mut self) {
        self.partial_since = None;
    }

    /// Something was asked that could be understood.
    pub(super) fn note_request(&mut self, now: Instant) {
        (self.asked_at, self.has_asked) = (now, true);
    }

    /// Whether a message is begun and not ended, after a read.
    pub(super) fn note_partial(&mut self, is_partial: bool, now: Instant) {
        self.partial_since = if is_partial { self.partial_since.or(Some(now)) } else { None };
    }

    /// The relay does not read until then: that does not count against the message that is on its way.
    pub(super) fn excuse(&mut self, until: Instant, now: Instant) {
        let more = until.saturating_duration_since(self.excused_until.max(now));
        self.excused_until = self.excused_until.max(until);
        self.partial_since = self.partial_since.map(|since| since + more);
    }

    /// When to hang up, and why, if nothing changes. `partial_bytes` have come of the message that is on its way.
    pub(super) fn deadline(
        &self,
        follows_a_room: bool,
        partial_bytes: usize,
        tuning: &Tuning,
    ) -> Option<(Instant, CloseReason)> {
        let of_frame = self.partial_since.map(|since| {
            let more_s = u64::try_from(partial_bytes / SLOWEST_BYTES_PER_S).unwrap_or(u64::MAX);
            (since + tuning.frame_timeout + Duration::from_secs(more_s), CloseReason::TooSlow)
        });
        let patience = if self.has_asked { tuning.unopened_timeout } else { tuning.first_frame_timeout };
        let of_use = (!follows_a_room).then(|| (self.asked_at + patience, CloseReason::Unused));
        of_frame.into_iter().chain(of_use).min_by_key(|(deadline, _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_nothing_has_a_deadline_and_who_follows_a_room_has_none() {
        let tuning = Tuning {
            first_frame_timeout: Duration::from_secs(10),
            unopened_timeout: Duration::from_secs(100),
            frame_timeout: Duration::from_secs(30),
            ..Tuning::default()
        };
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut watch = Watch::new(begin);
        assert_eq!(watch.deadline(false, 0, &tuning), Some((at(10), CloseReason::Unused)));
        watch.note_request(at(5));
        assert_eq!(watch.deadline(false, 0, &tuning), Some((at(105), CloseReason::Unused)));
        assert_eq!(watch.deadline(true, 0, &tuning), None);
        watch.note_partial(true, at(20));
        watch.note_partial(true, at(21));
        assert_eq!(watch.deadline(true, 0, &tuning), Some((at(50), CloseReason::TooSlow)));
        let slow_but_honest = watch.deadline(true, 4096 * 100, &tuning);
        assert_eq!(slow_but_honest, Some((at(150), CloseReason::TooSlow)));
        // Twice the same pause is one.
        watch.excuse(at(60), at(50));
        watch.excuse(at(60), at(55));
        let later = watch.deadline(true, 0, &tuning);
        assert_eq!(later, Some((at(60), CloseReason::TooSlow)), "ten seconds were ours");
        watch.note_message();
        assert_eq!(watch.deadline(true, 0, &tuning), None);
    }
}

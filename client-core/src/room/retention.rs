//! Bodies that a relay has dropped: by its own words, or to keep something from somebody.
//!
//! An honest relay drops bodies in the order of the log, none before it is as old as the retention by which it was dropped, and says up to
//! where it has, and the shortest retention by which (`docs/PROTOCOL.md`, "Retention"). How old a message is at most is known by the ends of
//! the log that this device has seen: what stands behind one was said later. No clock is believed alone, neither the relay's nor this
//! device's: an alarm is raised only where by both of them it was too early.

use super::{RoomSlot, SeenEnd};
use crate::api::Alarm;
use sotto_protocol::{Dropped, limits::CLOCK_SKEW_TOLERATED_MS};

/// One moment by two clocks, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The relay's.
    pub relay_ms: u64,
    /// This device's.
    pub own_ms: u64,
}

/// Messages without a body that were read: the first, the last, and the first of those behind the last end of the log that was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bodiless {
    /// The first of them.
    pub first_seq: u64,
    /// The last.
    pub last_seq: u64,
    /// The first that was said since that end was seen, and when that was.
    pub fresh: Option<(u64, SeenEnd)>,
}

impl Bodiless {
    /// One message without a body, read by whom has seen the log end there.
    pub fn of(seq: u64, end: Option<SeenEnd>) -> Self {
        let fresh = end.filter(|end| end.seq < seq).map(|end| (seq, end));
        Self { first_seq: seq, last_seq: seq, fresh }
    }

    /// These, and those that were read after them.
    pub fn and(self, later: Self) -> Self {
        Self { last_seq: later.last_seq, fresh: self.fresh.or(later.fresh), ..self }
    }

    /// Whether what the relay says of what it has dropped covers all of them, for it may have dropped some since it said that.
    pub fn is_covered(&self, dropped: Option<Dropped>) -> bool {
        dropped.is_some_and(|dropped| dropped.up_to_seq >= self.last_seq)
    }

    /// The first of them that can not be missing by what the relay says after they were read.
    pub fn suspicious(&self, dropped: Option<Dropped>, now: Moment) -> Option<u64> {
        let Some(dropped) = dropped.filter(|dropped| dropped.up_to_seq >= self.last_seq) else {
            // A message before the last of them has its body.
            return Some(match dropped {
                Some(dropped) if dropped.up_to_seq >= self.first_seq => self.last_seq,
                _ => self.first_seq,
            });
        };
        let (seq, end) = self.fresh?;
        let by_relay = now.relay_ms.saturating_sub(end.relay_ms);
        let by_own = now.own_ms.saturating_sub(end.own_ms);
        let age_ms = by_relay.max(by_own).saturating_add(CLOCK_SKEW_TOLERATED_MS);
        (age_ms < dropped.aged_s.saturating_mul(1000)).then_some(seq)
    }
}

impl RoomSlot {
    /// The log ended at `seq` at that moment, and was read up to there.
    pub fn see_end(&mut self, seq: u64, at: Moment) {
        self.cursor.end = Some(SeenEnd { seq, relay_ms: at.relay_ms, own_ms: at.own_ms });
        self.dirty.cursor = true;
    }

    /// Judges bodies that are missing by what the relay says now.
    pub fn judge_bodiless(&mut self, bodiless: &Bodiless, dropped: Option<Dropped>, now: Moment) {
        if let Some(seq) = bodiless.suspicious(dropped, now) {
            self.raise(Alarm::BodyMissing(seq));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 60 * 60 * 1000;
    const DAY_S: u64 = 24 * 60 * 60;
    const BEGAN: Moment = Moment { relay_ms: 1_000 * HOUR_MS, own_ms: 1_000 * HOUR_MS };
    const END: SeenEnd = SeenEnd { seq: 20, relay_ms: BEGAN.relay_ms, own_ms: BEGAN.own_ms };

    fn later(relay_hours: u64, own_hours: u64) -> Moment {
        Moment {
            relay_ms: BEGAN.relay_ms + relay_hours * HOUR_MS,
            own_ms: BEGAN.own_ms + own_hours * HOUR_MS,
        }
    }

    fn read(seqs: &[u64], end: Option<SeenEnd>) -> Bodiless {
        let each = seqs.iter().map(|seq| Bodiless::of(*seq, end));
        each.reduce(Bodiless::and).expect("there is one")
    }

    fn dropped(up_to_seq: u64) -> Option<Dropped> {
        Some(Dropped { up_to_seq, aged_s: DAY_S })
    }

    #[test]
    fn bodies_are_dropped_in_the_order_of_the_log() {
        let cases: [(&[u64], _, _); 5] = [
            (&[3, 4, 9], dropped(9), None),
            (&[3, 4, 9], dropped(8), Some(9)),
            (&[3, 4, 9], dropped(2), Some(3)),
            (&[5], None, Some(5)),
            (&[5], dropped(1_000), None),
        ];
        for (seqs, stated, expected) in cases {
            assert_eq!(read(seqs, None).suspicious(stated, later(100, 100)), expected, "{seqs:?} {stated:?}");
            assert_eq!(read(seqs, None).is_covered(stated), expected.is_none());
        }
    }

    #[test]
    fn none_is_dropped_before_its_time_by_both_clocks() {
        for (seqs, now, expected) in [
            // Before the end that was seen, it may be of any age.
            (&[18, 20][..], later(1, 1), None),
            (&[18, 22, 23], later(1, 1), Some(22)),
            (&[21], later(23, 23), Some(21)),
            (&[21], later(24, 24), None),
            // One of the clocks was wrong then, or is now.
            (&[21], later(24, 0), None),
            (&[21], later(0, 24), None),
            (&[21], Moment { relay_ms: 0, own_ms: BEGAN.own_ms + 25 * HOUR_MS }, None),
            (&[21], Moment { relay_ms: 0, own_ms: 0 }, Some(21)),
        ] {
            assert_eq!(read(seqs, Some(END)).suspicious(dropped(30), now), expected, "{seqs:?} {now:?}");
        }
        assert_eq!(
            read(&[21], None).suspicious(dropped(30), later(1, 1)),
            None,
            "nothing is known of its age"
        );
    }

    #[test]
    fn an_admin_who_had_another_retention_for_a_while_raises_no_alarm() {
        let for_an_hour = Some(Dropped { up_to_seq: 30, aged_s: 3_600 });
        assert_eq!(read(&[21], Some(END)).suspicious(for_an_hour, later(2, 2)), None);
        assert_eq!(read(&[21], Some(END)).suspicious(for_an_hour, later(0, 0)), Some(21));
    }
}

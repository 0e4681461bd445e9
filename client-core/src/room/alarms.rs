//! The alarms of a room: a set that only grows. What the relay says later takes none of them away; only a person puts them aside.
//!
//! An alarm is *settled* where this device has found out since that nothing is wrong, by its own checks of signed content: it
//! stays until a person has seen it, and is told more calmly. What an alarm stops is kept apart from it ([`RoomSlot`](super::RoomSlot)).

use crate::api::{Alarm, AlarmView};
use minicbor::{Decode, Encode};

/// How many alarms of one kind are kept: the first ones, for they say where it began.
const KEPT_OF_A_KIND: usize = 8;

/// The alarms of a room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Alarms(#[n(0)] Vec<AlarmRecord>);

/// An alarm as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct AlarmRecord {
    #[n(0)]
    alarm: Alarm,
    #[n(1)]
    is_settled: bool,
    #[n(2)]
    is_put_aside: bool,
}

impl Alarms {
    /// Adds an alarm; true where that changes something. One that was settled and is raised again counts as new.
    pub fn raise(&mut self, alarm: Alarm) -> bool {
        let new = AlarmRecord { alarm, is_settled: false, is_put_aside: false };
        if let Some(known) = self.0.iter_mut().find(|known| known.alarm == alarm) {
            if known.is_settled {
                *known = new;
            }
            return *known == new;
        }
        let is_of_kind = |record: &AlarmRecord| kind(&record.alarm) == kind(&alarm);
        if self.0.iter().filter(|record| is_of_kind(record)).count() >= KEPT_OF_A_KIND {
            // A person has seen those that were put aside; of the others, the first ones tell where it began.
            match self.0.iter().position(|record| is_of_kind(record) && record.is_put_aside) {
                Some(seen) => drop(self.0.remove(seen)),
                None => return false,
            }
        }
        self.0.push(new);
        true
    }

    /// Marks alarms as settled; true where that changes something.
    pub fn settle(&mut self, is_settled: impl Fn(&Alarm) -> bool) -> bool {
        let mut has_changed = false;
        for record in &mut self.0 {
            if !record.is_settled && is_settled(&record.alarm) {
                record.is_settled = true;
                has_changed = true;
            }
        }
        has_changed
    }

    /// A person has seen what there is of these kinds; true where that changes something.
    pub fn put_aside(&mut self, seen: &[Alarm]) -> bool {
        let mut has_changed = false;
        let is_seen = |record: &&mut AlarmRecord| seen.iter().any(|seen| kind(seen) == kind(&record.alarm));
        for record in self.0.iter_mut().filter(is_seen) {
            has_changed |= !core::mem::replace(&mut record.is_put_aside, true);
        }
        has_changed
    }

    /// What a person has not put aside: one of each kind, the gravest kind first, those that are settled last.
    pub fn view(&self) -> Vec<AlarmView> {
        let mut views: Vec<AlarmView> = Vec::new();
        for record in self.0.iter().filter(|record| !record.is_put_aside) {
            let AlarmRecord { alarm, is_settled, .. } = *record;
            match views
                .iter_mut()
                .find(|view| view.is_settled == is_settled && kind(&view.alarm) == kind(&alarm))
            {
                Some(view) => view.count += 1,
                None => views.push(AlarmView { alarm, is_settled, count: 1 }),
            }
        }
        views.sort_by_key(|view| (view.is_settled, core::cmp::Reverse(kind(&view.alarm))));
        views
    }
}

/// The kind of an alarm; a graver one is greater.
const fn kind(alarm: &Alarm) -> u8 {
    match alarm {
        Alarm::EntryDamaged(_) => 1,
        Alarm::HistoryDiverged(_) => 2,
        Alarm::NotInLog(_) => 3,
        Alarm::BodyMissing(_) => 4,
        Alarm::InvalidChange(_) => 5,
        Alarm::RelayRolledBack(_) => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Alarm; 3] = [Alarm::RelayRolledBack(0), Alarm::HistoryDiverged(0), Alarm::EntryDamaged(0)];

    fn shown(alarms: &Alarms) -> Vec<(Alarm, bool, usize)> {
        alarms.view().into_iter().map(|view| (view.alarm, view.is_settled, view.count)).collect()
    }

    #[test]
    fn nothing_takes_an_alarm_away_but_a_person() {
        let mut alarms = Alarms::default();
        assert!(alarms.raise(Alarm::HistoryDiverged(7)));
        assert!(alarms.raise(Alarm::RelayRolledBack(9)));
        assert!(alarms.raise(Alarm::EntryDamaged(3)));
        assert!(!alarms.settle(|alarm| matches!(alarm, Alarm::InvalidChange(_))));
        assert!(alarms.settle(|alarm| matches!(alarm, Alarm::EntryDamaged(_))));
        let expected = [
            (Alarm::RelayRolledBack(9), false, 1),
            (Alarm::HistoryDiverged(7), false, 1),
            (Alarm::EntryDamaged(3), true, 1),
        ];
        assert_eq!(shown(&alarms), expected, "side by side, the gravest first");
        assert!(alarms.put_aside(&[Alarm::HistoryDiverged(0)]));
        assert_eq!(shown(&alarms).len(), 2, "only what was seen");
        assert!(alarms.put_aside(&ALL));
        assert!(shown(&alarms).is_empty() && !alarms.put_aside(&ALL));
    }

    #[test]
    fn an_alarm_that_was_put_aside_is_not_told_again_but_a_new_one_is() {
        let mut alarms = Alarms::default();
        alarms.raise(Alarm::HistoryDiverged(7));
        alarms.put_aside(&ALL);
        assert!(!alarms.raise(Alarm::HistoryDiverged(7)));
        assert!(alarms.raise(Alarm::HistoryDiverged(8)));
        assert_eq!(shown(&alarms), [(Alarm::HistoryDiverged(8), false, 1)]);
    }

    #[test]
    fn a_settled_alarm_that_is_raised_again_is_told_again() {
        let mut alarms = Alarms::default();
        alarms.raise(Alarm::EntryDamaged(7));
        alarms.settle(|_| true);
        alarms.put_aside(&ALL);
        assert!(alarms.raise(Alarm::EntryDamaged(7)));
        assert_eq!(shown(&alarms), [(Alarm::EntryDamaged(7), false, 1)]);
    }

    #[test]
    fn a_flood_hides_neither_where_it_began_nor_what_comes_after_a_person_has_looked() {
        let mut alarms = Alarms::default();
        alarms.raise(Alarm::HistoryDiverged(1));
        for seq in 1..1000 {
            alarms.raise(Alarm::EntryDamaged(seq));
        }
        let expected =
            [(Alarm::HistoryDiverged(1), false, 1), (Alarm::EntryDamaged(1), false, KEPT_OF_A_KIND)];
        assert_eq!(shown(&alarms), expected);
        alarms.put_aside(&ALL);
        assert!(alarms.raise(Alarm::EntryDamaged(5000)));
        assert_eq!(shown(&alarms), [(Alarm::EntryDamaged(5000), false, 1)]);
        assert!(alarms.0.len() <= 2 * KEPT_OF_A_KIND);
    }
}

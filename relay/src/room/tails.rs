//! The ids of what was written last, room by room: so that for most messages the database is not asked whether they were sent before.
//!
//! Only where this relay is the only one that writes. What is not remembered is looked up.

use sotto_protocol::{EntryId, limits};
use std::collections::{HashMap, VecDeque};

/// So many of a room are ever asked for.
const OF_A_ROOM_MAX: usize = limits::APPEND_TAIL_MAX as usize;
/// So many are remembered (about two megabytes); with more, remembering begins anew.
const IN_ALL_MAX: usize = 128 * 1024;

/// What was written last.
#[derive(Default)]
pub(super) struct Tails {
    rooms: HashMap<i64, Tail>,
    count: usize,
}

/// Entries without a gap.
struct Tail {
    last_seq: u64,
    ids: VecDeque<EntryId>,
}

impl Tails {
    /// An entry was written, of whatever kind.
    pub(super) fn note(&mut self, row: i64, seq: u64, id: EntryId) {
        if self.count >= IN_ALL_MAX {
            self.clear();
        }
        let tail = self.rooms.entry(row).or_insert_with(|| Tail { last_seq: seq - 1, ids: VecDeque::new() });
        if tail.last_seq + 1 != seq {
            self.count -= tail.ids.len();
            tail.ids.clear();
        }
        tail.last_seq = seq;
        tail.ids.push_back(id);
        self.count += 1;
        if tail.ids.len() > OF_A_ROOM_MAX {
            tail.ids.pop_front();
            self.count -= 1;
        }
    }

    /// Whether it is known that no entry of that id stands between these places, the second one included.
    pub(super) fn has_not(&self, row: i64, id: EntryId, (read_seq, head_seq): (u64, u64)) -> bool {
        let Some(length) = head_seq.checked_sub(read_seq).and_then(|length| usize::try_from(length).ok())
        else {
            return false;
        };
        length == 0
            || self.rooms.get(&row).is_some_and(|tail| {
                tail.last_seq == head_seq
                    && tail.ids.len() >= length
                    && !tail.ids.iter().rev().take(length).any(|known| *known == id)
            })
    }

    /// Nothing is known of a room any more.
    pub(super) fn forget(&mut self, row: i64) {
        if let Some(tail) = self.rooms.remove(&row) {
            self.count -= tail.ids.len();
        }
    }

    /// Nothing is known any more.
    pub(super) fn clear(&mut self) {
        self.rooms.clear();
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> EntryId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        EntryId::new(id)
    }

    #[test]
    fn what_is_not_remembered_is_not_known() {
        let mut tails = Tails::default();
        assert!(tails.has_not(1, id(9), (5, 5)), "nothing stands between");
        assert!(!tails.has_not(1, id(9), (4, 5)) && !tails.has_not(1, id(9), (6, 5)));
        for seq in 5..=8 {
            tails.note(1, seq, id(seq));
        }
        for (read_seq, head_seq, of, expected) in [
            (4, 8, 9, true),
            (4, 8, 5, false),
            (5, 8, 5, true),
            (5, 8, 6, false),
            (3, 8, 9, false),
            (4, 9, 9, false),
            (4, 7, 9, false),
        ] {
            assert_eq!(
                tails.has_not(1, id(of), (read_seq, head_seq)),
                expected,
                "{read_seq} {head_seq} {of}"
            );
        }
        assert!(!tails.has_not(2, id(9), (4, 8)));
        // Somebody else has written in between.
        tails.note(1, 20, id(20));
        assert!(!tails.has_not(1, id(9), (8, 20)) && tails.has_not(1, id(9), (19, 20)));
        tails.forget(1);
        assert!(!tails.has_not(1, id(9), (19, 20)));
        assert_eq!(tails.count, 0);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut tails = Tails::default();
        let long = limits::APPEND_TAIL_MAX + 500;
        for seq in 1..=long {
            tails.note(1, seq, id(seq));
        }
        assert_eq!(tails.count, OF_A_ROOM_MAX);
        assert!(tails.has_not(1, id(1), (long - limits::APPEND_TAIL_MAX, long)));
        for row in 0..2 * IN_ALL_MAX as i64 {
            tails.note(row, 1, id(1));
            assert!(tails.count <= IN_ALL_MAX);
        }
    }
}

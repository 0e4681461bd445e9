//! Putting a streamed text together: the last part that is whole, and the parts after it without a gap.

use crate::message::content::{StreamPart, limits::TEXT_MAX_BYTES};
use std::collections::BTreeMap;

/// The parts that are still needed, and the text that they give.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Assembly {
    parts: BTreeMap<u32, (u64, StreamPart)>,
    /// Place of the last whole part; 0 where there is none.
    base: u32,
    /// Place of the part that is to come next.
    next: u32,
    text: String,
    is_finished: bool,
}

impl Assembly {
    /// Takes a part from its place in the log. Says whether the text looks different now.
    pub fn take(&mut self, seq: u64, part: StreamPart) -> bool {
        let place = part.sequence;
        // A whole part before another, for what lies before it is gone; else the first in the log.
        let counts_before = |(at, known): &(u64, StreamPart)| (!known.is_whole, *at) <= (!part.is_whole, seq);
        if place < self.base || self.parts.get(&place).is_some_and(counts_before) {
            return false;
        }
        let (is_whole, is_next) = (part.is_whole, place == self.next);
        self.parts.insert(place, (seq, part));
        if is_whole {
            self.parts = self.parts.split_off(&place);
            self.base = place;
        }
        if is_whole || !is_next {
            self.text.clear();
            self.next = self.base;
            self.is_finished = false;
        }
        self.extend();
        true
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the last part has come, and everything before it.
    pub const fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Appends what comes next, up to the end, the first gap, or the limit of a text.
    fn extend(&mut self) {
        while let Some((_, part)) = self.parts.get(&self.next)
            && !self.is_finished
            && self.text.len() + part.text.len() <= TEXT_MAX_BYTES
        {
            self.text.push_str(&part.text);
            self.is_finished = part.is_finished;
            self.next = self.next.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(sequence: u32, text: &str, flags: &str) -> StreamPart {
        let (is_whole, is_finished) = (flags.contains('w'), flags.contains('f'));
        StreamPart {
            stream: [0; 16],
            sequence,
            text: text.into(),
            is_whole,
            is_finished,
            is_stopped: false,
            reply_to: None,
            more: None,
        }
    }

    #[test]
    fn parts_are_put_together_up_to_the_first_gap() {
        let cases: [(&[StreamPart], &str, bool); 7] = [
            (&[part(0, "a", ""), part(1, "b", ""), part(2, "c", "f")], "abc", true),
            (&[part(0, "a", ""), part(2, "c", "f")], "a", false),
            (&[part(2, "c", "f"), part(0, "a", ""), part(1, "b", "")], "abc", true),
            (&[part(0, "a", ""), part(3, "all", "w"), part(4, "!", "f")], "all!", true),
            (&[part(3, "all", "w"), part(0, "a", ""), part(1, "b", "f")], "all", false),
            (&[part(0, "a", ""), part(0, "other", "")], "a", false),
            (&[part(0, "a", "f"), part(1, "more", "")], "a", true),
        ];
        for (parts, text, is_finished) in cases {
            let mut assembly = Assembly::default();
            for (seq, part) in (1..).zip(parts) {
                assembly.take(seq, part.clone());
            }
            assert_eq!((assembly.text(), assembly.is_finished()), (text, is_finished));
        }
    }

    #[test]
    fn a_streamed_text_keeps_to_the_limit_of_a_text() {
        let mut assembly = Assembly::default();
        for sequence in 0..3 {
            assembly.take(sequence.into(), part(sequence, &"x".repeat(TEXT_MAX_BYTES / 2), ""));
        }
        assert_eq!(assembly.text().len(), TEXT_MAX_BYTES);
    }
}

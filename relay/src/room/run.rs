//! New entries of one room, laid end to end.
//!
//! What one transaction brings to a room goes to all its followers alike. Joined, it costs each of them one place in a
//! queue and one piece of a write, however many entries it holds.

use super::hub::LiveEntry;
use crate::access::{Effect, Following};
use bytes::Bytes;
use sotto_protocol::EntryKind;

/// A run is not made longer than this, so that a follower's queue fills in small steps.
const RUN_MAX_BYTES: usize = 64 * 1024;

/// Consecutive entries of one kind and epoch: whoever may see one of them may see all. One that changes that is alone.
pub(super) struct Run<'e> {
    entries: &'e [LiveEntry],
    kind: EntryKind,
    epoch: u64,
    effect: Effect,
    joined: Bytes,
}

impl<'e> Run<'e> {
    /// Splits entries, which are in the order of the log, into runs.
    pub(super) fn of(mut entries: &'e [LiveEntry]) -> Vec<Self> {
        let mut runs = Vec::new();
        while let Some(first) = entries.first() {
            let mut bytes = 0;
            let is_within = |entry: &&LiveEntry| {
                bytes += entry.frame.len();
                entry.kind == first.kind
                    && entry.epoch == first.epoch
                    && entry.effect == Effect::None
                    && bytes <= RUN_MAX_BYTES
            };
            let length =
                if first.effect == Effect::None { entries.iter().take_while(is_within).count() } else { 1 };
            let (run, rest) = entries.split_at_checked(length.max(1)).unwrap_or((entries, &[]));
            let LiveEntry { kind, epoch, effect, .. } = *first;
            runs.push(Self { entries: run, kind, epoch, effect, joined: join(run) });
            entries = rest;
        }
        runs
    }

    /// What of it goes to somebody who has opened the room when it ended at `after_seq`.
    pub(super) fn frames_for(
        &self,
        following: &mut Following,
        after_seq: u64,
    ) -> impl Iterator<Item = &'_ Bytes> + use<'_, 'e> {
        let is_whole = self.entries.first().is_some_and(|first| first.seq > after_seq);
        let last_seq = self.entries.last().map_or(0, |last| last.seq);
        let is_seen = following.take(last_seq, self.kind, self.epoch, self.effect);
        let whole = (is_seen && is_whole).then_some(&self.joined);
        let single = if is_seen && !is_whole { self.entries } else { &[] };
        let single = single.iter().filter(move |entry| entry.seq > after_seq).map(|entry| &entry.frame);
        whole.into_iter().chain(single)
    }
}

fn join(entries: &[LiveEntry]) -> Bytes {
    match entries {
        [only] => only.frame.clone(),
        _ => {
            let mut joined = Vec::with_capacity(entries.iter().map(|entry| entry.frame.len()).sum());
            for entry in entries {
                joined.extend_from_slice(&entry.frame);
            }
            joined.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::access::Grant;

    const CURRENT: Grant = Grant { room: 1, epoch: 1, began_seq: 3 };
    const EARLIER: Grant = Grant { room: 1, epoch: 0, began_seq: 0 };

    fn entry(seq: u64, kind: EntryKind, epoch: u64) -> LiveEntry {
        LiveEntry { seq, kind, epoch, effect: Effect::None, frame: Bytes::from(vec![seq as u8; 2]) }
    }

    /// What arrives, as the numbers that the frames are made of.
    fn arriving(entries: &[LiveEntry], grant: Grant, after_seq: u64) -> Vec<u8> {
        let runs = Run::of(entries);
        let mut following = Following { grant, ended_seq: None };
        let frames = runs.iter().flat_map(|run| run.frames_for(&mut following, after_seq));
        frames.flat_map(|frame| frame.iter().copied()).step_by(2).collect()
    }

    #[test]
    fn each_follower_gets_what_is_new_and_his() {
        use EntryKind::{Handshake, Message};
        let entries = [
            entry(1, Message, 0),
            entry(2, Message, 0),
            entry(3, Handshake, 0),
            entry(4, Message, 1),
            entry(5, Message, 1),
            entry(6, Message, 1),
            entry(7, Handshake, 1),
        ];
        assert_eq!(arriving(&entries, EARLIER, 0), [1, 2, 3, 7]);
        assert_eq!(arriving(&entries, EARLIER, 1), [2, 3, 7]);
        assert_eq!(arriving(&entries, CURRENT, 3), [4, 5, 6, 7]);
        assert_eq!(arriving(&entries, CURRENT, 5), [6, 7]);
        assert!(arriving(&entries, CURRENT, 7).is_empty());
    }

    #[test]
    fn entries_that_belong_together_are_one_piece_of_bounded_length() {
        let entries: Vec<_> = (1..=100).map(|seq| entry(seq, EntryKind::Message, 1)).collect();
        assert_eq!(Run::of(&entries).len(), 1);
        let long = |seq| LiveEntry {
            frame: Bytes::from(vec![0; RUN_MAX_BYTES / 2]),
            ..entry(seq, EntryKind::Message, 1)
        };
        assert_eq!(Run::of(&[long(1), long(2), long(3)]).len(), 2);
        let too_long =
            LiveEntry { frame: Bytes::from(vec![0; RUN_MAX_BYTES * 2]), ..entry(1, EntryKind::Message, 1) };
        assert_eq!(Run::of(&[too_long, long(2)]).len(), 2);
    }
}

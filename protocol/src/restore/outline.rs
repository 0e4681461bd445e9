//! Judging an outline.

use super::{Marks, OutlineEntry};
use crate::{Chain, EntryKind, limits};

/// Why an outline is not the true one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutlineError {
    /// It does not begin where the relay's log ends.
    OtherPlace,
    /// It does not lead to the head of the journal.
    OtherHead,
    /// It goes on after that head with more than a few messages.
    TooLong,
}

/// One entry of an outline that was followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutlineStep {
    /// Its place.
    pub seq: u64,
    /// As the outline has it.
    pub entry: OutlineEntry,
}

/// Follows an outline from the marks of a log to those of a lost head. What comes after that head are messages, by the word of a member of its
/// epoch: the journal may be a moment behind.
///
/// # Errors
/// [`OutlineError`].
pub fn follow_outline(
    from: Marks,
    (head, registered): (Chain, [u8; 32]),
    (after, entries): (u64, &[OutlineEntry]),
) -> Result<Vec<OutlineStep>, OutlineError> {
    if after != from.chain.seq || head.seq < after {
        return Err(OutlineError::OtherPlace);
    }
    let mut marks = from;
    let mut steps = Vec::with_capacity(entries.len());
    let mut more = 0;
    for entry in entries {
        if marks.chain.seq == head.seq && (marks.chain != head || marks.registered != registered) {
            return Err(OutlineError::OtherHead);
        }
        let is_message = entry.kind == EntryKind::Message;
        if entry.kind.is_handshake() != entry.registered.is_some() {
            return Err(OutlineError::OtherHead);
        }
        if marks.chain.seq >= head.seq {
            more += 1;
            if !is_message || more > limits::OUTLINE_MORE_MAX {
                return Err(OutlineError::TooLong);
            }
        }
        marks = marks.then(entry.kind, &entry.hash, entry.registered.as_ref());
        steps.push(OutlineStep { seq: marks.chain.seq, entry: *entry });
    }
    let is_reached = marks.chain.seq > head.seq || (marks.chain == head && marks.registered == registered);
    if is_reached { Ok(steps) } else { Err(OutlineError::OtherHead) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CreateRoom, RoomId};

    fn message(n: u8) -> OutlineEntry {
        OutlineEntry { kind: EntryKind::Message, hash: [n; 32], registered: None }
    }

    fn handshake(n: u8) -> OutlineEntry {
        OutlineEntry { kind: EntryKind::Handshake, hash: [n; 32], registered: Some([n; 32]) }
    }

    #[test]
    fn only_the_true_outline_leads_to_the_head() {
        let create = CreateRoom {
            room: RoomId::new([1; 16]),
            access_key: [2; 32],
            join_key: [3; 32],
            token: None,
            admin_key: [4; 32],
        };
        let start = Marks::start(&create);
        let lost = [message(1), handshake(2), message(3)];
        let end = lost
            .iter()
            .fold(start, |marks, entry| marks.then(entry.kind, &entry.hash, entry.registered.as_ref()));
        let head = (end.chain, end.registered);
        let follow =
            |entries: &[OutlineEntry]| follow_outline(start, head, (0, entries)).map(|steps| steps.len());
        assert_eq!(follow(&lost), Ok(3));
        assert_eq!(follow(&[&lost[..], &[message(4)]].concat()), Ok(4), "a moment more than the journal");
        assert_eq!(follow(&[&lost[..], &[handshake(4)]].concat()), Err(OutlineError::TooLong));
        assert_eq!(follow(&[&lost[..], &vec![message(4); 1025]].concat()), Err(OutlineError::TooLong));
        let mut other_keys = lost;
        other_keys[1].registered = Some([9; 32]);
        for wrong in [
            &lost[..2],
            &[],
            &[lost[0], lost[2], lost[1]],
            &[message(9), lost[1], lost[2]],
            &other_keys,
            &[message(9), lost[1], lost[2], message(4)],
            &[&other_keys[..], &[message(4)]].concat(),
        ] {
            assert_eq!(follow(wrong), Err(OutlineError::OtherHead), "{wrong:?}");
        }
        assert_eq!(follow_outline(start, head, (1, &lost)), Err(OutlineError::OtherPlace));
    }
}

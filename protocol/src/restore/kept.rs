//! What a client keeps so that it can give a restored relay back what that has lost, and what it believes of it.

use super::{Behind, GoOn, Outline, OutlineEntry, Replay, Replayed, WentOn, go_on_statement, registered_by};
use crate::{
    AppendHandshake, AppendRewind, Chain, EntryKind, Incarnation, LogEntry, OpenedRoom, RoomId, limits,
};
use minicbor::bytes::ByteVec;

/// An entry as it is kept: sealed, as it stood in the log, with what was published beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptEntry {
    /// A message, or the hash of one whose time was over.
    Message(LogEntry),
    /// A handshake, and whether it came through a door. Who did not write it makes its keys from the epoch's secrets, and takes card, doors,
    /// capsule, wraps and link from what the relay holds for the epoch.
    Handshake(Box<AppendHandshake>, bool),
    /// A rewind.
    Rewind(AppendRewind),
}

/// The last part of a room's log, from the end of the relay's last backup to the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    room: RoomId,
    start: Chain,
    entries: Vec<KeptEntry>,
}

/// Why a client brings nothing, and trusts the relay no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The relay's log is not the beginning of the client's own, or its lost head is none that was there: an alarm.
    OtherLog,
    /// It says that it was restored, in a life in which it was whole: an alarm.
    SameLife,
}

/// What a client does about an opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The relay misses nothing that the client has, and says so.
    Nothing,
    /// Others have to bring it: the client has not read that far, or keeps less.
    Wait,
    /// It sends these, in this order; the outline only where the relay has none.
    Bring(Outline, Vec<Replay>),
}

impl Kept {
    /// Nothing kept, at that place of the log.
    #[must_use]
    pub const fn from(room: RoomId, start: Chain) -> Self {
        Self { room, start, entries: Vec::new() }
    }

    /// The client's own chain.
    #[must_use]
    pub fn head(&self) -> Chain {
        self.at(u64::MAX).unwrap_or(self.start)
    }

    /// Takes one more entry, which the client has verified as the next of its chain.
    pub fn push(&mut self, entry: KeptEntry) {
        self.entries.push(entry);
    }

    /// Forgets what is in a backup, and more where it is over the bounds of what is kept.
    pub fn forget(&mut self, safe_seq: u64) {
        let mut bytes: usize = self.entries.iter().map(KeptEntry::size_bytes).sum();
        let mut forgotten = 0;
        for entry in &self.entries {
            let is_safe = self.start.seq < safe_seq;
            if !is_safe && bytes <= limits::KEPT_MAX_BYTES {
                break;
            }
            bytes -= entry.size_bytes();
            self.start = entry.after(self.start);
            forgotten += 1;
        }
        self.entries.drain(..forgotten);
    }

    /// What to do about a room that was opened. `lives` are the relay's incarnations: of the last time the room was whole, and now.
    ///
    /// # Errors
    /// [`Refusal`]: an alarm.
    pub fn answer(
        &self,
        opened: &OpenedRoom,
        (last, now): (Incarnation, Incarnation),
    ) -> Result<Answer, Refusal> {
        let Some(Behind { seq, hash, head_hash, is_outlined }) = opened.behind else {
            return Ok(Answer::Nothing);
        };
        if last == now {
            return Err(Refusal::SameLife);
        }
        let own = self.head();
        let differs = |seq, hash| self.at_exactly(seq).is_some_and(|chain| chain.hash != hash);
        if differs(opened.head_seq, head_hash) || differs(seq, hash) {
            return Err(Refusal::OtherLog);
        }
        if own.seq < seq || self.start.seq > opened.head_seq {
            return Ok(Answer::Wait);
        }
        let mut chain = self.start;
        let (mut lines, mut replays) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            chain = entry.after(chain);
            if chain.seq <= opened.head_seq {
                continue;
            }
            // A relay that has an outline has one that leads to its head, and may have no more.
            if is_outlined && chain.seq > seq {
                break;
            }
            lines.push(entry.outline());
            add(&mut replays, self.room, chain.seq, entry);
        }
        Ok(Answer::Bring(Outline { room: self.room, after: opened.head_seq, entries: lines }, replays))
    }

    /// Whether the relay shows the word of one of these room-admin keys for what it has not, given in this very life of it: then a log that
    /// is shorter than the client's own is no lie of the relay's, though people are told what is lost.
    #[must_use]
    pub fn is_given_up(&self, opened: &OpenedRoom, now: Incarnation, admin_keys: &[[u8; 32]]) -> bool {
        let Some(WentOn { seq, hash, incarnation, admin_key, signature }) = opened.went_on else {
            return false;
        };
        // Bound to this life: a word that was given for an earlier loss explains no later one.
        let is_own = self.at_exactly(seq).is_some_and(|chain| chain.hash == hash);
        let statement = go_on_statement(&self.room, &incarnation, seq, &hash);
        is_own
            && incarnation == now
            && admin_keys.contains(&admin_key)
            && crate::signature::verify(&admin_key, &statement, &signature).is_ok()
    }

    /// What an admin's client signs where its user wants to go on without: nothing where the relay's log is not the beginning of its own.
    #[must_use]
    pub fn go_on(
        &self,
        opened: &OpenedRoom,
        now: Incarnation,
        (admin_key, admin_keys): ([u8; 32], Vec<[u8; 32]>),
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> Option<GoOn> {
        let head_hash = opened.behind?.head_hash;
        let chain = self.at_exactly(opened.head_seq)?;
        if chain.hash != head_hash {
            return None;
        }
        let signature = sign(&go_on_statement(&self.room, &now, chain.seq, &chain.hash));
        let admin_keys = admin_keys.into_iter().map(Into::into).collect();
        Some(GoOn { room: self.room, seq: chain.seq, hash: chain.hash, admin_key, admin_keys, signature })
    }

    fn at(&self, seq: u64) -> Option<Chain> {
        let mut chain = (self.start.seq <= seq).then_some(self.start)?;
        for entry in &self.entries {
            if chain.seq == seq {
                break;
            }
            chain = entry.after(chain);
        }
        Some(chain)
    }

    fn at_exactly(&self, seq: u64) -> Option<Chain> {
        self.at(seq).filter(|chain| chain.seq == seq)
    }
}

impl KeptEntry {
    fn outline(&self) -> OutlineEntry {
        match self {
            Self::Message(entry) => {
                OutlineEntry { kind: EntryKind::Message, hash: entry.hash(), registered: None }
            }
            Self::Handshake(append, by_door) => OutlineEntry {
                kind: EntryKind::of_commit(*by_door),
                hash: crate::entry_hash(&append.entry),
                registered: Some(registered_by(append)),
            },
            Self::Rewind(append) => OutlineEntry {
                kind: EntryKind::Rewind,
                hash: crate::entry_hash(&append.rewind),
                registered: None,
            },
        }
    }

    fn after(&self, chain: Chain) -> Chain {
        let line = self.outline();
        chain.then(chain.seq.saturating_add(1), line.kind, &line.hash)
    }

    fn size_bytes(&self) -> usize {
        const OVERHEAD_BYTES: usize = 128;
        OVERHEAD_BYTES
            + match self {
                Self::Message(entry) => entry.entry.len(),
                Self::Handshake(append, _) => crate::encode(append).len(),
                Self::Rewind(append) => crate::encode(append).len(),
            }
    }
}

/// Messages go together, as far as they fit.
fn add(replays: &mut Vec<Replay>, room: RoomId, seq: u64, entry: &KeptEntry) {
    let what = match entry {
        KeptEntry::Message(entry) => {
            if let Some(Replay { what: Replayed::Messages(before), .. }) = replays.last_mut() {
                let bytes: usize = before.iter().map(|entry| entry.len() + 8).sum();
                if bytes + entry.entry.len() <= limits::PAGE_MAX_BYTES / 2 {
                    before.push(ByteVec::from(entry.entry.clone()));
                    return;
                }
            }
            Replayed::Messages(vec![ByteVec::from(entry.entry.clone())])
        }
        KeptEntry::Handshake(append, _) => {
            Replayed::Handshake(AppendHandshake { join: None, ..(**append).clone() })
        }
        KeptEntry::Rewind(append) => Replayed::Rewind(append.clone()),
    };
    replays.push(Replay { room, seq, what });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::{Marks, OutlineError, follow_outline};
    use crate::{CreateRoom, RoomAccess};
    use ed25519_dalek::{Signer as _, SigningKey};

    const ROOM: RoomId = RoomId::new([1; 16]);
    const BEFORE: Incarnation = Incarnation::new([1; 16]);
    const NOW: Incarnation = Incarnation::new([2; 16]);

    fn message(n: u8) -> KeptEntry {
        KeptEntry::Message(LogEntry::message(0, vec![n; 41]))
    }

    fn handshake(n: u8, by_door: bool) -> KeptEntry {
        let append = AppendHandshake {
            room: ROOM,
            last_handshake_seq: 0,
            entry: vec![n; 41],
            access_key: [n; 32],
            join_key: [n; 32],
            card: vec![n; 9],
            doors: Vec::new(),
            join: None,
            capsule: None,
            capsule_wraps: None,
            history: None,
            handover: None,
            cut: None,
        };
        KeptEntry::Handshake(Box::new(append), by_door)
    }

    fn kept(entries: &[KeptEntry]) -> Kept {
        let mut kept = Kept::from(ROOM, Chain::start(&ROOM));
        entries.iter().for_each(|entry| kept.push(entry.clone()));
        kept
    }

    fn lost() -> Vec<KeptEntry> {
        vec![
            message(1),
            message(2),
            handshake(3, true),
            message(4),
            handshake(5, false),
            message(6),
            message(7),
        ]
    }

    /// As a relay that has the first entries and lost the rest.
    fn opened(kept: &Kept, has: u64, lost_head: u64) -> OpenedRoom {
        let head = kept.at_exactly(lost_head).unwrap();
        let behind = Behind {
            seq: head.seq,
            hash: head.hash,
            head_hash: kept.at_exactly(has).unwrap().hash,
            is_outlined: false,
        };
        OpenedRoom {
            access: RoomAccess::Full,
            epoch: 0,
            head_seq: has,
            last_handshake_seq: 0,
            retention: None,
            safe_seq: Some(0),
            behind: Some(behind),
            went_on: None,
        }
    }

    fn answer(kept: &Kept, opened: &OpenedRoom) -> Result<Answer, Refusal> {
        kept.answer(opened, (BEFORE, NOW))
    }

    #[test]
    fn what_was_lost_is_brought_back_byte_for_byte_and_leads_to_the_lost_head() {
        let kept = kept(&lost());
        for lost_head in [6, 7] {
            let Ok(Answer::Bring(outline, replays)) = answer(&kept, &opened(&kept, 1, lost_head)) else {
                panic!()
            };
            let create = CreateRoom {
                room: ROOM,
                access_key: [2; 32],
                join_key: [3; 32],
                token: None,
                admin_key: [4; 32],
            };
            let marks = lost().iter().take(lost_head as usize).fold(
                vec![Marks::start(&create)],
                |mut marks, entry| {
                    let line = entry.outline();
                    marks.push(marks.last().unwrap().then(line.kind, &line.hash, line.registered.as_ref()));
                    marks
                },
            );
            let end = marks.last().unwrap();
            let follow = |entries: &[OutlineEntry]| {
                follow_outline(marks[1], (end.chain, end.registered), (outline.after, entries))
            };
            assert_eq!(follow(&outline.entries).unwrap().len(), 6);
            let mut by_member = outline.entries.clone();
            by_member[1].kind = EntryKind::Handshake;
            assert_eq!(follow(&by_member), Err(OutlineError::OtherHead), "a join is no commit of a member");
            let seqs: Vec<u64> = replays.iter().map(|replay| replay.seq).collect();
            assert_eq!(seqs, [2, 3, 4, 5, 6], "messages go together");
            let Replayed::Messages(last) = &replays[4].what else { panic!() };
            assert_eq!(
                last.iter().map(|entry| entry.to_vec()).collect::<Vec<_>>(),
                [vec![6; 41], vec![7; 41]]
            );
            let KeptEntry::Handshake(append, _) = handshake(3, true) else { panic!() };
            assert_eq!(replays[1].what, Replayed::Handshake(*append));
        }
    }

    #[test]
    fn a_relay_that_lies_about_a_loss_gets_nothing() {
        let kept = kept(&lost());
        let honest = opened(&kept, 1, 7);
        assert_eq!(kept.answer(&honest, (NOW, NOW)), Err(Refusal::SameLife));
        let with = |change: fn(&mut Behind)| {
            let mut behind = honest.behind.unwrap();
            change(&mut behind);
            OpenedRoom { behind: Some(behind), ..honest }
        };
        assert_eq!(answer(&kept, &with(|behind| behind.head_hash = [9; 32])), Err(Refusal::OtherLog));
        assert_eq!(answer(&kept, &with(|behind| behind.hash = [9; 32])), Err(Refusal::OtherLog));
        assert_eq!(answer(&kept, &OpenedRoom { behind: None, ..honest }), Ok(Answer::Nothing));
    }

    #[test]
    fn who_was_away_or_keeps_less_waits_for_others() {
        let all = kept(&lost());
        let away = kept(&lost()[..4]);
        assert_eq!(answer(&away, &opened(&all, 1, 7)), Ok(Answer::Wait));
        let mut less = kept(&lost());
        less.forget(3);
        assert_eq!(answer(&less, &opened(&all, 1, 7)), Ok(Answer::Wait));
        assert_eq!(less.head(), all.head());
        assert!(
            matches!(answer(&less, &opened(&all, 3, 7)), Ok(Answer::Bring(..))),
            "all that is missing is kept"
        );
    }

    #[test]
    fn only_an_admins_word_of_this_life_explains_a_log_that_is_shorter() {
        let kept = kept(&lost());
        let admin = SigningKey::from_bytes(&[7; 32]);
        let key = admin.verifying_key().to_bytes();
        let behind = opened(&kept, 1, 7);
        let word =
            kept.go_on(&behind, NOW, (key, vec![key]), |statement| admin.sign(statement).to_bytes()).unwrap();
        let went_on = WentOn {
            seq: word.seq,
            hash: word.hash,
            incarnation: NOW,
            admin_key: key,
            signature: word.signature,
        };
        let shown = OpenedRoom { behind: None, went_on: Some(went_on), ..behind };
        assert!(kept.is_given_up(&shown, NOW, &[key]));
        assert!(!kept.is_given_up(&shown, NOW, &[[8; 32]]), "no admin's");
        assert!(!kept.is_given_up(&shown, BEFORE, &[key]), "of another life");
        for changed in [
            WentOn { seq: 2, ..went_on },
            WentOn { hash: [9; 32], ..went_on },
            WentOn { signature: [9; 64], ..went_on },
        ] {
            assert!(!kept.is_given_up(&OpenedRoom { went_on: Some(changed), ..shown }, NOW, &[key]));
        }
        let mut other = behind;
        other.behind.as_mut().unwrap().head_hash = [9; 32];
        assert!(
            kept.go_on(&other, NOW, (key, vec![key]), |_| [0; 64]).is_none(),
            "nothing is signed for another log"
        );
    }
}

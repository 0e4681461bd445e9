//! A device in the room, as a client runs it: what it has stored, what it reads, what waits to be sent.
//!
//! It does what "Client rules" of `docs/PROTOCOL.md` says, with as little as the simulation needs: handshakes are followed
//! first, then everything is read with the current epoch's key; a pending commit and a sealed message are stored before they
//! are sent, and the same bytes are sent again until the log decides.

use crate::{
    people::Who,
    relay::{By, Logged, Refusal, Relay},
    rules::Rules,
};
use sotto_crypto::{
    CryptoError, DeviceKey,
    message::{
        self, Content, Draft, MessageId,
        conversation::{Conversation, Said},
    },
    room::{Authority, Handshake, Left, MessageSecret, Place, RewindEffect, Room, Roster},
};
use sotto_protocol::{Chain, EntryHeader, EntryKind, entry_hash};
use std::collections::BTreeMap;

/// What it takes to read an epoch.
#[derive(Clone)]
pub struct View {
    pub message: MessageSecret,
    pub roster: Roster,
    pub authority: Authority,
}

/// A commit that may be in the log or not.
#[derive(Clone)]
pub struct Pending {
    pub handshake: Handshake,
    pub last_handshake: u64,
    /// The room after it, by the second opinion.
    pub after: Rules,
}

/// A message that has not come back through the log.
#[derive(Clone)]
pub struct Waiting {
    pub id: MessageId,
    pub text: String,
    pub sealed: Option<Vec<u8>>,
}

/// Everything that is stored beside the MLS group.
#[derive(Clone)]
pub struct Notes {
    pub last_handshake: u64,
    pub cursor: Chain,
    /// Epochs that are not read through.
    pub views: BTreeMap<u64, View>,
    /// What the device knows of the log: places and hashes.
    pub chain: BTreeMap<u64, [u8; 32]>,
    /// Stretches of the log that it was there for: after the first seq, up to the second; the last one is open.
    pub spans: Vec<(u64, Option<u64>)>,
    pub conversation: Conversation,
    pub pending: Option<Pending>,
    pub outbox: Vec<Waiting>,
    /// As it was before the last join, while that may be voided.
    pub before: Option<Box<Notes>>,
    /// Own messages that came back since then.
    pub settled: Vec<Waiting>,
    pub keys: usize,
    pub generation: usize,
}

/// What is committed to storage.
#[derive(Clone)]
pub struct Stored {
    pub room: Vec<u8>,
    pub notes: Notes,
}

/// Two have seen different logs.
#[derive(Debug)]
pub struct Forked;

/// A device that is, or was, in the room.
pub struct Client {
    pub who: Who,
    pub room: Room,
    pub notes: Notes,
    pub stored: Stored,
    /// Whether it followed what was voided and cannot go back.
    pub is_lost: bool,
}

impl Client {
    pub fn new(who: Who, room: Room, notes: Notes) -> Self {
        let stored = Stored { room: room.save().unwrap().to_vec(), notes: notes.clone() };
        let mut client = Self { who, room, notes, stored, is_lost: false };
        client.note_epoch();
        client.store();
        client
    }

    /// Commits everything, as one transaction.
    pub fn store(&mut self) {
        let id = |notes: &Notes| notes.pending.as_ref().map(|pending| pending.handshake.id);
        let (now, then) = (&self.notes, &self.stored.notes);
        // Only handshakes and own commits change the group; saving it is dear.
        if (now.last_handshake, id(now)) != (then.last_handshake, id(then)) {
            self.stored.room = self.saved();
        }
        self.stored.notes = self.notes.clone();
    }

    /// The process dies and starts again.
    pub fn crash(&mut self) {
        self.room = self.reload(self.room.device().clone());
        self.notes = self.stored.notes.clone();
        assert_eq!(self.saved(), self.stored.room, "what is loaded is what was stored");
    }

    pub fn saved(&self) -> Vec<u8> {
        self.room.save().unwrap().to_vec()
    }

    fn reload(&self, device: DeviceKey) -> Room {
        Room::load(self.room.id(), device, &self.stored.room).unwrap()
    }

    pub fn is_gone(&self) -> bool {
        self.is_lost || self.room.is_removed()
    }

    /// Follows the handshakes and reads everything that it may.
    pub fn catch_up(&mut self, relay: &mut Relay) {
        self.follow(relay, usize::MAX);
        self.read(relay);
    }

    /// Follows at most so many handshakes.
    pub fn follow(&mut self, relay: &mut Relay, mut most: usize) {
        while most > 0 && !self.is_gone() {
            let key = self.room.secrets().unwrap().access_key();
            let Ok(page) = relay.handshakes(self.room.epoch(), &key, self.notes.last_handshake) else {
                panic!("a member's own key opens the room for handshakes");
            };
            if page.is_empty() {
                return;
            }
            for entry in page {
                if most == 0 || self.is_gone() {
                    return;
                }
                if entry.rewind.is_some() {
                    self.take_rewind(relay, &entry);
                } else if entry.is_garbage {
                    let key = entry.handshake.as_ref().unwrap().access_key;
                    self.refuses(entry.kind(), &entry.bytes, &key);
                    self.notes.last_handshake = entry.seq;
                } else if entry.is_void {
                    self.notes.last_handshake = entry.seq;
                } else {
                    self.take_handshake(relay, &entry);
                }
                most -= 1;
            }
        }
    }

    /// Reads from the cursor to the head, where it is in the current epoch.
    pub fn read(&mut self, relay: &Relay) {
        if self.is_gone() {
            return;
        }
        let key = self.room.secrets().unwrap().access_key();
        let Ok(page) = relay.page(&key, self.notes.cursor.seq) else { return };
        for entry in page {
            self.take(&entry).expect("all have the same log");
        }
    }

    fn take_rewind(&mut self, relay: &Relay, entry: &Logged) {
        let rewind = entry.rewind.as_ref().unwrap();
        let bad = relay.entry(rewind.bad_seq);
        let left = Left { seq: bad.seq, entry: bad.bytes.clone(), kind: bad.kind() };
        match self.room.rewind(rewind, |epoch| (epoch == bad.epoch).then_some(left)) {
            Ok(RewindEffect::Unmoved) => {}
            Ok(RewindEffect::Restored) => self.restore(),
            // Who came in by it, and who has followed it and forgotten the epoch before: nobody undoes that for them.
            Ok(RewindEffect::JoinUndone(_)) | Err(CryptoError::Forbidden(_)) => {
                self.is_lost = true;
                return;
            }
            Err(error) => panic!("{:?} does not follow the rewind {}: {error}", self.who, entry.seq),
        }
        assert!(!self.room.has_pending_commit(), "nothing is pending after a rewind");
        assert_eq!(self.room.epoch(), rewind.epoch);
        self.notes.pending = None;
        self.notes.last_handshake = entry.seq;
    }

    /// Back to what was there before a join that is voided. What was said since waits again.
    fn restore(&mut self) {
        let before = *self.notes.before.take().expect("whoever can go back has kept what was there");
        let now = std::mem::replace(&mut self.notes, before);
        for mut waiting in now.settled.into_iter().chain(now.outbox) {
            if self.notes.outbox.iter().all(|other| other.id != waiting.id) {
                waiting.sealed = None;
                self.notes.outbox.push(waiting);
            }
        }
    }

    fn take_handshake(&mut self, relay: &mut Relay, entry: &Logged) {
        let handshake = entry.handshake.as_ref().unwrap();
        let before = entry.by_door.then(|| Box::new(Notes { before: None, ..self.notes.clone() }));
        let is_own =
            self.notes.pending.as_ref().is_some_and(|pending| pending.handshake.entry == entry.bytes);
        let transition = if is_own {
            let own = self.notes.pending.take().unwrap();
            self.notes.keys = own.after.devices[&self.who].keys;
            self.notes.generation = own.after.devices[&self.who].generation;
            self.room.merge_pending().expect("an own commit that is in the log is merged")
        } else {
            let staged =
                self.room.stage(entry.kind(), &entry.bytes, &handshake.access_key).unwrap_or_else(|error| {
                    panic!("{:?} does not follow entry {}: {error}", self.who, entry.seq)
                });
            assert_eq!(staged.is_external(), entry.by_door);
            self.room.merge(staged).expect("what is staged is merged")
        };
        assert_eq!(transition.epoch, entry.epoch + 1);
        assert_eq!(transition.is_removed, self.is_gone());
        self.notes.before = before;
        self.notes.settled.clear();
        self.notes.pending = None;
        self.notes.last_handshake = entry.seq;
        if self.is_gone() {
            self.notes.spans.last_mut().unwrap().1 = Some(self.notes.cursor.seq);
        } else {
            assert!(!self.room.has_pending_commit());
            self.note_epoch();
            let held = relay.links.get(&entry.epoch).map(Vec::as_slice);
            if !entry.by_door {
                assert_eq!(self.room.audit_history(held), Ok(None), "what honest devices hand on");
            }
            if let Some(link) = self.room.history_link().unwrap() {
                relay.links.entry(entry.epoch).or_insert(link);
            }
        }
    }

    fn note_epoch(&mut self) {
        let view = View {
            message: self.room.secrets().unwrap().message,
            roster: self.room.roster().clone(),
            authority: self.room.state().authority(),
        };
        self.notes.views.insert(self.room.epoch(), view);
    }

    /// Takes the next entry; an error where whoever said something had another log before it.
    fn take(&mut self, entry: &Logged) -> Result<(), Forked> {
        assert_eq!(entry.seq, self.notes.cursor.seq + 1);
        self.notes.cursor = self.notes.cursor.then(entry.seq, entry.kind(), &entry_hash(&entry.bytes));
        self.notes.chain.insert(entry.seq, self.notes.cursor.hash);
        if entry.is_void || entry.rewind.is_some() {
            return Ok(());
        }
        if entry.handshake.is_some() {
            self.notes.views.retain(|epoch, _| *epoch > entry.epoch);
            return Ok(());
        }
        // Before this device came in: hashed only.
        let Some(view) = self.notes.views.get(&entry.epoch) else {
            assert!(self.notes.spans.last().unwrap().0 >= entry.seq, "an epoch of one's own has no key");
            return Ok(());
        };
        let (_, opened) =
            message::open(&view.message, &self.room.id(), entry.epoch, &view.roster, &entry.bytes)
                .expect("a message in the log opens");
        if self.notes.chain.get(&opened.chain.seq).is_some_and(|hash| *hash != opened.chain.hash) {
            return Err(Forked);
        }
        if opened.sender.device_key == self.room.device().public() {
            let (back, waits) = std::mem::take(&mut self.notes.outbox)
                .into_iter()
                .partition(|waiting: &Waiting| waiting.id == opened.id);
            self.notes.settled.extend::<Vec<_>>(back);
            self.notes.outbox = waits;
        }
        self.notes.conversation.take(Said::new(entry.seq, opened), &view.authority);
        Ok(())
    }

    /// Whether this device notices that it was shown these entries and others something else. Nothing comes of it.
    pub fn notices(&mut self, entries: &[Logged]) -> bool {
        let notes = self.notes.clone();
        let seen = entries.iter().try_for_each(|entry| self.take(entry));
        self.notes = notes;
        seen.is_err()
    }

    /// What it knows of a place in the log, which is this long.
    pub fn place(&self, seq: u64, head: u64) -> Place {
        match self.notes.chain.get(&seq) {
            Some(hash) => Place::Hash(*hash),
            None if seq > head => Place::Ahead,
            None => Place::Unknown,
        }
    }

    /// Seals what waits, where its epoch is over or it was never sealed.
    pub fn seal(&mut self) {
        let epoch = self.room.epoch();
        for index in 0..self.notes.outbox.len() {
            let waiting = &self.notes.outbox[index];
            let is_good = |bytes: &Vec<u8>| EntryHeader::split(bytes).unwrap().0.epoch == epoch;
            if !waiting.sealed.as_ref().is_some_and(is_good) {
                let sealed = self.seal_one(&waiting.id, &waiting.text);
                self.notes.outbox[index].sealed = Some(sealed);
            }
        }
    }

    /// A message, sealed for the epoch that the device is in.
    pub fn seal_one(&self, id: &MessageId, text: &str) -> Vec<u8> {
        let content = Content::Text(text.into()).encode().unwrap();
        let draft = Draft {
            leaf: self.room.own_leaf(),
            id: *id,
            sent_at_ms: 1,
            chain: self.notes.cursor,
            content: &content,
        };
        let secret = self.room.secrets().unwrap().message;
        message::seal(&secret, self.room.device(), &self.room.id(), self.room.epoch(), &draft).unwrap().1
    }

    /// Sends the pending commit as it is stored.
    pub fn send_pending(&self, relay: &mut Relay) -> Option<Result<u64, Refusal>> {
        let Pending { handshake, last_handshake, .. } = self.notes.pending.as_ref()?;
        let key = self.room.secrets().unwrap().access_key();
        Some(relay.append_handshake(&By::Member(&key), *last_handshake, handshake))
    }

    /// Tries what must be refused, and checks that nothing came of it.
    pub fn refuses(&mut self, kind: EntryKind, bytes: &[u8], access_key: &[u8; 32]) -> CryptoError {
        let before = self.saved();
        let refused =
            self.room.stage(kind, bytes, access_key).map(|_| ()).expect_err("it is not the next handshake");
        assert!(self.saved() == before, "a refused handshake leaves the room as it was");
        refused
    }
}

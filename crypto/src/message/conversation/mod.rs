//! From opened messages to what people see: texts with their edits, reactions, polls with their tallies, pins, streamed
//! texts put together. Pure: no clock, no storage.
//!
//! Messages are taken in the order of the log. Where two things done to one message compete, the later in the log counts,
//! whichever is taken first; so a conversation that is read in pieces comes out the same. What is done to a message that
//! is not there yet waits for it. The second message with one identity is ignored, whatever it says.

mod item;
mod stream;
mod versions;

use super::{
    MessageId, OpenedMessage,
    content::{Content, Target},
    rights::{self, Refusal},
};
use crate::{identity::AccountId, room::Authority};
use item::Action;
use std::collections::{BTreeMap, BTreeSet};

pub use item::{Body, Item};
pub use versions::EDITS_KEPT_MAX;

/// Most things that wait for a message that is not there. Past it, those first in the log are forgotten.
pub const WAITING_MAX: usize = 4096;

/// An opened message, at its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its place.
    pub seq: u64,
    /// By whose account.
    pub sender: AccountId,
    /// By which of their devices.
    pub device_key: [u8; 32],
    /// The sender's name for it.
    pub id: MessageId,
    /// By the sender's clock, in milliseconds since 1970.
    pub sent_at_ms: u64,
    /// What is said.
    pub content: Content,
}

/// Something that was refused. It changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The place in the log of what was refused.
    pub seq: u64,
    /// Who tried.
    pub sender: AccountId,
    /// To what it was to be done.
    pub target: Target,
    /// Why not.
    pub refusal: Refusal,
}

/// What a message did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The item that is new or looks different now.
    pub changed: Option<Target>,
    /// What was refused: the message, or what had waited for it.
    pub notices: Vec<Notice>,
    /// Whether a message with this identity was taken before.
    pub is_duplicate: bool,
}

/// What people see of a room.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Conversation {
    items: BTreeMap<u64, Item>,
    places: BTreeMap<Target, u64>,
    seen: BTreeSet<Target>,
    waiting: BTreeMap<u64, (Target, Action)>,
}

impl Said {
    /// An opened message and its place.
    #[must_use]
    pub fn new(seq: u64, opened: OpenedMessage) -> Self {
        let OpenedMessage { sender, id, sent_at_ms, content, .. } = opened;
        Self { seq, sender: sender.account, device_key: sender.device_key, id, sent_at_ms, content }
    }

    /// The message's identity.
    #[must_use]
    pub const fn identity(&self) -> Target {
        Target { account: self.sender, id: self.id }
    }

    /// The earlier message that this one acts on.
    fn target(&self) -> Option<Target> {
        match &self.content {
            Content::Stream(part) if part.stream == self.id => None,
            Content::Stream(part) => Some(Target { account: self.sender, id: part.stream }),
            content => content.target().copied(),
        }
    }
}

impl Conversation {
    /// Takes the next message, under the rules that hold at its place.
    pub fn take(&mut self, said: Said, authority: &Authority) -> Outcome {
        let identity = said.identity();
        if !self.seen.insert(identity) {
            return Outcome { is_duplicate: true, ..Outcome::default() };
        }
        let Some(target) = said.target() else {
            return self.add(identity, said);
        };
        let (seq, sender) = (said.seq, said.sender);
        if let Err(refusal) = rights::judge(authority, &sender, &said.content) {
            return Outcome { notices: vec![Notice { seq, sender, target, refusal }], ..Outcome::default() };
        }
        let action =
            Action { seq, id: said.id, by: sender, device_key: said.device_key, content: said.content };
        match self.item_mut(&target) {
            Some(item) => {
                let mut outcome = Outcome::default();
                outcome.note(item, action);
                outcome
            }
            None => {
                self.waiting.insert(seq, (target, action));
                if self.waiting.len() > WAITING_MAX {
                    self.waiting.pop_first();
                }
                Outcome::default()
            }
        }
    }

    /// What is seen, in the order of the log.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.items.values()
    }

    /// One message.
    #[must_use]
    pub fn item(&self, target: &Target) -> Option<&Item> {
        self.items.get(self.places.get(target)?)
    }

    /// What is pinned, in the order in which it was pinned.
    #[must_use]
    pub fn pinned(&self) -> Vec<&Item> {
        let mut pinned: Vec<_> =
            self.items.values().filter_map(|item| Some((item.pinned()?.0, item))).collect();
        pinned.sort_unstable_by_key(|(seq, _)| *seq);
        pinned.into_iter().map(|(_, item)| item).collect()
    }

    /// The part that a message quotes of the one that it answers, while those words are there.
    #[must_use]
    pub fn quoted(&self, item: &Item) -> Option<&str> {
        let quote = item.more()?.quote?;
        let (start, end) = (usize::try_from(quote.start).ok()?, usize::try_from(quote.end).ok()?);
        self.item(&item.reply_to()?)?.version(quote.edit.as_ref())?.get(start..end)
    }

    /// Who consents to `purpose` now. A consent lasts no longer than the message that gives it.
    #[must_use]
    pub fn consenting(&self, purpose: u32) -> BTreeSet<AccountId> {
        let mut consenting = BTreeSet::new();
        for item in self.items.values() {
            match item.body() {
                Body::Consent(consent) if consent.purpose == purpose && consent.withdraw => {
                    consenting.remove(&item.sender());
                }
                Body::Consent(consent) if consent.purpose == purpose => {
                    consenting.insert(item.sender());
                }
                _ => {}
            }
        }
        consenting
    }

    /// How many things wait for a message that is not there.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// Drops a message with all that was done to it and leaves nothing in its place: for messages that expire.
    pub fn forget(&mut self, target: &Target) {
        if let Some(seq) = self.places.remove(target) {
            self.items.remove(&seq);
        }
        self.waiting.retain(|_, (waits_for, _)| waits_for != target);
    }

    fn add(&mut self, identity: Target, said: Said) -> Outcome {
        let mut outcome = Outcome { changed: Some(identity), ..Outcome::default() };
        let mut item = Item::new(said);
        for (_, (_, action)) in self.waiting.extract_if(.., |_, (waits_for, _)| *waits_for == identity) {
            outcome.note(&mut item, action);
        }
        self.places.insert(identity, item.seq());
        self.items.insert(item.seq(), item);
        outcome
    }

    fn item_mut(&mut self, target: &Target) -> Option<&mut Item> {
        self.items.get_mut(self.places.get(target)?)
    }
}

impl Outcome {
    /// Does a action and notes what came of it.
    fn note(&mut self, item: &mut Item, action: Action) {
        let (seq, sender, target) = (action.seq, action.by, item.identity());
        match item.apply(action) {
            Ok(true) => self.changed = Some(target),
            Ok(false) => {}
            Err(refusal) => self.notices.push(Notice { seq, sender, target, refusal }),
        }
    }
}

/// Content stays out of logs.
impl core::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Conversation").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

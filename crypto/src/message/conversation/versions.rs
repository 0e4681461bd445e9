//! The texts that a message has had: edits, the earlier ones until they are purged.

use crate::message::{MessageId, content::Edit};
use std::collections::BTreeMap;

/// Most edits of a message that are kept. Past it, the first in the log go, and the text that was first said.
pub const EDITS_KEPT_MAX: usize = 64;

/// The edits of a message, by their places in the log.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Versions {
    edits: BTreeMap<u64, (MessageId, Edit)>,
    /// Where it was last purged; 0 for never.
    purged_at: u64,
    is_first_gone: bool,
}

impl Versions {
    /// Takes an edit. Says whether something looks different now.
    pub fn add(&mut self, seq: u64, id: MessageId, edit: Edit) -> bool {
        self.edits.insert(seq, (id, edit));
        self.prune();
        if self.edits.len() > EDITS_KEPT_MAX {
            self.edits.pop_first();
            self.is_first_gone = true;
        }
        self.edits.contains_key(&seq)
    }

    /// Drops every text before the one that stood at this place of the log. Says whether something looks different now.
    pub fn purge(&mut self, seq: u64) -> bool {
        let before = (self.edits.len(), self.is_first_gone);
        self.purged_at = self.purged_at.max(seq);
        self.prune();
        before != (self.edits.len(), self.is_first_gone)
    }

    /// The one that counts.
    pub fn last(&self) -> Option<&Edit> {
        self.edits.last_key_value().map(|(_, (_, edit))| edit)
    }

    /// The texts of the edits, in the order of the log.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.edits.values().map(|(_, edit)| edit.text.as_str())
    }

    /// The text of one edit.
    pub fn text_of(&self, edit_id: &MessageId) -> Option<&str> {
        self.edits.values().find(|(id, _)| id == edit_id).map(|(_, edit)| edit.text.as_str())
    }

    /// Whether the text that was first said is to go.
    pub const fn is_first_gone(&self) -> bool {
        self.is_first_gone
    }

    fn prune(&mut self) {
        if let Some((&standing, _)) = self.edits.range(..self.purged_at).next_back() {
            self.edits = self.edits.split_off(&standing);
            self.is_first_gone = true;
        }
    }
}

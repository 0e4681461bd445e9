//! One message as it is seen, and what can be done to it.

use super::{Said, stream::Assembly, versions::Versions};
use crate::{
    identity::AccountId,
    message::{
        MessageId,
        content::{
            Attachment, Consent, Content, Edit, Leave, More, Poll, Preview, Sticker, System, Target, Text,
        },
        rights::Refusal,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// What is seen of a message.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// A text, as it was first said.
    Text(Text),
    /// A file.
    Attachment(Box<Attachment>),
    /// A sticker.
    Sticker(Box<Sticker>),
    /// A poll.
    Poll(Poll),
    /// A streamed text.
    Streamed {
        /// Whether it is complete.
        is_finished: bool,
    },
    /// A note about the room.
    System(System),
    /// A device says that it leaves.
    Leave(Leave),
    /// What others may do with what the sender says here.
    Consent(Consent),
    /// Of a type that this version does not know.
    FromNewerVersion(u32),
    /// Well signed nonsense.
    Unreadable,
    /// It was deleted, and its content is gone.
    Deleted {
        /// By whom.
        by: AccountId,
    },
}

/// A message and what was done to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    seq: u64,
    identity: Target,
    device_key: [u8; 32],
    sent_at_ms: u64,
    body: Body,
    deleted_at_seq: Option<u64>,
    assembly: Option<Assembly>,
    stream_start: Option<(Option<Target>, Option<Box<More>>)>,
    versions: Versions,
    reactions: BTreeMap<(String, AccountId), (u64, bool)>,
    /// All answers: a poll that turns out to have been closed goes back to those before.
    votes: BTreeMap<AccountId, BTreeMap<u64, Vec<u8>>>,
    closed: Option<(u64, AccountId)>,
    pin: Option<(u64, AccountId, bool)>,
}

/// Something done to a message, at its place in the log.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Action {
    pub seq: u64,
    pub id: MessageId,
    pub by: AccountId,
    pub device_key: [u8; 32],
    pub content: Content,
}

impl Item {
    pub(super) fn new(said: Said) -> Self {
        let identity = said.identity();
        let (mut assembly, mut stream_start) = (None, None);
        let body = match said.content {
            Content::Text(text) => Body::Text(text),
            Content::Attachment(attachment) => Body::Attachment(attachment),
            Content::Sticker(sticker) => Body::Sticker(sticker),
            Content::Poll(poll) => Body::Poll(poll),
            Content::System(system) => Body::System(system),
            Content::Leave(leave) => Body::Leave(leave),
            Content::Unknown(kind) => Body::FromNewerVersion(kind),
            Content::Consent(consent) => Body::Consent(consent),
            Content::Stream(mut part) => {
                stream_start = Some((part.reply_to.take(), part.more.take()));
                let mut begun = Assembly::default();
                begun.take(said.seq, part);
                let is_finished = begun.is_finished();
                assembly = Some(begun);
                Body::Streamed { is_finished }
            }
            // The others act on a message and are none themselves.
            Content::Unreadable
            | Content::Edit(_)
            | Content::Delete(_)
            | Content::Reaction(_)
            | Content::Vote(_)
            | Content::Pin(_)
            | Content::Purge(_)
            | Content::PollClose(_) => Body::Unreadable,
        };
        Self {
            seq: said.seq,
            identity,
            device_key: said.device_key,
            sent_at_ms: said.sent_at_ms,
            body,
            deleted_at_seq: None,
            assembly,
            stream_start,
            versions: Versions::default(),
            reactions: BTreeMap::new(),
            votes: BTreeMap::new(),
            closed: None,
            pin: None,
        }
    }

    /// Its place in the log.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Its identity.
    #[must_use]
    pub const fn identity(&self) -> Target {
        self.identity
    }

    /// Who said it.
    #[must_use]
    pub const fn sender(&self) -> AccountId {
        self.identity.account
    }

    /// The sender's name for it.
    #[must_use]
    pub const fn id(&self) -> MessageId {
        self.identity.id
    }

    /// When, by the sender's clock, in milliseconds since 1970.
    #[must_use]
    pub const fn sent_at_ms(&self) -> u64 {
        self.sent_at_ms
    }

    /// What it is.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Its text as it stands now: edited, or put together, or a file's caption.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.versions.last().map_or_else(|| self.first_text(), |edit| Some(&edit.text))
    }

    fn first_text(&self) -> Option<&str> {
        match &self.body {
            Body::Text(text) => Some(&text.text),
            Body::Attachment(attachment) => attachment.caption.as_deref(),
            Body::Streamed { .. } => self.assembly.as_ref().map(Assembly::text),
            _ => None,
        }
    }

    /// Whether the text is not the one that was first said.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.versions.last().is_some()
    }

    /// The texts before the present one that are still kept, the oldest first.
    #[must_use]
    pub fn earlier_texts(&self) -> Vec<&str> {
        let first = self.first_text().filter(|_| !self.versions.is_first_gone());
        let mut texts: Vec<_> = first.into_iter().chain(self.versions.texts()).collect();
        texts.pop();
        texts
    }

    /// The text as it was first said, or as an edit made it; nothing where it was purged.
    pub(super) fn version(&self, edit: Option<&MessageId>) -> Option<&str> {
        match edit {
            None => self.first_text().filter(|_| !self.versions.is_first_gone()),
            Some(id) => self.versions.text_of(id),
        }
    }

    /// What goes with what was first said.
    #[must_use]
    pub fn more(&self) -> Option<&More> {
        match &self.body {
            Body::Text(text) => text.more.as_deref(),
            Body::Attachment(attachment) => attachment.more.as_deref(),
            Body::Sticker(sticker) => sticker.more.as_deref(),
            Body::Poll(poll) => poll.more.as_deref(),
            Body::Streamed { .. } => self.stream_start.as_ref()?.1.as_deref(),
            _ => None,
        }
    }

    /// What goes with the text as it stands now.
    fn present_more(&self) -> Option<&More> {
        self.versions.last().map_or_else(|| self.more(), |edit| edit.more.as_deref())
    }

    /// Whether it mentions everybody now.
    #[must_use]
    pub fn mentions_all(&self) -> bool {
        self.present_more().is_some_and(|more| more.mentions_all)
    }

    /// Previews of links that stand in the text as it is now, and no others: a preview must not show another page than its link.
    #[must_use]
    pub fn previews(&self) -> Vec<&Preview> {
        let (Some(more), Some(text)) = (self.present_more(), self.text()) else { return Vec::new() };
        let stands = |preview: &&Preview| !preview.url.is_empty() && text.contains(&preview.url);
        more.previews.iter().filter(stands).collect()
    }

    /// By whom a poll was closed.
    #[must_use]
    pub fn closed_by(&self) -> Option<AccountId> {
        self.closed.map(|(_, by)| by)
    }

    /// Whom it mentions now.
    #[must_use]
    pub fn mentions(&self) -> &[AccountId] {
        match (self.versions.last(), &self.body) {
            (Some(edit), _) => &edit.mentions,
            (None, Body::Text(text)) => &text.mentions,
            (None, Body::Attachment(attachment)) => &attachment.mentions,
            _ => &[],
        }
    }

    /// The message that it answers.
    #[must_use]
    pub fn reply_to(&self) -> Option<Target> {
        match &self.body {
            Body::Text(text) => text.reply_to,
            Body::Attachment(attachment) => attachment.reply_to,
            Body::Sticker(sticker) => sticker.reply_to,
            Body::Streamed { .. } => self.stream_start.as_ref()?.0,
            _ => None,
        }
    }

    /// The reactions: by emoji, whose.
    #[must_use]
    pub fn reactions(&self) -> BTreeMap<&str, BTreeSet<AccountId>> {
        let mut by_emoji: BTreeMap<&str, BTreeSet<AccountId>> = BTreeMap::new();
        for ((emoji, account), (_, is_set)) in &self.reactions {
            if *is_set {
                by_emoji.entry(emoji).or_default().insert(*account);
            }
        }
        by_emoji
    }

    /// Of a poll: who chose each of its options.
    #[must_use]
    pub fn tally(&self) -> Vec<BTreeSet<AccountId>> {
        let Body::Poll(poll) = &self.body else { return Vec::new() };
        let mut tally = vec![BTreeSet::new(); poll.options.len()];
        let end = self.closed.map_or(u64::MAX, |(seq, _)| seq);
        for (account, answers) in &self.votes {
            let last = answers.range(..end).next_back();
            for choice in last.into_iter().flat_map(|(_, choices)| choices) {
                if let Some(chosen_by) = tally.get_mut(usize::from(*choice)) {
                    chosen_by.insert(*account);
                }
            }
        }
        tally
    }

    /// Where in the log it was pinned and by whom, while it is pinned.
    #[must_use]
    pub fn pinned(&self) -> Option<(u64, AccountId)> {
        self.pin.and_then(|(seq, by, is_set)| is_set.then_some((seq, by)))
    }

    /// Does something to it. Says whether it looks different now.
    pub(super) fn apply(&mut self, action: Action) -> Result<bool, Refusal> {
        let Action { seq, id, by, device_key, content } = action;
        if self.deleted_at_seq.is_some_and(|at| !matches!(content, Content::Delete(_)) || at <= seq) {
            // It is gone: nothing can be done to it, and nothing of what was done is kept.
            return Ok(false);
        }
        match content {
            Content::Edit(edit) => self.change(seq, id, edit),
            Content::Purge(_) if self.has_text() => {
                let has_changed = self.versions.purge(seq);
                self.drop_first_text();
                Ok(has_changed)
            }
            // A consent is taken back by its giver: were that deleted, the one before it would hold again.
            Content::Delete(_) if matches!(self.body, Body::Consent(_)) => Err(Refusal::WrongKind),
            Content::Delete(_) => {
                self.erase(seq, by);
                Ok(true)
            }
            Content::Reaction(reaction) => {
                let entry = self.reactions.entry((reaction.emoji, by)).or_default();
                Ok(replace(entry, seq, !reaction.remove))
            }
            Content::Vote(vote) => match &self.body {
                Body::Poll(poll) if poll.accepts(&vote.choices) => {
                    self.votes.entry(by).or_default().insert(seq, vote.choices);
                    Ok(self.closed.is_none_or(|(at, _)| seq < at))
                }
                Body::Poll(_) => Err(Refusal::NoSuchChoice),
                _ => Err(Refusal::WrongKind),
            },
            Content::PollClose(_) if matches!(self.body, Body::Poll(_)) => {
                let is_earlier = self.closed.is_none_or(|(at, _)| seq < at);
                if is_earlier {
                    self.closed = Some((seq, by));
                }
                Ok(is_earlier)
            }
            Content::Pin(pin) => {
                let is_later = self.pin.is_none_or(|(at, ..)| at < seq);
                if is_later {
                    self.pin = Some((seq, by, !pin.unpin));
                }
                Ok(is_later)
            }
            Content::Stream(part) => match (&mut self.assembly, &mut self.body) {
                (Some(assembly), Body::Streamed { is_finished }) if device_key == self.device_key => {
                    let has_changed = assembly.take(seq, part);
                    *is_finished = assembly.is_finished();
                    Ok(has_changed)
                }
                (None, Body::Streamed { .. }) if device_key == self.device_key => Ok(false),
                (_, Body::Streamed { .. }) => Err(Refusal::OtherDevice),
                _ => Err(Refusal::WrongKind),
            },
            _ => Err(Refusal::WrongKind),
        }
    }

    const fn has_text(&self) -> bool {
        matches!(self.body, Body::Text(_) | Body::Attachment(_) | Body::Streamed { .. })
    }

    fn change(&mut self, seq: u64, id: MessageId, edit: Edit) -> Result<bool, Refusal> {
        if !self.has_text() {
            return Err(Refusal::WrongKind);
        }
        let has_changed = self.versions.add(seq, id, edit);
        self.drop_first_text();
        Ok(has_changed)
    }

    /// Erases the text that was first said, where it is to go, and what belongs to its words.
    fn drop_first_text(&mut self) {
        if !self.versions.is_first_gone() {
            return;
        }
        let more = match &mut self.body {
            Body::Text(text) => {
                text.text.clear();
                text.mentions.clear();
                &mut text.more
            }
            Body::Attachment(attachment) => {
                attachment.caption = None;
                attachment.mentions.clear();
                &mut attachment.more
            }
            Body::Streamed { is_finished } => {
                self.assembly = None;
                *is_finished = true;
                let Some((_, more)) = &mut self.stream_start else { return };
                more
            }
            _ => return,
        };
        if let Some(more) = more {
            more.previews.clear();
            more.mentions_all = false;
        }
    }

    fn erase(&mut self, seq: u64, by: AccountId) {
        self.body = Body::Deleted { by };
        self.deleted_at_seq = Some(seq);
        self.assembly = None;
        self.stream_start = None;
        self.versions = Versions::default();
        self.reactions.clear();
        self.votes.clear();
        self.closed = None;
        self.pin = None;
    }
}

/// Puts a value in place of one from earlier in the log. An entry's seq is at least 1, so a fresh entry gives way.
fn replace<T>(entry: &mut (u64, T), seq: u64, value: T) -> bool {
    let is_later = entry.0 < seq;
    if is_later {
        *entry = (seq, value);
    }
    is_later
}

/// Content stays out of logs.
impl core::fmt::Debug for Item {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Item").field("seq", &self.seq).field("body", &self.body).finish_non_exhaustive()
    }
}

/// Content stays out of logs.
impl core::fmt::Debug for Body {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Attachment(_) => "Attachment(…)",
            Self::Sticker(_) => "Sticker(…)",
            Self::Poll(_) => "Poll(…)",
            Self::Streamed { .. } => "Streamed(…)",
            Self::System(_) => "System(…)",
            Self::Leave(_) => "Leave(…)",
            Self::Consent(_) => "Consent(…)",
            Self::FromNewerVersion(_) => "FromNewerVersion",
            Self::Unreadable => "Unreadable",
            Self::Deleted { .. } => "Deleted",
        })
    }
}

//! What may stand beside anything that is said: part of what it answers, `@room`, where it comes from, previews of its links,
//! which model wrote it, how long it is kept.

use super::{Payload, Target, limits};
use crate::{CryptoError, identity::AccountId, message::MessageId, room::RunsAt};
use minicbor::{Decode, Encode};

/// It stands in texts, files, stickers, polls, and first parts of streams. In an edit only `mentions_all` and `previews` count.
#[derive(Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct More {
    /// Which part of the message that it answers.
    #[n(0)]
    pub quote: Option<Quote>,
    /// Whether it mentions everybody in the room.
    #[cbor(n(1), skip_if = "core::ops::Not::not")]
    pub mentions_all: bool,
    /// That it was said elsewhere before.
    #[n(2)]
    pub forward: Option<Forward>,
    /// What the sender's client found behind the links of the text.
    #[cbor(n(3), skip_if = "Vec::is_empty")]
    pub previews: Vec<Preview>,
    /// That a model wrote it.
    #[n(4)]
    pub answer: Option<Answer>,
    /// For how many seconds it is kept, counted from when it was sent.
    #[n(5)]
    pub expires_after_s: Option<u32>,
    /// Whether it was written earlier, to be sent at this time.
    #[cbor(n(6), skip_if = "core::ops::Not::not")]
    pub is_scheduled: bool,
}

/// A part of a message, by its place: no copy of the words, so that nothing is left of them where they are deleted or purged.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Quote {
    /// Where it begins, in bytes of UTF-8.
    #[n(0)]
    pub start: u32,
    /// Where it ends, in bytes of UTF-8.
    #[n(1)]
    pub end: u32,
    /// Of which edit's text; without, of the text that was first said.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub edit: Option<MessageId>,
}

/// Where something was said before: the word of who forwards it. All fields may be absent.
#[derive(Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Forward {
    /// Who said it.
    #[n(0)]
    pub account: Option<AccountId>,
    /// Their name.
    #[n(1)]
    pub name: Option<String>,
    /// When, in milliseconds since 1970.
    #[n(2)]
    pub sent_at_ms: Option<u64>,
}

/// What is behind a link, as the sender's client found it. Readers fetch nothing.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Preview {
    /// The link, as it stands in the text. A preview of a link that does not stand there is not shown.
    #[n(0)]
    pub url: String,
    /// The page's title.
    #[n(1)]
    pub title: Option<String>,
    /// What the page says about itself.
    #[n(2)]
    pub description: Option<String>,
    /// A small picture.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub picture: Option<Vec<u8>>,
}

/// That a model wrote it: the sender's word.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Answer {
    /// Who asked.
    #[n(0)]
    pub asked_by: AccountId,
    /// Which model.
    #[n(1)]
    pub model: String,
    /// Where it ran.
    #[n(2)]
    pub runs_at: RunsAt,
    /// The question, where it was asked in this room.
    #[n(3)]
    pub question: Option<Target>,
    /// The room's assistant that was asked; without, the sender's own.
    #[n(4)]
    pub assistant: Option<AccountId>,
}

impl More {
    /// Nothing, where it would say nothing: then its key is absent.
    #[must_use]
    pub fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

impl Payload for More {
    fn check(&self) -> Result<(), CryptoError> {
        let name = self.forward.as_ref().and_then(|forward| forward.name.as_ref());
        limits::check("name of a forward", name.map_or(0, String::len), limits::NAME_MAX_BYTES)?;
        let model = self.answer.as_ref().map_or(0, |answer| answer.model.len());
        limits::check("model", model, limits::NAME_MAX_BYTES)?;
        limits::check("previews", self.previews.len(), limits::PREVIEWS_MAX)?;
        self.previews.iter().try_for_each(Payload::check)
    }
}

impl Payload for Preview {
    fn check(&self) -> Result<(), CryptoError> {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        limits::check("link", self.url.len(), limits::LINK_MAX_BYTES)?;
        limits::check("title", text(&self.title), limits::TITLE_MAX_BYTES)?;
        limits::check("description", text(&self.description), limits::DESCRIPTION_MAX_BYTES)?;
        limits::check("thumbnail", self.picture.as_ref().map_or(0, Vec::len), limits::THUMBNAIL_MAX_BYTES)
    }
}

impl Payload for Option<Box<More>> {
    fn check(&self) -> Result<(), CryptoError> {
        self.as_ref().map_or(Ok(()), |more| more.check())
    }
}

super::hide!(More, Quote, Forward, Preview, Answer);

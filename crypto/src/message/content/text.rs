//! Something said: a CommonMark subset, with what it answers and whom it mentions.

use super::{More, Payload, Target, hide, limits};
use crate::{CryptoError, identity::AccountId};
use minicbor::{Decode, Encode};

/// A text.
#[derive(Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Text {
    /// What is said.
    #[n(0)]
    pub text: String,
    /// The message that it answers.
    #[n(1)]
    pub reply_to: Option<Target>,
    /// Whom it mentions.
    #[cbor(n(2), skip_if = "Vec::is_empty")]
    pub mentions: Vec<AccountId>,
    /// What else goes with it.
    #[n(3)]
    pub more: Option<Box<More>>,
}

impl Payload for Text {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("message", self.text.len(), limits::TEXT_MAX_BYTES)?;
        limits::check("mentions", self.mentions.len(), limits::MENTIONS_MAX)?;
        self.more.check()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

hide!(Text);

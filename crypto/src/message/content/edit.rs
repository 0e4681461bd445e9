//! Changing what was said, and taking it away.

use super::{More, Payload, Target, hide, limits};
use crate::{CryptoError, identity::AccountId};
use minicbor::{Decode, Encode};

/// Another text in place of an earlier one (of a file: another caption).
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Edit {
    /// What is changed.
    #[n(0)]
    pub target: Target,
    /// The whole text that stands there from now on.
    #[n(1)]
    pub text: String,
    /// Whom it mentions now.
    #[cbor(n(2), skip_if = "Vec::is_empty")]
    pub mentions: Vec<AccountId>,
    /// What else goes with it.
    #[n(3)]
    pub more: Option<Box<More>>,
}

/// An earlier message is to go.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Delete {
    /// What is to go.
    #[n(0)]
    pub target: Target,
}

/// The earlier texts of an edited message are to go.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Purge {
    /// Of which message.
    #[n(0)]
    pub target: Target,
}

impl Payload for Edit {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("message", self.text.len(), limits::TEXT_MAX_BYTES)?;
        limits::check("mentions", self.mentions.len(), limits::MENTIONS_MAX)?;
        self.more.check()
    }
}

impl Payload for Delete {
    fn check(&self) -> Result<(), CryptoError> {
        Ok(())
    }
}

impl Payload for Purge {
    fn check(&self) -> Result<(), CryptoError> {
        Ok(())
    }
}

hide!(Edit, Delete, Purge);

//! A reaction to a message.

use super::{Payload, Target, hide, limits};
use crate::CryptoError;
use minicbor::{Decode, Encode};

/// A reaction, set or taken back.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Reaction {
    /// To what.
    #[n(0)]
    pub target: Target,
    /// The emoji.
    #[n(1)]
    pub emoji: String,
    /// Whether it is taken back.
    #[cbor(n(2), skip_if = "core::ops::Not::not")]
    pub remove: bool,
}

impl Payload for Reaction {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("emoji", self.emoji.len(), limits::EMOJI_MAX_BYTES)
    }
}

hide!(Reaction);

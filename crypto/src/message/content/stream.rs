//! A text that others see while it is being written: the assistant's answers.

use super::{More, Payload, Target, hide, limits};
use crate::{CryptoError, message::MessageId};
use minicbor::{Decode, Encode};

/// One part. Each part is a message of its own, with an id of its own.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StreamPart {
    /// The first part's message id; in the first part, its own.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub stream: MessageId,
    /// The part's place, from 0.
    #[n(1)]
    pub sequence: u32,
    /// What comes on top, or all of the text so far.
    #[n(2)]
    pub text: String,
    /// Whether `text` is all of it so far: earlier parts are not needed any more.
    #[cbor(n(3), skip_if = "core::ops::Not::not")]
    pub is_whole: bool,
    /// Whether it is the last part.
    #[cbor(n(4), skip_if = "core::ops::Not::not")]
    pub is_finished: bool,
    /// Of the last part: whether it was stopped before its end.
    #[cbor(n(5), skip_if = "core::ops::Not::not")]
    pub is_stopped: bool,
    /// In the first part: the message that it answers.
    #[n(6)]
    pub reply_to: Option<Target>,
    /// In the first part: what else goes with it.
    #[n(7)]
    pub more: Option<Box<More>>,
}

impl Payload for StreamPart {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("message", self.text.len(), limits::TEXT_MAX_BYTES)?;
        self.more.check()?;
        if self.sequence >= limits::STREAM_PARTS_MAX {
            let actual = usize::try_from(self.sequence).unwrap_or(usize::MAX);
            let max = limits::STREAM_PARTS_MAX as usize - 1;
            return Err(CryptoError::OverLimit { what: "parts of a streamed text", actual, max });
        }
        Ok(())
    }
}

hide!(StreamPart);

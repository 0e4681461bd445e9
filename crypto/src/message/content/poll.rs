//! Questions with options, and the answers.

use super::{More, Payload, Target, hide, limits};
use crate::CryptoError;
use minicbor::{Decode, Encode};

/// A question.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Poll {
    /// What is asked.
    #[n(0)]
    pub question: String,
    /// What can be answered: 2 to 20.
    #[n(1)]
    pub options: Vec<String>,
    /// Whether one may choose several.
    #[cbor(n(2), skip_if = "core::ops::Not::not")]
    pub is_multiple: bool,
    /// When the author means to close it, in milliseconds since 1970. It is shown; only [`PollClose`] closes.
    #[n(3)]
    pub closes_at_ms: Option<u64>,
    /// Whether clients show what was chosen only when it is closed.
    #[cbor(n(4), skip_if = "core::ops::Not::not")]
    pub hides_votes: bool,
    /// What else goes with it.
    #[n(5)]
    pub more: Option<Box<More>>,
}

/// No answer from later in the log counts.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PollClose {
    /// The poll.
    #[n(0)]
    pub target: Target,
}

/// An answer. A later one by the same account replaces it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Vote {
    /// The poll.
    #[n(0)]
    pub target: Target,
    /// Places of options, from 0, one byte each. Empty takes the answer back.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub choices: Vec<u8>,
}

impl Poll {
    /// Whether `choices` answer this poll: options that exist, none twice, and not several where one is asked for.
    #[must_use]
    pub fn accepts(&self, choices: &[u8]) -> bool {
        let exist = choices.iter().all(|choice| usize::from(*choice) < self.options.len());
        let mut sorted = choices.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        exist && sorted.len() == choices.len() && (self.is_multiple || choices.len() <= 1)
    }
}

impl Payload for Poll {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("question", self.question.len(), limits::QUESTION_MAX_BYTES)?;
        limits::check("poll options", self.options.len(), limits::OPTIONS_MAX)?;
        if self.options.len() < limits::OPTIONS_MIN {
            return Err(CryptoError::Malformed("poll: it has fewer than 2 options"));
        }
        self.more.check()?;
        let mut options = self.options.iter();
        options.try_for_each(|option| limits::check("poll option", option.len(), limits::OPTION_MAX_BYTES))
    }
}

impl Payload for Vote {
    fn check(&self) -> Result<(), CryptoError> {
        limits::check("choices", self.choices.len(), limits::OPTIONS_MAX)
    }
}

impl Payload for PollClose {
    fn check(&self) -> Result<(), CryptoError> {
        Ok(())
    }
}

hide!(Poll, Vote, PollClose);

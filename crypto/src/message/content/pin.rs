//! Keeping a message in view.

use super::{Payload, Target, hide};
use crate::CryptoError;
use minicbor::{Decode, Encode};

/// A message is pinned, or not any more.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Pin {
    /// Which one.
    #[n(0)]
    pub target: Target,
    /// Whether it is let go.
    #[cbor(n(1), skip_if = "core::ops::Not::not")]
    pub unpin: bool,
}

impl Payload for Pin {
    fn check(&self) -> Result<(), CryptoError> {
        Ok(())
    }
}

hide!(Pin);

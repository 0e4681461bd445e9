//! What a member allows others to do with what they say in this room: signed, and kept to by clients. A courtesy, not a lock.

use super::{Payload, hide};
use crate::CryptoError;
use minicbor::{Decode, Encode};

/// A consent, given or taken back. The last of an account in the log counts.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Consent {
    /// To what; a reader that does not know it keeps it and does nothing.
    #[n(0)]
    pub purpose: u32,
    /// Whether it is taken back.
    #[cbor(n(1), skip_if = "core::ops::Not::not")]
    pub withdraw: bool,
}

impl Consent {
    /// What the account says in this room may be quoted to assistants.
    pub const QUOTE_TO_ASSISTANTS: u32 = 1;
}

impl Payload for Consent {
    fn check(&self) -> Result<(), CryptoError> {
        Ok(())
    }
}

hide!(Consent);

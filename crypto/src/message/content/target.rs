//! The identity of a message: whose account, and that account's name for it. The same for all of the account's devices.

use crate::{identity::AccountId, message::MessageId};
use minicbor::{Decode, Encode};

/// Names one message of a room: CBOR `[account, message id]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Target {
    /// Who said it.
    #[n(0)]
    pub account: AccountId,
    /// Its sender's name for it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub id: MessageId,
}

/// Enough to tell two apart in a test.
impl core::fmt::Debug for Target {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, ..] = self.id;
        write!(f, "Target({:?}, {a:02x}{b:02x}…)", self.account)
    }
}

//! The inbox: sealed invites that anybody may put in, and only the account takes out.

use super::{Done, call};
use crate::limits::DIRECT_INVITE_BYTES;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

/// Puts a direct invite into an account's inbox.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Deposit {
    /// Whose inbox: the account id.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub account: [u8; 16],
    /// Exactly [`DIRECT_INVITE_BYTES`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub letter: Vec<u8>,
}
call!(Deposit, "/v1/inbox/deposit", DIRECT_INVITE_BYTES + 256, Anonymous, Done);

/// What is in the own inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Inbox {}
call!(Inbox, "/v1/account/inbox", 64, Session, Letters);

/// Answers [`Inbox`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Letters {
    /// The oldest first.
    #[n(0)]
    pub letters: Vec<InboxLetter>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct InboxLetter {
    /// What it is acknowledged by: random.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub id: [u8; 16],
    /// As it was put in.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub letter: Vec<u8>,
}

/// Takes letters out for good. Those that are not there are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Acknowledge {
    /// Which.
    #[n(0)]
    pub ids: Vec<ByteArray<16>>,
}
call!(Acknowledge, "/v1/account/inbox/acknowledge", 8192, Session, Done);

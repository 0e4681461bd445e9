//! Web push for an account: a letter in the inbox wakes the devices that asked for it.

use super::{Done, call};
use crate::PushSubscription;
use crate::limits::PUSH_KEY_BYTES;
use minicbor::{Decode, Encode};

/// The key by which push services know the relay. For rooms and accounts alike; `NotFound` where the relay sends no pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PushKey {}
call!(PushKey, "/v1/push/key", 64, Anonymous, PushKeyGiven);

/// Answers [`PushKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PushKeyGiven {
    /// P-256 public key, uncompressed: `applicationServerKey` of the Push API.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub key: [u8; PUSH_KEY_BYTES],
}

/// Wakes this session's device when a letter comes. Replaces what the session had asked for before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetPush {
    /// Where.
    #[n(0)]
    pub subscription: PushSubscription,
}
call!(SetPush, "/v1/account/push/set", 2048, Session, Done);

/// Wakes this session's device no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DropPush {}
call!(DropPush, "/v1/account/push/drop", 64, Session, Done);

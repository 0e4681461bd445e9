//! How a device gets room tokens. The key by which it checks them is one of the relay's own keys: another one for one account would be
//! another relay. It fetches tokens some time before it uses them, so that not the time joins the two.

use super::call;
use minicbor::{Decode, Encode};

/// Asks who may make rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadRoomPolicy {}
call!(ReadRoomPolicy, "/v1/room-policy", 64, Anonymous, RoomPolicy);

/// Answers [`ReadRoomPolicy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RoomPolicy {
    /// Whether making a room takes a token.
    #[n(0)]
    pub takes_token: bool,
    /// The current stretch of days.
    #[n(1)]
    pub period: u32,
}

/// Has the relay evaluate its function on a blinded nonce.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BlindRoomToken {
    /// The stretch of days that is meant: the current one.
    #[n(0)]
    pub period: u32,
    /// A ristretto255 element.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub blinded: [u8; 32],
}
call!(BlindRoomToken, "/v1/account/room-token", 256, Session, EvaluatedRoomToken);

/// Answers [`BlindRoomToken`].
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EvaluatedRoomToken {
    /// A ristretto255 element.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub evaluated: [u8; 32],
    /// That it was done with the private half of the relay's key: two scalars.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub proof: [u8; 64],
}

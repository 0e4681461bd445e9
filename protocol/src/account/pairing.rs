//! The letter box through which two devices pair.

use super::{Done, call};
use crate::limits::PAIRING_MESSAGE_MAX_BYTES;
use minicbor::{Decode, Encode};

/// Puts one of the four messages of a pairing into the letter box. Each is put in once.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PostPairing {
    /// The letter box: a hash of the offer.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub letter_box: [u8; 16],
    /// Which message: 1 hello, 2 answer, 3 reveal, 4 grant.
    #[n(1)]
    pub step: u8,
    /// The message.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub message: Vec<u8>,
}
call!(PostPairing, "/v1/pairing/post", PAIRING_MESSAGE_MAX_BYTES + 256, Anonymous, Done);

/// Reads one of them. `NotFound` until it is there: ask again after a second.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TakePairing {
    /// The letter box.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub letter_box: [u8; 16],
    /// Which message.
    #[n(1)]
    pub step: u8,
}
call!(TakePairing, "/v1/pairing/take", 256, Anonymous, PairingMessage);

/// Answers [`TakePairing`].
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PairingMessage {
    /// As it was put in.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub message: Vec<u8>,
}

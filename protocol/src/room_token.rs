//! Room tokens: the right to make one room, on a relay where guests come in by invite only.
//!
//! The relay signs them blindly for whoever has a session (RFC 9497, mode VOPRF, suite ristretto255-SHA512), and cannot tell
//! afterwards for whom. Days are counted since 1970.

use core::fmt;
use minicbor::{Decode, Encode};

/// A relay's key for room tokens is used for so many days; tokens are good in this stretch of days and the next.
pub const ROOM_TOKEN_PERIOD_DAYS: u32 = 30;

/// The right to make one room. Whoever has it can use it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RoomToken {
    /// In which stretch of [`ROOM_TOKEN_PERIOD_DAYS`] days it was made.
    #[n(0)]
    pub period: u32,
    /// The private input: 32 random bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub nonce: [u8; 32],
    /// The output of the function under the relay's key of that stretch.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub output: [u8; 64],
}

impl fmt::Debug for RoomToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomToken(…)")
    }
}

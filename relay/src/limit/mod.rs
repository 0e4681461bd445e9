//! How much an address, and a connection, may ask of the relay: where a request comes from, and buckets that it takes from.

mod address;
mod attempts;
mod call;
mod memory;
mod named;
mod pace;
mod peer;
mod rate;
mod settings;
mod timeout;

pub(crate) use address::{Addresses, Deed, Full, Origin, Place};
pub(crate) use attempts::Attempts;
pub(crate) use call::Taken;
pub(crate) use memory::{LONGEST_ANSWER_BYTES, Pool, Share};
pub use named::{Counted, RateError, SetRate};
pub(crate) use pace::Pace;
pub(crate) use peer::{Peer, client_address, peer_address};
pub use rate::Rate;
pub(crate) use rate::whole_ms;
pub use settings::{Limits, Strictness};
pub use timeout::{SetTimeout, Timed, TimeoutError};

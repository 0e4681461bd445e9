//! How much an address, and a connection, may ask of the relay: where a request comes from, and buckets that it takes from.

mod address;
mod attempts;
mod pace;
mod peer;
mod rate;
mod settings;

pub(crate) use address::{Addresses, Deed, Full, Place};
pub(crate) use attempts::Attempts;
pub(crate) use pace::Pace;
pub(crate) use peer::{Peer, client_address, peer_address};
pub use rate::Rate;
pub use settings::{Limits, Strictness};

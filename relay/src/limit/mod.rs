//! How much one address may ask of the relay: where a request comes from, and buckets that it takes from.

mod attempts;
mod peer;
mod rate;

pub(crate) use attempts::Attempts;
pub(crate) use peer::{Peer, client_address};
pub use rate::Rate;

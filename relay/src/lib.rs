//! Sotto's relay: keeps the sealed log of every room, hands it to those who prove membership, and knows nothing else.
//!
//! ```text
//! socket   one WebSocket connection: frames in, frames out, bounded queues
//!   room   what can be asked about a room, one file per operation; the writer and the live feed
//!   store  the database
//!   access every decision about who may do what
//! blob     sealed files, on disk or in a bucket
//! http     the account API: one route per call; what is served, described; whether the relay is well
//! account  log-ins, sealed records, vaults, inboxes
//! push     waking devices that are not connected
//! limit    where a request comes from, and how much one address may ask
//! web      the built web client, served with the headers that keep it honest
//! tls      certificate files
//! about    version, license, and where the source code is
//! metrics  what the relay counts of itself, on an address of its own
//! server   listening, accepting, stopping
//! ```
//!
//! # Invariants
//!
//! - Nothing is acknowledged or pushed before it is on disk.
//! - One task writes; what queued up meanwhile shares one transaction.
//! - A connection that reads slowly costs nobody else anything.
//! - Logs hold no addresses, room ids, entry bytes, keys or tokens.

pub mod about;
mod access;
mod account;
mod base16;
mod blob;
mod clock;
mod config;
mod error;
mod http;
mod limit;
mod lock;
mod metrics;
mod preflight;
mod push;
mod room;
mod server;
mod socket;
mod store;
mod tls;
pub mod upkeep;
pub mod web;
mod wire;

pub use account::{AccountSettings, Guests, Rates, Registration, SecretsError};
pub use blob::{BlobPlace, BlobRates, BlobSettings, BlobsError, NoBlobPlace};
pub use clock::Clock;
pub use config::{Config, Database, RelayName, SecretUrl, Tuning};
pub use error::StartError;
pub use limit::{Counted, Limits, Rate, RateError, SetRate, SetTimeout, Strictness, Timed, TimeoutError};
pub use push::{PushContact, PushHost, PushHosts, PushSettings};
pub use server::{RunningRelay, start};
pub use tls::{TlsError, TlsFiles};

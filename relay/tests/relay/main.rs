//! The relay over real sockets: what a client may rely on, and what it cannot make the relay do.
//!
//! Entries are any bytes behind a valid header, and keys are made here: the relay cannot tell.

#[cfg(test)]
mod access;
#[cfg(test)]
mod administration;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod blob_bounds;
#[cfg(test)]
mod blob_client;
#[cfg(test)]
mod blob_credentials;
#[cfg(test)]
mod blob_program;
#[cfg(test)]
mod blobs;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod cut;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod handshakes;
#[cfg(test)]
mod held;
#[cfg(test)]
mod http;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod live;
#[cfg(test)]
mod log;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod process;
#[cfg(test)]
mod program;
#[cfg(test)]
mod push;
#[cfg(test)]
mod push_service;
#[cfg(test)]
mod push_shares;
#[cfg(test)]
mod repeats;
#[cfg(test)]
mod restore;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod rewinds;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod smuggling;
#[cfg(test)]
mod status;
#[cfg(test)]
mod stopping;
#[cfg(test)]
#[allow(dead_code, reason = "shared with the tests of many relays")]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod turns;
#[cfg(test)]
mod upkeep;
#[cfg(test)]
mod web;
#[cfg(test)]
mod websocket;

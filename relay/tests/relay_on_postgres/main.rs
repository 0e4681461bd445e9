//! The same tests as in `relay`, on PostgreSQL, as far as the database has a part in them.

#[cfg(test)]
#[path = "../relay/access.rs"]
mod access;
#[cfg(test)]
#[path = "../relay/administration.rs"]
mod administration;
#[cfg(test)]
#[path = "../relay/bad_input.rs"]
mod bad_input;
#[cfg(test)]
#[path = "../relay/blob_bounds.rs"]
mod blob_bounds;
#[cfg(test)]
#[path = "../relay/blob_client.rs"]
mod blob_client;
#[cfg(test)]
#[path = "../relay/blob_credentials.rs"]
mod blob_credentials;
#[cfg(test)]
#[path = "../relay/blob_program.rs"]
mod blob_program;
#[cfg(test)]
#[path = "../relay/blobs.rs"]
mod blobs;
#[cfg(test)]
#[path = "../relay/copies.rs"]
mod copies;
#[cfg(test)]
#[path = "../relay/credentials.rs"]
mod credentials;
#[cfg(test)]
#[path = "../relay/cut.rs"]
mod cut;
#[cfg(test)]
#[path = "../relay/doors.rs"]
mod doors;
#[cfg(test)]
#[path = "../relay/handshakes.rs"]
mod handshakes;
#[cfg(test)]
#[path = "../relay/held.rs"]
mod held;
#[cfg(test)]
#[path = "../relay/http.rs"]
mod http;
#[cfg(test)]
#[path = "../relay/kill.rs"]
mod kill;
#[cfg(test)]
#[path = "../relay/limits.rs"]
mod limits;
#[cfg(test)]
#[path = "../relay/live.rs"]
mod live;
#[cfg(test)]
#[path = "../relay/log.rs"]
mod log;
#[cfg(test)]
#[path = "../relay/malformed.rs"]
mod malformed;
#[cfg(test)]
mod migrations;
#[cfg(test)]
#[path = "../relay/operations.rs"]
mod operations;
#[cfg(test)]
mod plans;
#[cfg(test)]
#[path = "../relay/process.rs"]
#[allow(dead_code, reason = "not every test is about this database")]
mod process;
#[cfg(test)]
#[path = "../relay/push.rs"]
mod push;
#[cfg(test)]
#[path = "../relay/push_service.rs"]
mod push_service;
#[cfg(test)]
#[path = "../relay/push_shares.rs"]
mod push_shares;
#[cfg(test)]
#[path = "../relay/repeats.rs"]
mod repeats;
#[cfg(test)]
#[path = "../relay/restore.rs"]
mod restore;
#[cfg(test)]
#[path = "../relay/retention.rs"]
mod retention;
#[cfg(test)]
#[path = "../relay/rewinds.rs"]
mod rewinds;
#[cfg(test)]
#[path = "../relay/schema.rs"]
mod schema;
#[cfg(test)]
#[path = "../relay/slow.rs"]
mod slow;
#[cfg(test)]
#[path = "../relay/status.rs"]
mod status;
#[cfg(test)]
#[path = "../relay/stopping.rs"]
mod stopping;
#[cfg(test)]
#[path = "../relay/support.rs"]
#[allow(dead_code, reason = "not every test is about this database")]
mod support;
#[cfg(test)]
#[path = "../relay/turns.rs"]
mod turns;
#[cfg(test)]
#[path = "../relay/upkeep.rs"]
mod upkeep;

//! Several relays on one PostgreSQL, woken through a real NATS server: whatever of them dies in between, what was acknowledged
//! is there once, in one order, for everybody.

#[cfg(test)]
mod chaos;
#[cfg(test)]
#[path = "../accounts/client.rs"]
#[allow(dead_code, reason = "shared with the tests of accounts")]
mod client;
#[cfg(test)]
mod cluster;
#[cfg(test)]
#[path = "../faults/crash/lead.rs"]
#[allow(dead_code, reason = "shared with the tests of faults")]
mod lead;
#[cfg(test)]
mod pair;
#[cfg(test)]
#[path = "../faults/crash/room.rs"]
#[allow(dead_code, reason = "shared with the tests of faults")]
mod room;
#[cfg(test)]
#[path = "../relay/support.rs"]
#[allow(dead_code, reason = "shared with the tests of one relay")]
mod support;
#[cfg(test)]
mod together;
#[cfg(test)]
mod waking;

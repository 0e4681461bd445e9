//! The same tests as in `faults`, on PostgreSQL, as far as the database has a part in them.

#[cfg(test)]
#[path = "../accounts/client.rs"]
#[allow(dead_code, reason = "shared with the tests of accounts")]
mod client;
#[cfg(test)]
#[path = "../faults/clock.rs"]
mod clock;
#[cfg(test)]
#[path = "../faults/crash/mod.rs"]
mod crash;
#[cfg(test)]
mod database;
#[cfg(test)]
mod full;
#[cfg(test)]
#[path = "../faults/line.rs"]
mod line;
#[cfg(test)]
#[path = "../relay/process.rs"]
#[allow(dead_code, reason = "shared with the tests of rooms")]
mod process;
#[cfg(test)]
#[path = "../relay/support.rs"]
#[allow(dead_code, reason = "shared with the tests of rooms")]
mod support;

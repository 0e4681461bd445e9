//! What the relay does when something breaks: it is killed, the line is bad, the disk is full, the database goes away, the clock
//! is wrong.

#[cfg(test)]
#[path = "../accounts/client.rs"]
#[allow(dead_code, reason = "shared with the tests of accounts")]
mod client;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod line;
#[cfg(test)]
#[path = "../relay/process.rs"]
#[allow(dead_code, reason = "shared with the tests of rooms")]
mod process;
#[cfg(test)]
#[path = "../relay/support.rs"]
#[allow(dead_code, reason = "shared with the tests of rooms")]
mod support;

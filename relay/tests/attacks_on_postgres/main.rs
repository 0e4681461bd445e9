//! The same attacks as in `attacks`, on PostgreSQL.

#[cfg(test)]
#[path = "../attacks/instrument.rs"]
mod instrument;
#[cfg(test)]
#[path = "../attacks/joining.rs"]
mod joining;
#[cfg(test)]
#[path = "../relay/process.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod process;
#[cfg(test)]
#[path = "../attacks/reading.rs"]
mod reading;
#[cfg(test)]
#[path = "../relay/support.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod support;
#[cfg(test)]
#[path = "../attacks/sweeping.rs"]
mod sweeping;
#[cfg(test)]
#[path = "../attacks/writing.rs"]
mod writing;

//! Attacks on a relay, each beside a victim who chats: what it costs her, and the relay's memory, is bounded.

#[cfg(test)]
mod instrument;
#[cfg(test)]
mod joining;
#[cfg(test)]
#[path = "../relay/process.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod process;
#[cfg(test)]
mod reading;
#[cfg(test)]
#[path = "../relay/support.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod support;
#[cfg(test)]
mod sweeping;
#[cfg(test)]
mod writing;

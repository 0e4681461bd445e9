//! The account API over real HTTP: what each call does, and what it refuses.
//!
//! Passwords are not stretched here, and what is sealed is any bytes: the relay cannot tell.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod client;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod guessing;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod json_log;
#[cfg(test)]
mod letters;
#[cfg(test)]
mod login;
#[cfg(test)]
mod openapi;
#[cfg(test)]
#[path = "../relay/process.rs"]
#[allow(dead_code, reason = "shared with the tests of rooms")]
mod process;
#[cfg(test)]
mod push;
#[cfg(test)]
#[path = "../relay/push_service.rs"]
#[allow(dead_code, reason = "shared with the tests of rooms")]
mod push_service;
#[cfg(test)]
mod records;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod restored;
#[cfg(test)]
mod room_tokens;
#[cfg(test)]
mod sessions;
#[cfg(test)]
#[path = "../relay/support.rs"]
#[allow(dead_code, reason = "shared with the tests of rooms")]
mod support;
#[cfg(test)]
mod unread;
#[cfg(test)]
mod vault;

//! The same tests as in `accounts`, on PostgreSQL.

#[cfg(test)]
#[path = "../accounts/admin.rs"]
mod admin;
#[cfg(test)]
#[path = "../accounts/calls.rs"]
mod calls;
#[cfg(test)]
#[path = "../accounts/client.rs"]
mod client;
#[cfg(test)]
#[path = "../accounts/deletion.rs"]
mod deletion;
#[cfg(test)]
#[path = "../accounts/guessing.rs"]
mod guessing;
#[cfg(test)]
#[path = "../accounts/identity.rs"]
mod identity;
#[cfg(test)]
#[path = "../accounts/json_log.rs"]
mod json_log;
#[cfg(test)]
#[path = "../accounts/letters.rs"]
mod letters;
#[cfg(test)]
#[path = "../accounts/login.rs"]
mod login;
#[cfg(test)]
#[path = "../accounts/openapi.rs"]
mod openapi;
#[cfg(test)]
#[path = "../relay/process.rs"]
#[allow(dead_code, reason = "shared with the tests of rooms")]
mod process;
#[cfg(test)]
#[path = "../accounts/push.rs"]
mod push;
#[cfg(test)]
#[path = "../relay/push_service.rs"]
#[allow(dead_code, reason = "shared with the tests of rooms")]
mod push_service;
#[cfg(test)]
#[path = "../accounts/records.rs"]
mod records;
#[cfg(test)]
#[path = "../accounts/registration.rs"]
mod registration;
#[cfg(test)]
#[path = "../accounts/restored.rs"]
mod restored;
#[cfg(test)]
#[path = "../accounts/room_tokens.rs"]
mod room_tokens;
#[cfg(test)]
#[path = "../accounts/sessions.rs"]
mod sessions;
#[cfg(test)]
#[path = "../relay/support.rs"]
#[allow(dead_code, reason = "shared with the tests of rooms")]
mod support;
#[cfg(test)]
#[path = "../accounts/unread.rs"]
mod unread;
#[cfg(test)]
#[path = "../accounts/vault.rs"]
mod vault;

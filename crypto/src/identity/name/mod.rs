//! The name rule: which names people, rooms and topics have, and the one form in which each is written.
//!
//! `docs/PROTOCOL.md`, "Names". Everyone in a room judges signed names by this rule, so it does not depend on the version of
//! Unicode that a client happens to have: it is that of Unicode 18.0, and a character that is not assigned there is refused
//! (`tests` pins what is decided about every character).

mod context;
mod rule;
#[cfg(test)]
mod tests;

use sotto_protocol::limits::{DISPLAY_NAME_MAX_BYTES, ROOM_NAME_MAX_BYTES, ROOM_TOPIC_MAX_BYTES};
use unicode_normalization::UnicodeNormalization as _;

/// NFC makes a text at most three times as long, and shorter by a like factor: more than this is over every limit.
const TYPED_FACTOR: usize = 4;

/// Why a name cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but space.
    #[error("it is empty")]
    Empty,
    /// Over the limit.
    #[error("it is too long")]
    TooLong,
    /// Has characters that are invisible or change the direction of text, where they do not belong.
    #[error("it has characters that cannot be shown")]
    Invisible,
    /// Has accents without a letter below them, more than four on one, or one twice.
    #[error("it has accents that cannot be shown")]
    Marks,
}

/// Gives the form in which a person's name is written.
///
/// # Errors
/// [`NameError`].
pub fn check_display_name(typed: &str) -> Result<String, NameError> {
    check_typed(typed, DISPLAY_NAME_MAX_BYTES)
}

/// Gives the form in which a room's name is written.
///
/// # Errors
/// [`NameError`].
pub fn check_room_name(typed: &str) -> Result<String, NameError> {
    check_typed(typed, ROOM_NAME_MAX_BYTES)
}

/// Gives the form in which a room's topic is written.
///
/// # Errors
/// [`NameError`].
pub fn check_topic(typed: &str) -> Result<String, NameError> {
    check_typed(typed, ROOM_TOPIC_MAX_BYTES)
}

/// Whether a person's name is written exactly as the rule writes it.
#[must_use]
pub fn is_display_name(name: &str) -> bool {
    check(name, DISPLAY_NAME_MAX_BYTES).as_deref() == Ok(name)
}

/// Whether a room's name is written exactly as the rule writes it.
#[must_use]
pub fn is_room_name(name: &str) -> bool {
    check(name, ROOM_NAME_MAX_BYTES).as_deref() == Ok(name)
}

/// Whether a room's topic is written exactly as the rule writes it.
#[must_use]
pub fn is_topic(topic: &str) -> bool {
    check(topic, ROOM_TOPIC_MAX_BYTES).as_deref() == Ok(topic)
}

/// What a person typed: without what keyboards put behind characters where it shows nothing.
fn check_typed(typed: &str, max_bytes: usize) -> Result<String, NameError> {
    check(typed, max_bytes).or_else(|error| match error {
        NameError::Invisible if typed.len() <= max_bytes.saturating_mul(TYPED_FACTOR) => {
            check(&context::without_strays(typed), max_bytes)
        }
        error => Err(error),
    })
}

fn check(typed: &str, max_bytes: usize) -> Result<String, NameError> {
    let typed = typed.trim();
    if typed.len() > max_bytes.saturating_mul(TYPED_FACTOR) {
        return Err(NameError::TooLong);
    }
    let name = write(typed);
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    rule::judge(&name)?;
    if name.len() > max_bytes { Err(NameError::TooLong) } else { Ok(name) }
}

/// NFC, with every run of spaces as one space, and none at the ends.
fn write(typed: &str) -> String {
    let mut name = String::with_capacity(typed.len());
    for character in typed.nfc() {
        match (rule::is_space(character), name.ends_with(' ')) {
            (true, true) => {}
            (true, false) if name.is_empty() => {}
            (true, false) => name.push(' '),
            (false, _) => name.push(character),
        }
    }
    let end = name.trim_end().len();
    name.truncate(end);
    name
}

//! Which names may be shown: not empty, not too long, no control or direction-changing characters.

use sotto_protocol::limits::{DISPLAY_NAME_MAX_BYTES, ROOM_NAME_MAX_BYTES, ROOM_TOPIC_MAX_BYTES};

/// Why a name cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but space.
    #[error("it is empty")]
    Empty,
    /// Over the limit.
    #[error("it is too long")]
    TooLong,
    /// Has characters that are invisible or change the direction of text.
    #[error("it has characters that cannot be shown")]
    Invisible,
}

/// Checks a person's name and takes surrounding space away.
///
/// # Errors
/// [`NameError`].
pub fn check_display_name(name: &str) -> Result<&str, NameError> {
    check(name, DISPLAY_NAME_MAX_BYTES)
}

/// Checks a room's name and takes surrounding space away.
///
/// # Errors
/// [`NameError`].
pub fn check_room_name(name: &str) -> Result<&str, NameError> {
    check(name, ROOM_NAME_MAX_BYTES)
}

/// Checks a room's topic and takes surrounding space away.
///
/// # Errors
/// [`NameError`].
pub fn check_topic(topic: &str) -> Result<&str, NameError> {
    check(topic, ROOM_TOPIC_MAX_BYTES)
}

fn check(name: &str, max_bytes: usize) -> Result<&str, NameError> {
    let name = name.trim();
    if name.is_empty() {
        Err(NameError::Empty)
    } else if name.len() > max_bytes {
        Err(NameError::TooLong)
    } else if name.chars().any(is_invisible) {
        Err(NameError::Invisible)
    } else {
        Ok(name)
    }
}

/// Control characters, and those by which one name can be made to look like another.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "x".repeat(DISPLAY_NAME_MAX_BYTES + 1);
        let cases = [
            ("Ada", Ok("Ada")),
            ("  Ada Lovelace ", Ok("Ada Lovelace")),
            ("Ада 👩‍💻", Ok("Ада 👩‍💻")),
            ("", Err(NameError::Empty)),
            (" \t ", Err(NameError::Empty)),
            (long.as_str(), Err(NameError::TooLong)),
            ("A\nda", Err(NameError::Invisible)),
            ("A\u{202e}da", Err(NameError::Invisible)),
            ("A\u{1b}[31mda", Err(NameError::Invisible)),
        ];
        for (name, expected) in cases {
            assert_eq!(check_display_name(name), expected, "{name:?}");
        }
    }
}

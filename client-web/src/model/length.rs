//! How much of a message is drawn at first. The time that a browser takes for a text is in its sender's hands, who may send many.

/// Most bytes drawn at first.
const SHOWN_BYTES: usize = 6000;
/// Most lines drawn at first.
const SHOWN_LINES: usize = 60;

/// The beginning of a message that is too long to be drawn whole at once.
#[must_use]
pub fn beginning(text: &str) -> Option<&str> {
    let line_end = text.match_indices('\n').nth(SHOWN_LINES - 1).map(|(at, _)| at);
    let end = line_end.unwrap_or(text.len()).min(SHOWN_BYTES);
    if end >= text.len() {
        return None;
    }
    // Never within a character.
    let end = (0..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_messages_are_cut_and_never_within_a_character() {
        assert_eq!(beginning("short\nand plain"), None);
        assert_eq!(beginning(&"a".repeat(SHOWN_BYTES)), None);
        let cut = |text: &str| beginning(text).map(str::len);
        assert_eq!(cut(&"a".repeat(SHOWN_BYTES + 1)), Some(SHOWN_BYTES));
        assert_eq!(cut(&format!("a{}", "é".repeat(SHOWN_BYTES))), Some(SHOWN_BYTES - 1));
        assert_eq!(cut(&"a\n".repeat(SHOWN_LINES - 1)), None);
        assert_eq!(cut(&"a\n".repeat(SHOWN_LINES + 5)), Some(2 * SHOWN_LINES - 1));
    }
}

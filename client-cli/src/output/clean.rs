//! What others wrote, so that it neither steers a terminal nor turns the direction of what stands beside it.

/// Text without characters that a terminal obeys. Line ends of every kind become line breaks; these and tabs stay.
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").chars().map(harmless).collect()
}

/// As [`clean`], on one line.
pub fn one_line(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ")
}

/// A name, on one line, with the digits that tell it from others that look like it.
pub fn tagged(name: &str, tag: Option<&str>) -> String {
    match tag {
        Some(tag) => format!("{}#{tag}", one_line(name)),
        None => one_line(name),
    }
}

fn harmless(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        // Next line, line and paragraph separators, vertical tab, form feed.
        '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => '\n',
        c if c.is_control() || turns_direction(c) => '\u{fffd}',
        c => c,
    }
}

/// Characters that make a line read in another order than it is written: embeddings, overrides, isolates.
pub const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_others_wrote() {
        for (text, expected) in [
            ("a\u{1b}[31mb\rc\u{7}\nd", "a\u{fffd}[31mb\u{fffd}c\u{fffd}\nd"),
            ("a\r\nb", "a\nb"),
            ("a\u{2028}b\u{2029}c\u{85}d\u{b}e", "a\nb\nc\nd\ne"),
            ("a\u{202e}txt.exe\u{2066}", "a\u{fffd}txt.exe\u{fffd}"),
            ("\u{9b}31m\u{9d}0;x\u{9c}", "\u{fffd}31m\u{fffd}0;x\u{fffd}"),
            ("שלום 123 مرحبا 👩‍👩‍👧‍👦", "שלום 123 مرحبا 👩‍👩‍👧‍👦"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
        assert_eq!(one_line("a\nb\tc\u{2028}d"), "a b c d");
    }
}

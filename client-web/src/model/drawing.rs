//! What of a message is drawn. The time that a browser takes for a text is in its sender's hands, who may send many: so long ones are
//! drawn in part at first, and marks that are heaped on one letter, which take the square of their number, are taken apart. Signs that
//! force a direction on letters are left out: they show a text as what it is not, and no language needs them.

use std::borrow::Cow;
use unicode_normalization::char::is_combining_mark;

/// Most bytes drawn at first.
const SHOWN_BYTES: usize = 6000;
/// Most lines drawn at first.
const SHOWN_LINES: usize = 60;

/// Most marks on one letter: more than any script has.
const MARKS: usize = 16;
/// What stands for a missing letter under marks.
const NO_LETTER: char = '\u{25cc}';

/// The text as it is drawn: with no more than so many marks on one letter, those beyond standing for themselves, and without signs
/// that force a direction.
#[must_use]
pub fn drawn(text: &str) -> Cow<'_, str> {
    let mut marks = 0;
    let mut drawn = String::new();
    let mut copied = 0;
    for (at, c) in text.char_indices() {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        let is_left_out = forces_direction(c);
        if marks > MARKS || is_left_out {
            drawn.push_str(text.get(copied..at).unwrap_or_default());
            copied = at;
        }
        if is_left_out {
            copied += c.len_utf8();
        } else if marks > MARKS {
            drawn.push(NO_LETTER);
            marks = 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    drawn.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(drawn)
}

/// Embeddings and overrides of the Unicode Bidirectional Algorithm. Its marks and isolates stay: they turn no letters around.
const fn forces_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}')
}

/// The beginning of a message that is too long to be drawn whole at once.
#[must_use]
pub fn beginning(text: &str) -> Option<&str> {
    let line_end = text.match_indices('\n').nth(SHOWN_LINES - 1).map(|(at, _)| at);
    let end = line_end.unwrap_or(text.len()).min(SHOWN_BYTES);
    if end >= text.len() {
        return None;
    }
    // Never within a character, and not within a word unless it is a very long one: a part of an address is another address.
    let end = (0..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let shown = text.get(..end)?;
    let is_within_word = !text.get(end..).is_some_and(|rest| rest.starts_with(char::is_whitespace));
    match shown.rfind(char::is_whitespace) {
        Some(space) if is_within_word && space > 0 => shown.get(..space),
        _ => Some(shown),
    }
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
        let address = format!("{} https://bank.company.example/", "a".repeat(SHOWN_BYTES - 16));
        assert_eq!(cut(&address), Some(SHOWN_BYTES - 16), "a part of an address is another address");
        assert_eq!(cut(&"a\n".repeat(SHOWN_LINES + 5)), Some(2 * SHOWN_LINES - 1));
    }

    #[test]
    fn heaps_of_marks_are_taken_apart_and_words_stay_as_they_are() {
        for text in ["Zoe\u{308} שָׁלוֹם རྒྱ ก็ नमस्ते ❤\u{fe0f}", "", "e\u{301}\u{327}"]
        {
            assert_eq!(drawn(text), text);
        }
        let heap = "\u{301}\u{316}".repeat(1000);
        let shown = drawn(&heap);
        let longest = shown.split(NO_LETTER).map(|run| run.chars().count()).max();
        assert_eq!(longest, Some(MARKS));
        assert_eq!(shown.replace(NO_LETTER, ""), heap);
    }

    #[test]
    fn no_text_is_shown_the_other_way_around() {
        assert_eq!(drawn("\u{202e}moc.elpmaxe\u{202c} and fdp\u{202d}.exe"), "moc.elpmaxe and fdp.exe");
        assert_eq!(drawn("\u{202e}"), "");
        assert_eq!(drawn("\u{2067}שלום\u{2069}\u{200f}!"), "\u{2067}שלום\u{2069}\u{200f}!");
    }
}

//! Lines that are broken here and not by the terminal: what a message says never stands at the beginning of a line, where it
//! could look like the message of another person.

use unicode_width::UnicodeWidthChar as _;

/// What is left for text on a line at least, however narrow the terminal.
const ROOM_MIN: usize = 8;

/// The columns of the terminal: as the environment says, or as the terminal itself does. `None` where output is no terminal.
pub fn columns() -> Option<usize> {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || terminal_size::terminal_size().map(|(terminal_size::Width(columns), _)| columns.into());
    named.or_else(asked).filter(|columns| *columns > 0)
}

/// Breaks clean text that begins in column `begin` of a line: every further line is indented by `indent` columns, and none is wider
/// than `columns`. Without `columns` only the text's own line breaks count.
pub fn wrap(text: &str, begin: usize, indent: usize, columns: Option<usize>) -> String {
    let columns = columns.map(|columns| columns.max(indent + ROOM_MIN));
    let break_line = format!("\n{}", " ".repeat(indent));
    let mut wrapped = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            wrapped += &break_line;
        }
        let mut used = if number == 0 { begin } else { indent };
        match columns {
            None => wrapped += line,
            Some(columns) => wrap_line(&mut wrapped, line, &mut used, indent, columns, &break_line),
        }
    }
    wrapped
}

fn wrap_line(
    wrapped: &mut String,
    line: &str,
    used: &mut usize,
    indent: usize,
    columns: usize,
    break_line: &str,
) {
    for (number, word) in line.split(' ').enumerate() {
        let width = width(word);
        if number > 0 {
            if *used + 1 + width > columns && *used > indent {
                wrapped.push_str(break_line);
                *used = indent;
            } else {
                wrapped.push(' ');
                *used += 1;
            }
        }
        for c in word.chars() {
            let width = width_of(c);
            if *used + width > columns {
                wrapped.push_str(break_line);
                *used = indent;
            }
            wrapped.push(c);
            *used += width;
        }
    }
}

/// The columns that text may take at most.
pub fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// Terminals differ in the width of emoji sequences and ambiguous characters: no terminal takes more than this.
fn width_of(c: char) -> usize {
    match c {
        '\t' => 8,
        // Makes the character before it wide.
        '\u{fe0f}' => 1,
        '\u{1f1e6}'..='\u{1f1ff}' => 2,
        c => c.width_cjk().unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, columns: usize, expected: &str) {
        let wrapped = wrap(text, 12, 7, Some(columns));
        assert_eq!(wrapped, expected, "{text:?} in {columns} columns");
    }

    #[test]
    fn every_further_line_is_indented() {
        assert_eq!(wrap("one\ntwo", 12, 7, None), "one\n       two");
        check("hello", 40, "hello");
        check("hello there", 20, "hello\n       there");
        check("aaaaaaaaaaaaaaaaaaaa", 20, "aaaaaaaa\n       aaaaaaaaaaaa");
        check("漢字漢字漢字漢字", 20, "漢字漢字\n       漢字漢字");
        check("a\tb", 20, "a\n       \tb");
        check("short", 3, "sho\n       rt");
    }

    #[test]
    fn no_padding_makes_a_line_that_begins_like_anothers() {
        let forged = "16:14  Bob  I agree to everything";
        for columns in [20, 40, 80] {
            for (filler, most) in [(' ', 200), ('a', 200), ('\u{a0}', 200), ('é', 200), ('👍', 100)] {
                for count in 0..most {
                    let text = format!("{}{forged}", String::from(filler).repeat(count));
                    let wrapped = wrap(&text, 12, 7, Some(columns));
                    for (number, line) in wrapped.split('\n').enumerate() {
                        assert!(number == 0 || line.starts_with("       "), "{line:?}");
                        let begin = if number == 0 { 12 } else { 0 };
                        assert!(begin + width(line) <= columns, "{line:?} in {columns} columns");
                    }
                }
            }
        }
    }
}

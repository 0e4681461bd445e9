//! What is printed: lines for people, JSON for machines, warnings on standard error.
//!
//! Nothing that came from others reaches a terminal with its control characters ([`clean`]) or looks like another's line ([`wrap`]).
//! Everything that this program writes goes through here: standard output reports what went wrong, and standard error that
//! cannot be written changes nothing.

mod alarm;
mod clean;
mod json;
mod text;
mod wrap;

pub use alarm::{alarm_line, warn_of_alarms};
pub use clean::{clean, one_line, tagged};
pub use json::{JsonItem, json};
pub use text::Printer;

use crate::failure::Failure;
use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use std::io::{self, Write as _};

/// Where the further lines of what is said on standard error begin: names in it do not look like lines of their own.
const NOTE_INDENT: usize = 2;

/// Writes to standard output.
pub fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::closed_pipe(),
        _ => Failure::new(format!("standard output cannot be written: {error}"), ""),
    })
}

/// Writes a line to standard output.
pub fn line(text: &str) -> Result<(), Failure> {
    write(&format!("{text}\n"))
}

/// An item of a list to standard output. However long it is, its further lines are indented: none looks like an item of its own.
pub fn item(text: &str) -> Result<(), Failure> {
    const INDENT: usize = 4;
    line(&wrap::wrap(text, 0, INDENT, wrap::columns()))
}

/// A line on standard error. Nobody may read it, or its disk may be full: what is done is done all the same.
pub fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", wrap::wrap(text, 0, NOTE_INDENT, wrap::columns()));
}

/// A warning, on standard error.
pub fn warn(text: &str) {
    labelled("warning", AnsiColor::Yellow, text);
}

/// What went wrong and, if there is something, what to do: on standard error, in the manner of rustc.
pub fn error(message: &str, help: &str) {
    // Paths, and what a server says of itself, are others' words too.
    labelled("error", AnsiColor::Red, &clean(message));
    if !help.is_empty() {
        labelled("help", AnsiColor::Cyan, &clean(help));
    }
}

fn labelled(label: &str, colour: AnsiColor, text: &str) {
    let style = Style::new().bold().fg_color(Some(colour.into()));
    let text = wrap::wrap(text, label.len() + 2, NOTE_INDENT, wrap::columns());
    let _ = writeln!(anstream::stderr().lock(), "{style}{label}{style:#}: {text}");
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A length of time in words.
pub fn duration(ms: u64) -> String {
    let minutes = ms / 60_000;
    match minutes {
        0..120 => format!("{minutes} minutes"),
        120..2880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

fn timestamp(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_words() {
        assert_eq!(
            [7 * 60_000, 5 * 3_600_000, 86_400_000 * 3].map(duration),
            ["7 minutes", "5 hours", "3 days"]
        );
    }
}

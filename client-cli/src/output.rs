//! What is printed: lines for people, JSON for machines, warnings on standard error.
//!
//! Nothing that came from others reaches a terminal with its control characters.

use crate::failure::Failure;
use anstyle::{AnsiColor, Style};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use sotto_client_core::{Alarm, AlarmView, RoomEnd, RoomView, TimelineBody, TimelineItem};
use std::io::{self, Write as _};

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

/// Writes an object as a line to standard output.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|_| Failure::new("the output could not be written as JSON", ""))?;
    line(&escape_controls(&text))
}

/// A warning, on standard error.
#[allow(clippy::print_stderr, reason = "this is where warnings are printed")]
pub fn warn(text: &str) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
    anstream::eprintln!("{style}warning{style:#}: {text}");
}

/// A note, on standard error.
#[allow(clippy::print_stderr, reason = "this is where notes are printed")]
pub fn note(text: &str) {
    anstream::eprintln!("{text}");
}

/// Warns of a room's alarms, and says how the membership ended if it did.
pub fn warn_of_alarms(room: &RoomView) {
    for view in &room.alarms {
        warn(&alarm_line(room, view));
    }
    if !room.alarms.is_empty() {
        note("`sotto alarms ROOM --put-aside` stops these warnings. New ones are still shown.");
    }
    if let Some(RoomEnd::Removed { by_name, .. }) = &room.end {
        note(&format!("{} removed you from {}.", clean(by_name), clean(&room.name)));
    }
}

/// An alarm of a room, in words.
pub fn alarm_line(room: &RoomView, view: &AlarmView) -> String {
    let settled = if view.is_settled {
        " This device has checked since: nothing is missing or changed there."
    } else {
        ""
    };
    format!("{}: {}{settled}", clean(&room.name), alarm_text(view.alarm))
}

fn alarm_text(alarm: Alarm) -> String {
    match alarm {
        Alarm::HistoryDiverged(seq) => format!(
            "what this device has seen (up to entry {seq}) is not what another member has seen. The relay may show you \
             different histories. Compare notes with the others outside of this room."
        ),
        Alarm::EntryDamaged(seq) => format!(
            "entry {seq} was damaged or forged on its way and cannot be shown. It is read again if the relay mends it."
        ),
        Alarm::InvalidChange(seq) => format!(
            "at entry {seq} a change that the room's rules do not allow is in the log; nothing after it can be read. \
             Tell the others, and make a new room if it stays so."
        ),
        Alarm::RelayRolledBack(seq) => format!(
            "the relay has lost what this device has seen (up to entry {seq}), perhaps by a restored backup. Ask the \
             operator of the relay."
        ),
        Alarm::NotInLog(seq) => format!(
            "the relay confirmed something of yours as entry {seq} and then did not keep it. It is sent again by itself. \
             If this comes again, do not rely on this relay."
        ),
    }
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

/// Text without characters that a terminal obeys; line breaks stay.
pub fn clean(text: &str) -> String {
    let is_obeyed = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_direction_control(c);
    let replace = |c: char| if is_obeyed(c) { '\u{fffd}' } else { c };
    text.chars().map(replace).collect()
}

/// Characters that make a line read in another order than it is written.
const fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON may hold control characters above 0x7e as they are; a terminal obeys some of them.
fn escape_controls(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '\u{7f}'..='\u{9f}') || is_direction_control(c) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// A timeline item as one JSON object.
#[derive(Serialize)]
pub struct JsonItem<'a> {
    id: String,
    seq: u64,
    room: &'a str,
    room_id: String,
    kind: &'static str,
    sender: &'a str,
    sender_id: String,
    is_mine: bool,
    sent_at: Option<String>,
    text: Option<&'a str>,
}

impl<'a> JsonItem<'a> {
    /// The item as it is printed.
    pub fn of(room: &'a RoomView, item: &'a TimelineItem) -> Self {
        let (kind, text) = match &item.body {
            TimelineBody::Text(text) => ("text", Some(text.as_str())),
            TimelineBody::FromNewerVersion => ("unknown", None),
            TimelineBody::Joined => ("joined", None),
            TimelineBody::Gap => ("gap", None),
            TimelineBody::Renamed(name) => ("renamed", Some(name.as_str())),
        };
        Self {
            id: hex(&item.id),
            seq: item.seq,
            room: &room.name,
            room_id: hex(room.id.as_bytes()),
            kind,
            sender: &item.sender_name,
            sender_id: hex(&item.sender),
            is_mine: item.is_mine,
            sent_at: item.sent_at_ms.and_then(timestamp).map(|time| format!("{time:.3}")),
            text,
        }
    }
}

/// Prints items as `12:04  name  text`, with a line for each new day.
pub struct Printer {
    zone: TimeZone,
    day: Option<Date>,
    has_room_names: bool,
}

impl Printer {
    /// With the room's name before each line, or without.
    pub fn new(has_room_names: bool) -> Self {
        Self { zone: TimeZone::system(), day: None, has_room_names }
    }

    /// Prints an item.
    pub fn print(&mut self, room: &RoomView, item: &TimelineItem) -> Result<(), Failure> {
        let faint = Style::new().dimmed();
        let mut text = String::new();
        let mut clock = "     ".to_owned();
        if let Some(time) = item.sent_at_ms.and_then(timestamp) {
            let time = time.to_zoned(self.zone.clone());
            if self.day != Some(time.date()) {
                self.day = Some(time.date());
                text += &format!("{faint}── {} ──{faint:#}\n", time.strftime("%A, %-d %B %Y"));
            }
            clock = time.strftime("%H:%M").to_string();
        }
        text += &format!("{faint}{clock}{faint:#}  ");
        if self.has_room_names {
            text += &format!("{faint}{}{faint:#}  ", one_line(&room.name));
        }
        let style = name_style(&item.sender);
        let name = one_line(&item.sender_name);
        match &item.body {
            TimelineBody::Text(said) => {
                let indent = " ".repeat(clock.len() + 2);
                let said = clean(said).replace('\n', &format!("\n{indent}"));
                text += &format!("{style}{name}{style:#}  {said}");
            }
            TimelineBody::FromNewerVersion => {
                text += &format!("{style}{name}{style:#}  {faint}(sent with a newer version){faint:#}");
            }
            TimelineBody::Joined => text += &format!("{faint}{name} joined{faint:#}"),
            TimelineBody::Gap => text += &format!("{faint}(a message that the relay no longer has){faint:#}"),
            TimelineBody::Renamed(new) => {
                text += &format!("{faint}{name} named the room {}{faint:#}", one_line(new));
            }
        }
        line(&text)
    }
}

fn timestamp(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

fn one_line(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ")
}

/// A colour for each person, always the same one.
fn name_style(account: &[u8; 16]) -> Style {
    const COLOURS: [AnsiColor; 6] = [
        AnsiColor::Cyan,
        AnsiColor::Green,
        AnsiColor::Magenta,
        AnsiColor::Yellow,
        AnsiColor::Blue,
        AnsiColor::BrightRed,
    ];
    let index = account.first().map_or(0, |byte| usize::from(*byte) % COLOURS.len());
    Style::new().bold().fg_color(COLOURS.get(index).copied().map(Into::into))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_others_wrote() {
        assert_eq!(clean("a\u{1b}[31mb\rc\u{7}\nd"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}\nd");
    }

    #[test]
    fn json_holds_nothing_that_a_terminal_obeys_and_means_the_same() {
        let text = "a\u{9b}31mb\u{7f}c\u{202e}d";
        let json = escape_controls(&serde_json::to_string(text).unwrap());
        assert_eq!(json, "\"a\\u009b31mb\\u007fc\\u202ed\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn durations_in_words() {
        assert_eq!(
            [7 * 60_000, 5 * 3_600_000, 86_400_000 * 3].map(duration),
            ["7 minutes", "5 hours", "3 days"]
        );
    }
}

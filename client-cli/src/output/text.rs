//! Lines for people: `12:04  name  text`, with a line for each new day.

use super::{
    clean, line, one_line, tagged, timestamp,
    wrap::{columns, width, wrap},
};
use crate::failure::Failure;
use anstyle::{AnsiColor, Style};
use jiff::{civil::Date, tz::TimeZone};
use sotto_client_core::{RoomView, TimelineBody, TimelineItem};

/// Where what is said goes on in the lines after the first.
const INDENT: usize = 7;

/// Prints items.
pub struct Printer {
    zone: TimeZone,
    day: Option<Date>,
    has_room_names: bool,
    columns: Option<usize>,
}

impl Printer {
    /// With the room's name before each line, or without.
    pub fn new(has_room_names: bool) -> Self {
        Self { zone: TimeZone::system(), day: None, has_room_names, columns: columns() }
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
        let mut begin = INDENT;
        if self.has_room_names {
            let room = self.wrapped(&tagged(&room.name, room.tag.as_deref()), begin);
            begin = end_of(&room, begin) + 2;
            text += &format!("{faint}{room}{faint:#}  ");
        }
        let style = name_style(&item.sender);
        let name = self.wrapped(&tagged(&item.sender_name, item.sender_tag.as_deref()), begin);
        let event = |words: String| format!("{faint}{}{faint:#}", self.wrapped(&words, begin));
        match &item.body {
            TimelineBody::Text(said) => {
                let said = self.wrapped(&clean(said), end_of(&name, begin) + 2);
                text += &format!("{style}{name}{style:#}  {said}");
            }
            TimelineBody::FromNewerVersion => {
                text += &format!("{style}{name}{style:#}  {faint}(sent with a newer version){faint:#}");
            }
            TimelineBody::Joined => text += &event(format!("{name} joined")),
            TimelineBody::Gap => text += &event("(a message that the relay no longer has)".to_owned()),
            TimelineBody::Renamed(new) => {
                text += &event(format!("{name} named the room {}", one_line(new)));
            }
        }
        line(&text)
    }

    fn wrapped(&self, text: &str, begin: usize) -> String {
        wrap(text, begin, INDENT, self.columns)
    }
}

/// The column in which wrapped text ends that began in column `begin`.
fn end_of(wrapped: &str, begin: usize) -> usize {
    wrapped.rsplit_once('\n').map_or_else(|| begin + width(wrapped), |(_, last)| width(last))
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

//! What machines read: one JSON object a line, exactly what was said, and nothing in it that a terminal obeys.

use super::{clean::turns_direction, hex, line, timestamp};
use crate::failure::Failure;
use serde::Serialize;
use sotto_client_core::{RoomView, TimelineBody, TimelineItem};

/// Writes an object as a line to standard output.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|_| Failure::new("the output could not be written as JSON", ""))?;
    line(&escape(&text))
}

/// JSON may hold characters above 0x7e as they are; a terminal obeys some of them, and some readers take others for line ends.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}') || turns_direction(c) {
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
    /// Where another name in the room looks like the sender's: what tells them apart.
    sender_tag: Option<&'a str>,
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
            sender_tag: item.sender_tag.as_deref(),
            sender_id: hex(&item.sender),
            is_mine: item.is_mine,
            sent_at: item.sent_at_ms.and_then(timestamp).map(|time| format!("{time:.3}")),
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_nothing_that_a_terminal_obeys_and_means_the_same() {
        let text = "a\u{9b}31mb\u{7f}c\u{202e}d\u{2028}e\u{85}";
        let json = escape(&serde_json::to_string(text).unwrap());
        assert_eq!(json, "\"a\\u009b31mb\\u007fc\\u202ed\\u2028e\\u0085\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}

//! Turns a room's timeline into what is drawn: day lines, groups of one sender, and lines about the room.

use sotto_client_core::{OutboxView, TimelineBody, TimelineItem};

/// A longer silence than this begins a new group.
const GROUP_GAP_MS: u64 = 15 * 60 * 1000;

/// One part of the conversation.
#[derive(Clone, PartialEq, Eq)]
pub enum Block {
    /// A new day begins: its number by the local calendar, and a time in it.
    Day {
        /// Days since 1970, local.
        day: i64,
        /// Some time of that day, in milliseconds since 1970.
        at_ms: u64,
    },
    /// What follows had not been read when the room was opened.
    UnreadLine,
    /// People came in, one after the other.
    Joined {
        /// The first one's entry.
        seq: u64,
        /// Their names.
        names: Vec<String>,
    },
    /// The room got a name.
    Renamed {
        /// The entry.
        seq: u64,
        /// Who did it.
        by: String,
        /// The new name.
        name: String,
    },
    /// What one person said in a row.
    Group(Group),
}

/// What one person said in a row.
#[derive(Clone, PartialEq, Eq)]
pub struct Group {
    /// Account id.
    pub sender: [u8; 16],
    /// The name shown.
    pub name: String,
    /// Whether it is me.
    pub is_mine: bool,
    /// The messages; never empty.
    pub lines: Vec<Line>,
}

/// One message.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// The message's id.
    pub id: [u8; 16],
    /// When it was said, in milliseconds since 1970.
    pub at_ms: u64,
    /// The text; `None` if it was sent with a newer version.
    pub text: Option<String>,
    /// How far it got.
    pub state: LineState,
}

/// How far a message got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// It waits on this device.
    Queued,
    /// The relay has it.
    Sent,
    /// The relay refused it for good.
    Failed,
    /// It is someone else's.
    Received,
}

/// Who writes from here: for messages that are not in the log yet.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Me {
    /// My account.
    pub account: [u8; 16],
    /// My name in the room.
    pub name: String,
}

/// Groups a stretch of the timeline, oldest first, and what waits to be sent after it.
///
/// `unread_after` is the last entry that had been read; `day_of` gives the local day of a time.
#[must_use]
pub fn group(
    items: &[TimelineItem],
    outbox: &[OutboxView],
    me: &Me,
    unread_after: Option<u64>,
    day_of: impl Fn(u64) -> i64,
) -> Vec<Block> {
    let mut blocks = Blocks { done: Vec::new(), day: None, day_of };
    let mut unread_after = unread_after;
    for item in items {
        if unread_after.is_some_and(|read| item.seq > read) && !item.is_mine {
            unread_after = None;
            if !blocks.done.is_empty() {
                blocks.done.push(Block::UnreadLine);
            }
        }
        blocks.add(item);
    }
    for waiting in outbox.iter().filter(|waiting| !items.iter().any(|item| item.id == waiting.id)) {
        let state = match (waiting.has_failed, waiting.is_acknowledged) {
            (true, _) => LineState::Failed,
            (false, true) => LineState::Sent,
            (false, false) => LineState::Queued,
        };
        let line =
            Line { id: waiting.id, at_ms: waiting.sent_at_ms, text: Some(waiting.text.clone()), state };
        blocks.add_line(me.account, &me.name, true, line);
    }
    blocks.done
}

struct Blocks<F> {
    done: Vec<Block>,
    day: Option<i64>,
    day_of: F,
}

impl<F: Fn(u64) -> i64> Blocks<F> {
    fn add(&mut self, item: &TimelineItem) {
        let text = match &item.body {
            TimelineBody::Text(text) => Some(text.clone()),
            TimelineBody::FromNewerVersion => None,
            TimelineBody::Joined => return self.add_joined(item),
            TimelineBody::Renamed(name) => {
                let (by, name) = (item.sender_name.clone(), name.clone());
                return self.done.push(Block::Renamed { seq: item.seq, by, name });
            }
        };
        let state = if item.is_mine { LineState::Sent } else { LineState::Received };
        let line = Line { id: item.id, at_ms: item.sent_at_ms.unwrap_or_default(), text, state };
        self.add_line(item.sender, &item.sender_name, item.is_mine, line);
    }

    fn add_joined(&mut self, item: &TimelineItem) {
        if let Some(Block::Joined { names, .. }) = self.done.last_mut() {
            names.push(item.sender_name.clone());
        } else {
            self.done.push(Block::Joined { seq: item.seq, names: vec![item.sender_name.clone()] });
        }
    }

    fn add_line(&mut self, sender: [u8; 16], name: &str, is_mine: bool, line: Line) {
        let day = (self.day_of)(line.at_ms);
        if self.day != Some(day) {
            self.day = Some(day);
            self.done.push(Block::Day { day, at_ms: line.at_ms });
        }
        if let Some(Block::Group(group)) = self.done.last_mut() {
            let last_ms = group.lines.last().map_or(0, |last| last.at_ms);
            if group.sender == sender && group.name == name && line.at_ms.abs_diff(last_ms) < GROUP_GAP_MS {
                return group.lines.push(line);
            }
        }
        self.done.push(Block::Group(Group { sender, name: name.to_owned(), is_mine, lines: vec![line] }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1000;

    fn item(seq: u64, sender: u8, at_ms: u64, body: TimelineBody) -> TimelineItem {
        let name = if sender == 1 { "Mira" } else { "Ada" };
        TimelineItem {
            seq,
            id: [u8::try_from(seq).unwrap_or(0); 16],
            sender: [sender; 16],
            sender_name: name.into(),
            sender_tag: None,
            sent_at_ms: (body != TimelineBody::Joined).then_some(at_ms),
            is_mine: sender == 1,
            body,
        }
    }

    fn said(seq: u64, sender: u8, at_ms: u64) -> TimelineItem {
        item(seq, sender, at_ms, TimelineBody::Text(seq.to_string()))
    }

    /// One word a block: `day`, `new`, `+2` for two who joined, `Ada:3` for three messages of Ada.
    fn outline(items: &[TimelineItem], outbox: &[OutboxView], unread_after: Option<u64>) -> String {
        let me = Me { account: [1; 16], name: "Mira".into() };
        let day_of = |ms: u64| i64::try_from(ms / DAY_MS).unwrap_or(0);
        let words: Vec<String> = group(items, outbox, &me, unread_after, day_of)
            .into_iter()
            .map(|block| match block {
                Block::Day { .. } => "day".into(),
                Block::UnreadLine => "new".into(),
                Block::Joined { names, .. } => format!("+{}", names.len()),
                Block::Renamed { name, .. } => format!("={name}"),
                Block::Group(group) => format!("{}:{}", group.name, group.lines.len()),
            })
            .collect();
        words.join(" ")
    }

    #[test]
    fn messages_are_grouped_by_sender_day_and_silence() {
        let items = [
            item(1, 1, 0, TimelineBody::Joined),
            item(2, 2, 0, TimelineBody::Joined),
            said(3, 2, 10),
            said(4, 2, 20),
            said(5, 1, 30),
            said(6, 1, 30 + GROUP_GAP_MS),
            said(7, 1, DAY_MS),
        ];
        assert_eq!(outline(&items, &[], None), "+2 day Ada:2 Mira:1 Mira:1 day Mira:1");
    }

    #[test]
    fn the_unread_line_stands_before_the_first_unread_message_of_another() {
        let items = [said(1, 2, 1), said(2, 1, 2), said(3, 2, 3), said(4, 2, 4)];
        assert_eq!(outline(&items, &[], Some(1)), "day Ada:1 Mira:1 new Ada:2");
        assert_eq!(outline(&items, &[], Some(4)), "day Ada:1 Mira:1 Ada:2");
    }

    #[test]
    fn what_waits_comes_last_and_once() {
        let waiting = |id: u8| OutboxView {
            id: [id; 16],
            text: "x".into(),
            sent_at_ms: 5,
            is_acknowledged: false,
            has_failed: false,
        };
        let items = [said(1, 1, 1)];
        assert_eq!(outline(&items, &[waiting(1), waiting(9)], None), "day Mira:2");
    }
}

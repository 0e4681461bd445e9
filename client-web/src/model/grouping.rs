//! Turns a room's timeline into what is drawn: day lines, groups of one sender, and lines about the room.

use crate::words::named;
use sotto_client_core::{OutboxView, TimelineBody, TimelineItem};
use std::collections::HashSet;

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
        /// The message that follows.
        before: Place,
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
    /// Messages were here that the relay had dropped.
    Gap {
        /// The first one's entry.
        seq: u64,
    },
    /// What one person said in a row.
    Group(Group),
}

impl Block {
    /// Names the block among all of a room: by places in the log, which nobody but the log chooses.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Day { before, .. } => format!("day-{}", before.key()),
            Self::UnreadLine => "unread".to_owned(),
            Self::Joined { seq, .. } => format!("joined-{seq}"),
            Self::Renamed { seq, .. } => format!("renamed-{seq}"),
            Self::Gap { seq } => format!("gap-{seq}"),
            // By the first message, which stays while others come behind it.
            Self::Group(group) => {
                format!("group-{}", group.lines.first().map(|line| line.place.key()).unwrap_or_default())
            }
        }
    }
}

/// Where a message stands. Ids and clocks are their senders' word: two messages may have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At this entry of the log.
    Log(u64),
    /// In the outbox of this device, with this id of its own.
    Outbox([u8; 16]),
}

impl Place {
    /// Names the message among all of a room.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Log(seq) => format!("m-{seq}"),
            Self::Outbox(id) => id.iter().fold("w-".to_owned(), |digits, byte| format!("{digits}{byte:02x}")),
        }
    }
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
    /// Where it stands.
    pub place: Place,
    /// When it was said by the sender's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether that is on another day than the day line above says.
    pub is_off_day: bool,
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
    /// It is in the log.
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
/// `unread_after` is the last entry that had been read; `today` is the local day; `day_of` gives the local day of a time. Days only go
/// on, and no further than today: a message whose sender's clock says otherwise stands under the day that is.
#[must_use]
pub fn group(
    items: &[TimelineItem],
    outbox: &[OutboxView],
    me: &Me,
    unread_after: Option<u64>,
    today: i64,
    day_of: impl Fn(u64) -> i64,
) -> Vec<Block> {
    let mut blocks = Blocks { done: Vec::new(), day: None, today, day_of };
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
    // Only mine: another's message with the same id does not take the place of what waits here.
    let mine: HashSet<&[u8; 16]> = items.iter().filter(|item| item.is_mine).map(|item| &item.id).collect();
    for waiting in outbox.iter().filter(|waiting| !mine.contains(&waiting.id)) {
        // What the relay says of it is no proof: it is sent once it is read in the log.
        let state = if waiting.has_failed { LineState::Failed } else { LineState::Queued };
        let place = Place::Outbox(waiting.id);
        let text = Some(waiting.text.clone());
        let line = Line { place, at_ms: waiting.sent_at_ms, is_off_day: false, text, state };
        blocks.add_line(me.account, &me.name, true, line);
    }
    blocks.done
}

/// The sender as it is shown.
fn name_of(item: &TimelineItem) -> String {
    named(&item.sender_name, item.sender_tag.as_deref())
}

struct Blocks<F> {
    done: Vec<Block>,
    day: Option<i64>,
    today: i64,
    day_of: F,
}

impl<F: Fn(u64) -> i64> Blocks<F> {
    fn add(&mut self, item: &TimelineItem) {
        let text = match &item.body {
            TimelineBody::Text(text) => Some(text.clone()),
            TimelineBody::FromNewerVersion => None,
            TimelineBody::Joined => return self.add_joined(item),
            TimelineBody::Gap => return self.add_gap(item.seq),
            TimelineBody::Renamed(name) => {
                let (by, name) = (name_of(item), name.clone());
                return self.done.push(Block::Renamed { seq: item.seq, by, name });
            }
        };
        let state = if item.is_mine { LineState::Sent } else { LineState::Received };
        let at_ms = item.sent_at_ms.unwrap_or_default();
        let line = Line { place: Place::Log(item.seq), at_ms, is_off_day: false, text, state };
        self.add_line(item.sender, &name_of(item), item.is_mine, line);
    }

    fn add_gap(&mut self, seq: u64) {
        if !matches!(self.done.last(), Some(Block::Gap { .. })) {
            self.done.push(Block::Gap { seq });
        }
    }

    fn add_joined(&mut self, item: &TimelineItem) {
        if let Some(Block::Joined { names, .. }) = self.done.last_mut() {
            names.push(name_of(item));
        } else {
            self.done.push(Block::Joined { seq: item.seq, names: vec![name_of(item)] });
        }
    }

    fn add_line(&mut self, sender: [u8; 16], name: &str, is_mine: bool, mut line: Line) {
        let day = (self.day_of)(line.at_ms);
        if day <= self.today && self.day.is_none_or(|before| before < day) {
            self.day = Some(day);
            self.done.push(Block::Day { day, at_ms: line.at_ms, before: line.place });
        }
        line.is_off_day = self.day != Some(day);
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
    const TODAY: i64 = 5;

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
        let words: Vec<String> = group(items, outbox, &me, unread_after, TODAY, day_of)
            .into_iter()
            .map(|block| match block {
                Block::Day { .. } => "day".into(),
                Block::UnreadLine => "new".into(),
                Block::Joined { names, .. } => format!("+{}", names.len()),
                Block::Renamed { name, .. } => format!("={name}"),
                Block::Gap { .. } => "gap".into(),
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
    fn a_stretch_that_the_relay_has_dropped_is_one_gap() {
        let gap = |seq| item(seq, 0, 0, TimelineBody::Gap);
        let items = [gap(1), gap(2), said(3, 2, 3), gap(4)];
        assert_eq!(outline(&items, &[], None), "gap day Ada:1 gap");
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

    #[test]
    fn no_two_blocks_and_no_two_messages_have_one_key_whatever_ids_and_clocks_say() {
        let clocks = [0, 3 * DAY_MS, 0, u64::MAX, 3 * DAY_MS, 1, 9 * DAY_MS, 2 * DAY_MS];
        let mut items: Vec<_> = (1..200_u64)
            .zip(clocks.iter().cycle())
            .map(|(seq, at_ms)| said(seq, u8::try_from(seq % 3).unwrap_or(0), *at_ms))
            .collect();
        items.iter_mut().for_each(|item| item.id = [7; 16]);
        items.push(item(200, 2, 0, TimelineBody::Joined));
        let waiting = OutboxView {
            id: [7; 16],
            text: "x".into(),
            sent_at_ms: 5,
            is_acknowledged: false,
            has_failed: false,
        };
        items.iter_mut().for_each(|item| item.is_mine = false);
        let me = Me::default();
        let day_of = |ms: u64| i64::try_from(ms / DAY_MS).unwrap_or(i64::MAX);
        let blocks = group(&items, &[waiting], &me, Some(50), TODAY, day_of);
        let mut keys: Vec<_> = blocks.iter().map(Block::key).collect();
        for block in &blocks {
            if let Block::Group(group) = block {
                keys.extend(group.lines.iter().map(|line| line.place.key()));
            }
        }
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
        assert!(keys.iter().any(|key| key.starts_with("w-")), "another's id hides what waits");
    }

    #[test]
    fn a_wrong_clock_moves_no_day() {
        let items = [
            said(1, 2, DAY_MS),
            said(2, 2, 900 * DAY_MS),
            said(3, 2, DAY_MS + 1),
            said(4, 2, 0),
            said(5, 2, 2 * DAY_MS),
        ];
        assert_eq!(outline(&items, &[], None), "day Ada:1 Ada:1 Ada:1 Ada:1 day Ada:1");
        let me = Me::default();
        let day_of = |ms: u64| i64::try_from(ms / DAY_MS).unwrap_or(0);
        let off_day: Vec<bool> = group(&items, &[], &me, None, TODAY, day_of)
            .iter()
            .filter_map(|block| match block {
                Block::Group(group) => group.lines.first().map(|line| line.is_off_day),
                _ => None,
            })
            .collect();
        assert_eq!(off_day, [false, true, false, true, false]);
    }
}

//! The stretch of a room's timeline that is kept for drawing: some hundreds of entries, wherever someone scrolled to.

use sotto_client_core::TimelineItem;

/// How many entries are asked for at once.
pub const PAGE: usize = 80;
/// How many are kept; past that, those at the far end are let go.
pub const MOST: usize = 400;

/// A stretch without gaps, oldest first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Window {
    items: Vec<TimelineItem>,
    has_older: bool,
    has_newer: bool,
}

impl Window {
    /// The newest page, as the engine gave it when asked for [`PAGE`] entries.
    #[must_use]
    pub fn newest(items: Vec<TimelineItem>) -> Self {
        Self { has_older: items.len() >= PAGE, has_newer: false, items }
    }

    /// The entries.
    #[must_use]
    pub fn items(&self) -> &[TimelineItem] {
        &self.items
    }

    /// The entries, for what is not of the log: how their senders are told apart now.
    pub fn items_mut(&mut self) -> &mut [TimelineItem] {
        &mut self.items
    }

    /// Whether there may be older ones.
    #[must_use]
    pub const fn has_older(&self) -> bool {
        self.has_older
    }

    /// Whether newer ones were let go.
    #[must_use]
    pub const fn has_newer(&self) -> bool {
        self.has_newer
    }

    /// The first entry.
    #[must_use]
    pub fn first_seq(&self) -> Option<u64> {
        self.items.first().map(|item| item.seq)
    }

    /// The last entry.
    #[must_use]
    pub fn last_seq(&self) -> Option<u64> {
        self.items.last().map(|item| item.seq)
    }

    /// Takes in what just came. Where newer entries were let go, these are too: they are loaded on the way back.
    pub fn arrive(&mut self, items: Vec<TimelineItem>) {
        if self.has_newer {
            return;
        }
        self.append(items);
        // While someone reads the newest, the oldest go in large steps, so that little is drawn anew.
        if self.items.len() > MOST + PAGE {
            self.items.drain(..self.items.len() - MOST);
            self.has_older = true;
        }
    }

    /// Takes in an older page, as the engine gave it when asked for [`PAGE`] entries before [`Window::first_seq`].
    pub fn prepend(&mut self, mut older: Vec<TimelineItem>) {
        self.has_older = older.len() >= PAGE;
        let first = self.first_seq().unwrap_or(u64::MAX);
        older.retain(|item| item.seq < first);
        older.append(&mut self.items);
        self.items = older;
        if self.items.len() > MOST {
            self.items.truncate(MOST);
            self.has_newer = true;
        }
    }

    /// Takes in a newer page; `is_last` says that nothing comes after it.
    pub fn extend(&mut self, newer: Vec<TimelineItem>, is_last: bool) {
        self.append(newer);
        self.has_newer = !is_last;
        if self.items.len() > MOST {
            self.items.drain(..self.items.len() - MOST);
            self.has_older = true;
        }
    }

    fn append(&mut self, items: Vec<TimelineItem>) {
        let last = self.last_seq().unwrap_or(0);
        self.items.extend(items.into_iter().filter(|item| item.seq > last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_client_core::TimelineBody;

    fn items(seqs: std::ops::RangeInclusive<u64>) -> Vec<TimelineItem> {
        let item = |seq| TimelineItem {
            seq,
            id: [0; 16],
            sender: [0; 16],
            sender_name: String::new(),
            sender_tag: None,
            sent_at_ms: Some(0),
            is_mine: false,
            body: TimelineBody::Text(String::new()),
        };
        seqs.map(item).collect()
    }

    fn ends(window: &Window) -> (Option<u64>, Option<u64>) {
        (window.first_seq(), window.last_seq())
    }

    #[test]
    fn scrolling_back_lets_the_newest_go_and_scrolling_on_brings_them_back() {
        let mut window = Window::newest(items(921..=1000));
        for first in (521..=841).rev().step_by(PAGE) {
            window.prepend(items(first..=first + 79));
        }
        assert_eq!(ends(&window), (Some(521), Some(920)));
        assert!(window.has_newer());

        window.arrive(items(1001..=1001));
        assert_eq!(window.last_seq(), Some(920), "no gap is made");
        window.extend(items(921..=1001), true);
        assert_eq!(ends(&window), (Some(602), Some(1001)));
        assert!(window.has_older() && !window.has_newer());
    }

    #[test]
    fn what_came_twice_is_there_once() {
        let mut window = Window::newest(items(1..=3));
        window.arrive(items(2..=4));
        assert_eq!(window.items().len(), 4);
        assert!(!window.has_older());
    }

    #[test]
    fn a_busy_room_does_not_grow_without_end() {
        let mut window = Window::newest(items(1..=1));
        for seq in 2..=2000 {
            window.arrive(items(seq..=seq));
        }
        assert!(window.items().len() <= MOST + PAGE);
        assert_eq!(window.last_seq(), Some(2000));
    }
}

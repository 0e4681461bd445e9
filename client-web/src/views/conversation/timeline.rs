//! What was said, as far as it is drawn: loads more at both edges, and keeps the place.

use super::super::icon::{Draw, Icon};
use super::empty::EmptyRoom;
use super::failed::FailedMessage;
use super::group::MessageGroup;
use super::scrolling::{self, TIMELINE_ID, UNREAD_ID};
use crate::model::grouping::{Block, group};
use crate::platform::clock;
use crate::platform::driver::Ask;
use crate::state::{OpenRoom, Ui, use_ui};
use crate::words;
use dioxus::prelude::*;
use sotto_protocol::RoomId;

/// The scrolling part of a room.
#[component]
pub fn Timeline(room: RoomId) -> Element {
    let ui = use_ui();
    let mut scrolling = use_signal(|| Scrolling { is_placed: false, is_loading: false });
    // Runs after what is drawn has changed.
    use_effect(move || {
        let is_there = ui.open.read().as_ref().is_some_and(|open| open.room == room);
        if is_there {
            settle(ui, room, &mut scrolling.write());
        }
    });
    let open = ui.open.read();
    let Some(open) = open.as_ref().filter(|open| open.room == room) else { return rsx! {} };
    let today = clock::local_day(clock::now_ms());
    let blocks =
        group(open.window.items(), &open.outbox, &open.me, open.unread_after, today, clock::local_day);
    let is_empty = !open.window.has_older() && open.bounced.is_empty() && !blocks.iter().any(is_said);
    rsx! {
        div {
            id: TIMELINE_ID,
            class: "timeline",
            role: "log",
            aria_live: "polite",
            aria_label: words::MESSAGES,
            tabindex: 0,
            "data-testid": "timeline",
            onscroll: move |_| scrolled(ui, room, &mut scrolling.write()),
            onresize: move |_| {
                if *ui.is_at_newest.peek() {
                    scrolling::go_to_end();
                }
            },
            div { class: "timeline-inner",
                Beginning { has_older: open.window.has_older(), is_empty }
                for block in blocks {
                    DrawBlock { key: "{block.key()}", room, block }
                }
                for (at , bounced) in open.bounced.iter().cloned().enumerate() {
                    FailedMessage { key: "{at}", room, bounced, sender: open.me.name.clone() }
                }
                if is_empty {
                    EmptyRoom { open: open.clone() }
                }
            }
        }
        Jump { has_newer: open.window.has_newer(), room }
    }
}

struct Scrolling {
    is_placed: bool,
    is_loading: bool,
}

/// Puts the view where it belongs after a change.
fn settle(mut ui: Ui, room: RoomId, scrolling: &mut Scrolling) {
    let has_newer = ui.open.peek().as_ref().is_some_and(|open: &OpenRoom| open.window.has_newer());
    let place = ui.places.peek().get(&room).cloned();
    if !scrolling.is_placed {
        scrolling.is_placed = true;
        let is_back = place.is_some_and(|place| scrolling::go_back_to(&place));
        if !is_back && !scrolling::go_to_unread() {
            scrolling::go_to_end();
        }
        let is_at_newest = scrolling::is_at_end() && !has_newer;
        if *ui.is_at_newest.peek() != is_at_newest {
            ui.is_at_newest.set(is_at_newest);
        }
    } else if *ui.is_at_newest.peek() && !has_newer {
        scrolling::go_to_end();
    } else if let Some(place) = place {
        scrolling::go_back_to(&place);
    }
    scrolling.is_loading = false;
    if *ui.is_at_newest.peek() {
        ui.ask(Ask::MarkRead);
    }
}

/// Takes note of the new place, and loads what is missing around it.
fn scrolled(mut ui: Ui, room: RoomId, scrolling: &mut Scrolling) {
    if !scrolling.is_placed {
        return;
    }
    let (has_older, has_newer) = match &*ui.open.peek() {
        Some(open) if open.room == room => (open.window.has_older(), open.window.has_newer()),
        _ => return,
    };
    let is_at_newest = scrolling::is_at_end() && !has_newer;
    match scrolling::place().filter(|_| !is_at_newest) {
        Some(place) => drop(ui.places.write().insert(room, place)),
        None => drop(ui.places.write().remove(&room)),
    }
    if *ui.is_at_newest.peek() != is_at_newest {
        ui.is_at_newest.set(is_at_newest);
        ui.ask(Ask::MarkRead);
    }
    if scrolling.is_loading {
        return;
    }
    if has_older && scrolling::is_near_beginning() {
        scrolling.is_loading = true;
        ui.ask(Ask::LoadOlder);
    } else if has_newer && scrolling::is_near_end() {
        scrolling.is_loading = true;
        ui.ask(Ask::LoadNewer);
    }
}

#[component]
fn Beginning(has_older: bool, is_empty: bool) -> Element {
    let words = if has_older { words::LOADING_OLDER } else { words::BEGINNING };
    rsx! {
        if has_older || !is_empty {
            p { class: "system-line beginning", {words} }
        }
    }
}

#[component]
fn DrawBlock(room: RoomId, block: Block) -> Element {
    match block {
        Block::Day { day, at_ms, .. } => rsx! {
            h2 { class: "day-line", "data-testid": "day-line",
                span { {day_words(day, at_ms)} }
            }
        },
        Block::UnreadLine => rsx! {
            p { id: UNREAD_ID, class: "unread-line", role: "separator", "data-testid": "unread-line", {words::NEW_MESSAGES} }
        },
        Block::Joined { seq, names } => rsx! {
            p { id: "s-{seq}", class: "system-line", "data-testid": "system-line", "data-anchor": true, {words::joined(&names)} }
        },
        Block::Renamed { seq, by, name } => rsx! {
            p { id: "s-{seq}", class: "system-line", "data-testid": "system-line", "data-anchor": true,
                {words::renamed(&by, &name)}
            }
        },
        Block::Gap { seq } => rsx! {
            p { id: "s-{seq}", class: "system-line", "data-testid": "gap", "data-anchor": true, {words::GAP} }
        },
        Block::Group(group) => rsx! {
            MessageGroup { room, group }
        },
    }
}

/// The way back to the newest message, with how many came meanwhile.
#[component]
fn Jump(room: RoomId, has_newer: bool) -> Element {
    let mut ui = use_ui();
    let is_shown = !*ui.is_at_newest.read() || has_newer;
    let unread = ui.summary(&room).map_or(0, |summary| summary.unread);
    let jump = move |_| {
        ui.is_at_newest.set(true);
        ui.ask(Ask::LoadNewest);
        scrolling::go_to_end();
        ui.ask(Ask::MarkRead);
    };
    rsx! {
        if is_shown {
            div { class: "jump-anchor",
                button {
                    class: "jump",
                    title: words::JUMP_TO_NEWEST,
                    aria_label: words::JUMP_TO_NEWEST,
                    "data-testid": "jump-newest",
                    onclick: jump,
                    if unread > 0 {
                        span { {words::new_messages(unread)} }
                    }
                    Draw { icon: Icon::Down }
                }
            }
        }
    }
}

const fn is_said(block: &Block) -> bool {
    matches!(block, Block::Group(_))
}

fn day_words(day: i64, at_ms: u64) -> String {
    match clock::local_day(clock::now_ms()) - day {
        0 => words::TODAY.to_owned(),
        1 => words::YESTERDAY.to_owned(),
        _ => clock::day_text(at_ms),
    }
}

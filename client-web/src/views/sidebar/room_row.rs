//! One room in the list.

use super::super::face::Face;
use super::super::icon::{Draw, Icon};
use crate::model::route::{Route, room_digits};
use crate::platform::clock;
use crate::state::{Preview, RoomSummary, use_ui};
use crate::words;
use dioxus::prelude::*;

/// The row: a link, so that it can be opened in another tab.
#[component]
pub fn RoomRow(summary: RoomSummary, is_open: bool) -> Element {
    let ui = use_ui();
    let room = summary.view.id;
    let said = summary.preview.as_ref().map_or_else(|| words::NO_MESSAGES.to_owned(), preview_line);
    rsx! {
        li {
            a {
                class: "room-row",
                href: Route::Room(room).address_for_another_tab(),
                aria_current: if is_open { "page" },
                "data-testid": "room-row",
                "data-room": room_digits(&room),
                "data-name": summary.view.name.clone(),
                "data-unread": "{summary.unread}",
                onclick: move |event| {
                    let keys = event.modifiers();
                    if !keys.ctrl() && !keys.meta() && !keys.shift() {
                        event.prevent_default();
                        ui.go(Route::Room(room));
                    }
                },
                Face { id: *room.as_bytes(), name: summary.view.name.clone(), is_room: true }
                span { class: "room-row-top",
                    span { class: "room-row-name clip", dir: "auto", {words::named(&summary.view.name, summary.view.tag.as_deref())} }
                    if let Some(preview) = &summary.preview {
                        span { class: "quiet small", {short_time(preview.at_ms)} }
                    }
                }
                span { class: "room-row-bottom",
                    span { class: "quiet clip", dir: "auto", {said} }
                    if !summary.view.alarms.is_empty() {
                        span { class: "row-alarm", Draw { icon: Icon::Alert } }
                    }
                    if summary.unread > 0 {
                        span { class: "badge", aria_label: words::unread(summary.unread), "{summary.unread}" }
                    }
                }
            }
        }
    }
}

fn preview_line(preview: &Preview) -> String {
    let text = preview.text.as_deref().unwrap_or(words::FROM_NEWER_VERSION);
    let who = preview.who.as_deref().unwrap_or(words::YOU);
    format!("{who}: {text}")
}

/// The hour today, the day before.
fn short_time(at_ms: u64) -> String {
    if clock::local_day(at_ms) == clock::local_day(clock::now_ms()) {
        clock::clock_text(at_ms)
    } else {
        clock::short_day_text(at_ms)
    }
}

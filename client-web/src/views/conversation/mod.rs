//! A room: its head, what was said in it, and the field to say more.

mod alarm;
mod composer;
mod empty;
mod failed;
mod group;
mod head;
mod message_text;
mod scrolling;
mod timeline;

use crate::model::route::room_digits;
use crate::state::use_ui;
use alarm::{AlarmBanner, EndBanner, StoppedBanner};
use composer::Composer;
use dioxus::prelude::*;
use head::Head;
use sotto_protocol::RoomId;
use timeline::Timeline;

/// The second pane.
#[component]
pub fn Conversation(room: RoomId) -> Element {
    let ui = use_ui();
    let Some(summary) = ui.summary(&room) else { return rsx! {} };
    let stopped = use_memo(move || ui.open.read().as_ref().filter(|open| open.room == room)?.stopped.clone());
    let is_open = use_memo(move || ui.open.read().as_ref().is_some_and(|open| open.room == room));
    rsx! {
        div { class: "conversation", "data-testid": "conversation", "data-room": room_digits(&room),
            Head { view: summary.view.clone() }
            for view in summary.view.alarms.iter().copied() {
                AlarmBanner { key: "{view:?}", room, view }
            }
            if let Some(end) = summary.view.end.clone() {
                EndBanner { end }
            } else if let Some(why) = stopped().filter(|_| summary.view.alarms.is_empty()) {
                StoppedBanner { why }
            }
            if is_open() {
                Timeline { room }
            } else {
                div { class: "timeline" }
            }
            if summary.view.end.is_none() {
                Composer { room }
            }
        }
    }
}

//! What one person said in a row.

use super::super::face::Face;
use super::super::icon::{Draw, Icon};
use super::failed::{FailedActions, Kept};
use super::message_text::MessageText;
use crate::model::face::hue;
use crate::model::grouping::{Group, Line, LineState, Place};
use crate::platform::clock;
use crate::words;
use dioxus::prelude::*;
use sotto_protocol::RoomId;

/// The group: a face, a name, and bubbles; mine without either, on the right.
#[component]
pub fn MessageGroup(room: RoomId, group: Group) -> Element {
    let side = if group.is_mine { "group mine" } else { "group" };
    rsx! {
        div { class: side,
            if !group.is_mine {
                Face { id: group.sender, name: group.name.clone() }
            }
            div { class: "bubbles",
                if !group.is_mine {
                    p { class: "sender ink-{hue(&group.sender)} clip", dir: "auto", "aria-hidden": "true", {group.name.clone()} }
                }
                for line in group.lines.iter() {
                    Bubble {
                        key: "{line.place.key()}",
                        line: line.clone(),
                        sender: group.name.clone(),
                        is_mine: group.is_mine,
                    }
                    if let (LineState::Failed, Place::Outbox(id)) = (line.state, line.place) {
                        FailedActions {
                            key: "failed-{line.place.key()}",
                            room,
                            text: line.text.clone().unwrap_or_default(),
                            why: words::REFUSED_BY_RELAY,
                            kept: Kept::Outbox(id),
                        }
                    }
                }
            }
        }
    }
}

#[component]
fn Bubble(line: Line, sender: String, is_mine: bool) -> Element {
    let state = match line.state {
        LineState::Queued => "queued",
        LineState::Sent => "sent",
        LineState::Failed => "failed",
        LineState::Received => "received",
    };
    rsx! {
        div {
            id: line.place.key(),
            class: "bubble",
            "data-testid": "message",
            "data-sender": sender.clone(),
            "data-mine": is_mine,
            "data-state": state,
            "data-anchor": true,
            span { class: "for-ears", {if is_mine { format!("{}: ", words::YOU) } else { format!("{sender}: ") }} }
            MessageText { text: line.text.clone() }
            span { class: "meta",
                time { datetime: clock::iso_text(line.at_ms), {said_at(&line)} }
                match line.state {
                    LineState::Queued => rsx! {
                        span { title: words::QUEUED, Draw { icon: Icon::Clock } }
                        span { class: "for-ears", {words::QUEUED} }
                    },
                    LineState::Sent => rsx! {
                        span { title: words::SENT, Draw { icon: Icon::Check } }
                        span { class: "for-ears", {words::SENT} }
                    },
                    LineState::Failed => rsx! {
                        Draw { icon: Icon::Alert }
                        span { {words::NOT_SENT} }
                    },
                    LineState::Received => rsx! {},
                }
            }
        }
    }
}

/// The hour; with its day where the day line above says another one.
fn said_at(line: &Line) -> String {
    if line.is_off_day { clock::whole_text(line.at_ms) } else { clock::clock_text(line.at_ms) }
}

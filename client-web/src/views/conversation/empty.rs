//! A room in which nothing was said: what to do.

use super::super::details::Invites;
use super::super::icon::{Draw, Icon};
use crate::state::OpenRoom;
use crate::words;
use dioxus::prelude::*;

/// Says what to do: invite someone, or speak.
#[component]
pub fn EmptyRoom(open: OpenRoom) -> Element {
    let is_alone = open.members.len() <= 1;
    rsx! {
        div { class: "hint", "data-testid": "empty-room",
            span { class: "card-mark", Draw { icon: if is_alone { Icon::People } else { Icon::Lock } } }
            if is_alone {
                h2 { {words::ALONE} }
                p { class: "quiet", {words::ALONE_HINT} }
                Invites { room: open.room, invites: open.invites }
            } else {
                h2 { {words::SAY_SOMETHING} }
                p { class: "quiet", {words::SAY_SOMETHING_HINT} }
            }
        }
    }
}

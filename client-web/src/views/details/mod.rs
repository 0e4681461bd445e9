//! The third pane: who is in the room, how others come in, what keeps it closed.

mod invites;
mod members;
mod security;

use super::icon::{Draw, Icon};
use crate::model::route::Route;
use crate::state::use_ui;
use crate::words;
use dioxus::prelude::*;
pub use invites::Invites;
use members::Members;
use security::Security;
use sotto_protocol::RoomId;

/// What is in the third pane; its frame is a landmark of its own, or all there is.
#[component]
pub fn Details(room: RoomId) -> Element {
    let ui = use_ui();
    let open = ui.open.read();
    let Some(open) = open.as_ref().filter(|open| open.room == room) else { return rsx! {} };
    let is_post_quantum = ui.summary(&room).is_none_or(|summary| summary.view.is_post_quantum);
    rsx! {
        header { class: "pane-head",
            h2 { {words::DETAILS} }
            button {
                class: "icon-button",
                title: words::CLOSE,
                aria_label: words::CLOSE,
                "data-testid": "close-details",
                onclick: move |_| ui.replace(Route::Room(room)),
                Draw { icon: Icon::Close }
            }
        }
        div { class: "details-body",
            section {
                h3 { {words::INVITE_PEOPLE} }
                p { class: "quiet small", {words::INVITE_HINT} }
                Invites { room, invites: open.invites.clone() }
            }
            section {
                h3 {
                    {words::MEMBERS}
                    span { class: "count", "{open.members.len()}" }
                }
                Members { members: open.members.clone() }
            }
            Security { is_post_quantum }
        }
    }
}

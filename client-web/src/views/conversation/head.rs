//! The head of a room: its name, how many are in it, and the way to its details.

use super::super::face::Face;
use super::super::icon::{Draw, Icon};
use crate::model::route::Route;
use crate::state::use_ui;
use crate::words;
use dioxus::prelude::*;
use sotto_client_core::{ConnectionState, RoomView};

/// The head.
#[component]
pub fn Head(view: RoomView) -> Element {
    let ui = use_ui();
    let room = view.id;
    let is_detailed = *ui.route.read() == Route::Details(room);
    // A room that stands still catches up with nothing.
    let is_stopped = ui.open.read().as_ref().is_some_and(|open| open.room == room && open.stopped.is_some());
    let is_catching_up =
        !view.is_caught_up && !is_stopped && *ui.connection.read() == ConnectionState::Online;
    let toggle = move |_| {
        if is_detailed { ui.replace(Route::Room(room)) } else { ui.go(Route::Details(room)) }
    };
    rsx! {
        header { class: "pane-head",
            button {
                class: "icon-button only-narrow",
                title: words::ALL_ROOMS,
                aria_label: words::ALL_ROOMS,
                onclick: move |_| ui.go(Route::Home),
                Draw { icon: Icon::Back }
            }
            Face { id: *room.as_bytes(), name: view.name.clone(), is_room: true }
            div { class: "room-title",
                h1 { class: "clip", dir: "auto", "data-testid": "room-title", {words::named(&view.name, view.tag.as_deref())} }
                p { class: "quiet small clip",
                    if is_catching_up {
                        span { class: "busy", role: "status", "data-testid": "catching-up",
                            span { class: "spinner", "aria-hidden": "true" }
                            {words::CATCHING_UP}
                        }
                    } else {
                        Draw { icon: Icon::Lock }
                        span { {words::members(view.member_count)} }
                    }
                }
            }
            button {
                class: "icon-button",
                title: words::OPEN_DETAILS,
                aria_label: words::OPEN_DETAILS,
                aria_expanded: is_detailed,
                "data-testid": "open-details",
                onclick: toggle,
                Draw { icon: Icon::People }
            }
        }
    }
}

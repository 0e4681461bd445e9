//! The list of rooms, and the ways to more.

mod room_row;
mod theme_toggle;

use super::icon::{Draw, Icon};
use crate::model::route::Route;
use crate::state::{Overlay, use_ui};
use crate::words;
use dioxus::prelude::*;
use room_row::RoomRow;
use sotto_protocol::RoomId;
use theme_toggle::ThemeToggle;

/// The first pane.
#[component]
pub fn Sidebar(open: Option<RoomId>) -> Element {
    let mut ui = use_ui();
    rsx! {
        nav { class: "sidebar", aria_label: words::ROOMS,
            header { class: "pane-head",
                span { class: "wordmark",
                    span { class: "wordmark-mark", "aria-hidden": "true" }
                    {words::SOTTO}
                }
                button {
                    class: "icon-button",
                    title: words::OPEN_LINK,
                    aria_label: words::OPEN_LINK,
                    "data-testid": "open-link",
                    onclick: move |_| ui.go(Route::OpenLink),
                    Draw { icon: Icon::Link }
                }
                button {
                    class: "icon-button",
                    title: words::MAKE_ROOM,
                    aria_label: words::MAKE_ROOM,
                    "data-testid": "new-room",
                    onclick: move |_| ui.go(Route::NewRoom),
                    Draw { icon: Icon::Plus }
                }
            }
            ul { class: "room-list", "data-testid": "room-list",
                for summary in ui.rooms.read().iter().cloned() {
                    RoomRow { key: "{summary.view.id.as_bytes():?}", is_open: open == Some(summary.view.id), summary }
                }
            }
            footer { class: "sidebar-foot",
                ThemeToggle {}
                button {
                    class: "icon-button",
                    title: words::SHORTCUTS,
                    aria_label: words::SHORTCUTS,
                    onclick: move |_| ui.overlay.set(Overlay::Shortcuts),
                    Draw { icon: Icon::Keyboard }
                }
                button {
                    class: "icon-button",
                    title: words::ABOUT,
                    aria_label: words::ABOUT,
                    "data-testid": "open-about",
                    onclick: move |_| ui.go(Route::About),
                    Draw { icon: Icon::About }
                }
            }
        }
    }
}

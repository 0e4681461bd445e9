//! The first visit: two doors, nothing else.

use super::super::icon::{Draw, Icon};
use crate::model::route::Route;
use crate::state::use_ui;
use crate::words;
use dioxus::prelude::*;

/// The two doors.
#[component]
pub fn Welcome() -> Element {
    let ui = use_ui();
    rsx! {
        section { class: "welcome", "data-testid": "welcome",
            span { class: "wordmark-mark", "aria-hidden": "true" }
            h1 { {words::SOTTO} }
            p { class: "lead", {words::TAGLINE} }
            div { class: "doors",
                button {
                    class: "door",
                    "data-testid": "welcome-make",
                    onclick: move |_| ui.go(Route::NewRoom),
                    span { class: "door-mark", Draw { icon: Icon::Plus } }
                    strong { {words::MAKE_ROOM} }
                    span { class: "quiet", {words::MAKE_ROOM_HINT} }
                }
                button {
                    class: "door",
                    "data-testid": "welcome-join",
                    onclick: move |_| ui.go(Route::OpenLink),
                    span { class: "door-mark", Draw { icon: Icon::Link } }
                    strong { {words::OPEN_LINK} }
                    span { class: "quiet", {words::OPEN_LINK_HINT} }
                }
            }
            p { class: "quiet small", {words::NO_ACCOUNT} }
            button { class: "link about-link", "data-testid": "open-about", onclick: move |_| ui.go(Route::About), {words::ABOUT} }
        }
    }
}

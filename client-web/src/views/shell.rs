//! The frame: which panes there are, by route and by what there is to show.

use super::about::About;
use super::check::Check;
use super::connection_bar::Bars;
use super::conversation::Conversation;
use super::details::Details;
use super::entry::{MakeRoom, OpenLink, Welcome};
use super::icon::{Draw, Icon};
use super::shortcuts::Shortcuts;
use super::sidebar::Sidebar;
use super::switcher::Switcher;
use crate::model::route::Route;
use crate::platform::dom;
use crate::state::{Overlay, Ui, use_ui};
use crate::words;
use dioxus::prelude::*;
use sotto_protocol::RoomId;

/// The frame.
#[component]
pub fn Shell() -> Element {
    let ui = use_ui();
    use_effect(move || dom::set_title(&title(ui)));
    let route = ui.route.read().clone();
    let has_rooms = !ui.rooms.read().is_empty();
    let overlay = *ui.overlay.read();
    rsx! {
        div { class: "app",
            Bars {}
            match route {
                Route::Invited => rsx! {
                    Page { OpenLink { is_invited: true } }
                },
                Route::Check => rsx! {
                    Page { Check {} }
                },
                Route::About => rsx! {
                    Page { About {} }
                },
                Route::OpenLink if !has_rooms => rsx! {
                    Page { OpenLink { is_invited: false } }
                },
                Route::NewRoom if !has_rooms => rsx! {
                    Page { MakeRoom {} }
                },
                Route::Home if !has_rooms => rsx! {
                    Page { Welcome {} }
                },
                route => rsx! {
                    Panes { route }
                },
            }
            match overlay {
                Overlay::None => rsx! {},
                Overlay::Switcher => rsx! {
                    Switcher {}
                },
                Overlay::Shortcuts => rsx! {
                    Shortcuts {}
                },
            }
        }
    }
}

/// One thing in the middle of the page.
#[component]
fn Page(children: Element) -> Element {
    rsx! {
        main { class: "page", {children} }
    }
}

/// Rooms, what is open, and its details. In narrow windows the last of these that there is, and that is the main thing then.
#[component]
fn Panes(route: Route) -> Element {
    let ui = use_ui();
    let is_there = |room: &RoomId| ui.rooms.read().iter().any(|summary| summary.view.id == *room);
    let details = match &route {
        Route::Details(room) if is_there(room) => Some(*room),
        _ => None,
    };
    if *ui.is_narrow.read() {
        return rsx! {
            main { class: "pane",
                match (route, details) {
                    (Route::Home, _) => rsx! {
                        h1 { class: "for-ears", {words::ROOMS} }
                        Sidebar { open: None }
                    },
                    (_, Some(room)) => rsx! {
                        h1 { class: "for-ears", {ui.summary(&room).map(|summary| crate::words::named(&summary.view.name, summary.view.tag.as_deref()))} }
                        section { class: "details", "data-testid": "details",
                            Details { key: "{room:?}", room }
                        }
                    },
                    (route, None) => rsx! {
                        Stage { route }
                    },
                }
            }
        };
    }
    rsx! {
        div { class: "panes", "data-has-details": details.is_some(),
            button { class: "skip", onclick: |_| dom::focus("composer"), {words::SKIP_TO_MESSAGE} }
            Sidebar { open: route.room() }
            main { class: "stage", aria_label: words::MESSAGES,
                Stage { route }
            }
            if let Some(room) = details {
                aside { class: "details", aria_label: words::DETAILS, "data-testid": "details",
                    Details { key: "{room:?}", room }
                }
            }
        }
    }
}

/// What is open, or what to do where nothing is.
#[component]
fn Stage(route: Route) -> Element {
    let ui = use_ui();
    let is_there = |room: &RoomId| ui.rooms.read().iter().any(|summary| summary.view.id == *room);
    match route {
        Route::NewRoom => rsx! {
            div { class: "page", MakeRoom {} }
        },
        Route::OpenLink => rsx! {
            div { class: "page", OpenLink { is_invited: false } }
        },
        Route::Room(room) | Route::Details(room) if is_there(&room) => rsx! {
            Conversation { key: "{room:?}", room }
        },
        Route::Room(_) | Route::Details(_) => rsx! {
            Hint { icon: Icon::Link, title: words::NO_SUCH_ROOM, hint: words::NO_SUCH_ROOM_HINT, is_lost: true }
        },
        Route::Home | Route::Invited | Route::Check | Route::About => rsx! {
            Hint { icon: Icon::Lock, title: words::PICK_A_ROOM, hint: words::PICK_A_ROOM_HINT, is_lost: false }
        },
    }
}

/// A stage with nothing on it.
#[component]
fn Hint(icon: Icon, title: &'static str, hint: &'static str, is_lost: bool) -> Element {
    let ui = use_ui();
    rsx! {
        div { class: "page",
            div { class: "hint",
                span { class: "card-mark", Draw { icon } }
                h1 { {title} }
                p { class: "quiet", {hint} }
                if is_lost {
                    button { class: "button", onclick: move |_| ui.go(Route::Home), {words::ALL_ROOMS} }
                }
            }
        }
    }
}

/// The name, and how many messages wait. Titles are kept in the browser's history, so no room's name is in them.
fn title(ui: Ui) -> String {
    let unread: usize = ui.rooms.read().iter().map(|room| room.unread).sum();
    if unread > 0 { format!("({unread}) {}", words::SOTTO) } else { words::SOTTO.to_owned() }
}

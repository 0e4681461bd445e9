//! Finds a room by a part of its name, with the keyboard alone.

use super::dialog::Dialog;
use super::face::Face;
use crate::model::route::Route;
use crate::state::{RoomSummary, use_ui};
use crate::words;
use dioxus::prelude::*;

/// The switcher.
#[component]
pub fn Switcher() -> Element {
    let ui = use_ui();
    let mut wanted = use_signal(String::new);
    let mut chosen = use_signal(|| 0_usize);
    let found = use_memo(move || {
        let wanted = wanted.read().to_lowercase();
        let rooms = ui.rooms.read();
        let fits = |room: &&RoomSummary| room.view.name.to_lowercase().contains(wanted.trim());
        rooms.iter().filter(fits).cloned().collect::<Vec<_>>()
    });
    let press = move |event: KeyboardEvent| {
        let last = found.peek().len().saturating_sub(1);
        let at = *chosen.peek();
        match event.key() {
            Key::ArrowDown => chosen.set((at + 1).min(last)),
            Key::ArrowUp => chosen.set(at.saturating_sub(1)),
            Key::Enter => {
                if let Some(room) = found.peek().get(at) {
                    ui.go(Route::Room(room.view.id));
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    rsx! {
        Dialog { testid: "switcher", label: words::FIND_ROOM,
            input {
                class: "switcher-field",
                r#type: "search",
                placeholder: words::FIND_ROOM,
                aria_label: words::FIND_ROOM,
                aria_controls: "switcher-list",
                aria_activedescendant: "switcher-{chosen}",
                role: "combobox",
                aria_expanded: true,
                autofocus: true,
                autocomplete: "off",
                spellcheck: false,
                "writingsuggestions": "false",
                "data-testid": "switcher-field",
                value: "{wanted}",
                oninput: move |event| {
                    wanted.set(event.value());
                    chosen.set(0);
                },
                onkeydown: press,
            }
            ul { id: "switcher-list", class: "switcher-list", role: "listbox", aria_label: words::ROOMS,
                for (at , room) in found.read().iter().cloned().enumerate() {
                    li {
                        key: "{at}",
                        id: "switcher-{at}",
                        class: "switcher-row",
                        role: "option",
                        aria_selected: at == chosen(),
                        "data-testid": "switcher-row",
                        onmousemove: move |_| {
                            if *chosen.peek() != at {
                                chosen.set(at);
                            }
                        },
                        onclick: move |_| ui.go(Route::Room(room.view.id)),
                        Face { id: *room.view.id.as_bytes(), name: room.view.name.clone(), is_room: true }
                        span { class: "clip", dir: "auto", {words::named(&room.view.name, room.view.tag.as_deref())} }
                    }
                }
            }
            if found.read().is_empty() {
                p { class: "quiet switcher-none", {words::NO_ROOM_FOUND} }
            }
        }
    }
}

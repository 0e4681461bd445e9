//! The field to say something: grows to eight lines, Enter sends, Shift+Enter breaks. A draft stays with its room.
//!
//! Browsers may send what is typed to their makers, to check its spelling and to suggest how it goes on, and keep it to fill in forms.
//! They are asked not to: what is typed here is for the room alone.

use super::super::icon::{Draw, Icon};
use super::scrolling;
use crate::platform::dom;
use crate::platform::driver::Ask;
use crate::state::use_ui;
use crate::words;
use dioxus::prelude::*;
use sotto_protocol::RoomId;
use sotto_protocol::limits::MESSAGE_CONTENT_MAX_BYTES;

/// The field and its button.
#[component]
pub fn Composer(room: RoomId) -> Element {
    let mut ui = use_ui();
    let mut too_long = use_signal(|| None::<usize>);
    let draft = use_memo(move || ui.drafts.read().get(&room).cloned().unwrap_or_default());
    let mut send = move || {
        let text = draft.peek().trim().to_owned();
        if text.is_empty() {
            return;
        }
        if text.len() > MESSAGE_CONTENT_MAX_BYTES {
            return too_long.set(Some(text.len()));
        }
        too_long.set(None);
        ui.drafts.write().remove(&room);
        ui.is_at_newest.set(true);
        ui.ask(Ask::LoadNewest);
        ui.ask(Ask::Send(room, text));
        scrolling::go_to_end();
        dom::focus("composer");
    };
    let press = move |event: KeyboardEvent| {
        let keys = event.modifiers();
        if event.key() == Key::Enter && !keys.shift() && !keys.alt() && !event.is_composing() {
            event.prevent_default();
            send();
        }
    };
    let is_empty = draft.read().trim().is_empty();
    rsx! {
        form {
            class: "composer",
            onsubmit: move |event| {
                event.prevent_default();
                send();
            },
            if let Some(actual_bytes) = too_long() {
                p { id: "composer-error", class: "failure", role: "alert", "data-testid": "composer-error",
                    Draw { icon: Icon::Alert }
                    span { {words::too_long(actual_bytes, MESSAGE_CONTENT_MAX_BYTES)} }
                }
            }
            div { class: "composer-box",
                textarea {
                    id: "composer",
                    rows: "{rows(&draft.read())}",
                    dir: "auto",
                    autocomplete: "off",
                    spellcheck: false,
                    "writingsuggestions": "false",
                    placeholder: words::MESSAGE,
                    aria_label: words::MESSAGE,
                    aria_describedby: too_long().map(|_| "composer-error"),
                    "data-testid": "composer",
                    value: "{draft}",
                    onmounted: |_| {
                        // On a touch screen this would open the keyboard over what was meant to be read.
                        if dom::has_fine_pointer() {
                            dom::focus("composer");
                        }
                    },
                    oninput: move |event| {
                        if event.value().len() <= MESSAGE_CONTENT_MAX_BYTES {
                            too_long.set(None);
                        }
                        ui.drafts.write().insert(room, event.value());
                    },
                    onkeydown: press,
                }
                button {
                    class: "send",
                    r#type: "submit",
                    title: words::SEND,
                    aria_label: words::SEND,
                    disabled: is_empty,
                    "data-testid": "send",
                    Draw { icon: Icon::Send }
                }
            }
        }
    }
}

/// For browsers that do not grow a field by themselves.
fn rows(text: &str) -> usize {
    const MOST: usize = 8;
    text.split('\n').take(MOST).count()
}

//! A message that was refused: why, and what can be done with it. Its text is kept until its writer decides.

use super::super::icon::{Draw, Icon};
use super::message_text::MessageText;
use crate::platform::dom;
use crate::platform::driver::Ask;
use crate::state::{Bounced, use_ui};
use crate::words;
use dioxus::prelude::*;
use sotto_protocol::RoomId;

/// The bubble and its buttons.
#[component]
pub fn FailedMessage(room: RoomId, bounced: Bounced, sender: String) -> Element {
    let mut ui = use_ui();
    let text = bounced.text.clone();
    let why = words::sentence(&bounced.why.explain().to_string());
    let retry = text.clone();
    let edit = text.clone();
    let discard = text.clone();
    rsx! {
        div { class: "group mine",
            div { class: "bubbles",
                div {
                    class: "bubble failed",
                    "data-testid": "message",
                    "data-sender": sender,
                    "data-mine": true,
                    "data-state": "failed",
                    MessageText { text: Some(text) }
                }
                p { class: "failed-why", role: "alert", "data-testid": "failed-why",
                    Draw { icon: Icon::Alert }
                    span { {words::NOT_SENT} ". {why}" }
                }
                div { class: "failed-actions",
                    button {
                        class: "link",
                        "data-testid": "retry",
                        onclick: move |_| {
                            ui.ask(Ask::Discard(retry.clone()));
                            ui.ask(Ask::Send(room, retry.clone()));
                        },
                        {words::TRY_AGAIN}
                    }
                    button {
                        class: "link",
                        "data-testid": "edit",
                        onclick: move |_| {
                            ui.drafts.write().insert(room, edit.clone());
                            ui.ask(Ask::Discard(edit.clone()));
                            dom::focus("composer");
                        },
                        {words::EDIT}
                    }
                    button {
                        class: "link danger",
                        "data-testid": "discard",
                        onclick: move |_| ui.ask(Ask::Discard(discard.clone())),
                        {words::DISCARD}
                    }
                }
            }
        }
    }
}

//! A message that was refused: why, and what can be done with it. Its text is kept until its writer decides.

use super::super::icon::{Draw, Icon};
use super::message_text::MessageText;
use crate::platform::dom;
use crate::platform::driver::Ask;
use crate::state::{Bounced, Ui, use_ui};
use crate::words;
use dioxus::prelude::*;
use sotto_client_core::Command;
use sotto_protocol::RoomId;

/// Where a refused message is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// In this page alone: the engine did not take it.
    Page,
    /// In the engine's outbox, under this id: the relay did not take it.
    Outbox([u8; 16]),
}

/// A message that the engine did not take: the bubble and its buttons.
#[component]
pub fn FailedMessage(room: RoomId, bounced: Bounced, sender: String) -> Element {
    let why = words::sentence(&bounced.why.explain().to_string());
    rsx! {
        div { class: "group mine",
            div { class: "bubbles",
                div {
                    class: "bubble failed",
                    "data-testid": "message",
                    "data-sender": sender,
                    "data-mine": true,
                    "data-state": "failed",
                    MessageText { text: Some(bounced.text.clone()) }
                }
                FailedActions { room, text: bounced.text.clone(), why, kept: Kept::Page }
            }
        }
    }
}

/// Why a message was refused, and the buttons below it.
#[component]
pub fn FailedActions(room: RoomId, text: String, why: String, kept: Kept) -> Element {
    let mut ui = use_ui();
    let (retry, edit, discard) = (text.clone(), text.clone(), text);
    rsx! {
        p { class: "failed-why", role: "alert", "data-testid": "failed-why",
            Draw { icon: Icon::Alert }
            span { {words::NOT_SENT} ". {why}" }
        }
        div { class: "failed-actions",
            button {
                class: "link",
                "data-testid": "retry",
                onclick: move |_| match kept {
                    Kept::Page => {
                        ui.ask(Ask::Discard(retry.clone()));
                        ui.ask(Ask::Send(room, retry.clone()));
                    }
                    Kept::Outbox(message) => ui.ask(Ask::Do(Command::Retry { room, message })),
                },
                {words::TRY_AGAIN}
            }
            button {
                class: "link",
                "data-testid": "edit",
                onclick: move |_| {
                    // What is in the field already is no less worth than this.
                    let draft = ui.drafts.peek().get(&room).cloned().unwrap_or_default();
                    let between = if draft.is_empty() { "" } else { "\n" };
                    ui.drafts.write().insert(room, format!("{edit}{between}{draft}"));
                    take_back(ui, room, kept, &edit);
                    dom::focus("composer");
                },
                {words::EDIT}
            }
            button {
                class: "link danger",
                "data-testid": "discard",
                onclick: move |_| take_back(ui, room, kept, &discard),
                {words::DISCARD}
            }
        }
    }
}

/// The message is not sent any more.
fn take_back(ui: Ui, room: RoomId, kept: Kept, text: &str) {
    ui.ask(match kept {
        Kept::Page => Ask::Discard(text.to_owned()),
        Kept::Outbox(message) => Ask::Do(Command::Discard { room, message }),
    });
}

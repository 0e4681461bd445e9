//! A text to be handed on: shown whole, selected at a touch, copied by a button that says so.

use super::icon::{Draw, Icon};
use crate::platform::{clipboard, clock, dom};
use crate::words;
use dioxus::prelude::*;

const CONFIRM_MS: u64 = 2500;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    No,
    Yes,
    ByHand,
}

/// The field and its button.
#[component]
pub fn CopyField(id: String, label: &'static str, text: String) -> Element {
    let mut copied = use_signal(|| Copied::No);
    let field = id.clone();
    let to_copy = text.clone();
    let copy = move |_| {
        let (field, text) = (field.clone(), to_copy.clone());
        async move {
            let is_copied = clipboard::copy(&text).await;
            if !is_copied {
                dom::select(&field);
            }
            copied.set(if is_copied { Copied::Yes } else { Copied::ByHand });
            clock::sleep(CONFIRM_MS).await;
            copied.set(Copied::No);
        }
    };
    let select = id.clone();
    rsx! {
        div { class: "copy-field",
            input {
                id: "{id}",
                class: "field",
                r#type: "text",
                readonly: true,
                value: "{text}",
                aria_label: label,
                "data-testid": "invite-link",
                onfocus: move |_| dom::select(&select),
            }
            button {
                class: if copied() == Copied::Yes { "button good" } else { "button primary" },
                "data-testid": "copy-invite",
                onclick: copy,
                match copied() {
                    Copied::Yes => rsx! {
                        Draw { icon: Icon::Check }
                        {words::COPIED}
                    },
                    _ => rsx! {
                        Draw { icon: Icon::Copy }
                        {words::COPY}
                    },
                }
            }
            span { class: if copied() == Copied::ByHand { "quiet" } else { "for-ears" }, role: "status",
                match copied() {
                    Copied::No => "",
                    Copied::Yes => words::COPIED,
                    Copied::ByHand => words::COPY_BY_HAND,
                }
            }
        }
    }
}

//! The text of a message, with web addresses as links. Text stays text: nothing in it is ever read as HTML.

use crate::model::face::is_emoji_only;
use crate::model::links::{Part, split};
use crate::words;
use dioxus::prelude::*;

/// The text.
#[component]
pub fn MessageText(text: Option<String>) -> Element {
    let Some(text) = text else {
        return rsx! {
            em { class: "message-text", "data-testid": "message-text", {words::FROM_NEWER_VERSION} }
        };
    };
    let class = if is_emoji_only(&text) { "message-text large" } else { "message-text" };
    rsx! {
        span { class, dir: "auto", "data-testid": "message-text",
            for (at , part) in split(&text).into_iter().enumerate() {
                match part {
                    Part::Text(text) => rsx! {
                        span { key: "{at}", {text} }
                    },
                    Part::Link(link) => rsx! {
                        a { key: "{at}", href: "{link}", target: "_blank", rel: "noopener noreferrer", {link.clone()} }
                    },
                }
            }
        }
    }
}

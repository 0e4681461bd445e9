//! The text of a message, with web addresses as links. Text stays text: nothing in it is ever read as HTML.

use crate::model::drawing::{beginning, drawn};
use crate::model::face::is_emoji_only;
use crate::platform::web_address;
use crate::words;
use dioxus::prelude::*;
use sotto_client_core::links::{Part, split, written_host};

/// The text. What turns the direction of text turns only the part that it stands in.
#[component]
pub fn MessageText(text: Option<String>) -> Element {
    let mut is_whole = use_signal(|| false);
    let Some(text) = text else {
        return rsx! {
            em { class: "message-text", "data-testid": "message-text", {words::FROM_NEWER_VERSION} }
        };
    };
    let class = if is_emoji_only(&text) { "message-text large" } else { "message-text" };
    let beginning = if is_whole() { None } else { beginning(&text) };
    let shown = drawn(beginning.unwrap_or(&text));
    rsx! {
        span { class, dir: "auto", "data-testid": "message-text",
            for (at , part) in split(&shown).into_iter().enumerate() {
                match part {
                    Part::Text(text) => rsx! {
                        span { key: "{at}", class: "part", {text} }
                    },
                    Part::Link(link) => rsx! {
                        Link { key: "{at}", link }
                    },
                }
            }
        }
        if beginning.is_some() {
            button { class: "link whole", "data-testid": "show-whole", onclick: move |_| is_whole.set(true), {words::SHOW_WHOLE} }
        }
    }
}

/// A link, from left to right as browsers read it. Where its host is not written in plain letters, what browsers make of it is
/// shown beside it: letters of two scripts can look the same.
#[component]
fn Link(link: String) -> Element {
    let Some(address) = web_address::read(&link) else {
        return rsx! {
            span { class: "part", {link} }
        };
    };
    let host = Some(address.host).filter(|host| !host.eq_ignore_ascii_case(written_host(&link)));
    rsx! {
        a {
            class: "part",
            dir: "ltr",
            href: address.href,
            target: "_blank",
            rel: "noopener noreferrer",
            {link}
            if let Some(host) = host {
                span { class: "real-host", "data-testid": "real-host", "data-host": host, title: words::REAL_HOST }
            }
        }
    }
}

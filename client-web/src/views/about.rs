//! The page about itself: what this is, what the relay can and cannot see, under which license it is, and where its source is.

use super::busy::Busy;
use super::icon::{Draw, Icon};
use crate::model::route::Route;
use crate::model::source;
use crate::platform::{address, relay_about};
use crate::state::use_ui;
use crate::words;
use dioxus::prelude::*;

/// The page.
#[component]
pub fn About() -> Element {
    let ui = use_ui();
    let said = use_resource(relay_about::source);
    rsx! {
        section { class: "card about", "data-testid": "about",
            span { class: "wordmark-mark", "aria-hidden": "true" }
            h1 { {words::SOTTO} }
            p { class: "quiet", {words::TAGLINE} }
            dl { class: "facts",
                Fact { icon: Icon::About, term: words::VERSION, p { "data-testid": "version", {source::VERSION} } }
                Fact { icon: Icon::Link, term: words::RELAY,
                    p { {address::origin()} }
                    p { {words::RELAY_HINT} }
                }
                Fact { icon: Icon::Check, term: words::LICENSE,
                    p { {words::license(source::LICENSE)} }
                }
                Fact { icon: Icon::Copy, term: words::SOURCE,
                    match &*said.read() {
                        None => rsx! {
                            Busy { words: words::ASKING_RELAY }
                        },
                        Some(said) => rsx! {
                            Source { address: source::address(said.as_deref()).map(str::to_owned) }
                        },
                    }
                }
            }
            button { class: "button bare wide", onclick: move |_| ui.go(Route::Home), {words::BACK} }
        }
    }
}

#[component]
fn Source(address: Option<String>) -> Element {
    rsx! {
        p { "data-testid": "source",
            if let Some(address) = address {
                a { href: "{address}", target: "_blank", rel: "noopener noreferrer", {address.clone()} }
            } else {
                {words::ASK_FOR_SOURCE}
            }
        }
    }
}

#[component]
fn Fact(icon: Icon, term: &'static str, children: Element) -> Element {
    rsx! {
        div { class: "fact",
            Draw { icon }
            dt { {term} }
            dd { class: "quiet small", {children} }
        }
    }
}

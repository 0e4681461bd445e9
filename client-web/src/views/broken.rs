//! The whole page where nothing can work: what happened, and what to do.

use super::icon::{Draw, Icon};
use crate::platform::store::StoreError;
use crate::state::Trouble;
use crate::words::{self, sentence};
use dioxus::prelude::*;

/// Says it.
#[component]
pub fn Broken(trouble: Trouble) -> Element {
    let (what, remedy) = match &trouble {
        Trouble::Store(error) => (sentence(&error.to_string()), remedy(error).to_owned()),
        Trouble::Engine(explained) => (sentence(explained), String::new()),
    };
    rsx! {
        main { class: "page", "data-testid": "broken",
            section { class: "card", role: "alert",
                span { class: "card-mark warn", Draw { icon: Icon::Alert } }
                h1 { {words::BROKEN} }
                p { {what} }
                if !remedy.is_empty() {
                    p { class: "quiet", {remedy} }
                }
                button {
                    class: "button primary wide",
                    onclick: |_| {
                        if let Some(window) = web_sys::window() {
                            let _ = window.location().reload();
                        }
                    },
                    {words::RELOAD}
                }
            }
        }
    }
}

const fn remedy(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotSecure => {
            "Open this address with https, or on the relay's own machine as http://127.0.0.1 or http://localhost. Browsers keep encryption from any other page."
        }
        StoreError::Unavailable => {
            "Private windows and strict settings do that. Open Sotto in a normal window, or allow this site to store data."
        }
        StoreError::Full => {
            "Free some space on this device or in the browser, then reload. What was sent is safe; what you typed last may not be."
        }
        StoreError::Damaged => {
            "Clear this site's data in the browser's settings and join your rooms again by new invite links."
        }
        StoreError::Newer => {
            "Close all tabs of this page and open it again, so that all run the same version."
        }
        StoreError::Other(_) => "Reload the page. If it stays, restart the browser.",
    }
}

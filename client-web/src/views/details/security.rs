//! What keeps the room closed, in plain words.

use super::super::icon::{Draw, Icon};
use crate::words;
use dioxus::prelude::*;

/// The section.
#[component]
pub fn Security(is_post_quantum: bool) -> Element {
    let (keys, keys_hint) = if is_post_quantum {
        (words::POST_QUANTUM, words::POST_QUANTUM_HINT)
    } else {
        (words::CLASSICAL, words::CLASSICAL_HINT)
    };
    rsx! {
        section { "data-testid": "security",
            h3 { {words::SECURITY} }
            dl { class: "facts",
                Fact { icon: Icon::Lock, term: words::ENCRYPTED, hint: words::ENCRYPTED_HINT }
                Fact { icon: Icon::Atom, term: keys, hint: keys_hint }
                Fact { icon: Icon::History, term: words::CHECKED, hint: words::CHECKED_HINT }
            }
        }
    }
}

#[component]
fn Fact(icon: Icon, term: &'static str, hint: &'static str) -> Element {
    rsx! {
        div { class: "fact",
            Draw { icon }
            dt { {term} }
            dd { class: "quiet small", {hint} }
        }
    }
}

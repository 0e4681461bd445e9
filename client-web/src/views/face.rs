//! A person or a room where there is no picture: a letter on one of eight hues.

use crate::model::face::{hue, initial};
use dioxus::prelude::*;

/// The letter.
#[component]
pub fn Face(id: [u8; 16], name: String, #[props(default)] is_room: bool) -> Element {
    let shape = if is_room { "face face-room" } else { "face" };
    rsx! {
        span { class: "{shape} hue-{hue(&id)}", "aria-hidden": "true", {initial(&name)} }
    }
}

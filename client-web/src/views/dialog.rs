//! A dialog over everything: the browser keeps the focus in it and gives it back.

use crate::platform::dom;
use crate::state::{Overlay, use_ui};
use dioxus::prelude::*;

/// The frame of a dialog.
#[component]
pub fn Dialog(testid: &'static str, label: &'static str, children: Element) -> Element {
    let mut ui = use_ui();
    let before = use_hook(dom::focused);
    use_drop(move || {
        if let Some(element) = before {
            // What is gone meanwhile takes no focus.
            let _ = element.focus();
        }
    });
    rsx! {
        dialog {
            id: "dialog",
            class: "dialog",
            aria_label: label,
            "data-testid": testid,
            onmounted: |_| dom::show_modal("dialog"),
            oncancel: move |_| ui.overlay.set(Overlay::None),
            onclick: move |_| ui.overlay.set(Overlay::None),
            div { class: "dialog-body", onclick: |event| event.stop_propagation(), {children} }
        }
    }
}

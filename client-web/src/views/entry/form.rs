//! What the forms have in common: a field with its label, a button that works, an error that says what to do.

use super::super::busy::Busy;
use super::super::icon::{Draw, Icon};
use crate::words::sentence;
use dioxus::prelude::*;
use sotto_client_core::ClientError;

/// A text field with its label, and a line of help. Names are of one room: the browser neither keeps them nor sends them to be checked.
#[component]
pub fn Field(
    id: &'static str,
    label: &'static str,
    value: Signal<String>,
    #[props(default)] placeholder: &'static str,
    #[props(default)] hint: &'static str,
    #[props(default)] is_first: bool,
) -> Element {
    let mut value = value;
    let described_by = if hint.is_empty() { None } else { Some(format!("{id}-hint")) };
    rsx! {
        div { class: "labelled",
            label { r#for: id, {label} }
            input {
                id,
                class: "field",
                r#type: "text",
                autocomplete: "off",
                spellcheck: false,
                "writingsuggestions": "false",
                placeholder,
                required: true,
                aria_describedby: described_by,
                "data-testid": id,
                value: "{value}",
                onmounted: move |field| async move {
                    if is_first {
                        // A field that cannot take the focus is still a field.
                        let _ = field.set_focus(true).await;
                    }
                },
                oninput: move |event| value.set(event.value()),
            }
            if !hint.is_empty() {
                p { id: "{id}-hint", class: "quiet small", {hint} }
            }
        }
    }
}

/// The button that ends a form.
#[component]
pub fn Submit(
    testid: &'static str,
    words: &'static str,
    working: &'static str,
    is_working: bool,
    is_ready: bool,
) -> Element {
    rsx! {
        button {
            class: "button primary wide",
            r#type: "submit",
            disabled: is_working || !is_ready,
            "data-testid": testid,
            if is_working {
                Busy { words: working }
            } else {
                {words}
            }
        }
    }
}

/// Why a form could not be done, and what to do.
#[component]
pub fn Failure(why: ClientError) -> Element {
    let remedy = why.remedy();
    rsx! {
        div { class: "failure", role: "alert", "data-testid": "form-error",
            Draw { icon: Icon::Alert }
            p {
                strong { {sentence(&why.to_string())} }
                " {remedy}"
            }
        }
    }
}

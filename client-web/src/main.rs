//! Sotto in the browser.

#[cfg(target_arch = "wasm32")]
use dioxus::prelude::*;

#[cfg(target_arch = "wasm32")]
fn main() {
    dioxus::launch(App);
}

#[cfg(target_arch = "wasm32")]
#[component]
fn App() -> Element {
    let mut n = use_signal(|| 0);
    rsx! { h1 { "Sotto" } button { onclick: move |_| n += 1, "count {n}" } }
}

/// Views exist only in the browser.
#[cfg(not(target_arch = "wasm32"))]
fn main() {}

//! Thin bars above everything: no connection, a wrong clock. What is readable stays so.

use super::icon::{Draw, Icon};
use crate::platform::clock;
use crate::platform::driver::Ask;
use crate::state::use_ui;
use crate::words::{self, sentence};
use dioxus::prelude::*;
use sotto_client_core::ConnectionState;

/// The bars that there is reason for.
#[component]
pub fn Bars() -> Element {
    let mut ui = use_ui();
    let connection = *ui.connection.read();
    let skew_ms = *ui.skew_ms.read();
    rsx! {
        div { class: "bars", role: "status",
            match connection {
                ConnectionState::Online => rsx! {},
                ConnectionState::Connecting => rsx! {
                    div { class: "bar late", "data-testid": "offline-bar", "data-state": "connecting",
                        span { class: "spinner", "aria-hidden": "true" }
                        {words::CONNECTING}
                    }
                },
                ConnectionState::Offline { retry_in_ms } => rsx! {
                    div { class: "bar", "data-testid": "offline-bar", "data-state": "offline",
                        Draw { icon: Icon::Offline }
                        span { {words::OFFLINE} }
                        Countdown { key: "{clock::now_ms()}", from_ms: retry_in_ms }
                        button { class: "link", onclick: move |_| ui.ask(Ask::Reconnect), {words::TRY_NOW} }
                    }
                },
            }
            if let Some(problem) = &*ui.problem.read() {
                div { class: "bar", "data-testid": "problem-bar",
                    Draw { icon: Icon::Alert }
                    span { {sentence(&problem.explain().to_string())} }
                    button { class: "link", onclick: move |_| ui.problem.set(None), {words::CLOSE} }
                }
            }
            if let Some(skew_ms) = skew_ms {
                div { class: "bar", "data-testid": "clock-bar",
                    Draw { icon: Icon::Clock }
                    span { {words::clock_skew(skew_ms)} }
                }
            }
        }
    }
}

/// Seconds until the next attempt. Not read out: the number changes all the time.
#[component]
fn Countdown(from_ms: u64) -> Element {
    let mut left = use_signal(|| from_ms.div_ceil(1000));
    use_future(move || async move {
        while *left.peek() > 0 {
            clock::sleep(1000).await;
            left -= 1;
        }
    });
    rsx! {
        if left() > 1 {
            span { class: "quiet", "aria-hidden": "true", {words::next_try(left())} }
        }
    }
}

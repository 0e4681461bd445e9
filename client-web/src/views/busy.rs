//! Progress of something that may take long: from three seconds on with a figure.

use crate::platform::clock;
use crate::words;
use dioxus::prelude::*;

const SHOW_FIGURE_AFTER_S: u64 = 3;

/// Shows that something is under way.
#[component]
pub fn Busy(words: &'static str) -> Element {
    let mut seconds = use_signal(|| 0_u64);
    use_future(move || async move {
        loop {
            clock::sleep(1000).await;
            seconds += 1;
        }
    });
    let shown =
        if seconds() < SHOW_FIGURE_AFTER_S { words.to_owned() } else { words::still_working(seconds()) };
    rsx! {
        span { class: "busy", role: "status",
            span { class: "spinner", "aria-hidden": "true" }
            {shown}
        }
    }
}

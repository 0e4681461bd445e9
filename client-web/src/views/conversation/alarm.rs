//! An integrity alarm: what happened, what it may mean, what to do. Calm, and not to be closed.

use super::super::icon::{Draw, Icon};
use crate::words;
use dioxus::prelude::*;
use sotto_client_core::Alarm;

/// The banner.
#[component]
pub fn AlarmBanner(alarm: Alarm) -> Element {
    let [what, why, remedy] = words::alarm(alarm);
    rsx! {
        div { class: "alarm", role: "alert", "data-testid": "alarm",
            Draw { icon: Icon::Alert }
            p {
                strong { {what} }
                " {why} {remedy}"
            }
        }
    }
}

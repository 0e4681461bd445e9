//! What stands above a room: an integrity alarm, or why the room stands still. What happened, what it may mean, what to do.
//! Calm, and not to be closed.

use super::super::icon::{Draw, Icon};
use crate::words::{self, sentence};
use dioxus::prelude::*;
use sotto_client_core::{Alarm, ClientError};

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

/// The banner of a room that cannot be read on.
#[component]
pub fn StoppedBanner(why: ClientError) -> Element {
    let remedy = why.remedy();
    rsx! {
        div { class: "alarm", role: "alert", "data-testid": "room-stopped",
            Draw { icon: Icon::Alert }
            p {
                strong { {words::ROOM_STOPPED} }
                " {sentence(&why.to_string())} {remedy}"
            }
        }
    }
}

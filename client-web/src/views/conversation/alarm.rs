//! What stands above a room: integrity alarms, how the membership ended, or why the room stands still. What happened, what it may
//! mean, what to do. Calm; an alarm stays until a person puts it aside.

use super::super::icon::{Draw, Icon};
use crate::platform::driver::Ask;
use crate::state::use_ui;
use crate::words::{self, sentence};
use dioxus::prelude::*;
use sotto_client_core::{AlarmView, ClientError, Command, RoomEnd};
use sotto_protocol::RoomId;

/// The banner of one kind of alarm.
#[component]
pub fn AlarmBanner(room: RoomId, view: AlarmView) -> Element {
    let ui = use_ui();
    let [what, why, remedy] = words::alarm(view.alarm);
    let (class, role) = if view.is_settled { ("alarm settled", "status") } else { ("alarm", "alert") };
    let state = if view.is_settled { "settled" } else { "standing" };
    rsx! {
        div { class, role, "data-testid": "alarm", "data-state": state,
            Draw { icon: Icon::Alert }
            p {
                strong { {what} }
                if view.is_settled {
                    " {words::ALARM_SETTLED}"
                } else {
                    " {why} {remedy}"
                }
            }
            button {
                class: "link",
                "data-testid": "put-alarms-aside",
                onclick: move |_| ui.ask(Ask::Do(Command::PutAlarmsAside { room, seen: vec![view.alarm] })),
                {words::PUT_ASIDE}
            }
        }
    }
}

/// The banner of a room that this device is not in any more.
#[component]
pub fn EndBanner(end: RoomEnd) -> Element {
    let RoomEnd::Removed { by_name, .. } = end;
    rsx! {
        div { class: "alarm settled", role: "status", "data-testid": "room-ended",
            p {
                strong {
                    bdi { {by_name} }
                    " {words::REMOVED_YOU}"
                }
                " {ClientError::Removed.remedy()}"
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

//! Making a room.

use super::form::{Failure, Field, Submit};
use crate::model::route::Route;
use crate::state::use_ui;
use crate::words;
use dioxus::prelude::*;
use sotto_client_core::{ClientError, Command, RoomSuite};

/// The form.
#[component]
pub fn MakeRoom() -> Element {
    let ui = use_ui();
    let name = use_signal(String::new);
    let display_name = use_signal(|| ui.suggested_name.peek().clone());
    let mut is_working = use_signal(|| false);
    let mut failure = use_signal(|| None::<ClientError>);
    let submit = move |event: FormEvent| async move {
        event.prevent_default();
        if *is_working.peek() {
            return;
        }
        is_working.set(true);
        failure.set(None);
        let command = Command::CreateRoom {
            name: name.peek().trim().to_owned(),
            display_name: display_name.peek().trim().to_owned(),
            suite: RoomSuite::default(),
        };
        // Where it goes well, the loop leads into the room, and this form is gone.
        if let Err(why) = ui.run(command).await {
            failure.set(Some(why));
        }
        is_working.set(false);
    };
    let is_ready = !name.read().trim().is_empty() && !display_name.read().trim().is_empty();
    rsx! {
        form { class: "card", onsubmit: submit, novalidate: true,
            h1 { {words::MAKE_ROOM} }
            Field {
                id: "room-name-field",
                label: words::ROOM_NAME,
                value: name,
                placeholder: words::ROOM_NAME_EXAMPLE,
                hint: words::ROOM_NAME_HINT,
                is_first: true,
            }
            Field { id: "display-name-field", label: words::YOUR_NAME, value: display_name }
            if let Some(why) = failure() {
                Failure { why }
            }
            Submit {
                testid: "make-room-button",
                words: words::MAKE_THE_ROOM,
                working: words::MAKING_THE_ROOM,
                is_working: is_working(),
                is_ready,
            }
            button { class: "button bare wide", r#type: "button", onclick: move |_| ui.go(Route::Home), {words::BACK} }
        }
    }
}

//! Joining by an invite link: the one that this tab was opened with, or one that is pasted.

use super::super::icon::{Draw, Icon};
use super::form::{Failure, Field, Submit};
use crate::model::route::Route;
use crate::platform::address;
use crate::state::use_ui;
use crate::words;
use dioxus::prelude::*;
use sotto_client_core::{ClientError, Command};

/// The form.
#[component]
pub fn OpenLink(is_invited: bool) -> Element {
    let ui = use_ui();
    let pasted = use_signal(String::new);
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
        let command = Command::Join {
            // Read only now: another link may have been opened in this tab meanwhile.
            link: if is_invited {
                address::invite_link().unwrap_or_default()
            } else {
                pasted.peek().trim().to_owned()
            },
            display_name: display_name.peek().trim().to_owned(),
        };
        // Where it goes well, the loop leads into the room, and this form is gone.
        if let Err(why) = ui.run(command).await {
            failure.set(Some(why));
        }
        is_working.set(false);
    };
    let has_link = is_invited || !pasted.read().trim().is_empty();
    let is_ready = has_link && !display_name.read().trim().is_empty();
    rsx! {
        form { class: "card", onsubmit: submit, novalidate: true, "data-testid": "invited",
            if is_invited {
                span { class: "card-mark", Draw { icon: Icon::Link } }
                h1 { {words::INVITED} }
                p { class: "quiet", {words::INVITED_HINT} }
            } else {
                h1 { {words::OPEN_LINK} }
                Field { id: "link-field", label: words::INVITE_LINK, value: pasted, is_first: true }
            }
            Field {
                id: "display-name-field",
                label: words::YOUR_NAME,
                value: display_name,
                is_first: is_invited,
            }
            if let Some(why) = failure() {
                Failure { why }
            }
            Submit {
                testid: "join-button",
                words: words::JOIN_THE_ROOM,
                working: words::JOINING,
                is_working: is_working(),
                is_ready,
            }
            button {
                class: "button bare wide",
                r#type: "button",
                "data-testid": "not-now",
                onclick: move |_| {
                    address::forget_invite();
                    ui.replace(Route::Home);
                },
                if is_invited {
                    {words::NOT_NOW}
                } else {
                    {words::BACK}
                }
            }
        }
    }
}

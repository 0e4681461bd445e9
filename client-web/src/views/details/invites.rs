//! The open invites: make one, hand it on, revoke it. Another member's has no link here; who may revokes it all the same.

use super::super::busy::Busy;
use super::super::copy_field::CopyField;
use super::super::entry::Failure;
use super::super::icon::{Draw, Icon};
use crate::state::use_ui;
use crate::words;
use dioxus::prelude::*;
use sotto_client_core::{ClientError, Command, InviteView};
use sotto_protocol::RoomId;

/// The links, and the button for another one.
#[component]
pub fn Invites(room: RoomId, invites: Vec<InviteView>) -> Element {
    let ui = use_ui();
    let mut is_working = use_signal(|| false);
    let mut failure = use_signal(|| None::<ClientError>);
    let run = move |command: Command| async move {
        if *is_working.peek() {
            return;
        }
        is_working.set(true);
        failure.set(ui.run(command).await.err());
        is_working.set(false);
    };
    rsx! {
        div { class: "invites",
            for invite in invites.iter().cloned() {
                div { key: "{invite.id:?}", class: "invite",
                    if let Some(link) = invite.link.clone() {
                        CopyField { id: field_id(&invite.id), label: words::INVITE_LINK, text: link }
                    } else {
                        p { class: "clip", dir: "auto", "data-testid": "others-invite",
                            {words::INVITE_BY} " " {inviter(&invite)}
                        }
                    }
                    div { class: "invite-foot",
                        span { class: "quiet small", {words::uses(invite.uses, invite.max_uses)} }
                        if invite.may_revoke {
                            button {
                                class: "link danger",
                                "data-testid": "revoke-invite",
                                disabled: is_working(),
                                onclick: move |_| run(Command::RevokeInvite { room, invite: invite.id }),
                                {words::REVOKE}
                            }
                        }
                    }
                }
            }
            if let Some(why) = failure() {
                Failure { why }
            }
            button {
                class: if invites.is_empty() { "button primary wide" } else { "button wide" },
                "data-testid": "make-invite",
                disabled: is_working(),
                onclick: move |_| run(Command::CreateInvite { room, max_uses: None }),
                if is_working() {
                    Busy { words: words::MAKING_INVITE }
                } else {
                    Draw { icon: Icon::Link }
                    if invites.is_empty() {
                        {words::MAKE_INVITE}
                    } else {
                        {words::MAKE_ANOTHER_INVITE}
                    }
                }
            }
        }
    }
}

fn inviter(invite: &InviteView) -> String {
    let name = invite.inviter_name.as_deref();
    name.map_or_else(
        || words::SOMEONE_GONE.to_owned(),
        |name| words::named(name, invite.inviter_tag.as_deref()),
    )
}

fn field_id(invite: &[u8; 16]) -> String {
    invite.iter().take(4).fold("invite-".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

//! Who is in the room.

use super::super::face::Face;
use crate::words;
use dioxus::prelude::*;
use sotto_client_core::MemberView;

/// The list. Where names look alike, the first digits of the accounts tell them apart.
#[component]
pub fn Members(members: Vec<MemberView>) -> Element {
    rsx! {
        ul { class: "members",
            for member in members.iter() {
                li {
                    key: "{member.account:?}",
                    class: "member",
                    "data-testid": "member",
                    "data-name": member.display_name.clone(),
                    Face { id: member.account, name: member.display_name.clone() }
                    div { class: "member-lines",
                        p { class: "member-name",
                            span { class: "clip", dir: "auto", {member.display_name.clone()} }
                            if let Some(tag) = &member.tag {
                                span { class: "quiet", "data-testid": "name-tag", "#{tag}" }
                            }
                        }
                        p { class: "quiet small clip", {marks(member)} }
                    }
                }
            }
        }
    }
}

fn marks(member: &MemberView) -> String {
    let mut marks = Vec::new();
    if member.is_me {
        marks.push(words::YOU.to_lowercase());
    }
    if member.is_owner {
        marks.push(words::MADE_THE_ROOM.to_owned());
    }
    if member.device_count > 1 {
        marks.push(words::devices(member.device_count));
    }
    marks.join(" · ")
}

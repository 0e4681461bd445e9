//! Who is in the room.

use super::super::face::Face;
use crate::words;
use dioxus::prelude::*;
use sotto_client_core::MemberView;

/// The list. Where two share a name, the first digits of their keys tell them apart.
#[component]
pub fn Members(members: Vec<MemberView>) -> Element {
    let shares_name = |name: &str| members.iter().filter(|other| other.display_name == name).count() > 1;
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
                            if shares_name(&member.display_name) {
                                span { class: "quiet", "#{member.fingerprint}" }
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

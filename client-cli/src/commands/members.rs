//! `sotto members`: who is in a room.

use crate::{args::Place, client::Client, failure::Failure, output, rooms};
use serde::Serialize;

#[derive(Serialize)]
struct JsonMember<'a> {
    id: String,
    name: &'a str,
    tag: Option<&'a str>,
    devices: usize,
    me: bool,
    owner: bool,
}

/// Reads what is new, then lists the members.
pub async fn run(place: &Place, room: &str, json: bool) -> Result<(), Failure> {
    let mut client = Client::open(place, None).await?;
    let id = rooms::find(&client.session.rooms(), room)?.id;
    super::catch_up(&mut client, id).await?;
    let members = client.session.members(&id);
    for member in &members {
        if json {
            output::json(&JsonMember {
                id: output::hex(&member.account),
                name: &member.display_name,
                tag: member.tag.as_deref(),
                devices: member.device_count,
                me: member.is_me,
                owner: member.is_owner,
            })?;
            continue;
        }
        let name = output::tagged(&member.display_name, member.tag.as_deref());
        let mut notes = Vec::new();
        notes.extend(member.is_me.then_some("you"));
        notes.extend(member.is_owner.then_some("made the room"));
        let notes = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join(", ")) };
        output::item(&format!("{name}{notes}"))?;
    }
    client.close().await;
    Ok(())
}

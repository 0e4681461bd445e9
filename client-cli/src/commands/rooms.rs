//! `sotto rooms`: what there is, and new ones.

use super::display_name;
use crate::{
    args::{CreateArgs, Place},
    client::Client,
    failure::Failure,
    output, rooms,
};
use serde::Serialize;
use sotto_client_core::{Command, Outcome, RoomSuite};

#[derive(Serialize)]
struct JsonRoom<'a> {
    id: String,
    name: &'a str,
    tag: Option<&'a str>,
    members: usize,
    post_quantum: bool,
    removed: bool,
}

/// Lists the rooms of the profile. Needs no relay.
pub async fn list(place: &Place, json: bool) -> Result<(), Failure> {
    let client = Client::open(place, None).await?;
    let views = client.session.rooms();
    if views.is_empty() && !json {
        output::note(
            "No rooms yet. Make one with `sotto rooms create NAME`, or join one with `sotto join LINK --as NAME`.",
        );
    }
    for room in &views {
        let id = output::hex(room.id.as_bytes());
        if json {
            let members = room.member_count;
            output::json(&JsonRoom {
                id,
                name: &room.name,
                tag: room.tag.as_deref(),
                members,
                post_quantum: room.is_post_quantum,
                removed: room.end.is_some(),
            })?;
        } else {
            let people = if room.member_count == 1 { "person" } else { "people" };
            let short = id.get(..8).unwrap_or(&id);
            let name = output::tagged(&room.name, room.tag.as_deref());
            output::item(&format!("{short}  {name}  ({} {people})", room.member_count))?;
            output::warn_of_alarms(room);
        }
    }
    Ok(())
}

/// Makes a room.
pub async fn create(place: &Place, args: CreateArgs) -> Result<(), Failure> {
    let mut client = Client::open(place, None).await?;
    // Nothing is made before the relay is there.
    client.connect_first().await?;
    let display_name = display_name(&client, args.display_name);
    let suite = if args.classical { RoomSuite::Classical } else { RoomSuite::Hybrid };
    let create = Command::CreateRoom { name: args.name.clone(), display_name: display_name.clone(), suite };
    let ticket = client.command(create).await?;
    let Outcome::RoomCreated(id) = client.finish(ticket).await? else { return Ok(()) };
    client.remember_relay()?;
    let name = output::one_line(args.name.trim());
    // What a shell would read otherwise is named by the beginning of its id.
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ',');
    let id = output::hex(id.as_bytes());
    let called = match id.get(..rooms::ID_PREFIX_DIGITS) {
        Some(digits) if !name.chars().all(is_plain) || rooms::looks_like_id(&name) => digits.to_owned(),
        _ => format!("\"{name}\""),
    };
    output::note(&format!(
        "Made \"{name}\". You are \"{}\" in it. Invite people with `sotto invite {called}`.",
        output::one_line(display_name.trim())
    ));
    client.close().await;
    Ok(())
}

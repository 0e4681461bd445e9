//! `sotto invite`: links for others.

use crate::{
    args::{InviteArgs, Place},
    client::Client,
    failure::Failure,
    output, rooms,
};
use sotto_client_core::{ClientError, Command, Outcome, RoomId, parse_link};

/// Makes an invite and prints its link; or lists, or revokes.
pub async fn run(place: &Place, args: InviteArgs) -> Result<(), Failure> {
    let mut client = Client::open(place, None).await?;
    let room = rooms::find(&client.session.rooms(), &args.room)?.id;
    if args.list {
        super::catch_up(&mut client, room).await?;
        return list(&client, room);
    }
    let command = match &args.revoke {
        Some(invite) => Command::RevokeInvite { room, invite: invite_id(invite)? },
        None => Command::CreateInvite { room, max_uses: args.uses },
    };
    client.connect_first().await?;
    if args.revoke.is_some() {
        // Somebody else may have revoked it, or opened it, in the meantime.
        super::catch_up(&mut client, room).await?;
    }
    let ticket = client.command(command).await?;
    match client.finish(ticket).await? {
        Outcome::InviteCreated(invite) => output::line(invite.link.as_deref().unwrap_or_default())?,
        _ => output::note("The invite is closed: its link opens nothing any more."),
    }
    client.close().await;
    Ok(())
}

fn list(client: &Client, room: RoomId) -> Result<(), Failure> {
    let invites = client.session.invites(&room);
    if invites.is_empty() {
        output::note("There are no open invites to this room. `sotto invite ROOM` makes one.");
    }
    for invite in invites {
        let uses = match invite.max_uses {
            Some(max) => format!("{} of {max} uses", invite.uses),
            None => format!("{} uses", invite.uses),
        };
        let link = invite.link.clone().unwrap_or_else(|| match &invite.inviter_name {
            Some(name) => format!("(made by {})", output::tagged(name, invite.inviter_tag.as_deref())),
            None => "(made by someone who is gone)".to_owned(),
        });
        output::item(&format!("{}  {uses}  {link}", output::hex(&invite.id)))?;
    }
    Ok(())
}

/// An invite's id, from its hexadecimal form or from its link.
fn invite_id(text: &str) -> Result<[u8; 16], Failure> {
    if text.contains('#') {
        let (_, link) = parse_link(text)?;
        return Ok(*link.door().map_err(|_| ClientError::BadLink)?.as_bytes());
    }
    let bytes: Option<Vec<u8>> = (0..text.len())
        .step_by(2)
        .map(|at| text.get(at..at + 2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit())))
        .map(|digits| u8::from_str_radix(digits?, 16).ok())
        .collect();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        Failure::new("this is not an invite's id", "`sotto invite ROOM --list` shows ids and links.")
    })
}

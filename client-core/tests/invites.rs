//! Invites free their places when they are used up, and no member takes everybody's places.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_client_core::{ClientError, Command, Outcome};
use support::{Device, room_of, settle, world};

#[test]
fn people_are_let_in_one_by_one_for_as_long_as_somebody_likes() {
    let relay = world();
    let mut ada = Device::new(&relay, "Ada");
    let (room, _) = room_of(&mut [&mut ada]);
    let first = ada.session.invites(&room)[0].id;
    let ticket = ada.command(Command::RevokeInvite { room, invite: first });
    settle(&mut [&mut ada]);
    assert_eq!(ada.expect(ticket), Outcome::InviteRevoked);
    for number in 0..18 {
        let ticket = ada.invites(room, Some(1));
        settle(&mut [&mut ada]);
        let link = ada.link(ticket);
        assert_eq!(ada.session.invites(&room).len(), 1, "only the one that is not used yet is open");
        let mut guest = Device::new(&relay, &format!("Guest {number}"));
        guest.connect();
        let ticket = guest.joins(&link);
        settle(&mut [&mut ada, &mut guest]);
        assert_eq!(guest.expect(ticket), Outcome::Joined(room), "guest {number}");
        assert!(ada.session.invites(&room).is_empty(), "used up at once");
    }
}

#[test]
fn no_member_takes_the_owners_places_and_all_see_all_invites() {
    let relay = world();
    let (mut ada, mut bob, mut cy) =
        (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob, &mut cy]);
    let mut made = Vec::new();
    for number in 0..5 {
        let ticket = bob.invites(room, Some(3));
        settle(&mut [&mut ada, &mut bob, &mut cy]);
        made.push(bob.outcome(ticket).unwrap());
        assert_eq!(made[number].is_ok(), number < 4);
    }
    assert_eq!(made[4], Err(ClientError::TooManyOwnInvites(4)));
    let ticket = ada.invites(room, None);
    settle(&mut [&mut ada, &mut bob, &mut cy]);
    ada.link(ticket);

    let bobs: String = bob.session.account().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    for (device, own) in [(&ada, 2), (&bob, 4), (&cy, 0)] {
        let invites = device.session.invites(&room);
        assert_eq!(invites.len(), 6);
        assert_eq!(invites.iter().filter(|invite| invite.is_mine).count(), own);
        for invite in invites {
            assert_eq!(invite.is_mine, invite.link.is_some(), "a link is with who made it");
            assert_eq!(invite.is_mine, invite.inviter == device.session.account());
            let is_bobs = invite.max_uses == Some(3);
            assert_eq!(invite.inviter_name.as_deref(), Some(if is_bobs { "Bob" } else { "Ada" }));
            assert_eq!(invite.inviter_tag, is_bobs.then(|| bobs.clone()), "there are two of this name");
        }
    }

    // The owner closes a member's; a member closes nobody else's.
    let invite = ada.session.invites(&room).iter().find(|invite| !invite.is_mine).unwrap().id;
    let ticket = cy.command(Command::RevokeInvite { room, invite });
    settle(&mut [&mut ada, &mut bob, &mut cy]);
    assert_eq!(cy.outcome(ticket).unwrap(), Err(ClientError::NotAllowed));
    let ticket = ada.command(Command::RevokeInvite { room, invite });
    settle(&mut [&mut ada, &mut bob, &mut cy]);
    assert_eq!(ada.expect(ticket), Outcome::InviteRevoked);
    assert_eq!(bob.session.invites(&room).iter().filter(|invite| invite.is_mine).count(), 3);
}

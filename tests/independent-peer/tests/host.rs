//! The peer as a host: a room that it created, into which devices of the first implementation come.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_crypto::{
    CryptoError,
    message::Content,
    room::{RoomChange, Suite},
};
use sotto_independent_peer::{
    certificate::Device,
    door::InviteKeys,
    link::InviteLink,
    room::{Change, PeerRoom},
};
use support::{
    Offered, Person, commit, hear, invite, peer_commit, peer_receive, peer_start, receive, same_doors,
    same_epoch,
};

/// The peer opens an invite. Gives the link's fragment and what the relay keeps.
fn open_invite(
    room: &mut PeerRoom,
    device: &Device,
    secret: [u8; 32],
    max_uses: Option<u32>,
) -> (String, Offered) {
    let account = device.body.account();
    let mut state = room.state().unwrap();
    state.invites.push(InviteKeys::of_secret(&secret).unwrap().to_invite(account, max_uses));
    let change = Change { state: Some(state), ..Change::default() };
    let offered = peer_commit(room, change);
    let link = InviteLink { room: *room.id(), secret, inviter: account, epoch: room.epoch() };
    (link.to_fragment(), offered)
}

#[test]
fn our_device_joins_a_room_that_the_peer_created() {
    let (pia, ada) = (Device::generate("Pia").unwrap(), Person::new("Ada"));
    let mut pias = PeerRoom::create("Harbour", &pia).unwrap();
    let (fragment, offered) = open_invite(&mut pias, &pia, [3; 32], None);

    let (mut adas, joined) = ada.joins(&fragment, &offered).unwrap();
    assert_eq!((adas.suite(), adas.state().name.as_str()), (Suite::Classical, "Harbour"));
    peer_receive(&mut pias, &joined).unwrap();
    same_epoch(&adas, &pias);
    same_doors(&joined, &pias);

    let (_, content) = pias.hear(&ada.says(&adas, "ahoy")).unwrap();
    assert_eq!(content.as_text().unwrap().as_deref(), Some("ahoy"));
    let heard = hear(&adas, &pias.say("welcome", peer_start(&pias)).unwrap()).unwrap();
    assert_eq!((heard.content, heard.sender.display_name), (Content::Text("welcome".into()), "Pia".into()));

    // The owner renames; the guest rotates.
    let mut state = pias.state().unwrap();
    state.name = "Lighthouse".into();
    let renamed = peer_commit(&mut pias, Change { state: Some(state), ..Change::default() });
    assert_eq!(receive(&mut adas, &renamed).unwrap().renamed.as_deref(), Some("Lighthouse"));
    same_epoch(&adas, &pias);
    let rotated = commit(&mut adas, &RoomChange::Rotate);
    peer_receive(&mut pias, &rotated).unwrap();
    same_epoch(&adas, &pias);
    same_doors(&rotated, &pias);
}

#[test]
fn an_invite_of_the_peer_that_is_used_up_has_no_door() {
    let (pia, ada, eve) = (Device::generate("Pia").unwrap(), Person::new("Ada"), Person::new("Eve"));
    let mut pias = PeerRoom::create("Harbour", &pia).unwrap();
    let (fragment, offered) = open_invite(&mut pias, &pia, [4; 32], Some(1));
    let (adas, first) = ada.joins(&fragment, &offered).unwrap();
    let (_, second) = eve.joins(&fragment, &offered).unwrap();
    peer_receive(&mut pias, &first).unwrap();
    assert!(peer_receive(&mut pias, &second).is_err(), "of an older epoch");

    let door = InviteKeys::of_secret(&[4; 32]).unwrap().door;
    assert!(pias.doors().unwrap().iter().all(|offered| offered.wrap.id != door));
    same_epoch(&adas, &pias);
    same_doors(&first, &pias);

    // A plain member frees its place by opening another.
    let mut adas = adas;
    let (_, opened) = invite(&mut adas, &ada, None);
    peer_receive(&mut pias, &opened).unwrap();
    assert!(pias.state().unwrap().invite(&door).is_none());
    assert_eq!(pias.state().unwrap().invites.len(), 1);
    same_epoch(&adas, &pias);
}

#[test]
fn our_device_refuses_a_card_of_another_epoch() {
    let (pia, ada) = (Device::generate("Pia").unwrap(), Person::new("Ada"));
    let mut pias = PeerRoom::create("Harbour", &pia).unwrap();
    let (fragment, offered) = open_invite(&mut pias, &pia, [5; 32], None);
    let refused = ada.joins_at(&fragment, &offered, pias.epoch() + 1);
    assert!(matches!(refused, Err(CryptoError::DoesNotOpen)));
}

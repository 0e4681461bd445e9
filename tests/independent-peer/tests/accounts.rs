//! Accounts with several devices, capsules, removal and leaving, with members of both kinds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_crypto::room::{LeaveScope, Room, RoomChange};
use sotto_independent_peer::{
    capsule::{EpochRecord, capsule_tag},
    certificate::Device,
    join::Join,
    labels,
    leave::{LeaveStatement, Scope},
    removal_proof::{DeviceRemoval, RemovalProof},
    room::{Change, PeerRoom},
    room_state::History,
    wrap::KeyPair,
};
use support::{
    Offered, Person, audit, commit, invite, peer_commit, peer_joins, peer_receive, peer_start, receive,
    same_doors, same_epoch,
};

/// A room of Ada (ours, who owns it) and Bob (the peer), both with accounts. Gives what the relay keeps, too.
fn meet() -> (Person, Room, Device, PeerRoom, Offered, String) {
    let (ada, bob) = (Person::registered("Ada"), Device::registered("Bob").unwrap());
    let mut adas = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, None);
    let (bobs, joined) = peer_joins(&fragment, &offered, &bob).unwrap();
    receive(&mut adas, &joined).unwrap();
    same_epoch(&adas, &bobs);
    audit(&adas, &joined);
    (ada, adas, bob, bobs, joined, fragment)
}

fn peer_returns(device: &Device, room: &PeerRoom, offered: &Offered) -> (PeerRoom, Offered) {
    let account = device.body.account();
    let wrap =
        offered.wrap(&device.keys.leaf_data(room.id(), None, 0, [0; 16].into()).unwrap().door(&account));
    let join = Join::by_account(*room.id(), &offered.card, wrap, offered.epoch(), device).unwrap();
    let (room, handshake) = join.commit().unwrap();
    (room, handshake.into())
}

#[test]
fn a_second_device_of_the_peers_account_comes_in_by_the_accounts_door() {
    let (_, mut adas, bob, mut bobs, offered, _) = meet();
    let second = bob.on_another_device().unwrap();
    let (seconds, joined) = peer_returns(&second, &bobs, &offered);
    receive(&mut adas, &joined).unwrap();
    peer_receive(&mut bobs, &joined).unwrap();
    same_epoch(&adas, &bobs);
    same_epoch(&adas, &seconds);
    audit(&adas, &joined);
}

#[test]
fn a_second_device_of_ours_comes_in_where_the_peer_wrote_the_card() {
    let (ada, mut adas, _, mut bobs, _, _) = meet();
    let offered = peer_commit(&mut bobs, Change::default());
    receive(&mut adas, &offered).unwrap();
    let second = ada.on_another_device();
    let joining = second.returns(adas.id(), &offered).unwrap();
    let (seconds, joined) = (joining.room, joining.handshake.into());
    receive(&mut adas, &joined).unwrap();
    peer_receive(&mut bobs, &joined).unwrap();
    same_epoch(&adas, &bobs);
    same_epoch(&seconds, &bobs);
    same_doors(&joined, &bobs);
}

#[test]
fn each_side_opens_capsules_that_the_other_wrote() {
    let (ada, mut adas, bob, mut bobs, _, _) = meet();

    // Ours, by the peer with nothing but the recovery key.
    let offered = commit(&mut adas, &RoomChange::Rotate);
    peer_receive(&mut bobs, &offered).unwrap();
    let state = bobs.state().unwrap();
    let tag = capsule_tag(&state.decoy_seed, &bob.body.account()).unwrap();
    let wrap = &offered.capsule_wraps.iter().find(|(id, _)| *id == *tag).unwrap().1;
    let recovery = KeyPair::of_seed(&bob.keys.recovery_seed.unwrap());
    let key = recovery.open(labels::CAPSULE_WRAP, bobs.id(), offered.epoch(), &tag, wrap).unwrap();
    let capsule = offered.capsule.as_ref().unwrap();
    let record = EpochRecord::of_capsule(&key, bobs.id(), offered.epoch(), capsule).unwrap();
    assert_eq!(*record.message, bobs.secrets().unwrap().message);

    // The peer's, by another device of ours, which reads back from its join.
    let offered = peer_commit(&mut bobs, Change::default());
    receive(&mut adas, &offered).unwrap();
    audit(&adas, &offered);
    let message = *adas.secrets().unwrap().message.seed().expose();
    let second = ada.on_another_device();
    let mut reader = second.returns(adas.id(), &offered).unwrap().history().unwrap();
    let seed = second.recovery.unwrap();
    let tag = *reader.tag();
    let wrap = &offered.capsule_wraps.iter().find(|(id, _)| *id == tag).unwrap().1;
    let past = reader.open_capsule(&seed, offered.capsule.as_ref().unwrap(), wrap).unwrap();
    assert_eq!((past.epoch, *past.message.seed().expose()), (offered.epoch(), message));
}

#[test]
fn shared_history_goes_on_from_one_side_to_the_other() {
    let (_, mut adas, _, mut bobs, _, _) = meet();
    let change = commit(&mut adas, &RoomChange::SetHistory(sotto_crypto::room::History::Shared));
    peer_receive(&mut bobs, &change).unwrap();
    assert_eq!(bobs.state().unwrap().history, History::Shared);
    assert!(change.history.is_none(), "not shared before");

    let before = bobs.record().unwrap().clone();
    let ours = commit(&mut adas, &RoomChange::Rotate);
    peer_receive(&mut bobs, &ours).unwrap();
    let message = bobs.secrets().unwrap().message;
    let link = ours.history.as_ref().unwrap();
    assert!(EpochRecord::of_link(&message, bobs.id(), before.epoch, link).unwrap() == before);

    let theirs = peer_commit(&mut bobs, Change::default());
    assert!(theirs.history.is_some());
    receive(&mut adas, &theirs).unwrap();
    audit(&adas, &theirs);
}

#[test]
fn the_owner_removes_the_peer_and_nothing_later_reaches_it() {
    let (_, mut adas, bob, mut bobs, _, fragment) = meet();
    let account = sotto_crypto::identity::AccountId::new(*bob.body.account());
    let removal = commit(&mut adas, &RoomChange::RemoveMember(account, None));
    assert!(removal.cut);
    assert!(peer_receive(&mut bobs, &removal).is_err(), "it has no leaf any more");
    let link = sotto_independent_peer::link::InviteLink::from_fragment(&fragment).unwrap();
    let door = sotto_independent_peer::door::InviteKeys::of_secret(&link.secret).unwrap().door;
    let own = bob.keys.leaf_data(bobs.id(), None, 0, [0; 16].into()).unwrap().door(&bob.body.account());
    assert!(removal.doors.iter().all(|(id, ..)| *id != *door && *id != *own));
}

#[test]
fn the_peer_follows_a_removal_and_removes_its_own_device() {
    let (_, mut adas, bob, mut bobs, offered, _) = meet();
    let second = bob.on_another_device().unwrap();
    let (seconds, joined) = peer_returns(&second, &bobs, &offered);
    receive(&mut adas, &joined).unwrap();
    peer_receive(&mut bobs, &joined).unwrap();

    let third = bob.on_another_device().unwrap();
    let (thirds, joined) = peer_returns(&third, &bobs, &joined);
    receive(&mut adas, &joined).unwrap();
    peer_receive(&mut bobs, &joined).unwrap();

    // The account's own device removes its siblings, with its identity key's word.
    let siblings = [seconds.own_leaf(), thirds.own_leaf()];
    let own = bobs.roster().unwrap().0[&bobs.own_leaf()].clone();
    let mut devices = vec![second.body.device, third.body.device];
    devices.sort();
    let word = DeviceRemoval::sign(&bob.identity, bobs.id(), &own, devices);
    let proof = RemovalProof::OwnDevices(word).to_bytes().unwrap();
    let removal: Offered = bobs.remove(&siblings, proof, peer_start(&bobs)).unwrap().into();
    receive(&mut adas, &removal).unwrap();
    same_epoch(&adas, &bobs);
    audit(&adas, &removal);
    assert_eq!(bobs.state().unwrap().suspended.len(), 1, "all three published the same door key");

    // Somebody else is removed by ours; the peer judges it.
    let cy = Person::registered("Cy");
    let (fragment, offered) = invite_again(&mut adas, &mut bobs);
    let (_, joined) = cy.joins(&fragment, &offered).unwrap();
    receive(&mut adas, &joined).unwrap();
    peer_receive(&mut bobs, &joined).unwrap();
    let removal = commit(&mut adas, &RoomChange::RemoveMember(cy.own.certificate.account(), None));
    peer_receive(&mut bobs, &removal).unwrap();
    same_epoch(&adas, &bobs);
    same_doors(&removal, &bobs);
}

fn invite_again(adas: &mut Room, bobs: &mut PeerRoom) -> (String, Offered) {
    let keys = sotto_independent_peer::door::InviteKeys::of_secret(&[6; 32]).unwrap();
    let inviter = bobs.roster().unwrap().0[&bobs.own_leaf()].certificate.account();
    let mut state = bobs.state().unwrap();
    state.invites.push(keys.to_invite(inviter, None));
    let offered = peer_commit(bobs, Change { state: Some(state), ..Change::default() });
    receive(adas, &offered).unwrap();
    let (room, epoch) = (*bobs.id(), bobs.epoch());
    let link = sotto_independent_peer::link::InviteLink { room, secret: [6; 32], inviter, epoch };
    (link.to_fragment(), offered)
}

#[test]
fn leaving_works_in_both_directions() {
    let (_, mut adas, bob, mut bobs, _, fragment) = meet();
    let cy = Person::registered("Cy");
    let offered = commit(&mut adas, &RoomChange::Rotate);
    peer_receive(&mut bobs, &offered).unwrap();
    let (cys, joined) = cy.joins(&fragment, &offered).unwrap();
    receive(&mut adas, &joined).unwrap();
    peer_receive(&mut bobs, &joined).unwrap();

    // Ours leaves; the peer commits it.
    let statement = sotto_protocol::encode(&cys.leave(LeaveScope::Account).unwrap());
    let statement = LeaveStatement::from_bytes(&statement).unwrap();
    statement.verify(bobs.id()).unwrap();
    let statement = RemovalProof::Leave(statement).to_bytes().unwrap();
    let left: Offered = bobs.remove(&[cys.own_leaf()], statement, peer_start(&bobs)).unwrap().into();
    assert!(!left.cut);
    receive(&mut adas, &left).unwrap();
    same_epoch(&adas, &bobs);
    audit(&adas, &left);
    assert_eq!(adas.state().invites[0].spent, 1);

    // The peer leaves; ours commits it.
    let stay = bobs.roster().unwrap().0[&bobs.own_leaf()].leaf.stay;
    let statement = LeaveStatement::sign(&bob.key, bobs.id(), &stay, Scope::Account).to_bytes().unwrap();
    let statement: sotto_crypto::room::LeaveStatement = sotto_protocol::decode(&statement).unwrap();
    commit(&mut adas, &RoomChange::Leave(statement));
    assert_eq!(adas.roster().device_count(), 1);
}

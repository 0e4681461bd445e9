//! A peer that breaks the rules is refused, and the room stays as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use mls_rs::{
    Extension, ExtensionList,
    extension::ExtensionType,
    group::proposal::{AddProposal, Proposal, RemoveProposal},
};
use sotto_crypto::{
    CryptoError,
    room::{Room, RoomChange},
};
use sotto_independent_peer::{
    certificate::Device,
    door::InviteKeys,
    encoding::Id,
    entry::Kind,
    join::Join,
    leaf_data::{LEAF_DATA, LeafData},
    mls::client,
    room::{Change, PeerRoom},
};
use sotto_protocol::EntryKind;
use support::{Person, commit, invite, peer_joins, peer_receive, prepare, receive, same_epoch};

/// A join that was spoiled is refused; the same join unspoiled is taken.
fn check_join(spoil: impl FnOnce(&mut Join)) -> CryptoError {
    let (ada, bob) = (Person::new("Ada"), Device::generate("Bob").unwrap());
    let mut adas = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, None);
    let mut join = prepare(&fragment, &offered, &bob).unwrap();
    spoil(&mut join);
    let (spoiled, entry) = join.commit_as_it_is().unwrap();
    let refused = stage(&mut adas, EntryKind::Join, &entry, &spoiled);

    let (bobs, handshake) = peer_joins(&fragment, &offered, &bob).unwrap();
    receive(&mut adas, &handshake).unwrap();
    same_epoch(&adas, &bobs);
    refused
}

/// A member's commit that breaks a rule is refused; another commit of someone else is taken.
fn check_commit(change: impl FnOnce(&PeerRoom) -> Change) -> CryptoError {
    let (ada, bob) = (Person::new("Ada"), Device::generate("Bob").unwrap());
    let mut adas = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, None);
    let (mut bobs, handshake) = peer_joins(&fragment, &offered, &bob).unwrap();
    receive(&mut adas, &handshake).unwrap();
    let mut spoiled = bobs.clone();
    let change = change(&spoiled);
    let entry = spoiled.commit_as_it_is(change).unwrap();
    let refused = stage(&mut adas, EntryKind::Handshake, &entry, &spoiled);

    let handshake = commit(&mut adas, &RoomChange::Rotate);
    peer_receive(&mut bobs, &handshake).unwrap();
    same_epoch(&adas, &bobs);
    refused
}

/// Spoils leaf data, knowing the room.
type Spoil = dyn Fn(&mut LeafData, &PeerRoom);

/// Spoils the leaf data of a join.
fn spoil_leaf(join: &mut Join, spoil: impl FnOnce(&mut LeafData)) {
    let mut leaf = LeafData::of(&join.leaf_extensions).unwrap();
    spoil(&mut leaf);
    join.leaf_extensions = leaf.to_extensions().unwrap();
}

/// Why the room refuses an entry that leads to the spoiled peer's epoch.
fn stage(room: &mut Room, kind: EntryKind, entry: &[u8], spoiled: &PeerRoom) -> CryptoError {
    let access_key = spoiled.secrets().unwrap().access_key();
    room.stage(kind, entry, &access_key).map(|_| "it was taken").unwrap_err()
}

#[test]
fn a_join_without_proof_is_refused() {
    let refused = check_join(|join| join.authenticated_data.clear());
    assert!(matches!(refused, CryptoError::Forbidden(_)), "{refused:?}");
}

#[test]
fn a_join_with_another_ones_proof_is_refused() {
    let (ada, bob, eve) =
        (Person::new("Ada"), Device::generate("Bob").unwrap(), Device::generate("Eve").unwrap());
    let mut adas = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, None);
    let bobs = prepare(&fragment, &offered, &bob).unwrap();
    let mut eves = prepare(&fragment, &offered, &eve).unwrap();
    eves.authenticated_data = bobs.authenticated_data;
    let (_, handshake) = eves.commit().unwrap();
    assert!(matches!(receive(&mut adas, &handshake.into()), Err(CryptoError::Forbidden(_))));
}

#[test]
fn a_proof_of_an_earlier_epoch_is_refused() {
    let (ada, bob) = (Person::new("Ada"), Device::generate("Bob").unwrap());
    let mut adas = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, None);
    let earlier = prepare(&fragment, &offered, &bob).unwrap();
    let handshake = commit(&mut adas, &RoomChange::Rotate);
    let mut join = prepare(&fragment, &handshake, &bob).unwrap();
    join.authenticated_data = earlier.authenticated_data;
    let (_, handshake) = join.commit().unwrap();
    assert!(matches!(receive(&mut adas, &handshake.into()), Err(CryptoError::Forbidden(_))));
}

#[test]
fn a_joiner_whose_leaf_names_another_way_is_refused() {
    let other: Id = [9; 16].into();
    for via in [None, Some(other)] {
        let refused = check_join(|join| spoil_leaf(join, |leaf| leaf.via = via));
        assert!(matches!(refused, CryptoError::Forbidden(_)), "{refused:?}");
    }
}

#[test]
fn a_joiner_whose_leaf_data_is_not_exactly_what_this_version_writes_is_refused() {
    let refused = check_join(|join| {
        let mut data = join.leaf_extensions.get(LEAF_DATA).unwrap().extension_data().to_vec();
        data[0] += 1; // one more pair in the map
        data.extend_from_slice(&[0x18, 0x63, 0x00]);
        join.leaf_extensions = vec![Extension::new(LEAF_DATA, data)].into();
    });
    assert!(matches!(refused, CryptoError::Forbidden(_) | CryptoError::Malformed(_)), "{refused:?}");
}

#[test]
fn a_joiner_without_leaf_data_is_refused() {
    let refused = check_join(|join| join.leaf_extensions = ExtensionList::new());
    assert!(matches!(refused, CryptoError::Forbidden(_) | CryptoError::Malformed(_)), "{refused:?}");
}

#[test]
fn a_joiner_that_replaces_someone_elses_leaf_is_refused_before_it_is_sent() {
    let (ada, bob) = (Person::new("Ada"), Device::generate("Bob").unwrap());
    let mut adas = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, None);
    let mut join = prepare(&fragment, &offered, &bob).unwrap();
    join.replaces = Some(adas.own_leaf());
    assert!(join.commit().is_err());
}

#[test]
fn a_member_that_changes_its_leaf_is_refused() {
    let spoils: [&Spoil; 5] = [
        &|leaf, _| leaf.via = None,
        &|leaf, _| leaf.joined += 1,
        &|leaf, _| leaf.stay = [9; 16].into(),
        &|leaf, _| leaf.updated -= 1,
        &|leaf, _| leaf.door_key = vec![0xff; 9].into(),
    ];
    for spoil in spoils {
        let refused = check_commit(|room| {
            let mut leaf = room.roster().unwrap().0[&room.own_leaf()].leaf.clone();
            leaf.updated = room.epoch() + 1;
            spoil(&mut leaf, room);
            Change { leaf_extensions: Some(leaf.to_extensions().unwrap()), ..Change::default() }
        });
        assert!(matches!(refused, CryptoError::Forbidden(_)), "{refused:?}");
    }
}

#[test]
fn a_member_that_hides_data_in_its_leaf_is_refused() {
    let refused = check_commit(|room| {
        let own = room.roster().unwrap().0[&room.own_leaf()].leaf.clone();
        let mut extensions = own.to_extensions().unwrap();
        extensions.set(Extension::new(ExtensionType::new(0xF501), b"hidden".to_vec()));
        Change { leaf_extensions: Some(extensions), ..Change::default() }
    });
    assert!(matches!(refused, CryptoError::Forbidden(_) | CryptoError::Malformed(_)), "{refused:?}");
}

#[test]
fn a_member_that_adds_authenticated_data_is_refused() {
    let refused = check_commit(|_| Change { authenticated_data: b"hidden".to_vec(), ..Change::default() });
    assert!(matches!(refused, CryptoError::Forbidden(_)), "{refused:?}");
}

#[test]
fn a_member_that_adds_someone_without_a_door_is_refused() {
    let refused = check_commit(|room| {
        let eve = client(&Device::generate("Eve").unwrap());
        let leaf = room.roster().unwrap().0[&room.own_leaf()].leaf.to_extensions().unwrap();
        let package = eve.generate_key_package_message(ExtensionList::new(), leaf, None).unwrap();
        let add = AddProposal::try_from(package).unwrap();
        Change { proposals: vec![Proposal::Add(Box::new(add))], ..Change::default() }
    });
    assert!(matches!(refused, CryptoError::Forbidden(_)), "{refused:?}");
}

#[test]
fn a_member_that_removes_the_owner_is_refused() {
    let refused = check_commit(|_| {
        let remove = RemoveProposal::removing(0).unwrap();
        Change { proposals: vec![Proposal::Remove(remove)], ..Change::default() }
    });
    assert!(matches!(refused, CryptoError::Forbidden(_)), "{refused:?}");
}

#[test]
fn a_guest_that_renames_the_room_or_takes_it_over_is_refused() {
    let rename = check_commit(|room| {
        let mut state = room.state().unwrap();
        state.name = "Mine".into();
        Change { state: Some(state), ..Change::default() }
    });
    assert!(matches!(rename, CryptoError::Forbidden(_)), "{rename:?}");
    let take = check_commit(|room| {
        let mut state = room.state().unwrap();
        state.owner = room.roster().unwrap().0[&room.own_leaf()].certificate.account();
        Change { state: Some(state), ..Change::default() }
    });
    assert!(matches!(take, CryptoError::Forbidden(_)), "{take:?}");
}

#[test]
fn a_guest_that_opens_too_many_invites_or_closes_anothers_is_refused() {
    let opens = |count: u8| {
        move |room: &PeerRoom| {
            let mut state = room.state().unwrap();
            let account = room.roster().unwrap().0[&room.own_leaf()].certificate.account();
            for number in 1..=count {
                state.invites.push(InviteKeys::of_secret(&[number; 32]).unwrap().to_invite(account, None));
            }
            Change { state: Some(state), ..Change::default() }
        }
    };
    let five = check_commit(opens(5));
    assert!(matches!(five, CryptoError::Forbidden(_)), "{five:?}");
    let closed = check_commit(|room| {
        let mut state = room.state().unwrap();
        state.invites.clear();
        Change { state: Some(state), ..Change::default() }
    });
    assert!(matches!(closed, CryptoError::Forbidden(_)), "{closed:?}");
}

#[test]
fn a_commit_with_another_access_key_is_refused_by_both() {
    let (ada, bob) = (Person::new("Ada"), Device::generate("Bob").unwrap());
    let mut adas: Room = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, None);
    let (mut bobs, mut handshake) = peer_joins(&fragment, &offered, &bob).unwrap();
    let right = handshake.access_key;
    handshake.access_key = [8; 32];
    assert!(receive(&mut adas, &handshake).is_err());
    handshake.access_key = right;
    receive(&mut adas, &handshake).unwrap();

    let rotated = commit(&mut adas, &RoomChange::Rotate);
    assert!(bobs.follow(Kind::Handshake, &rotated.entry, &[8; 32]).is_err());
    peer_receive(&mut bobs, &rotated).unwrap();
    same_epoch(&adas, &bobs);
}

//! Joins without a right: by whoever has a card (a member's accomplice, the holder of a link). Prevented: everyone refuses alike;
//! the user is told [`CryptoError::Forbidden`] with the rule that was broken.

use super::{ADA, Forged, ForgedJoin, MALLORY, Person, World, evil::Evil};
use crate::{
    CryptoError,
    link::{self, InviteSecret},
    provider::Primitives,
    room::{
        Invite, RoomChange, RosterEntry, Suite,
        leaf::LeafData,
        own::Stay,
        policy::{JoinProof, Violation, join_proof_statement},
    },
};
use sotto_protocol::{Chain, DoorId, EntryKind};

/// As the holder of the world's link would come in.
fn honest(world: &World, person: &Person) -> (LeafData, Vec<u8>) {
    let room = &world.rooms[ADA];
    let door = world.link.door().unwrap();
    let data = person.own.leaf_data(&room.id(), Some(door), Stay::begin(room.epoch() + 1).unwrap()).unwrap();
    let proof = proof(world, person, &data, &world.link.secret, door, room.epoch());
    (data, proof)
}

fn proof(
    world: &World,
    person: &Person,
    data: &LeafData,
    secret: &InviteSecret,
    door: DoorId,
    epoch: u64,
) -> Vec<u8> {
    let joiner = RosterEntry::new(&person.own.certificate, data).unwrap();
    let statement = join_proof_statement(&world.rooms[ADA].id(), epoch, &joiner);
    let signature = link::invite_signature_key(secret).unwrap().sign(&statement);
    sotto_protocol::encode(&JoinProof::Invite(door, signature))
}

fn join(world: &World, person: &Person, data: LeafData, aad: Vec<u8>) -> Forged {
    ForgedJoin { own: &person.own, certificate: &person.own.certificate, data, aad }.make(world, &Primitives)
}

#[test]
fn a_card_alone_lets_nobody_in() {
    let mut world = World::three();
    let eve = Person::new("Eve");
    let (data, good) = honest(&world, &eve);
    let epoch = world.rooms[ADA].epoch();
    let door = world.link.door().unwrap();
    let other = InviteSecret::generate().unwrap();
    let for_another = proof(&world, &Person::new("Zoe"), &data_of(&world), &world.link.secret, door, epoch);
    let cases = [
        ("no proof", Vec::new(), Violation::JoinProof),
        ("an empty array", vec![0x80], Violation::JoinProof),
        ("another secret", proof(&world, &eve, &data, &other, door, epoch), Violation::JoinProof),
        (
            "another epoch",
            proof(&world, &eve, &data, &world.link.secret, door, epoch - 1),
            Violation::JoinProof,
        ),
        ("somebody else's proof", for_another, Violation::JoinProof),
        (
            "an invite that is not open",
            sotto_protocol::encode(&JoinProof::Invite(DoorId::new([8; 16]), [0; 64])),
            Violation::InviteNotOpen,
        ),
        (
            "Ada's door",
            sotto_protocol::encode(&JoinProof::Account(world.rooms[ADA].own_door().unwrap())),
            Violation::AccountDoor,
        ),
    ];
    for (what, aad, violation) in cases {
        let forged = join(&world, &eve, data.clone(), aad);
        world.rooms.iter_mut().for_each(|room| {
            let verdict = room.stage(forged.kind, &forged.entry, &forged.access_key).err();
            assert_eq!(verdict, Some(CryptoError::Forbidden(violation)), "{what}");
        });
    }
    let forged = join(&world, &eve, data, good);
    assert!(world.rooms[ADA].stage(forged.kind, &forged.entry, &forged.access_key).is_ok());
}

fn data_of(world: &World) -> LeafData {
    let room = &world.rooms[ADA];
    Person::new("Zoe").own.leaf_data(&room.id(), None, Stay::begin(room.epoch() + 1).unwrap()).unwrap()
}

#[test]
fn a_joiner_chooses_nothing_of_its_leaf_that_others_rely_on() {
    let mut world = World::three();
    let eve = Person::new("Eve");
    let (data, aad) = honest(&world, &eve);
    let cases = [
        ("a later stay", LeafData { joined: data.joined + 5, ..data.clone() }, Violation::InvalidLeaf),
        ("an earlier stay", LeafData { joined: 0, ..data.clone() }, Violation::InvalidLeaf),
        ("not counted as a use", LeafData { via: None, ..data.clone() }, Violation::InviteNotOpen),
        ("no door key", LeafData { door_key: vec![0xff; 1216], ..data }, Violation::InvalidLeaf),
    ];
    for (what, data, violation) in cases {
        let forged = join(&world, &eve, data, aad.clone());
        world.all_forbid(what, &forged, violation);
    }
}

#[test]
fn a_stolen_certificate_lets_no_other_device_in() {
    let mut world = World::three();
    let eve = Person::new("Eve");
    let (data, aad) = honest(&world, &eve);
    let stolen = world.people[ADA].own.certificate.clone();
    let forged = ForgedJoin { own: &eve.own, certificate: &stolen, data, aad }.make(&world, &Primitives);
    world.all_forbid("Ada's certificate", &forged, Violation::InvalidLeaf);
}

#[test]
fn a_joiner_with_an_unusable_hpke_key_is_refused() {
    let mut world = World::three();
    let eve = Person::new("Eve");
    let (data, aad) = honest(&world, &eve);
    let evil = Evil::with_leaf_key(&[0; 32]);
    let forged =
        ForgedJoin { own: &eve.own, certificate: &eve.own.certificate, data, aad }.make(&world, &evil);
    world.all_forbid("low order", &forged, Violation::InvalidLeaf);
}

#[test]
fn a_replayed_join_is_of_another_epoch() {
    let mut world = World::three();
    let eve = Person::new("Eve");
    let joining = world.tries_to_join(&eve).unwrap();
    let replay = Forged {
        kind: EntryKind::Join,
        entry: joining.handshake.entry.clone(),
        access_key: joining.handshake.access_key,
    };
    let epoch = world.rooms[ADA].epoch();
    world.take(&eve, joining);
    world.all_refuse("again", &replay, &CryptoError::WrongEpoch { expected: epoch + 1, found: epoch });
}

#[test]
fn a_spent_invite_stays_spent_when_whoever_used_it_leaves_and_returns() {
    let mut world = World::new(Suite::Classical, 0);
    let secret = InviteSecret::generate().unwrap();
    let invite = Invite::of_secret(&secret, world.people[ADA].account(), Some(1)).unwrap();
    let door = invite.id;
    world.change(ADA, &RoomChange::AddInvite(Box::new(invite), 0));
    let joins = |world: &World, person: &Person| {
        let room = &world.rooms[ADA];
        let data =
            person.own.leaf_data(&room.id(), Some(door), Stay::begin(room.epoch() + 1).unwrap()).unwrap();
        let aad = proof(world, person, &data, &secret, door, room.epoch());
        join(world, person, data, aad)
    };
    let (eve, zoe) = (Person::new("Eve"), Person::new("Zoe"));
    // The card comes from Mallory, since a spent invite has no door.
    let forged = joins(&world, &eve);
    let ada = &mut world.rooms[ADA];
    let staged = ada.stage(forged.kind, &forged.entry, &forged.access_key).unwrap();
    ada.merge(staged).unwrap();
    world.held = ada.commit(&RoomChange::Rotate, Chain::start(&ada.id())).unwrap();
    ada.merge_pending().unwrap();
    let second = joins(&world, &zoe);
    assert_eq!(verdict(&mut world, &second), Some(CryptoError::Forbidden(Violation::InviteUsedUp)));

    // Eve signs that she leaves, and is gone; the invite is used up all the same, for her too.
    let ada = &mut world.rooms[ADA];
    let (_, entry) = ada.roster().iter().find(|(_, entry)| entry.account == eve.account()).unwrap();
    let left = crate::room::LeaveStatement::sign(
        &ada.id(),
        &eve.own.device,
        &entry.stay,
        crate::room::LeaveScope::Account,
    );
    world.held = ada.commit(&RoomChange::Leave(left), Chain::start(&ada.id())).unwrap();
    ada.merge_pending().unwrap();
    for person in [&eve, &zoe] {
        let forged = joins(&world, person);
        assert_eq!(verdict(&mut world, &forged), Some(CryptoError::Forbidden(Violation::InviteUsedUp)));
    }
}

fn verdict(world: &mut World, forged: &Forged) -> Option<CryptoError> {
    world.rooms[ADA].stage(forged.kind, &forged.entry, &forged.access_key).err()
}

#[test]
fn a_revoked_device_does_not_come_back_even_with_a_fresh_link_and_a_members_help() {
    let mut world = World::three();
    let removed = world.people[2].clone();
    let account = removed.account();
    world.rooms.truncate(2);
    world.change(ADA, &RoomChange::RemoveMember(account, None));
    let secret = InviteSecret::generate().unwrap();
    let invite = Invite::of_secret(&secret, world.people[MALLORY].account(), None).unwrap();
    let door = invite.id;
    world.change(MALLORY, &RoomChange::AddInvite(Box::new(invite), 0));
    let room = &world.rooms[ADA];
    let data = removed.own.leaf_data(&room.id(), Some(door), Stay::begin(room.epoch() + 1).unwrap()).unwrap();
    let aad = proof(&world, &removed, &data, &secret, door, room.epoch());
    let forged = join(&world, &removed, data, aad);
    world.all_forbid("the removed device", &forged, Violation::DeviceRevoked);
}

#[test]
fn a_device_that_was_removed_by_its_account_does_not_come_in_by_the_old_door() {
    let mut world = World::three();
    let phone = world.people[2].next_device();
    world.returns(&phone);
    world.rooms.truncate(3);
    world.removes_device(2, &phone);
    // It knows the account's old keys, and Mallory gives it the card. It even has another device key that is not revoked.
    let sibling = world.people[2].next_device();
    let room = &world.rooms[ADA];
    let via = world.rooms[2].roster().get(world.rooms[2].own_leaf()).unwrap().via;
    let data = sibling.own.leaf_data(&room.id(), via, Stay::begin(room.epoch() + 1).unwrap()).unwrap();
    let aad = sotto_protocol::encode(&JoinProof::Account(data.door(&sibling.account())));
    let forged = join(&world, &sibling, data, aad);
    world.all_forbid("by a suspended door", &forged, Violation::AccountDoor);
}

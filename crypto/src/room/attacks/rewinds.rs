//! Rewinds as an attack: by those who have, or had, a role, and with what was voided.

use super::{ADA, Forged, Handshake, MALLORY, Person, World, removals::removal, try_forge};
use crate::{
    AdminKey, CryptoError, entry,
    room::{
        AccountJoin, KnownRoom, Left, Publication, RewindEffect, Role, Room, RoomChange, RoomState, config,
        policy::{Removal, Violation},
    },
};
use openmls::prelude::Extensions;
use sotto_protocol::{Chain, EntryId, EntryKind, Rewind, entry_hash};

const VOIDED: Option<CryptoError> = Some(CryptoError::Forbidden(Violation::Rewind));

fn copy(room: &Room) -> Room {
    Room::load(room.id(), room.device().clone(), &room.save().unwrap()).unwrap()
}

fn void(by: &Room, bad: &[u8], admin: Option<&AdminKey>) -> (Rewind, Publication) {
    by.make_rewind(9, &entry_hash(bad), admin, Chain::start(&by.id())).unwrap()
}

fn follow(
    room: &mut Room,
    rewind: &Rewind,
    bad: &[u8],
    came_by_door: bool,
) -> Result<RewindEffect, CryptoError> {
    room.rewind(rewind, |_| {
        Some(Left { seq: 9, entry: bad.to_vec(), kind: EntryKind::of_commit(came_by_door) })
    })
}

/// A room of the attacker's own making, as the relay would hand its card out.
fn comes_in(person: &Person, by: &Room, known: &KnownRoom) -> Result<(), CryptoError> {
    let held = by.republish(Chain::start(&by.id())).unwrap();
    let door = person.own.door(&by.id()).unwrap();
    let wrap = &held.doors.iter().find(|held| held.id == door).unwrap().wrap;
    let request = AccountJoin { room: by.id(), card: &held.card, wrap, epoch: by.epoch(), own: &person.own };
    request.heal(known).map(drop)
}

fn usurp(room: &mut Room, change: impl FnOnce(&mut RoomState)) {
    let mut state = room.state().clone();
    change(&mut state);
    let list = Extensions::from_vec(vec![config::required_capabilities(), state.to_extension()]).unwrap();
    try_forge(room, &crate::provider::Primitives, &[], |builder| {
        builder.propose_group_context_extensions(list).unwrap()
    })
    .unwrap();
    room.merge_pending().unwrap();
}

/// Prevented: [`CryptoError::Forbidden`], and an alarm; and [`CryptoError::AnotherRoom`] for the card that goes with it. An admin, or a
/// copy of an admin's device from long ago, makes nobody go back to a room of its own making: not for an ordinary commit, not for
/// its own demotion, not for its own removal.
#[test]
fn an_admin_does_not_choose_the_room_by_voiding_what_others_have_followed() {
    for voided in ["a rotation", "a demotion", "a removal"] {
        let mut world = World::three();
        let mallory = world.people[MALLORY].account();
        world.change(ADA, &RoomChange::SetRole(mallory, Role::Admin));
        let mut before = copy(&world.rooms[MALLORY]);
        let admin = world.people[MALLORY].own.admin_key(&before.id()).unwrap();
        world.change_without(
            ADA,
            &match voided {
                "a rotation" => RoomChange::Rotate,
                "a demotion" => RoomChange::SetRole(mallory, Role::Member),
                _ => RoomChange::RemoveMember(mallory, None),
            },
        );
        let bad = world.held.entry.clone();
        let (rewind, _) = void(&before, &bad, Some(&admin));
        for who in [ADA, 2] {
            let room = &mut world.rooms[who];
            let epoch = room.epoch();
            assert_eq!(follow(room, &rewind, &bad, false).err(), VOIDED, "{voided}");
            assert_eq!(room.epoch(), epoch);
        }
        // A person may let a device that stands still come in again: it does not take another room for this one.
        let known = world.rooms[2].known().unwrap();
        let known = KnownRoom::from_bytes(&known.to_bytes()).unwrap();
        let refused = comes_in(&world.people[2], &before, &known).err();
        let (expected, found) = (known.epoch(), before.epoch());
        assert_eq!(refused, Some(CryptoError::WrongEpoch { expected, found }), "{voided}");
        usurp(&mut before, |state| {
            state.owner = mallory;
            state.admins.clear();
        });
        for what in ["at once", "later"] {
            let refused = comes_in(&world.people[2], &before, &known).err();
            assert_eq!(refused, Some(CryptoError::AnotherRoom), "{voided}, {what}");
            let chain = Chain::start(&before.id());
            before.commit(&RoomChange::Rotate, chain).unwrap();
            before.merge_pending().unwrap();
        }
        comes_in(&world.people[2], &world.rooms[ADA], &known).unwrap();
    }
}

impl World {
    /// An honest change that Mallory does not hear of.
    fn change_without(&mut self, who: usize, change: &RoomChange) {
        let mallory = copy(&self.rooms[MALLORY]);
        self.change(who, change);
        self.rooms[MALLORY] = mallory;
    }
}

/// Prevented: [`CryptoError::Forbidden`]. What was voided once is not appended again under another entry id: neither by those who had
/// followed it, nor by those who had not.
#[test]
fn a_voided_commit_is_not_followed_under_another_entry_id() {
    let mut world = World::three();
    let joining = world.tries_to_join(&Person::new("Eve")).unwrap();
    let Handshake { entry: bad, access_key, .. } = joining.handshake;
    let again = replayed(&world.rooms[ADA], &bad, access_key);
    assert_ne!(again.entry, bad);
    let staged = world.rooms[ADA].stage(EntryKind::Join, &bad, &access_key).unwrap();
    world.rooms[ADA].merge(staged).unwrap();
    let (rewind, _) = void(&world.rooms[2], &bad, None);
    assert_eq!(follow(&mut world.rooms[ADA], &rewind, &bad, true), Ok(RewindEffect::Restored));
    for who in [MALLORY, 2] {
        assert!(world.rooms[who].stage(again.kind, &again.entry, &again.access_key).is_ok(), "good as such");
        assert_eq!(follow(&mut world.rooms[who], &rewind, &bad, true), Ok(RewindEffect::Unmoved));
    }
    for room in &mut world.rooms {
        *room = copy(room);
        assert_eq!(room.stage(again.kind, &again.entry, &again.access_key).err(), VOIDED);
        assert_eq!(room.expect(again.kind, &again.entry).err(), VOIDED);
    }
    // Another join by the same person is as good as ever.
    world.joins(&Person::new("Eve"));
    assert!(world.rooms.iter().all(|room| room.voided.is_empty()), "of an epoch that is over");
}

fn replayed(room: &Room, entry: &[u8], access_key: [u8; 32]) -> Forged {
    let secrets = room.secrets().unwrap();
    let seed = secrets.handshake.seed();
    let kind = EntryKind::Join;
    let (_, commit) = entry::open(seed, &room.id(), kind, room.epoch(), entry).unwrap();
    let id = EntryId::new([0xee; 16]);
    let entry = entry::seal(seed, &room.id(), kind, room.epoch(), id, &commit).unwrap();
    Forged { kind, entry, access_key }
}

/// Prevented: who is removed cannot see whether the epoch after it is one, and believes a removal that all others refuse. It is back
/// as soon as that is voided; until then it keeps its keys.
#[test]
fn a_removal_that_only_its_target_believes_is_undone_for_it_too() {
    let mut world = World::three();
    let mallory = world.people[MALLORY].account();
    world.change(ADA, &RoomChange::SetRole(mallory, Role::Admin));
    let forged = removal(&mut world, &[2], Removal::Forced, &[]);
    let forged = Forged { access_key: [7; 32], ..forged };
    assert!(matches!(
        world.rooms[ADA].stage(forged.kind, &forged.entry, &forged.access_key),
        Err(CryptoError::Mls(_))
    ));
    let victim = &mut world.rooms[2];
    let staged = victim.stage(forged.kind, &forged.entry, &forged.access_key).unwrap();
    assert!(victim.merge(staged).unwrap().is_removed);
    let mut victim = copy(victim);
    assert!(victim.is_removed());
    let admin = world.people[ADA].own.admin_key(&victim.id()).unwrap();
    let (rewind, _) = void(&world.rooms[ADA], &forged.entry, Some(&admin));
    assert_eq!(follow(&mut victim, &rewind, &forged.entry, false), Ok(RewindEffect::Restored));
    assert!(!victim.is_removed());
    assert_eq!(victim.secrets().unwrap(), world.rooms[ADA].secrets().unwrap());
    // Once it is known to be true nothing is kept.
    let mut gone = copy(&world.rooms[2]);
    gone.forget_checkpoint();
    assert_eq!(follow(&mut gone, &rewind, &forged.entry, false).err(), VOIDED);
}

/// Prevented: [`CryptoError::Forbidden`], and it stays. A relay that writes a rewind of its own into a newcomer's log, to before the epoch by
/// which that came in, does not have it drop the room and what it knows of it. An admin's word does, for a newcomer knows no better.
#[test]
fn a_newcomer_does_not_go_for_a_rewind_that_nobody_signed() {
    let mut world = World::three();
    let before = world.rooms[ADA].epoch();
    world.joins(&Person::new("Newcomer"));
    let newcomer = world.rooms.len() - 1;
    let admin = world.people[ADA].own.admin_key(&world.rooms[ADA].id()).unwrap();
    let stranger = AdminKey::from_seed(&crate::Secret::new([9; 32]));
    let saved = world.rooms[newcomer].save().unwrap();
    let (good, _) = void(&world.rooms[ADA], b"garbage", Some(&admin));
    let to_before = |authority, key: Option<&AdminKey>| {
        let mut rewind = Rewind { epoch: before - 1, authority, ..good.clone() };
        rewind.signature = key.map_or([7; 64], |key| key.sign(&rewind.statement(&world.rooms[ADA].id())));
        rewind
    };
    let by = |key: &AdminKey| sotto_protocol::RewindAuthority::Admin(key.public().into());
    let refused = [
        ("by an access key that it does not know", to_before(sotto_protocol::RewindAuthority::Access, None)),
        ("by nobody", to_before(by(&admin), None)),
        ("by a stranger", to_before(by(&stranger), Some(&stranger))),
    ];
    let signed = to_before(by(&admin), Some(&admin));
    for (what, rewind) in refused {
        assert_eq!(world.rooms[newcomer].rewind(&rewind, |_| None).err(), VOIDED, "{what}");
        assert!(world.rooms[newcomer].save().unwrap() == saved, "{what}: it stays");
    }
    let undone = world.rooms[newcomer].rewind(&signed, |_| None);
    assert!(matches!(undone, Ok(RewindEffect::JoinUndone(undone)) if undone.known.is_none()));
}

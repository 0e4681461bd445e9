//! Made-up rooms for a device that cannot follow: a member shuts it out, and has the relay hand it a card of its own making.

use super::{ADA, Forged, MALLORY, World, evil::Garbage, paths::garbage_for, try_forge};
use crate::{
    CryptoError,
    room::{AccountJoin, Joining, KnownRoom, Publication, Room, RoomChange, RoomState, Suite, config},
};
use openmls::prelude::Extensions;
use sotto_protocol::{Chain, EntryKind};

const VICTIM: usize = 2;

/// A room in which Mallory has shut out one device, and a copy of hers from before.
struct Trap {
    world: World,
    forged: Forged,
    mallory_before: Room,
}

impl Trap {
    /// All but the victim follow.
    fn new(suite: Suite) -> Self {
        let mut world = World::new(suite, 1);
        let mallory_before = copy(&world.rooms[MALLORY]);
        let evil = garbage_for(&world, VICTIM as u32, Garbage::Ciphertext);
        let forged = try_forge(&mut world.rooms[MALLORY], &evil, &[], |builder| builder).unwrap();
        let shut_out = world.rooms[VICTIM].stage(forged.kind, &forged.entry, &forged.access_key).err();
        assert_eq!(shut_out, Some(CryptoError::CannotFollow));
        let staged = world.rooms[ADA].stage(forged.kind, &forged.entry, &forged.access_key).unwrap();
        world.rooms[ADA].merge(staged).unwrap();
        world.rooms[MALLORY].merge_pending().unwrap();
        Self { world, forged, mallory_before }
    }

    fn expected(&mut self) -> KnownRoom {
        self.world.rooms[VICTIM].expect(self.forged.kind, &self.forged.entry).unwrap()
    }

    fn heal(&self, by: &Room, known: &KnownRoom) -> Result<Joining, CryptoError> {
        let held = card(by);
        self.request(by, &held).heal(known)
    }

    fn request<'a>(&'a self, by: &Room, held: &'a Publication) -> AccountJoin<'a> {
        let own = &self.world.people[VICTIM].own;
        let door = own.door(&by.id()).unwrap();
        let wrap = &held.doors.iter().find(|held| held.id == door).unwrap().wrap;
        AccountJoin { room: by.id(), card: &held.card, wrap, epoch: by.epoch(), own }
    }
}

fn card(by: &Room) -> Publication {
    by.republish(Chain::start(&by.id())).unwrap()
}

fn copy(room: &Room) -> Room {
    Room::load(room.id(), room.device().clone(), &room.save().unwrap()).unwrap()
}

/// What no rule allows; in a copy that nobody else follows.
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

fn commit(room: &mut Room, change: &RoomChange) -> super::Handshake {
    let handshake = room.commit(change, Chain::start(&room.id())).unwrap();
    room.merge_pending().unwrap();
    handshake
}

/// Prevented: [`CryptoError::AnotherRoom`]. The user is told that somebody tried, and stays out.
#[test]
fn a_device_that_heals_is_not_led_into_a_room_of_which_a_member_made_itself_owner() {
    for suite in [Suite::Classical, Suite::Hybrid] {
        let mut trap = Trap::new(suite);
        let known = trap.expected();
        let mallory = trap.world.people[MALLORY].account();
        let mut made_up = copy(&trap.mallory_before);
        usurp(&mut made_up, |state| state.owner = mallory);
        assert_eq!(made_up.epoch(), known.epoch());
        // Whoever knows nothing of the room believes it; not so who has judged the commit.
        let held = card(&made_up);
        assert!(trap.request(&made_up, &held).join().is_ok());
        assert_eq!(trap.heal(&made_up, &known).err(), Some(CryptoError::AnotherRoom));
        // Nor an innocent one, if the log does not lead there.
        let mut innocent = copy(&trap.mallory_before);
        commit(&mut innocent, &RoomChange::Rotate);
        assert_eq!(trap.heal(&innocent, &known).err(), Some(CryptoError::AnotherRoom));
        // Nor the one before.
        let refused = trap.heal(&trap.mallory_before, &known).err();
        assert_eq!(
            refused,
            Some(CryptoError::WrongEpoch { expected: known.epoch(), found: known.epoch() - 1 })
        );
    }
}

/// The true room lets it in: with nothing unjudged, or told how much.
#[test]
fn a_device_that_heals_in_the_true_room_is_told_how_many_commits_it_could_not_judge() {
    for suite in [Suite::Classical, Suite::Hybrid] {
        let mut trap = Trap::new(suite);
        let known = trap.expected();
        assert_eq!(trap.heal(&trap.world.rooms[ADA], &known).unwrap().unjudged, Some(0));
        assert_eq!(
            trap.heal(&trap.world.rooms[MALLORY], &known).unwrap().unjudged,
            Some(0),
            "whoever signs it"
        );
        // Ada makes Mallory the owner: she may.
        let successor = trap.world.people[MALLORY].account();
        let mut changes = vec![RoomChange::SetRole(successor, crate::room::Role::Owner), RoomChange::Rotate];
        for unjudged in [1, 2] {
            let change = changes.remove(0);
            commit(&mut trap.world.rooms[ADA], &change);
            let joining = trap.heal(&trap.world.rooms[ADA], &known).unwrap();
            assert_eq!(joining.unjudged, Some(unjudged));
            let saved = joining.save().unwrap();
            let again = Joining::load(joining.room.id(), joining.room.device().clone(), &saved).unwrap();
            assert_eq!(again.unjudged, Some(unjudged));
        }
        let held = card(&trap.world.rooms[ADA]);
        assert_eq!(trap.request(&trap.world.rooms[ADA], &held).join().unwrap().unjudged, None);
    }
}

/// Prevented as far as it shows: what only the owner or an admin may do, while none of them has committed; keys that are revoked;
/// members who were never there. The rest is Mallory's word, and the device says how many commits that are.
#[test]
fn a_later_room_that_no_commits_lead_to_is_refused() {
    type Change = fn(&mut RoomState, crate::identity::AccountId);
    let changes: [(&str, Change); 6] = [
        ("owner", |state, mallory| state.owner = mallory),
        ("admins", |state, mallory| state.admins.push(mallory)),
        ("permissions", |state, _| state.permissions.remove = crate::room::Role::Member),
        ("timer", |state, _| state.timer_s = Some(3600)),
        ("closed", |state, _| {
            state.is_closed = true;
            state.invites.clear();
        }),
        ("decoy seed", |state, _| state.decoy_seed = [7; 32].into()),
    ];
    let mut trap = Trap::new(Suite::Classical);
    let known = trap.expected();
    let mallory = trap.world.people[MALLORY].account();
    for (what, change) in changes {
        let mut made_up = copy(&trap.world.rooms[MALLORY]);
        usurp(&mut made_up, |state| change(state, mallory));
        commit(&mut made_up, &RoomChange::Rotate);
        assert_eq!(trap.heal(&made_up, &known).err(), Some(CryptoError::AnotherRoom), "{what}");
    }
    // Another room with the same people, though later.
    let mut fork = copy(&trap.mallory_before);
    usurp(&mut fork, |state| state.owner = mallory);
    commit(&mut fork, &RoomChange::Rotate);
    assert_eq!(trap.heal(&fork, &known).err(), Some(CryptoError::AnotherRoom));
    // A harmless change by Mallory alone cannot be told from one that all have seen.
    let mut renamed = copy(&trap.world.rooms[MALLORY]);
    usurp(&mut renamed, |state| "Graveyard".clone_into(&mut state.name));
    assert_eq!(trap.heal(&renamed, &known).unwrap().unjudged, Some(1));
}

/// Only for what it cannot follow.
#[test]
fn a_device_that_can_follow_expects_nothing() {
    let mut world = World::three();
    let handshake = commit(&mut world.rooms[ADA], &RoomChange::Rotate);
    assert!(matches!(
        world.rooms[MALLORY].expect(handshake.kind, &handshake.entry),
        Err(CryptoError::Mls(_))
    ));
    assert!(world.rooms[MALLORY].expect(EntryKind::Handshake, &[7; 300]).is_err());
    assert!(world.rooms[MALLORY].stage(handshake.kind, &handshake.entry, &handshake.access_key).is_ok());
}

/// A timer has a device erase its keys with an epoch's last message. What it remembers without them tells its room from another
/// one, at the epoch where it stood and later.
#[test]
fn what_a_device_remembers_without_its_keys_tells_its_room_from_another() {
    let mut world = World::three();
    let known = world.rooms[VICTIM].known().unwrap().to_bytes();
    // Nothing in it opens anything.
    let secrets = world.rooms[VICTIM].secrets().unwrap();
    for seed in
        [secrets.message.seed(), secrets.handshake.seed(), secrets.access.seed(), secrets.status.seed()]
    {
        assert!(!known.windows(32).any(|window| window == seed.expose()));
    }
    world.rooms.truncate(VICTIM);
    let known = KnownRoom::from_bytes(&known).unwrap();
    let mallory = world.people[MALLORY].account();
    let heal = |world: &World, by: &Room| {
        let (held, own) = (card(by), &world.people[VICTIM].own);
        let door = own.door(&by.id()).unwrap();
        let wrap = &held.doors.iter().find(|held| held.id == door).unwrap().wrap;
        let request = AccountJoin { room: by.id(), card: &held.card, wrap, epoch: by.epoch(), own };
        request.heal(&known).map(|joining| joining.unjudged)
    };
    let mut made_up = copy(&world.rooms[MALLORY]);
    assert_eq!(heal(&world, &world.rooms[ADA]), Ok(Some(0)), "nobody has committed meanwhile");
    usurp(&mut made_up, |state| state.owner = mallory);
    assert_eq!(heal(&world, &made_up), Err(CryptoError::AnotherRoom));
    world.change(ADA, &RoomChange::Rotate);
    assert_eq!(heal(&world, &world.rooms[ADA]), Ok(Some(1)));
    assert!(KnownRoom::from_bytes(b"damaged").is_err());
}

//! Changes of the room state against the rules. Prevented: everyone refuses alike; the user is told [`CryptoError::Forbidden`]
//! with the rule that was broken.

use super::{ADA, MALLORY, World, forge, try_forge};
use crate::{
    CryptoError,
    provider::Primitives,
    room::{Role, RoomState, config, policy::Violation, state::STATE_EXTENSION},
};
use openmls::{
    group::GroupContext,
    prelude::{Extension, ExtensionType, Extensions, RequiredCapabilitiesExtension, UnknownExtension},
};

fn extensions(list: Vec<Extension>) -> Extensions<GroupContext> {
    Extensions::from_vec(list).unwrap()
}

fn with_state(world: &mut World, extension: Extension) -> super::Forged {
    let list = extensions(vec![config::required_capabilities(), extension]);
    forge(&mut world.rooms[MALLORY], &[], |builder| builder.propose_group_context_extensions(list).unwrap())
}

#[test]
fn a_plain_member_cannot_make_herself_owner_or_admin_or_change_what_roles_may() {
    let mut world = World::three();
    let mallory = world.people[MALLORY].account();
    let state = world.rooms[MALLORY].state().clone();
    type Change = Box<dyn Fn(&mut RoomState)>;
    let cases: [(&str, Change); 6] = [
        ("owner", Box::new(move |state| state.owner = mallory)),
        ("admin", Box::new(move |state| state.admins = vec![mallory])),
        ("permissions", Box::new(|state| state.permissions.remove = Role::Member)),
        ("timer", Box::new(|state| state.timer_s = Some(60))),
        ("revoked devices forgotten", Box::new(|state| state.revoked.push([1; 32].into()))),
        ("somebody's invite closed", Box::new(|state| state.invites.clear())),
    ];
    for (what, change) in cases {
        let mut state = state.clone();
        change(&mut state);
        let forged = with_state(&mut world, state.to_extension());
        world.all_forbid(what, &forged, Violation::StateChange);
    }
    assert_eq!(world.rooms[ADA].state().role_of(&mallory), Role::Member);
}

#[test]
fn nothing_hides_in_the_room_state_and_nothing_lies_beside_it() {
    let mut world = World::three();
    let state = world.rooms[MALLORY].state().clone();
    let mut bytes = sotto_protocol::encode(&state);
    // The map has one more entry, of a key that this version does not know.
    assert_eq!(bytes[0] & 0xe0, 0xa0, "a short map");
    bytes[0] += 1;
    bytes.extend_from_slice(&[0x18, 99, 0x01]);
    let hidden = Extension::Unknown(STATE_EXTENSION, UnknownExtension(bytes));
    let forged = with_state(&mut world, hidden);
    world.all_forbid("a key nobody knows", &forged, Violation::InvalidState);

    let newer = RoomState { policy_version: 2, ..state.clone() };
    let forged = with_state(&mut world, newer.to_extension());
    world.all_forbid("other rules", &forged, Violation::StateChange);

    let required = Extension::RequiredCapabilities(RequiredCapabilitiesExtension::new(
        &[ExtensionType::Unknown(STATE_EXTENSION)],
        &[],
        &[],
    ));
    let list = extensions(vec![required, state.to_extension()]);
    let forged = forge(&mut world.rooms[MALLORY], &[], |builder| {
        builder.propose_group_context_extensions(list).unwrap()
    });
    world.all_forbid("with fewer RequiredCapabilities", &forged, Violation::InvalidState);

    let beside = Extension::Unknown(0xF5FF, UnknownExtension(vec![1; 100]));
    let list = extensions(vec![config::required_capabilities(), state.to_extension(), beside]);
    let forged = try_forge(&mut world.rooms[MALLORY], &Primitives, &[], |builder| {
        builder.propose_group_context_extensions(list).unwrap()
    });
    if let Ok(forged) = forged {
        world.rooms[MALLORY].discard_pending().unwrap();
        let verdicts = world.verdicts(&forged);
        assert_eq!(verdicts[0], verdicts[1]);
        assert!(matches!(verdicts[0], Some(CryptoError::Mls(_) | CryptoError::Forbidden(_))));
    }
}

#[test]
fn authenticated_data_that_says_nothing_is_refused() {
    let mut world = World::three();
    let forged = forge(&mut world.rooms[MALLORY], b"hidden", |builder| builder);
    world.all_forbid("hidden bytes", &forged, Violation::Removal);
}

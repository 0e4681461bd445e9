//! Proposals of kinds that rooms do not use. Prevented: whoever commits them is refused by everyone alike, and the user is told
//! [`CryptoError::Forbidden`] with [`Violation::ProposalKind`], or [`CryptoError::Mls`] where the MLS library refuses first.

use super::{MALLORY, Person, World, forge, try_forge};
use crate::{
    CryptoError,
    provider::{Primitives, Provider},
    room::{config, own::Stay, policy::Violation},
};
use openmls::{
    messages::proposals::{CustomProposal, PreSharedKeyProposal, Proposal},
    prelude::{KeyPackage, LeafNodeIndex},
    schedule::{ExternalPsk, PreSharedKeyId, Psk},
};

#[test]
fn a_ghost_device_by_an_add_proposal_is_refused_by_everyone() {
    let mut world = World::three();
    let ghost = Person::new("Ghost");
    let room = &mut world.rooms[MALLORY];
    let data = ghost.own.leaf_data(&room.id(), None, Stay::begin(room.epoch() + 1).unwrap()).unwrap();
    let bundle = KeyPackage::builder()
        .leaf_node_capabilities(config::capabilities(room.suite()))
        .leaf_node_extensions(data.to_extensions().unwrap())
        .build(
            room.suite().ciphersuite(),
            &Provider::default(),
            &ghost.own.device,
            config::credential(&ghost.own.certificate),
        )
        .unwrap();
    let (package, again) = (bundle.key_package().clone(), bundle.key_package().clone());
    let forged = forge(room, &[], |builder| builder.propose_adds([package]));
    world.all_forbid("a ghost of a new account", &forged, Violation::ProposalKind);
    // All that MLS lets through without a path has such a proposal, too.
    let room = &mut world.rooms[MALLORY];
    let forged = forge(room, &[], |builder| builder.force_self_update(false).propose_adds([again]));
    world.all_forbid("and without a path", &forged, Violation::ProposalKind);
}

#[test]
fn a_ghost_device_of_the_members_own_account_by_an_add_proposal_is_refused_too() {
    let mut world = World::three();
    let ghost = world.people[MALLORY].next_device();
    let room = &mut world.rooms[MALLORY];
    let via = room.roster().get(room.own_leaf()).unwrap().via;
    let data = ghost.own.leaf_data(&room.id(), via, Stay::begin(room.epoch() + 1).unwrap()).unwrap();
    let bundle = KeyPackage::builder()
        .leaf_node_capabilities(config::capabilities(room.suite()))
        .leaf_node_extensions(data.to_extensions().unwrap())
        .build(
            room.suite().ciphersuite(),
            &Provider::default(),
            &ghost.own.device,
            config::credential(&ghost.own.certificate),
        )
        .unwrap();
    let package = bundle.key_package().clone();
    let forged = forge(room, &[], |builder| builder.propose_adds([package]));
    world.all_forbid("a ghost of her own", &forged, Violation::ProposalKind);
}

/// (The MLS library leaves a ReInit out of every commit that it makes, so that no test can send one; the rule is a list of what is
/// allowed.)
#[test]
fn a_self_remove_proposal_in_a_commit_is_refused_by_everyone() {
    let mut world = World::three();
    let forged = try_forge(&mut world.rooms[MALLORY], &Primitives, &[], |builder| {
        builder.add_proposal(Proposal::SelfRemove)
    });
    match forged {
        Ok(forged) => {
            let verdicts = world.verdicts(&forged);
            assert_eq!(verdicts[0], verdicts[1], "all judge alike");
            assert!(matches!(verdicts[0], Some(CryptoError::Forbidden(_) | CryptoError::Mls(_))));
        }
        Err(error) => assert!(error.contains("Validation") || error.contains("Proposal"), "{error}"),
    }
}

#[test]
fn a_pre_shared_key_that_only_the_committer_has_is_refused_by_everyone() {
    let mut world = World::three();
    let room = &mut world.rooms[MALLORY];
    let suite = room.suite().ciphersuite();
    let psk = Psk::External(ExternalPsk::new(vec![1, 2, 3]));
    let id = PreSharedKeyId::new(suite, &Primitives, psk).unwrap();
    id.store(&room.provider, &[9; 32]).unwrap();
    let proposal = Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(id)));
    let forged = forge(room, &[], |builder| builder.add_proposal(proposal));
    world.all_refuse("a PSK", &forged, &CryptoError::Mls("the commit is not valid"));
}

#[test]
fn a_proposal_of_an_unknown_kind_is_refused_by_everyone() {
    let mut world = World::three();
    let proposal = Proposal::Custom(Box::new(CustomProposal::new(0xF777, vec![1; 9])));
    match try_forge(&mut world.rooms[MALLORY], &Primitives, &[], |builder| builder.add_proposal(proposal)) {
        Ok(forged) => world.all_refuse("custom", &forged, &CryptoError::Mls("the commit is not valid")),
        Err(error) => assert!(error.contains("UnsupportedProposalType"), "{error}"),
    }
}

#[test]
fn a_member_who_removes_herself_in_her_own_commit_cannot_even_make_it() {
    let mut world = World::three();
    let own = LeafNodeIndex::new(world.rooms[MALLORY].own_leaf());
    let forged =
        try_forge(&mut world.rooms[MALLORY], &Primitives, &[], |builder| builder.propose_removals([own]));
    assert!(forged.is_err());
}

//! Leaves that are not what they should be. Prevented: everyone refuses alike; the user is told [`CryptoError::Forbidden`] with
//! the rule that was broken.

use super::{ADA, MALLORY, World, evil::Evil, forge, forge_leaf, try_forge};
use crate::room::{
    Suite, config,
    leaf::{LEAF_EXTENSION, LeafData},
    past::CommitData,
    policy::Violation,
};
use openmls::prelude::{
    Capabilities, CredentialType, Extension, ExtensionType, Extensions, LeafNodeParameters, UnknownExtension,
};
use sotto_protocol::DoorId;

fn data(world: &World, who: usize) -> LeafData {
    let room = &world.rooms[who];
    LeafData { updated: room.epoch() + 1, ..LeafData::of(room.group.own_leaf_node().unwrap()).unwrap() }
}

fn with_data(world: &mut World, data: &LeafData) -> super::Forged {
    let leaf = LeafNodeParameters::builder().with_extensions(data.to_extensions().unwrap()).build();
    forge_leaf(&mut world.rooms[MALLORY], leaf)
}

#[test]
fn a_leaf_with_somebody_elses_certificate_is_refused() {
    let mut world = World::three();
    let stolen = world.people[ADA].own.certificate.clone();
    let mut credential = config::credential(&stolen);
    // The signature key stays Mallory's: the certificate names another device.
    credential.signature_key = world.rooms[MALLORY].device().public().to_vec().into();
    let leaf = LeafNodeParameters::builder().with_credential_with_key(credential).build();
    let forged = forge_leaf(&mut world.rooms[MALLORY], leaf);
    world.all_forbid("Ada's certificate", &forged, Violation::InvalidLeaf);
}

#[test]
fn a_leaf_that_becomes_another_device_of_the_same_account_is_refused() {
    let mut world = World::three();
    let ghost = world.people[MALLORY].next_device();
    let room = &mut world.rooms[MALLORY];
    room.group.set_aad(CommitData::new(room.next_past, Vec::new()).to_bytes());
    let bundle = openmls::prelude::NewSignerBundle {
        signer: &ghost.own.device,
        credential_with_key: config::credential(&ghost.own.certificate),
    };
    use openmls_traits::OpenMlsProvider as _;
    use tls_codec::Serialize as _;
    let built = room
        .group
        .commit_builder()
        .force_self_update(true)
        .load_psks(room.provider.storage())
        .unwrap()
        .build_with_new_signer(room.provider.rand(), room.provider.crypto(), &room.device, bundle, |_| true)
        .unwrap()
        .stage_commit(&room.provider)
        .unwrap();
    let commit = built.into_commit().tls_serialize_detached().unwrap();
    room.discard_pending().unwrap();
    let forged = super::Forged::seal(room, &commit, [0; 32]);
    world.all_forbid("a ghost in her place", &forged, Violation::LeafChangedHands);
}

#[test]
fn how_and_when_a_leaf_came_in_never_changes() {
    let mut world = World::three();
    let own = data(&world, MALLORY);
    let cases = [
        ("joined", LeafData { joined: own.joined - 1, ..own.clone() }),
        ("another stay", LeafData { stay: [9; 16], ..own.clone() }),
        ("via nobody", LeafData { via: None, ..own.clone() }),
        ("via another", LeafData { via: Some(DoorId::new([9; 16])), ..own.clone() }),
    ];
    for (what, changed) in cases {
        let forged = with_data(&mut world, &changed);
        world.all_forbid(what, &forged, Violation::LeafChangedHands);
    }
}

/// Prevented: a leaf says which epoch began with it, so that none of before passes for one of later.
#[test]
fn a_leaf_that_does_not_say_its_epoch_is_refused() {
    let mut world = World::three();
    let own = data(&world, MALLORY);
    for updated in [own.updated - 1, own.updated + 1] {
        let forged = with_data(&mut world, &LeafData { updated, ..own.clone() });
        world.all_forbid("another epoch", &forged, Violation::InvalidLeaf);
    }
}

/// Prevented: a door that was Ada's cannot be kept from her; what Mallory copies gives an id of her own.
#[test]
fn a_copy_of_somebodys_door_is_a_door_of_ones_own() {
    let mut world = World::three();
    let (own, adas) = (data(&world, MALLORY), data(&world, ADA));
    let (ada, mallory) = (world.people[ADA].account(), world.people[MALLORY].account());
    let copy =
        LeafData { door_signature_key: adas.door_signature_key, door_key: adas.door_key.clone(), ..own };
    assert_ne!(copy.door(&mallory), adas.door(&ada));
    let forged = with_data(&mut world, &copy);
    assert_eq!(world.verdicts(&forged), [None, None]);
    // Nor is there an invite with Ada's door id.
    let mut state = world.rooms[MALLORY].state().clone();
    let secret = crate::link::InviteSecret::generate().unwrap();
    let honest = crate::room::Invite::of_secret(&secret, mallory, None).unwrap();
    state.invites.push(crate::room::Invite { id: adas.door(&ada), ..honest });
    let list = Extensions::from_vec(vec![config::required_capabilities(), state.to_extension()]).unwrap();
    let forged = forge(&mut world.rooms[MALLORY], &[], |builder| {
        builder.propose_group_context_extensions(list).unwrap()
    });
    world.all_forbid("an invite on Ada's door", &forged, Violation::InvalidState);
}

#[test]
fn a_leaf_with_keys_that_nobody_can_use_safely_is_refused() {
    let mut world = World::three();
    let own = data(&world, MALLORY);
    let mut low_order = own.door_key.clone();
    low_order[1184..].fill(0);
    for (what, door_key) in
        [("low order", low_order), ("too short", vec![1; 9]), ("no ML-KEM key", vec![0xff; 1216])]
    {
        let forged = with_data(&mut world, &LeafData { door_key, ..own.clone() });
        world.all_forbid(what, &forged, Violation::InvalidLeaf);
    }
    let recovery_key = Some(own.door_key.clone());
    let forged = with_data(&mut world, &LeafData { recovery_key, ..own });
    world.all_forbid("a recovery key that no certificate names", &forged, Violation::InvalidLeaf);
}

#[test]
fn a_leaf_whose_hpke_key_is_malformed_or_of_low_order_is_refused_in_both_suites() {
    for (suite, keys) in [
        (Suite::Classical, vec![vec![0; 32], vec![1; 31], Vec::new()]),
        (
            Suite::Hybrid,
            vec![vec![0xff; 1216], vec![0; 32], {
                let mut low_order = crate::wrap::WrapKey::from_seed(&crate::Secret::new([3; 32])).public();
                low_order[1184..].fill(0);
                low_order
            }],
        ),
    ] {
        let mut world = World::new(suite, 1);
        for key in keys {
            let evil = Evil::with_leaf_key(&key);
            let forged = try_forge(&mut world.rooms[MALLORY], &evil, &[], |builder| builder).unwrap();
            world.rooms[MALLORY].discard_pending().unwrap();
            world.all_forbid(&format!("{suite:?}: {} bytes", key.len()), &forged, Violation::InvalidLeaf);
        }
    }
}

#[test]
fn a_leaf_carries_nothing_but_its_own_extension_and_what_it_must_be_able_to_do() {
    let mut world = World::three();
    let own = data(&world, MALLORY);
    let mine = || Extension::Unknown(LEAF_EXTENSION, UnknownExtension(sotto_protocol::encode(&own)));
    let suite = world.rooms[MALLORY].suite();

    let mut bytes = sotto_protocol::encode(&own);
    bytes[0] += 1;
    bytes.extend_from_slice(&[0x18, 99, 0x01]);
    let hidden = Extensions::single(Extension::Unknown(LEAF_EXTENSION, UnknownExtension(bytes))).unwrap();
    let leaf = LeafNodeParameters::builder().with_extensions(hidden).build();
    let forged = forge_leaf(&mut world.rooms[MALLORY], leaf);
    world.all_forbid("a key nobody knows", &forged, Violation::InvalidLeaf);

    let more = |count: u16| {
        let types =
            [crate::room::state::STATE_EXTENSION, LEAF_EXTENSION].into_iter().chain(0xF600..0xF600 + count);
        Capabilities::builder()
            .ciphersuites(vec![suite.ciphersuite()])
            .extensions(types.map(ExtensionType::Unknown).collect())
            .credentials(vec![CredentialType::Basic])
            .build()
    };
    let beside = Extension::Unknown(0xF600, UnknownExtension(vec![1; 4000]));
    let leaf = LeafNodeParameters::builder()
        .with_capabilities(more(1))
        .with_extensions(Extensions::from_vec(vec![mine(), beside]).unwrap())
        .build();
    let forged = forge_leaf(&mut world.rooms[MALLORY], leaf);
    world.all_forbid("another extension", &forged, Violation::InvalidLeaf);

    // Capabilities are carried in every card: a leaf that lists thousands would make cards too large for the relay.
    let leaf = LeafNodeParameters::builder().with_capabilities(more(2000)).build();
    let forged = forge_leaf(&mut world.rooms[MALLORY], leaf);
    world.all_forbid("thousands of capabilities", &forged, Violation::InvalidLeaf);

    // Honest ones go on.
    let forged = forge(&mut world.rooms[MALLORY], &[], |builder| builder);
    assert_eq!(world.verdicts(&forged), [None, None]);
}

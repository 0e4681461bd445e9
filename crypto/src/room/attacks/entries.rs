//! Garbage under the handshake key: what a member can put into the log that is no commit, or a commit that was tampered with.
//!
//! Detected by everyone alike: [`CryptoError::Malformed`] or [`CryptoError::Mls`], `InvalidChange` in the engine; owner or an admin
//! void it. Nothing in there may panic.

use super::{ADA, Forged, MALLORY, World, forge};
use crate::{CryptoError, entry};
use openmls::prelude::tls_codec::Serialize as _;
use sotto_protocol::EntryKind;

#[test]
fn what_is_no_commit_is_refused_by_everyone() {
    let mut world = World::three();
    let mallory = &mut world.rooms[MALLORY];
    let update = {
        use openmls_traits::OpenMlsProvider as _;
        let (message, _) = mallory
            .group
            .propose_self_update(
                &mallory.provider,
                &mallory.device,
                openmls::prelude::LeafNodeParameters::default(),
            )
            .unwrap();
        mallory.group.clear_pending_proposals(mallory.provider.storage()).unwrap();
        message.tls_serialize_detached().unwrap()
    };
    for (what, content) in [
        ("nothing", Vec::new()),
        ("text", b"garbage".to_vec()),
        ("zeros", vec![0; 500]),
        ("a proposal of its own", update),
    ] {
        let forged = Forged::seal(&world.rooms[MALLORY], &content, [0; 32]);
        world.all_refuse(what, &forged, &CryptoError::Malformed("commit"));
    }
}

#[test]
fn a_commit_that_was_cut_or_changed_and_sealed_again_is_refused_and_panics_nobody() {
    let mut world = World::three();
    let honest = forge(&mut world.rooms[MALLORY], &[], |builder| builder);
    let room = &world.rooms[MALLORY];
    let secret = room.secrets().unwrap().handshake;
    let (_, commit) =
        entry::open(secret.seed(), &room.id(), EntryKind::Handshake, room.epoch(), &honest.entry).unwrap();
    let variants = (0..commit.len()).step_by(3).flat_map(|at| {
        let mut flipped = commit.to_vec();
        flipped[at] ^= 1 << (at % 8);
        [commit[..at].to_vec(), flipped]
    });
    for content in variants.collect::<Vec<_>>() {
        let forged = Forged::seal(&world.rooms[MALLORY], &content, honest.access_key);
        let room = &mut world.rooms[ADA];
        assert!(room.stage(&forged.entry, &forged.access_key).is_err());
    }
    let room = &mut world.rooms[ADA];
    let staged = room.stage(&honest.entry, &honest.access_key).unwrap();
    room.merge(staged).unwrap();
}

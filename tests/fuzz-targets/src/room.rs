//! Rooms: what stands in the group, commits from the log, and what a device has stored.

use crate::{edits, fixture::Fixture, survives};
use sotto_crypto::{
    CryptoError,
    room::{Handshake, Joining, Room, RoomState, Roster, Staged, policy::JoinProof},
    testing::{join_with, seal_entry},
};
use sotto_protocol::{EntryId, EntryKind};

/// The room state in the GroupContext.
pub fn state(input: &[u8]) {
    survives::<RoomState>(input);
}

/// The AAD of a joiner's commit.
pub fn join_proof(input: &[u8]) {
    survives::<JoinProof>(input);
}

/// A stored roster.
pub fn roster(input: &[u8]) {
    survives::<Roster>(input);
}

/// A stored outgoing handshake.
pub fn handshake(input: &[u8]) {
    if let Ok(handshake) = sotto_protocol::decode::<Handshake>(input) {
        let encoded = sotto_protocol::encode(&handshake);
        assert!(sotto_protocol::decode::<Handshake>(&encoded).is_ok_and(|again| again == handshake));
    }
}

/// A commit of any bytes under the right outer layer: judged, and nothing changed by it.
pub fn commit(input: &[u8]) {
    Fixture::of_input(input, |fixture| {
        let commit = edits::apply(input, std::slice::from_ref(&fixture.commit));
        let _ = stage(fixture, &commit);
    });
}

fn stage(fixture: &mut Fixture, commit: &[u8]) -> Result<Staged, CryptoError> {
    let (id, epoch) = (fixture.room.id(), fixture.room.epoch());
    let secret = fixture.room.secrets()?.handshake;
    let entry = seal_entry(&secret, &id, EntryKind::Handshake, epoch, EntryId::new([4; 16]), commit)?;
    let staged = fixture.room.stage(&entry, &[5; 32]);
    assert_eq!(*fixture.room.save().expect("is stored"), fixture.saved, "staging writes nothing");
    staged
}

/// A joiner who does everything right by MLS, and puts anything into credential, leaf data and `authenticated_data`.
///
/// `input = suite (1) || length of the leaf data (1) || length of the AAD (1) || leaf data || AAD || credential`; no credential:
/// the newcomer's own.
pub fn join_by_anyone(input: &[u8]) {
    Fixture::of_input(input, |fixture| {
        let Some(([_, leaf_length, aad_length], rest)) = input.split_first_chunk::<3>() else { return };
        let (leaf_data, rest) = rest.split_at(usize::from(*leaf_length).min(rest.len()));
        let (aad, credential) = rest.split_at(usize::from(*aad_length).min(rest.len()));
        let _ = stage_join(fixture, leaf_data, aad, credential);
    });
}

fn stage_join(
    fixture: &mut Fixture,
    leaf_data: &[u8],
    aad: &[u8],
    credential: &[u8],
) -> Option<Result<Staged, CryptoError>> {
    let (certificate, device) = &fixture.newcomer;
    let credential = if credential.is_empty() { certificate.as_bytes() } else { credential };
    let commit = join_with(&fixture.group_info, device, credential, leaf_data, aad)?;
    Some(stage(fixture, &commit))
}

/// Leaf data and `authenticated_data` of a join through the invite, as far as they do not take its keys.
pub fn real_join(suite: u8) -> Vec<u8> {
    Fixture::of_input(&[suite], |fixture| {
        let door = fixture.link.door().expect("has a door");
        let mut leaf_data = Vec::new();
        let mut encoder = minicbor::Encoder::new(&mut leaf_data);
        encoder.map(1).and_then(|map| map.u8(0)?.bytes(door.as_bytes())).expect("is encoded");
        let aad = sotto_protocol::encode(&JoinProof { invite: door, signature: [6; 64] });
        let lengths = [suite, leaf_data.len() as u8, aad.len() as u8];
        [&lengths, leaf_data.as_slice(), &aad].concat()
    })
}

/// A stored room.
pub fn stored_room(input: &[u8]) {
    Fixture::with(|fixture| {
        let saved = edits::apply(input, std::slice::from_ref(&fixture.saved));
        if let Ok(room) = Room::load(fixture.room.id(), fixture.device.clone(), &saved) {
            let again = room.save().expect("is stored");
            Room::load(room.id(), fixture.device.clone(), &again).expect("what is written can be read");
        }
    });
}

/// A stored join that waits for its answer.
pub fn stored_join(input: &[u8]) {
    Fixture::with(|fixture| {
        let saved = edits::apply(input, std::slice::from_ref(&fixture.stored_join));
        let device = &fixture.newcomer.1;
        if let Ok(joining) = Joining::load(fixture.room.id(), device.clone(), &saved) {
            let again = joining.save().expect("is stored");
            Joining::load(fixture.room.id(), device.clone(), &again).expect("what is written can be read");
        }
    });
}

/// The room's state, a join proof, the roster and the invite's handshake.
pub fn real() -> [Vec<u8>; 4] {
    Fixture::with(|fixture| {
        let proof = JoinProof { invite: fixture.link.door().expect("has a door"), signature: [6; 64] };
        [
            sotto_protocol::encode(fixture.room.state()),
            sotto_protocol::encode(&proof),
            sotto_protocol::encode(fixture.room.roster()),
            sotto_protocol::encode(&fixture.invite),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MLS has nothing against such a join; the rules have.
    #[test]
    fn a_join_by_anyone_gets_past_mls() {
        for first in [1, 2] {
            Fixture::of_input(&[first], |fixture| {
                let refused = stage_join(fixture, b"leaf data", b"aad", b"").expect("is a commit");
                assert!(refused.is_err_and(|error| error != CryptoError::Mls("the commit is not valid")));
            });
        }
    }

    /// The commit is good in itself: only the access key, which the target does not know, is not the next epoch's.
    #[test]
    fn a_real_commit_gets_to_the_last_check() {
        for first in [1, 2] {
            Fixture::of_input(&[first], |fixture| {
                let commit = fixture.commit.clone();
                let refused = stage(fixture, &commit).map(drop);
                assert_eq!(refused, Err(CryptoError::Mls("the registered access key is not the room's")));
            });
        }
    }
}

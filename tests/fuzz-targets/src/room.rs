//! Rooms: what stands in the group, commits from the log, and what a device has stored.

use crate::{edits, fixture::Fixture, survives};
use sotto_crypto::{
    CryptoError,
    room::{Handshake, Joining, Room, RoomState, Roster, Staged, policy::JoinProof},
    testing::seal_entry,
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

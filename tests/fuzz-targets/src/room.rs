//! Rooms: what stands in the group, commits from the log, and what a device has stored.

use crate::{edits, fixture::Fixture, survives};
use sotto_crypto::{
    CryptoError, DeviceKey, Secret,
    room::{
        Handshake, Joining, LeaveScope, LeaveStatement, Room, RoomState, Roster, Staged, policy::JoinProof,
    },
    testing::{commit_data, join_with, seal_entry},
};
use sotto_protocol::{EntryId, EntryKind, Rewind, RewindAuthority, RoomId};

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

/// An entry that voids others.
pub fn rewind(input: &[u8]) {
    survives::<Rewind>(input);
}

/// A device's word that it leaves.
pub fn leave_statement(input: &[u8]) {
    survives::<LeaveStatement>(input);
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
    let entry = seal_entry(secret.seed(), &id, EntryKind::Join, epoch, EntryId::new([4; 16]), commit)?;
    let staged = fixture.room.stage(EntryKind::Join, &entry, &[5; 32]);
    assert_eq!(*fixture.room.save().expect("is stored"), fixture.saved, "staging writes nothing");
    staged
}

/// A joiner who does everything right by MLS, and puts anything into credential, leaf data and `authenticated_data`.
///
/// `input = suite (1) || length of the leaf data (2) || length of the AAD (1) || leaf data || AAD || credential`; no credential:
/// the newcomer's own.
pub fn join_by_anyone(input: &[u8]) {
    Fixture::of_input(input, |fixture| {
        let Some(([_, high, low, aad_length], rest)) = input.split_first_chunk::<4>() else { return };
        let (leaf_data, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(rest.len()));
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
    let (certificate, device) = (&fixture.newcomer.certificate, &fixture.newcomer.device);
    let credential = if credential.is_empty() { certificate.as_bytes() } else { credential };
    let commit = join_with(&fixture.group_info, device, credential, leaf_data, aad)?;
    Some(stage(fixture, &commit))
}

/// Leaf data and `authenticated_data` of a join through the invite; only the invite's signature is not right.
pub fn real_join(suite: u8) -> Vec<u8> {
    Fixture::of_input(&[suite], |fixture| {
        let (own, room) = (&fixture.newcomer, fixture.room.id());
        let via = fixture.link.door().expect("has a door");
        let mut leaf_data = Vec::new();
        let mut encoder = minicbor::Encoder::new(&mut leaf_data);
        (|| {
            encoder.map(9)?.u8(0)?.encode(via)?.u8(1)?.u64(fixture.room.epoch() + 1)?;
            encoder.u8(2)?.bytes(&[7; 32])?;
            encoder.u8(3)?.bytes(&own.door_key.public())?;
            encoder.u8(4)?.bytes(&own.admin_key(&room).expect("has a key").public())?;
            encoder.u8(5)?.bytes(own.recovery_key.as_ref().expect("has an account"))?;
            encoder.u8(6)?.bytes(&[8; 16])?.u8(7)?.u64(fixture.room.epoch() + 1)?;
            encoder.u8(9)?.u32(1)?.ok()
        })()
        .expect("is encoded");
        let proof = sotto_protocol::encode(&JoinProof::Invite(via, [6; 64]));
        let aad = commit_data(&fixture.room, &proof);
        let [high, low] = (leaf_data.len() as u16).to_be_bytes();
        [&[suite, high, low, aad.len() as u8], leaf_data.as_slice(), &aad].concat()
    })
}

/// A stored room.
pub fn stored_room(input: &[u8]) {
    Fixture::with(|fixture| {
        let saved = edits::apply(input, std::slice::from_ref(&fixture.saved));
        if let Ok(room) = Room::load(fixture.room.id(), fixture.own.device.clone(), &saved) {
            let again = room.save().expect("is stored");
            Room::load(room.id(), fixture.own.device.clone(), &again).expect("what is written can be read");
        }
    });
}

/// A stored join that waits for its answer.
pub fn stored_join(input: &[u8]) {
    Fixture::with(|fixture| {
        let saved = edits::apply(input, std::slice::from_ref(&fixture.stored_join));
        let device = &fixture.newcomer.device;
        if let Ok(joining) = Joining::load(fixture.room.id(), device.clone(), &saved) {
            let again = joining.save().expect("is stored");
            Joining::load(fixture.room.id(), device.clone(), &again).expect("what is written can be read");
        }
    });
}

/// A rewind and a leave statement.
pub fn real_statements() -> [Vec<u8>; 2] {
    let rewind = Rewind {
        bad_seq: 9,
        epoch: 8,
        bad_entry: [1; 32],
        access_key: [2; 32],
        published_hash: [3; 32],
        left_out: Some(sotto_protocol::DoorId::new([4; 16])),
        authority: RewindAuthority::Admin([8; 32].into()),
        signature: [4; 64],
    };
    let device = DeviceKey::from_seed(&Secret::new([5; 32]));
    let leave = LeaveStatement::sign(&RoomId::new([6; 16]), &device, &[7; 16], LeaveScope::Device);
    [rewind.to_bytes(), leave.to_bytes()]
}

/// The room's state, a join proof, the roster and the invite's handshake.
pub fn real() -> [Vec<u8>; 4] {
    Fixture::with(|fixture| {
        let proof = JoinProof::Invite(fixture.link.door().expect("has a door"), [6; 64]);
        [
            sotto_protocol::encode(fixture.room.state()),
            sotto_protocol::encode(&proof),
            sotto_protocol::encode(fixture.room.roster()),
            sotto_protocol::encode(&shortened(&fixture.invite)),
        ]
    })
}

/// The same shape with less in it.
fn shortened(handshake: &Handshake) -> Handshake {
    let mut handshake = handshake.clone();
    let wraps = handshake.capsule_wraps.iter_mut().map(|wrap| &mut wrap.wrap);
    let wraps = wraps.chain(handshake.doors.iter_mut().map(|door| &mut door.wrap));
    let long = [Some(&mut handshake.card), Some(&mut handshake.entry), handshake.capsule.as_mut()];
    wraps.chain(long.into_iter().flatten()).for_each(|bytes| bytes.truncate(40));
    handshake
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_crypto::room::policy::Violation;

    /// MLS has nothing against such a join; the rules have, and the last of them only where all else is right.
    #[test]
    fn a_join_by_anyone_gets_as_far_as_its_content_is_right() {
        for suite in [1, 2] {
            let real = real_join(suite);
            let length = usize::from(u16::from_be_bytes([real[1], real[2]]));
            let (leaf_data, aad) = real[4..].split_at(length);
            Fixture::of_input(&[suite], |fixture| {
                let refused = stage_join(fixture, leaf_data, aad, b"").expect("is a commit").map(drop);
                assert_eq!(refused, Err(CryptoError::Forbidden(Violation::JoinProof)));
                let refused = stage_join(fixture, b"nonsense", aad, b"").expect("is a commit").map(drop);
                assert_eq!(refused, Err(CryptoError::Forbidden(Violation::InvalidLeaf)));
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

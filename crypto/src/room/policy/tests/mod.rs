//! Each rule, with a commit that keeps it and one that breaks it.

mod change;
mod joiner;
mod member;
mod removal;
mod rewind;

use super::{
    Before, Facts, JoinProof, RemovalProof, Violation, join_proof_statement, judge, revocation_hash,
};
use crate::{
    DeviceKey, Secret,
    identity::{AccountId, DeviceList, IdentityKey},
    link,
    link::InviteSecret,
    room::{
        Invite, InviteId, Past, RoomState, Roster, RosterChange, RosterEntry, Suite, state::suspension_hash,
    },
};
use sotto_protocol::{EntryKind, RoomId};

const ROOM: RoomId = RoomId::new([7; 16]);
const EPOCH: u64 = 9;

/// Person 1 made the room; 2 came in through person 1's invite, 3 likewise with two devices (leaves 2 and 3), 4 is an admin.
struct World {
    roster: Roster,
    state: RoomState,
    left_out: Vec<InviteId>,
}

impl World {
    fn new() -> Self {
        let mut state = RoomState::new("Garden", account(1)).unwrap();
        state.decoy_seed = [5; 32].into();
        state.invites.push(invite(100, 1, Some(3)));
        for number in [3, 5] {
            state.revoked.push(revocation_hash(&account(number), &[66; 32]).into());
        }
        state.admins = vec![account(4)];
        let via = Some(state.invites[0].id);
        let roster = [
            (0, device(1, None)),
            (1, device(2, via)),
            (2, device(3, via)),
            (3, second_device(3, via)),
            (4, device(4, None)),
        ];
        Self { roster: Roster::from_entries(roster), state, left_out: Vec::new() }
    }

    fn via() -> Option<InviteId> {
        Some(link::invite_door(&secret(100)).unwrap())
    }

    fn before(&self) -> Before<'_> {
        Before {
            room: ROOM,
            epoch: EPOCH,
            suite: Suite::Hybrid,
            roster: &self.roster,
            state: &self.state,
            past: PAST,
            left_out: &self.left_out,
        }
    }

    fn check(&self, what: &str, facts: &Facts<'_>, expected: Result<(), Violation>) {
        assert_eq!(judge(&self.before(), facts), expected, "{what}");
    }

    /// A commit of the member at `leaf` that changes nothing but keys.
    fn commit(&self, leaf: u32) -> Facts<'static> {
        Facts {
            kind: EntryKind::Handshake,
            member: Some(leaf),
            leaf: Some(Ok(self.roster.get(leaf).unwrap().clone())),
            has_foreign_proposal: false,
            removed: Vec::new(),
            new_state: None,
            past: PAST,
            aad: &[],
            reason: None,
        }
    }

    /// The same, with a change of the state.
    fn change(&self, leaf: u32, change: impl FnOnce(&mut RoomState)) -> Facts<'static> {
        let mut state = self.state.clone();
        change(&mut state);
        Facts { new_state: Some(Ok(state)), ..self.commit(leaf) }
    }
}

const PAST: Past = Past { last: [6; 32], whole: [7; 32] };

fn account(number: u8) -> AccountId {
    AccountId::new([number; 16])
}

fn key(number: u8) -> DeviceKey {
    DeviceKey::from_seed(&Secret::new([number; 32]))
}

fn device(number: u8, via: Option<InviteId>) -> RosterEntry {
    let sample = RosterEntry::sample(number, key(number).public());
    let identity_key = identity(number).public();
    // As it commits now.
    RosterEntry { account: account(number), via, identity_key, updated: EPOCH + 1, ..sample }
}

fn identity(number: u8) -> IdentityKey {
    IdentityKey::from_seed(&Secret::new([number; 32]))
}

/// Another device of the same account, with the account's keys.
fn second_device(number: u8, via: Option<InviteId>) -> RosterEntry {
    RosterEntry { device_key: key(number + 100).public(), joined: 5, ..device(number, via) }
}

fn secret(number: u8) -> InviteSecret {
    InviteSecret::from_seed(Secret::new([number; 32]))
}

fn invite(number: u8, inviter: u8, max_uses: Option<u32>) -> Invite {
    Invite::of_secret(&secret(number), account(inviter), max_uses).unwrap()
}

fn proof(joiner: &RosterEntry, secret: &InviteSecret, epoch: u64) -> &'static [u8] {
    let statement = join_proof_statement(&ROOM, epoch, joiner);
    let signature = link::invite_signature_key(secret).unwrap().sign(&statement);
    Vec::leak(sotto_protocol::encode(&JoinProof::Invite(link::invite_door(secret).unwrap(), signature)))
}

//! The rules of rooms, version 1: the one place where it is decided whether a commit may change a room.
//!
//! Every member judges every commit by the room before it and by the commit alone, never by a clock or by anything else that
//! members could see differently: so all judge alike. MLS has checked signatures, tree and keys before; here it is checked
//! whether *this* committer may do *this*.

use super::{Invite, InviteId, RoomState, Roster, RosterEntry, Suite};
use crate::{CryptoError, labels, sign};
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use sotto_protocol::RoomId;

/// Why a commit is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Other proposals than the allowed ones.
    #[error("it has a proposal of a kind that rooms do not use")]
    ProposalKind,
    /// No new path secrets.
    #[error("it has no update path")]
    NoPath,
    /// The leaf's certificate is not valid, or its extension is malformed.
    #[error("the committer's leaf is not valid")]
    InvalidLeaf,
    /// A member's commit gives its leaf to someone else.
    #[error("the committer changed who it is")]
    LeafChangedHands,
    /// Someone is removed who may not be.
    #[error("it removes someone who may not be removed")]
    Removal,
    /// The new state is malformed or past a limit.
    #[error("the new room state is not valid")]
    InvalidState,
    /// The state changes in a way that this member may not.
    #[error("the committer may not change the room so")]
    StateChange,
    /// The joiner names no open invite.
    #[error("the invite is not open")]
    InviteNotOpen,
    /// The joiner's proof does not verify.
    #[error("the invite did not sign this joiner")]
    JoinProof,
    /// The invite is used up.
    #[error("the invite is used up")]
    InviteUsedUp,
    /// The joiner's account is in the room with another device.
    #[error("this account is in the room already")]
    AccountPresent,
    /// The joiner's device was revoked.
    #[error("this device was revoked")]
    DeviceRevoked,
    /// The room is full.
    #[error("the room is full")]
    RoomFull,
}

/// What the invite key signed: in the AAD of the joiner's commit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct JoinProof {
    /// Which invite.
    #[n(0)]
    pub invite: InviteId,
    /// By the invite's signature key, over [`join_proof_statement`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// What an invite's key signs to let a device in.
pub fn join_proof_statement(room: &RoomId, epoch: u64, joiner: &RosterEntry) -> Vec<u8> {
    [
        labels::signature::JOIN_PROOF,
        room.as_bytes(),
        &epoch.to_be_bytes(),
        joiner.account.as_bytes(),
        &joiner.device_key,
    ]
    .concat()
}

/// The room before the commit.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// Which room.
    pub room: RoomId,
    /// The epoch that the commit leaves.
    pub epoch: u64,
    /// Its suite.
    pub suite: Suite,
    /// Who is in it.
    pub roster: &'a Roster,
    /// Its state.
    pub state: &'a RoomState,
}

/// A commit, as far as rules look at it.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The member's leaf, or `None` for a joiner.
    pub member: Option<u32>,
    /// The leaf that the path gives the committer; an error where it is not valid.
    pub leaf: Option<Result<RosterEntry, CryptoError>>,
    /// Whether any proposal is not GroupContextExtensions, Remove or (a joiner's) ExternalInit.
    pub has_foreign_proposal: bool,
    /// Leaves removed.
    pub removed: Vec<u32>,
    /// The state after it, where it is replaced; an error where it is malformed or other extensions changed.
    pub new_state: Option<Result<RoomState, CryptoError>>,
    /// The commit's authenticated data.
    pub aad: &'a [u8],
}

/// Whether the commit may change the room.
///
/// # Errors
/// The first rule that forbids it.
pub fn judge(before: &Before<'_>, commit: &Facts<'_>) -> Result<(), Violation> {
    if commit.has_foreign_proposal {
        return Err(Violation::ProposalKind);
    }
    let leaf = commit.leaf.as_ref().ok_or(Violation::NoPath)?;
    let leaf = leaf.as_ref().map_err(|_| Violation::InvalidLeaf)?;
    match commit.member {
        Some(member) => judge_member(before, commit, member, leaf),
        None => judge_joiner(before, commit, leaf),
    }
}

fn judge_member(
    before: &Before<'_>,
    commit: &Facts<'_>,
    member: u32,
    leaf: &RosterEntry,
) -> Result<(), Violation> {
    let committer = before.roster.get(member).ok_or(Violation::InvalidLeaf)?;
    if (leaf.account, leaf.device_key, leaf.via) != (committer.account, committer.device_key, committer.via) {
        return Err(Violation::LeafChangedHands);
    }
    // Removing others comes with roles.
    if !commit.removed.is_empty() || !commit.aad.is_empty() {
        return Err(Violation::Removal);
    }
    match &commit.new_state {
        Some(Ok(state)) => judge_state(before.state, state, committer),
        Some(Err(_)) => Err(Violation::InvalidState),
        None => Ok(()),
    }
}

fn judge_state(old: &RoomState, new: &RoomState, committer: &RosterEntry) -> Result<(), Violation> {
    if !new.is_well_formed() {
        return Err(Violation::InvalidState);
    }
    let is_owner = committer.account == old.owner;
    let is_same = new.policy_version == old.policy_version
        && new.owner == old.owner
        && new.revoked == old.revoked
        && new.decoy_seed == old.decoy_seed;
    if !is_same || (new.name != old.name && !is_owner) {
        return Err(Violation::StateChange);
    }
    let may_add = |invite: &Invite| invite.inviter == committer.account && invite.spent == 0;
    let is_addition_allowed = new.invites.iter().all(|invite| match old.invite(&invite.id) {
        Some(known) => known == invite,
        None => may_add(invite),
    });
    let is_removal_allowed = old
        .invites
        .iter()
        .all(|invite| new.invite(&invite.id).is_some() || is_owner || invite.inviter == committer.account);
    if is_addition_allowed && is_removal_allowed { Ok(()) } else { Err(Violation::StateChange) }
}

fn judge_joiner(before: &Before<'_>, commit: &Facts<'_>, joiner: &RosterEntry) -> Result<(), Violation> {
    if commit.new_state.is_some() {
        return Err(Violation::StateChange);
    }
    let proof: JoinProof = sotto_protocol::decode(commit.aad).map_err(|_| Violation::JoinProof)?;
    let invite = before.state.invite(&proof.invite).ok_or(Violation::InviteNotOpen)?;
    if joiner.via != Some(invite.id) {
        return Err(Violation::InviteNotOpen);
    }
    let statement = join_proof_statement(&before.room, before.epoch, joiner);
    sign::verify(&invite.signature_key, &statement, &proof.signature).map_err(|_| Violation::JoinProof)?;
    if before.state.revoked.iter().any(|hash| **hash == revocation_hash(&joiner.device_key)) {
        return Err(Violation::DeviceRevoked);
    }
    judge_joiners_removals(before, commit, joiner)?;
    let stays = |(leaf, entry): &(u32, &RosterEntry)| {
        entry.account == joiner.account && !commit.removed.contains(leaf)
    };
    if before.roster.iter().any(|device| stays(&device)) {
        return Err(Violation::AccountPresent);
    }
    judge_uses(before, commit, invite, joiner)?;
    if before.roster.device_count() - commit.removed.len() >= before.suite.max_devices() {
        return Err(Violation::RoomFull);
    }
    Ok(())
}

/// A joiner may remove its own old leaf (same device, same account), and nothing else.
fn judge_joiners_removals(
    before: &Before<'_>,
    commit: &Facts<'_>,
    joiner: &RosterEntry,
) -> Result<(), Violation> {
    let is_own = |leaf: &u32| {
        before
            .roster
            .get(*leaf)
            .is_some_and(|entry| entry.device_key == joiner.device_key && entry.account == joiner.account)
    };
    if commit.removed.len() <= 1 && commit.removed.iter().all(is_own) {
        Ok(())
    } else {
        Err(Violation::Removal)
    }
}

/// An invite's uses are the accounts in the room that came through it, and those that are gone again.
fn judge_uses(
    before: &Before<'_>,
    commit: &Facts<'_>,
    invite: &Invite,
    joiner: &RosterEntry,
) -> Result<(), Violation> {
    let Some(max_uses) = invite.max_uses else { return Ok(()) };
    let is_counted = commit
        .removed
        .iter()
        .filter_map(|leaf| before.roster.get(*leaf))
        .any(|entry| entry.via == joiner.via);
    let others = before.roster.accounts_via(&invite.id) - usize::from(is_counted);
    if others + (invite.spent as usize) < max_uses as usize { Ok(()) } else { Err(Violation::InviteUsedUp) }
}

/// How a revoked device key stands in the room state.
#[must_use]
pub fn revocation_hash(device_key: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(labels::hash::REVOKED_DEVICE).chain_update(device_key).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Secret, identity::AccountId, link, room::state::RoomState};

    const ROOM: RoomId = RoomId::new([7; 16]);

    fn device(number: u8, via: Option<InviteId>) -> RosterEntry {
        RosterEntry {
            account: AccountId::new([number; 16]),
            device_key: [number; 32],
            display_name: format!("Person {number}"),
            via,
        }
    }

    fn secret(number: u8) -> Secret {
        Secret::new([number; 32])
    }

    fn invite(number: u8, inviter: u8, max_uses: Option<u32>) -> Invite {
        Invite::of_secret(&secret(number), AccountId::new([inviter; 16]), max_uses).unwrap()
    }

    /// Person 1 made the room; person 2 came in through person 1's invite.
    fn world() -> (Roster, RoomState) {
        let mut state = RoomState::new("Garden", AccountId::new([1; 16])).unwrap();
        state.decoy_seed = [5; 32].into();
        state.invites.push(invite(100, 1, Some(2)));
        state.revoked.push(revocation_hash(&[66; 32]).into());
        let via = Some(state.invites[0].id);
        (Roster::from_entries([(0, device(1, None)), (1, device(2, via))]), state)
    }

    fn member_commit(member: u32, leaf: RosterEntry) -> Facts<'static> {
        Facts {
            member: Some(member),
            leaf: Some(Ok(leaf)),
            has_foreign_proposal: false,
            removed: Vec::new(),
            new_state: None,
            aad: &[],
        }
    }

    fn proof(joiner: &RosterEntry, secret: &Secret, epoch: u64) -> Vec<u8> {
        let statement = join_proof_statement(&ROOM, epoch, joiner);
        let signature = link::invite_signature_key(secret).unwrap().sign(&statement);
        sotto_protocol::encode(&JoinProof { invite: link::invite_door(secret).unwrap(), signature })
    }

    fn check(what: &str, facts: &Facts<'_>, expected: Result<(), Violation>) {
        let (roster, state) = world();
        let before = Before { room: ROOM, epoch: 9, suite: Suite::Hybrid, roster: &roster, state: &state };
        assert_eq!(judge(&before, facts), expected, "{what}");
    }

    #[test]
    fn what_members_may_and_may_not() {
        let (_, state) = world();
        let via = Some(state.invites[0].id);
        let owner = || member_commit(0, device(1, None));
        let member = || member_commit(1, device(2, via));
        let with_state = |facts: Facts<'static>, change: &dyn Fn(&mut RoomState)| {
            let mut new = state.clone();
            change(&mut new);
            Facts { new_state: Some(Ok(new)), ..facts }
        };
        let renamed = RosterEntry { display_name: "Another name".into(), ..device(2, via) };
        check("new keys", &member(), Ok(()));
        check("another display name", &member_commit(1, renamed), Ok(()));
        check("no path", &Facts { leaf: None, ..member() }, Err(Violation::NoPath));
        let invalid = Facts { leaf: Some(Err(CryptoError::BadSignature)), ..member() };
        check("an invalid certificate", &invalid, Err(Violation::InvalidLeaf));
        check(
            "a foreign proposal",
            &Facts { has_foreign_proposal: true, ..owner() },
            Err(Violation::ProposalKind),
        );
        check("another account", &member_commit(1, device(3, via)), Err(Violation::LeafChangedHands));
        check("another way in", &member_commit(1, device(2, None)), Err(Violation::LeafChangedHands));
        check("a leaf that is not there", &member_commit(5, device(2, via)), Err(Violation::InvalidLeaf));
        check("a removal", &Facts { removed: vec![1], ..owner() }, Err(Violation::Removal));
        check("a joiner's proof", &Facts { aad: b"x", ..member() }, Err(Violation::Removal));
        let malformed = Facts { new_state: Some(Err(CryptoError::Malformed("room state"))), ..owner() };
        check("a malformed state", &malformed, Err(Violation::InvalidState));

        let rename = |state: &mut RoomState| state.name = "Meadow".into();
        check("the owner renames", &with_state(owner(), &rename), Ok(()));
        check("a member renames", &with_state(member(), &rename), Err(Violation::StateChange));
        let unnamed = |state: &mut RoomState| state.name = String::new();
        check("an empty name", &with_state(owner(), &unnamed), Err(Violation::InvalidState));
        let own_invite = |state: &mut RoomState| state.invites.push(invite(101, 2, None));
        check("a member invites", &with_state(member(), &own_invite), Ok(()));
        let anothers = |state: &mut RoomState| state.invites.push(invite(101, 1, None));
        check("an invite in another's name", &with_state(member(), &anothers), Err(Violation::StateChange));
        let weak = |state: &mut RoomState| {
            state.invites.push(Invite { wrap_key: vec![0; 1216], ..invite(101, 1, None) });
        };
        check("an invite with a weak key", &with_state(owner(), &weak), Err(Violation::InvalidState));
        let twice = |state: &mut RoomState| state.invites.push(state.invites[0].clone());
        check("the same invite twice", &with_state(owner(), &twice), Err(Violation::InvalidState));
        let widened = |state: &mut RoomState| state.invites[0].max_uses = None;
        check("an invite widened", &with_state(owner(), &widened), Err(Violation::StateChange));
        let closed = |state: &mut RoomState| state.invites.clear();
        check("the owner closes an invite", &with_state(owner(), &closed), Ok(()));
        check("another closes it", &with_state(member(), &closed), Err(Violation::StateChange));
        for (what, change) in [
            (
                "the owner",
                &(|state: &mut RoomState| state.owner = AccountId::new([2; 16])) as &dyn Fn(&mut _),
            ),
            ("revocations", &|state: &mut RoomState| state.revoked.clear()),
            ("the policy version", &|state: &mut RoomState| state.policy_version = 2),
            ("the decoys", &|state: &mut RoomState| state.decoy_seed = [9; 32].into()),
        ] {
            check(what, &with_state(owner(), change), Err(Violation::StateChange));
        }
        let many =
            |state: &mut RoomState| (101..118).for_each(|number| state.invites.push(invite(number, 1, None)));
        check("too many invites", &with_state(owner(), &many), Err(Violation::InvalidState));
    }

    #[test]
    fn who_may_and_may_not_come_in() {
        let (_, state) = world();
        let via = Some(state.invites[0].id);
        let cy = device(3, via);
        let aad = proof(&cy, &secret(100), 9);
        let join = |leaf: RosterEntry, aad: &[u8]| {
            let aad: &'static [u8] = Vec::leak(aad.to_vec());
            Facts { member: None, ..Facts { aad, ..member_commit(0, leaf) } }
        };
        check("with the invite's proof", &join(cy.clone(), &aad), Ok(()));
        check("without proof", &join(cy.clone(), b""), Err(Violation::JoinProof));
        check("of another epoch", &join(cy.clone(), &proof(&cy, &secret(100), 8)), Err(Violation::JoinProof));
        let bobs = proof(&device(2, via), &secret(100), 9);
        check("another's proof", &join(cy.clone(), &bobs), Err(Violation::JoinProof));
        let closed = device(3, Some(link::invite_door(&secret(101)).unwrap()));
        let no_such = proof(&closed, &secret(101), 9);
        check("by a closed invite", &join(closed, &no_such), Err(Violation::InviteNotOpen));
        let unmarked = device(3, None);
        let proof_of_unmarked = proof(&unmarked, &secret(100), 9);
        check("without saying how", &join(unmarked, &proof_of_unmarked), Err(Violation::InviteNotOpen));
        let revoked = device(66, via);
        let revoked_proof = proof(&revoked, &secret(100), 9);
        check("a revoked device", &join(revoked, &revoked_proof), Err(Violation::DeviceRevoked));
        let second = RosterEntry { device_key: [22; 32], ..device(2, via) };
        let second_proof = proof(&second, &secret(100), 9);
        check("a second device", &join(second, &second_proof), Err(Violation::AccountPresent));
        let again = || join(device(2, via), &bobs);
        check("again, beside the old leaf", &again(), Err(Violation::AccountPresent));
        check("again, in place of the old leaf", &Facts { removed: vec![1], ..again() }, Ok(()));
        check(
            "in place of another",
            &Facts { removed: vec![0], ..join(cy.clone(), &aad) },
            Err(Violation::Removal),
        );
        check("in place of two", &Facts { removed: vec![1, 0], ..again() }, Err(Violation::Removal));
        let with_state = Facts { new_state: Some(Ok(state)), ..join(cy, &aad) };
        check("with a change of the room", &with_state, Err(Violation::StateChange));
    }

    #[test]
    fn uses_and_places_are_limited() {
        let (mut roster, mut state) = world();
        let via = Some(state.invites[0].id);
        let cy = device(3, via);
        let aad = proof(&cy, &secret(100), 9);
        let facts = Facts { member: None, aad: &aad, ..member_commit(0, cy) };
        let judge_with = |roster: &Roster, state: &RoomState| {
            judge(&Before { room: ROOM, epoch: 9, suite: Suite::Hybrid, roster, state }, &facts)
        };
        assert_eq!(judge_with(&roster, &state), Ok(()));
        state.invites[0].spent = 1;
        assert_eq!(judge_with(&roster, &state), Err(Violation::InviteUsedUp), "who is gone counts");
        state.invites[0].max_uses = None;
        let many = (0..255_u32).map(|leaf| (leaf, device(200, None)));
        roster = Roster::from_entries(many.clone());
        assert_eq!(judge_with(&roster, &state), Ok(()));
        roster = Roster::from_entries(many.chain([(255, device(201, None))]));
        assert_eq!(judge_with(&roster, &state), Err(Violation::RoomFull));
    }
}

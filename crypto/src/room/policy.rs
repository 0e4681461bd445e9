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
    let is_same =
        new.policy_version == old.policy_version && new.owner == old.owner && new.revoked == old.revoked;
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
mod tests {}

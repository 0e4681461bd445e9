//! Section "Rules of rooms": what the peer judges before it follows a commit.
//!
//! Rules 1 to 5, 9 to 13 and 15, and of 6 and 7 the form of the state. Not judged here: low-order keys, who may rename, what
//! becomes of single invites, limits of devices.

use crate::{
    PeerError,
    encoding::{Bytes32, Id},
    join_proof::JoinProof,
    labels,
    room_state::RoomState,
    roster::{Roster, RosterEntry},
};
use mls_rs::{MlsMessage, WireFormat, group::proposal::Proposal};
use sha2::{Digest as _, Sha256};

/// A room in one epoch.
pub struct View {
    /// Room.
    pub room: Id,
    /// Epoch.
    pub epoch: u64,
    /// State.
    pub state: RoomState,
    /// Leaves.
    pub roster: Roster,
}

/// What the library says of a commit.
pub struct Commit<'a> {
    /// Whether it is a joiner's.
    pub is_external: bool,
    /// The committer's leaf.
    pub committer: u32,
    /// Authenticated data.
    pub authenticated_data: &'a [u8],
}

/// Judges a message before it is processed.
pub fn check_message(message: &MlsMessage) -> Result<(), PeerError> {
    if message.wire_format() != WireFormat::PublicMessage {
        return Err(PeerError::Forbidden("wire format"));
    }
    let allowed = |proposal: &&Proposal| {
        matches!(
            proposal,
            Proposal::GroupContextExtensions(_) | Proposal::Remove(_) | Proposal::ExternalInit(_)
        )
    };
    if !message.proposals_by_value().iter().all(allowed) {
        return Err(PeerError::Forbidden("kind of a proposal"));
    }
    if message.commit_path_leaf_node().is_none() {
        return Err(PeerError::Forbidden("commit without an update path"));
    }
    Ok(())
}

/// Judges a commit by the room before it and after it.
pub fn judge(before: &View, after: &View, commit: &Commit<'_>) -> Result<(), PeerError> {
    let new =
        after.roster.0.get(&commit.committer).ok_or(PeerError::Forbidden("committer without a leaf"))?;
    let removed: Vec<&RosterEntry> = before
        .roster
        .0
        .iter()
        .filter(|(leaf, old)| after.roster.0.get(leaf).is_none_or(|new| !is_same_device(old, new)))
        .map(|(_, old)| old)
        .collect();
    if commit.is_external {
        judge_join(before, after, commit, new, &removed)
    } else {
        judge_member(before, after, commit, new, &removed)
    }
}

fn judge_member(
    before: &View,
    after: &View,
    commit: &Commit<'_>,
    new: &RosterEntry,
    removed: &[&RosterEntry],
) -> Result<(), PeerError> {
    let old =
        before.roster.0.get(&commit.committer).ok_or(PeerError::Forbidden("committer without a leaf"))?;
    if !is_same_device(old, new) || old.leaf != new.leaf {
        return Err(PeerError::Forbidden("a member's leaf that changes"));
    }
    if !removed.is_empty() || !commit.authenticated_data.is_empty() {
        return Err(PeerError::Forbidden("a member's commit that removes, or has authenticated data"));
    }
    let (old, new) = (&before.state, &after.state);
    if (old.version, old.owner, &old.revoked, old.decoy_seed)
        != (new.version, new.owner, &new.revoked, new.decoy_seed)
    {
        return Err(PeerError::Forbidden("a part of the state that never changes"));
    }
    Ok(())
}

fn judge_join(
    before: &View,
    after: &View,
    commit: &Commit<'_>,
    new: &RosterEntry,
    removed: &[&RosterEntry],
) -> Result<(), PeerError> {
    if before.state != after.state {
        return Err(PeerError::Forbidden("a join that changes the state"));
    }
    let proof = JoinProof::from_bytes(commit.authenticated_data)?;
    let invite = before.state.invite(&proof.invite).ok_or(PeerError::Forbidden("invite that is not open"))?;
    if new.leaf.via != Some(proof.invite) {
        return Err(PeerError::Forbidden("leaf that came in another way"));
    }
    proof.verify(&invite.signature_key, &before.room, before.epoch, &new.certificate)?;
    if before.state.revoked.contains(&revocation_hash(&new.certificate.device)) {
        return Err(PeerError::Forbidden("revoked device"));
    }
    if removed.len() > 1 || removed.iter().any(|old| !is_same_device(old, new)) {
        return Err(PeerError::Forbidden("a join that removes another device"));
    }
    let uses = after.roster.accounts_via(&invite.door) + u64::from(invite.spent);
    if invite.max_uses.is_some_and(|max| uses > u64::from(max)) {
        return Err(PeerError::Forbidden("invite that is used up"));
    }
    Ok(())
}

fn is_same_device(one: &RosterEntry, other: &RosterEntry) -> bool {
    one.certificate.device == other.certificate.device
        && one.certificate.identity == other.certificate.identity
}

fn revocation_hash(device_key: &Bytes32) -> Bytes32 {
    let hash: [u8; 32] =
        Sha256::new().chain_update(labels::REVOKED_DEVICE).chain_update(&device_key[..]).finalize().into();
    hash.into()
}

//! The rules of rooms, version 1: the one place where it is decided whether a commit may change a room.
//!
//! Every member judges every commit by the room before it and by the commit alone, never by a clock or by anything else that
//! members could see differently: so all judge alike. MLS has checked signatures, tree and keys before; here it is checked
//! whether *this* committer may do *this*.
//!
//! [`member`] judges the commits of members, [`joiner`] those of whoever comes in, [`removal`] what goes with a removal,
//! [`change`] changes of the room state.

mod change;
mod joiner;
mod leave;
#[cfg(test)]
mod made_up;
mod member;
mod memory;
mod own_device;
mod removal;
mod rewind;
#[cfg(test)]
mod tests;
mod violation;

use super::{InviteId, RoomState, Roster, RosterEntry, Suite, past::Past};
use crate::CryptoError;
use sotto_protocol::{EntryKind, RoomId};

pub use change::open_invites_max;
pub use joiner::{JoinProof, join_proof_statement};
pub use leave::{LeaveScope, LeaveStatement};
pub use memory::revocation_hash;
pub use own_device::DeviceRemoval;
pub use removal::{Removal, RemovalProof, state_after_removal};
pub use rewind::judge_rewind;
pub use violation::Violation;

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
    /// What the next epoch's record says of those before it.
    pub past: Past,
    /// Invites that rewinds to this very epoch have left out: nobody comes in by one in this epoch, and every member may close it.
    pub left_out: &'a [InviteId],
}

/// A commit, as far as rules look at it.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Its kind in the log: a member's commit, or one that came through a door.
    pub kind: EntryKind,
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
    /// What the commit says that the next epoch's record says of those before it.
    pub past: Past,
    /// By what right a joiner comes in or a member removes, from the commit's authenticated data; may be empty.
    pub aad: &'a [u8],
    /// Why a member is removed.
    pub reason: Option<&'a str>,
}

/// Whether the commit may change the room.
///
/// # Errors
/// The first rule that forbids it.
pub fn judge(before: &Before<'_>, commit: &Facts<'_>) -> Result<(), Violation> {
    if commit.kind != EntryKind::of_commit(commit.member.is_none()) {
        return Err(Violation::EntryKind);
    }
    if commit.has_foreign_proposal {
        return Err(Violation::ProposalKind);
    }
    let leaf = commit.leaf.as_ref().ok_or(Violation::NoPath)?;
    let leaf = leaf.as_ref().map_err(|_| Violation::InvalidLeaf)?;
    if commit.past != before.past {
        return Err(Violation::CommitData);
    }
    // Who commits knows by which rules.
    if leaf.rules < before.state.policy_version {
        return Err(Violation::InvalidLeaf);
    }
    if commit.reason.is_some()
        && (commit.member.is_none() || commit.removed.is_empty() || !commit.aad.is_empty())
    {
        return Err(Violation::CommitData);
    }
    #[cfg(test)]
    if before.state.policy_version == 2 {
        made_up::judge(before, commit)?;
    }
    match commit.member {
        Some(member) => member::judge(before, commit, member, leaf),
        None => joiner::judge(before, commit, leaf),
    }
}

/// An account's certificates only go forward; a generation has one recovery key, and a version of its list of devices one list. An
/// account is a person's or a program's.
fn judge_certificate(
    leaf: &RosterEntry,
    others: impl Iterator<Item = RosterEntry>,
    must_be_latest: bool,
) -> Result<(), Violation> {
    for other in others {
        let is_older = leaf.generation < other.generation;
        let is_same = leaf.generation == other.generation;
        if (is_older && must_be_latest) || (is_same && leaf.recovery_key_hash != other.recovery_key_hash) {
            return Err(Violation::Generation);
        }
        let (list, known) = (leaf.device_list_version(), other.device_list_version());
        if (list < known && must_be_latest) || (list == known && leaf.devices != other.devices) {
            return Err(Violation::DeviceList);
        }
        if leaf.operator != other.operator {
            return Err(Violation::LeafChangedHands);
        }
    }
    Ok(())
}

/// A door id of an account has one key. No other account and no invite can have that id: it is a hash of what they are.
fn judge_door(before: &Before<'_>, commit: &Facts<'_>, leaf: &RosterEntry) -> Result<(), Violation> {
    let is_taken = |(index, other): (u32, &RosterEntry)| {
        commit.member != Some(index)
            && !commit.removed.contains(&index)
            && other.door == leaf.door
            && other.door_key_hash != leaf.door_key_hash
    };
    if before.roster.devices_of(&leaf.account).any(is_taken) { Err(Violation::DoorTaken) } else { Ok(()) }
}

/// Reads what stands in a commit's authenticated data: exactly the bytes that this version writes, so that no reader finds
/// anything else in them.
pub(super) fn read_proof<T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()>>(
    bytes: &[u8],
    otherwise: Violation,
) -> Result<T, Violation> {
    sotto_protocol::decode_exact(bytes).map_err(|_| otherwise)
}

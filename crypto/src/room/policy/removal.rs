//! Removals: who may remove whom, and what becomes of the room state.
//!
//! A removal by another is against somebody: the device keys are revoked, all invites are closed (whoever is removed may know
//! the links), and all door keys of the account are suspended for good: nobody can tell which of them the removed device knew.
//! The account publishes new ones. So is one of an account's own device, which its identity key signs. A device that is only retired
//! does not come in again with its key, and nothing else changes. A member who leaves has signed that.

use super::{
    Before, DeviceRemoval, LeaveStatement, Violation, leave, memory, own_device, read_proof, revocation_hash,
};
use crate::{
    identity::AccountId,
    room::{RoomState, RosterChange, RosterEntry, state::suspension_hash},
};
use minicbor::{Decode, Encode};
use sotto_protocol::limits::{REVOKED_DEVICES_MAX, SUSPENDED_DOORS_MAX};
use std::collections::BTreeSet;

/// What a removal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Against whoever is removed, or of an own device that is not trusted any more.
    Forced,
    /// Asked for by whoever is removed.
    Left,
    /// Of an own device that is gone.
    Retired,
}

/// By what right a member removes: the authenticated data of its commit. Empty: by its role.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RemovalProof {
    /// Whoever is removed has signed that they leave.
    #[n(0)]
    Leave(#[n(0)] LeaveStatement),
    /// The committer's account has signed that its devices are removed.
    #[n(1)]
    OwnDevices(#[n(0)] DeviceRemoval),
    /// The committer's account has signed that its devices are retired.
    #[n(2)]
    Retired(#[n(0)] DeviceRemoval),
}

/// Whether `committer` may remove these leaves, and what kind of removal it is.
pub(super) fn judge(
    before: &Before<'_>,
    removed: &[u32],
    aad: &[u8],
    committer: &RosterEntry,
) -> Result<Removal, Violation> {
    if aad.is_empty() {
        return judge_by_role(before, removed, committer).map(|()| Removal::Forced);
    }
    match read_proof(aad, Violation::Removal)? {
        RemovalProof::Leave(statement) => leave::judge(before, removed, &statement).map(|()| Removal::Left),
        RemovalProof::OwnDevices(statement) => {
            own_device::judge(before, removed, (&statement, Removal::Forced), committer)
                .map(|()| Removal::Forced)
        }
        RemovalProof::Retired(statement) => {
            own_device::judge(before, removed, (&statement, Removal::Retired), committer)
                .map(|()| Removal::Retired)
        }
    }
}

/// A member removes whole accounts of a lower role.
fn judge_by_role(before: &Before<'_>, removed: &[u32], committer: &RosterEntry) -> Result<(), Violation> {
    let role = before.state.role_of(&committer.account);
    for account in accounts_of(before, removed)? {
        if account == committer.account {
            return Err(Violation::DeviceRemoval);
        }
        let is_whole = before.roster.devices_of(&account).all(|(leaf, _)| removed.contains(&leaf));
        if !is_whole || role < before.state.permissions.remove || role <= before.state.role_of(&account) {
            return Err(Violation::Removal);
        }
    }
    Ok(())
}

/// What the room state becomes by a removal.
#[must_use]
pub fn state_after_removal(before: &Before<'_>, removed: &[u32], kind: Removal) -> RoomState {
    let change = RosterChange(removed.iter().map(|leaf| (*leaf, None)).collect());
    let after = before.roster.after(&change);
    let gone: Vec<&RosterEntry> = removed
        .iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter_map(|leaf| before.roster.get(*leaf))
        .collect();

    let mut state = before.state.clone();
    let departed: BTreeSet<_> =
        gone.iter().map(|entry| entry.account).filter(|account| !after.has(account)).collect();
    state.admins.retain(|admin| !departed.contains(admin));
    state.speakers.retain(|speaker| !departed.contains(speaker));
    match kind {
        Removal::Left => {
            for invite in &mut state.invites {
                let through =
                    |entry: &&&RosterEntry| entry.via == Some(invite.id) && departed.contains(&entry.account);
                let accounts: BTreeSet<_> = gone.iter().filter(through).map(|entry| entry.account).collect();
                invite.spent = invite.spent.saturating_add(u32::try_from(accounts.len()).unwrap_or(u32::MAX));
            }
        }
        Removal::Retired => revoke(&mut state, &gone),
        Removal::Forced => {
            state.invites.clear();
            let accounts: BTreeSet<_> = gone.iter().map(|entry| entry.account).collect();
            revoke(&mut state, &gone);
            for (_, entry) in before.roster.iter().filter(|(_, entry)| accounts.contains(&entry.account)) {
                if !state.is_suspended(entry) {
                    let hash = suspension_hash(entry);
                    memory::remember(&mut state.suspended_doors, hash, SUSPENDED_DOORS_MAX);
                }
            }
        }
    }
    state
}

fn revoke(state: &mut RoomState, gone: &[&RosterEntry]) {
    for entry in gone {
        let hash = revocation_hash(&entry.account, &entry.device_key);
        memory::remember(&mut state.revoked, hash, REVOKED_DEVICES_MAX);
    }
}

fn accounts_of(before: &Before<'_>, removed: &[u32]) -> Result<BTreeSet<AccountId>, Violation> {
    removed
        .iter()
        .map(|leaf| before.roster.get(*leaf).map(|entry| entry.account))
        .collect::<Option<_>>()
        .ok_or(Violation::Removal)
}

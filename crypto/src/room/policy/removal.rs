//! Removals: who may remove whom, and what becomes of the room state.
//!
//! A removal by another is against somebody: the device keys are revoked, all invites are closed (whoever is removed may know
//! the links), and all door keys of the account are suspended for good: nobody can tell which of them the removed device knew.
//! The account publishes new ones. Whoever
//! leaves of their own will has signed that they do.

use super::{Before, Violation};
use crate::{
    CryptoError, DeviceKey, labels,
    room::{RoomState, RosterChange, RosterEntry, state::suspension_hash},
    sign,
};
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use sotto_protocol::{
    RoomId,
    limits::{REVOKED_DEVICES_MAX, SUSPENDED_DOORS_MAX},
};
use std::collections::BTreeSet;

/// What a removal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Against whoever is removed, or of an own device that is not trusted any more.
    Forced,
    /// Asked for by whoever is removed.
    Left,
}

/// Who leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum LeaveScope {
    /// The device that signs.
    #[n(0)]
    Device,
    /// Its account, with all devices.
    #[n(1)]
    Account,
}

/// A device's signed word that it leaves. Any member may remove it with that.
///
/// It names the epoch at which the leaf came in: it is not good for a leaf that came back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LeaveStatement {
    /// The device that signs.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub device_key: [u8; 32],
    /// The epoch that began when its leaf came in.
    #[n(1)]
    pub joined: u64,
    /// Who leaves.
    #[n(2)]
    pub scope: LeaveScope,
    /// By the device, over all of it with the room's id.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl LeaveStatement {
    /// Makes and signs one.
    #[must_use]
    pub fn sign(room: &RoomId, device: &DeviceKey, joined: u64, scope: LeaveScope) -> Self {
        let device_key = device.public();
        let signature = device.sign(&statement(room, &device_key, joined, scope));
        Self { device_key, joined, scope, signature }
    }

    /// The bytes that are sent as a message and stand in the commit's authenticated data.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        sotto_protocol::encode(self)
    }

    /// Reads the bytes of a message.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        sotto_protocol::decode(bytes).map_err(|_| CryptoError::Malformed("leave statement"))
    }

    fn verify(&self, room: &RoomId) -> Result<(), CryptoError> {
        let statement = statement(room, &self.device_key, self.joined, self.scope);
        sign::verify(&self.device_key, &statement, &self.signature)
    }
}

fn statement(room: &RoomId, device_key: &[u8; 32], joined: u64, scope: LeaveScope) -> Vec<u8> {
    let scope = match scope {
        LeaveScope::Device => [0],
        LeaveScope::Account => [1],
    };
    [labels::signature::LEAVE, room.as_bytes(), device_key, &joined.to_be_bytes(), &scope].concat()
}

/// A member removes own devices, or whole accounts of a lower role.
pub(super) fn judge_forced(
    before: &Before<'_>,
    removed: &[u32],
    committer: &RosterEntry,
) -> Result<Removal, Violation> {
    let role = before.state.role_of(&committer.account);
    for account in accounts_of(before, removed)? {
        if account == committer.account {
            continue;
        }
        let is_whole = before.roster.devices_of(&account).all(|(leaf, _)| removed.contains(&leaf));
        if !is_whole || role < before.state.permissions.remove || role <= before.state.role_of(&account) {
            return Err(Violation::Removal);
        }
    }
    Ok(Removal::Forced)
}

/// Exactly those are removed who signed that they leave.
pub(super) fn judge_leaving(
    before: &Before<'_>,
    removed: &[u32],
    statement: &LeaveStatement,
) -> Result<(), Violation> {
    let (leaf, entry) = before
        .roster
        .iter()
        .find(|(_, entry)| entry.device_key == statement.device_key && entry.joined == statement.joined)
        .ok_or(Violation::LeaveStatement)?;
    statement.verify(&before.room).map_err(|_| Violation::LeaveStatement)?;
    let leaving: BTreeSet<u32> = match statement.scope {
        LeaveScope::Device => [leaf].into(),
        LeaveScope::Account => before.roster.devices_of(&entry.account).map(|(leaf, _)| leaf).collect(),
    };
    let removed_set: BTreeSet<u32> = removed.iter().copied().collect();
    if leaving == removed_set && removed.len() == leaving.len() {
        Ok(())
    } else {
        Err(Violation::LeaveStatement)
    }
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
    match kind {
        Removal::Left => {
            for invite in &mut state.invites {
                let through =
                    |entry: &&&RosterEntry| entry.via == Some(invite.id) && departed.contains(&entry.account);
                let accounts: BTreeSet<_> = gone.iter().filter(through).map(|entry| entry.account).collect();
                invite.spent = invite.spent.saturating_add(u32::try_from(accounts.len()).unwrap_or(u32::MAX));
            }
        }
        Removal::Forced => {
            state.invites.clear();
            let accounts: BTreeSet<_> = gone.iter().map(|entry| entry.account).collect();
            for entry in &gone {
                state.revoked.push(revocation_hash(&entry.device_key).into());
            }
            keep_last(&mut state.revoked, REVOKED_DEVICES_MAX);
            for (_, entry) in before.roster.iter().filter(|(_, entry)| accounts.contains(&entry.account)) {
                if !state.is_suspended(entry) {
                    state.suspended_doors.push(suspension_hash(entry).into());
                }
            }
            keep_last(&mut state.suspended_doors, SUSPENDED_DOORS_MAX);
        }
    }
    state
}

fn keep_last<T>(list: &mut Vec<T>, max: usize) {
    let excess = list.len().saturating_sub(max);
    list.drain(..excess);
}

/// How a revoked device key stands in the room state.
#[must_use]
pub fn revocation_hash(device_key: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(labels::hash::REVOKED_DEVICE).chain_update(device_key).finalize().into()
}

fn accounts_of(
    before: &Before<'_>,
    removed: &[u32],
) -> Result<BTreeSet<crate::identity::AccountId>, Violation> {
    removed
        .iter()
        .map(|leaf| before.roster.get(*leaf).map(|entry| entry.account))
        .collect::<Option<_>>()
        .ok_or(Violation::Removal)
}

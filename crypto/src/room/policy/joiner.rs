//! Who may come in: by an invite that signs them, or by the door of an account that is in the room.

use super::{Before, Facts, Violation, judge_certificate, judge_door, read_proof, revocation_hash};
use crate::{
    labels,
    room::{Invite, InviteId, RosterEntry},
    sign,
};
use minicbor::{Decode, Encode};
use sotto_protocol::{DoorId, RoomId, limits::DEVICES_PER_ACCOUNT_MAX};

/// By what right a device comes in: the authenticated data of its commit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum JoinProof {
    /// An invite, and its signature over [`join_proof_statement`].
    #[n(0)]
    Invite(#[n(0)] InviteId, #[cbor(n(1), with = "minicbor::bytes")] [u8; 64]),
    /// The door of its own account: its certificate is the proof.
    #[n(1)]
    Account(#[n(0)] DoorId),
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

pub(super) fn judge(before: &Before<'_>, commit: &Facts<'_>, joiner: &RosterEntry) -> Result<(), Violation> {
    if commit.new_state.is_some() {
        return Err(Violation::StateChange);
    }
    let proof: JoinProof = read_proof(commit.aad, Violation::JoinProof)?;
    let next = before.epoch.checked_add(1);
    if Some(joiner.joined) != next || Some(joiner.updated) != next {
        return Err(Violation::InvalidLeaf);
    }
    if before.state.revoked.iter().any(|hash| **hash == revocation_hash(&joiner.account, &joiner.device_key))
    {
        return Err(Violation::DeviceRevoked);
    }
    judge_removals(before, commit, joiner)?;
    judge_door(before, commit, joiner)?;
    let siblings = before.roster.devices_of(&joiner.account).map(|(_, entry)| entry.clone());
    judge_certificate(joiner, siblings, true)?;
    match proof {
        JoinProof::Invite(id, signature) => {
            if before.state.is_closed {
                return Err(Violation::RoomClosed);
            }
            let invite = before.state.invite(&id).filter(|_| !before.left_out.contains(&id));
            let invite = invite.ok_or(Violation::InviteNotOpen)?;
            judge_by_invite(before, commit, joiner, invite, &signature)?;
        }
        JoinProof::Account(door) => judge_by_account(before, commit, joiner, &door)?,
    }
    if before.roster.device_count().saturating_sub(commit.removed.len()) >= before.suite.max_devices() {
        return Err(Violation::RoomFull);
    }
    Ok(())
}

/// A joiner may remove its own old leaf (same device, same account), and nothing else.
fn judge_removals(before: &Before<'_>, commit: &Facts<'_>, joiner: &RosterEntry) -> Result<(), Violation> {
    let is_own = |leaf: &u32| {
        before
            .roster
            .get(*leaf)
            .is_some_and(|entry| entry.device_key == joiner.device_key && entry.account == joiner.account)
    };
    // Two leaves with one device key cannot be: whoever comes back takes the old one away.
    let stays = |(leaf, entry): (u32, &RosterEntry)| {
        entry.device_key == joiner.device_key && !commit.removed.contains(&leaf)
    };
    if commit.removed.len() <= 1 && commit.removed.iter().all(is_own) && !before.roster.iter().any(stays) {
        Ok(())
    } else {
        Err(Violation::Removal)
    }
}

fn judge_by_invite(
    before: &Before<'_>,
    commit: &Facts<'_>,
    joiner: &RosterEntry,
    invite: &Invite,
    signature: &[u8; 64],
) -> Result<(), Violation> {
    if joiner.via != Some(invite.id) {
        return Err(Violation::InviteNotOpen);
    }
    let statement = join_proof_statement(&before.room, before.epoch, joiner);
    sign::verify(&invite.signature_key, &statement, signature).map_err(|_| Violation::JoinProof)?;
    if invite.for_account.is_some_and(|account| account != joiner.account) {
        return Err(Violation::InviteForAnother);
    }
    if before.roster.devices_of(&joiner.account).any(|(leaf, _)| !commit.removed.contains(&leaf)) {
        return Err(Violation::AccountPresent);
    }
    // Moving from one invite to another would give the first one's use back.
    let old = commit.removed.iter().filter_map(|leaf| before.roster.get(*leaf));
    if old.into_iter().any(|old| old.via != joiner.via) {
        return Err(Violation::AccountPresent);
    }
    judge_uses(before, commit, invite, joiner)
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
    let others = before.roster.accounts_via(&invite.id).saturating_sub(usize::from(is_counted));
    if others.saturating_add(invite.spent as usize) < max_uses as usize {
        Ok(())
    } else {
        Err(Violation::InviteUsedUp)
    }
}

/// The account is in the room, the door is its own and not suspended, and the way in is inherited.
fn judge_by_account(
    before: &Before<'_>,
    commit: &Facts<'_>,
    joiner: &RosterEntry,
    door: &DoorId,
) -> Result<(), Violation> {
    let opens = |entry: &RosterEntry| {
        entry.door == *door && entry.via == joiner.via && !before.state.is_suspended(entry)
    };
    if !before.roster.devices_of(&joiner.account).any(|(_, entry)| opens(entry)) {
        return Err(Violation::AccountDoor);
    }
    let devices = before.roster.devices_of(&joiner.account).count();
    if devices.saturating_sub(commit.removed.len()) >= DEVICES_PER_ACCOUNT_MAX {
        return Err(Violation::TooManyDevices);
    }
    Ok(())
}

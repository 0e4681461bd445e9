//! What members may do.

use super::{Before, Facts, Violation, change, judge_certificate, judge_door, removal};
use crate::{
    identity::is_topic,
    room::{RosterChange, RosterEntry},
};
use sotto_protocol::limits::REMOVAL_REASON_MAX_BYTES;

pub(super) fn judge(
    before: &Before<'_>,
    commit: &Facts<'_>,
    member: u32,
    leaf: &RosterEntry,
) -> Result<(), Violation> {
    let committer = before.roster.get(member).ok_or(Violation::InvalidLeaf)?;
    if !is_same_device(leaf, committer) {
        return Err(Violation::LeafChangedHands);
    }
    if Some(leaf.updated) != before.epoch.checked_add(1) {
        return Err(Violation::InvalidLeaf);
    }
    judge_certificate(leaf, [committer.clone()].into_iter(), true)?;
    let siblings = before.roster.devices_of(&leaf.account).filter(|(index, _)| *index != member);
    judge_certificate(leaf, siblings.map(|(_, entry)| entry.clone()), false)?;
    judge_door(before, commit, leaf)?;
    if commit.removed.is_empty() {
        judge_change(before, commit, member, leaf)
    } else {
        judge_removal(before, commit, member, leaf)
    }
}

/// Account, device and the way in stay with a leaf.
fn is_same_device(leaf: &RosterEntry, committer: &RosterEntry) -> bool {
    leaf.account == committer.account
        && leaf.device_key == committer.device_key
        && leaf.via == committer.via
        && leaf.joined == committer.joined
        && leaf.stay == committer.stay
}

fn judge_change(
    before: &Before<'_>,
    commit: &Facts<'_>,
    member: u32,
    leaf: &RosterEntry,
) -> Result<(), Violation> {
    if !commit.aad.is_empty() {
        return Err(Violation::Removal);
    }
    match &commit.new_state {
        Some(Ok(state)) => {
            let roster = before.roster.after(&RosterChange([(member, Some(leaf.clone()))].into()));
            change::judge(before, state, &roster, leaf)
        }
        Some(Err(_)) => Err(Violation::InvalidState),
        None => Ok(()),
    }
}

/// A removal does nothing else, and the state after it is exactly what the rules make of it.
fn judge_removal(
    before: &Before<'_>,
    commit: &Facts<'_>,
    member: u32,
    leaf: &RosterEntry,
) -> Result<(), Violation> {
    if commit.removed.contains(&member) {
        return Err(Violation::Removal);
    }
    let is_good = |reason: &str| reason.len() <= REMOVAL_REASON_MAX_BYTES && is_topic(reason);
    if !commit.reason.is_none_or(is_good) {
        return Err(Violation::CommitData);
    }
    let kind = removal::judge(before, &commit.removed, commit.aad, leaf)?;
    let expected = removal::state_after_removal(before, &commit.removed, kind);
    match &commit.new_state {
        Some(Ok(state)) if *state == expected => Ok(()),
        Some(Err(_)) => Err(Violation::InvalidState),
        // A state that stays as it was need not be sent.
        None if *before.state == expected => Ok(()),
        _ => Err(Violation::StateChange),
    }
}

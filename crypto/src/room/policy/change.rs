//! Changes of the room state: field by field, who may.

use super::{Before, Violation};
use crate::room::{Invite, Role, RoomState, Roster, RosterEntry};
use sotto_protocol::limits::{
    OPEN_INVITES_BY_ADMINS_MAX, OPEN_INVITES_BY_MEMBERS_MAX, OPEN_INVITES_MAX, OPEN_INVITES_OF_A_MEMBER_MAX,
};

/// Whether `committer` may replace the state by `new`. `roster` is who is there after the commit.
pub(super) fn judge(
    before: &Before<'_>,
    new: &RoomState,
    roster: &Roster,
    committer: &RosterEntry,
) -> Result<(), Violation> {
    if !new.is_well_formed() {
        return Err(Violation::InvalidState);
    }
    let old = before.state;
    let role = old.role_of(&committer.account);
    if new.policy_version != old.policy_version {
        return judge_move(old, new, role, committer);
    }
    judge_fixed(old, new)?;
    if old.is_closed {
        return judge_closed(old, new, role);
    }
    let is_allowed = (!is_renamed(old, new) || role >= old.permissions.rename)
        && (is_as_before(old, new) || role >= Role::Admin)
        && (new.permissions == old.permissions && new.is_closed == old.is_closed || role == Role::Owner)
        && is_succession_allowed(old, new, roster, committer, role)
        && are_invites_allowed(before, new, committer, role);
    if is_allowed { Ok(()) } else { Err(Violation::StateChange) }
}

/// What no change of state touches: only removals add to it.
fn judge_fixed(old: &RoomState, new: &RoomState) -> Result<(), Violation> {
    let is_same = new.revoked == old.revoked
        && new.decoy_seed == old.decoy_seed
        && new.suspended_doors == old.suspended_doors;
    if is_same { Ok(()) } else { Err(Violation::StateChange) }
}

/// The owner, whose client knows them, moves the room to later rules, and with that does nothing else: so those who do not know the new rules judge the move
/// by the old ones, as everybody else does, and know afterwards that they need a newer version.
/// Nobody else: a room whose rules nobody knows could never change again.
fn judge_move(
    old: &RoomState,
    new: &RoomState,
    role: Role,
    committer: &RosterEntry,
) -> Result<(), Violation> {
    let moved = RoomState { policy_version: new.policy_version, ..old.clone() };
    let is_later = new.policy_version > old.policy_version && new.policy_version <= committer.rules;
    let is_allowed = role == Role::Owner && is_later && *new == moved;
    if is_allowed { Ok(()) } else { Err(Violation::StateChange) }
}

/// Whether what admins decide is as it was.
fn is_as_before(old: &RoomState, new: &RoomState) -> bool {
    (new.timer_s, new.history, new.by_approval, new.retention_s)
        == (old.timer_s, old.history, old.by_approval, old.retention_s)
        && new.speakers == old.speakers
        && new.assistants == old.assistants
}

/// Of a closed room only the owner changes one thing: that it is closed.
fn judge_closed(old: &RoomState, new: &RoomState, role: Role) -> Result<(), Violation> {
    let reopened = RoomState { is_closed: false, ..old.clone() };
    if role == Role::Owner && *new == reopened { Ok(()) } else { Err(Violation::RoomClosed) }
}

fn is_renamed(old: &RoomState, new: &RoomState) -> bool {
    (&new.name, &new.topic, &new.avatar) != (&old.name, &old.topic, &old.avatar)
}

/// The owner names admins and, if they like, another owner. A room whose owner is gone is taken over by an admin; where there
/// is none, by anyone, so that no room is ever without somebody who can care for it.
fn is_succession_allowed(
    old: &RoomState,
    new: &RoomState,
    roster: &Roster,
    committer: &RosterEntry,
    role: Role,
) -> bool {
    if new.owner == old.owner && new.admins == old.admins {
        return true;
    }
    let named = new.admins.iter().filter(|admin| !old.admins.contains(admin));
    let are_present = roster.has(&new.owner) || new.owner == old.owner;
    if role == Role::Owner {
        return are_present && named.into_iter().all(|admin| roster.has(admin));
    }
    // An admin may lay the role down.
    let without_me: Vec<_> =
        old.admins.iter().filter(|admin| **admin != committer.account).copied().collect();
    if new.owner == old.owner {
        return new.admins == without_me;
    }
    let has_admin = old.admins.iter().any(|admin| roster.has(admin));
    !roster.has(&old.owner)
        && new.owner == committer.account
        && new.admins == without_me
        && (role == Role::Admin || !has_admin)
}

/// How many invites may be open once a member of that role has opened one: of their own, and in all.
pub fn open_invites_max(role: Role) -> (usize, usize) {
    match role {
        Role::Member => (OPEN_INVITES_OF_A_MEMBER_MAX, OPEN_INVITES_BY_MEMBERS_MAX),
        Role::Admin => (OPEN_INVITES_BY_ADMINS_MAX, OPEN_INVITES_BY_ADMINS_MAX),
        Role::Owner => (OPEN_INVITES_MAX, OPEN_INVITES_MAX),
    }
}

/// Who may invite opens invites in their own name, and leaves places to those of a higher role. The inviter or an admin closes
/// them; anyone closes one that is used up, has an expiry, or was left out by a rewind to this epoch.
fn are_invites_allowed(before: &Before<'_>, new: &RoomState, committer: &RosterEntry, role: Role) -> bool {
    let old = before.state;
    let may_add = |invite: &Invite| {
        let is_enough = role >= old.permissions.invite && (!new.by_approval || role >= Role::Admin);
        is_enough && invite.inviter == committer.account && invite.spent == 0
    };
    let may_close = |invite: &Invite| {
        role >= Role::Admin
            || invite.inviter == committer.account
            || invite.expires_at_ms.is_some()
            || invite.is_used_up(before.roster)
            || before.left_out.contains(&invite.id)
    };
    let is_any_new = new.invites.iter().any(|invite| old.invite(&invite.id).is_none());
    let own = new.invites.iter().filter(|invite| invite.inviter == committer.account).count();
    let (own_max, max) = open_invites_max(role);
    let is_within_limits = !is_any_new || own <= own_max && new.invites.len() <= max;
    is_within_limits
        && new.invites.iter().all(|invite| match old.invite(&invite.id) {
            Some(known) => known == invite,
            None => may_add(invite),
        })
        && old.invites.iter().all(|invite| new.invite(&invite.id).is_some() || may_close(invite))
}

//! Section "Rules of rooms": what the peer judges before it follows a commit.
//!
//! Rules 1 to 8, 13 and 15 to 24, and of the others what the form of the state says. Not judged here: low-order keys, what of
//! the state but invites changes by whom (10 to 12, 14), limits of devices.

use crate::{
    PeerError,
    encoding::{Bytes32, Id},
    join_proof::{self, JoinProof},
    leave::Scope,
    name::check_name,
    removal_proof::RemovalProof,
    room_state::{Invite, Role, RoomState},
    roster::{Roster, RosterEntry},
};
use mls_rs::{MlsMessage, WireFormat, group::proposal::Proposal};
use std::collections::BTreeSet;

const REVOKED_MAX: usize = 256;
const SUSPENDED_MAX: usize = 256;
const DEVICES_OF_AN_ACCOUNT: usize = 16;

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
    /// The leaves that it removes.
    pub removed: &'a BTreeSet<u32>,
    /// Authenticated data.
    pub authenticated_data: &'a [u8],
    /// Why a member is removed.
    pub reason: Option<&'a str>,
}

/// Judges a message before it is processed. Gives the leaves that it removes.
pub fn check_message(message: &MlsMessage) -> Result<BTreeSet<u32>, PeerError> {
    if message.wire_format() != WireFormat::PublicMessage {
        return Err(PeerError::Forbidden("wire format"));
    }
    let mut removed = BTreeSet::new();
    for proposal in message.proposals_by_value() {
        match proposal {
            Proposal::GroupContextExtensions(_) | Proposal::ExternalInit(_) => {}
            Proposal::Remove(remove) => drop(removed.insert(remove.to_remove())),
            _ => return Err(PeerError::Forbidden("kind of a proposal")),
        }
    }
    if message.commit_path_leaf_node().is_none() {
        return Err(PeerError::Forbidden("commit without an update path"));
    }
    Ok(removed)
}

/// Judges a commit by the room before it and after it.
pub fn judge(before: &View, after: &View, commit: &Commit<'_>) -> Result<(), PeerError> {
    let new =
        after.roster.0.get(&commit.committer).ok_or(PeerError::Forbidden("committer without a leaf"))?;
    // Rules that the peer does not know it does not judge by.
    if before.state.version != 1 {
        return Err(PeerError::Version(before.state.version));
    }
    judge_door(after, commit.committer, new)?;
    if new.leaf.rules < before.state.version {
        return Err(PeerError::Forbidden("rules that the committer does not know"));
    }
    if let Some(reason) = commit.reason {
        let is_by_role =
            !commit.is_external && !commit.removed.is_empty() && commit.authenticated_data.is_empty();
        if !is_by_role || check_name(reason, 256).is_err() {
            return Err(PeerError::Forbidden("reason"));
        }
    }
    if commit.is_external {
        return judge_join(before, after, commit, new);
    }
    judge_leaf(before, after, commit.committer, new)?;
    if !commit.removed.is_empty() {
        return judge_removal(before, after, commit, new);
    }
    if commit.authenticated_data.is_empty() {
        judge_state(&before.state, after)?;
        judge_invites(before, &after.state, &new.certificate.account())
    } else {
        Err(PeerError::Forbidden("authenticated data of a member"))
    }
}

/// How leaves end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By their own wish.
    Left,
    /// Of own devices that are gone.
    Retired,
    /// Against them, or of own devices that are not trusted.
    Removed,
}

/// Rule 18: the state that follows from a removal.
pub fn state_after_removal(state: &RoomState, roster: &Roster, leaves: &[u32], end: End) -> RoomState {
    let is_removed = |leaf: &u32| leaves.contains(leaf);
    let stay =
        Roster(roster.0.iter().filter(|(leaf, _)| !is_removed(leaf)).map(|(l, e)| (*l, e.clone())).collect());
    let removed = || roster.0.iter().filter(|(leaf, _)| is_removed(leaf)).map(|(_, entry)| entry);
    let mut next = state.clone();
    if end == End::Left {
        for invite in &mut next.invites {
            let gone: BTreeSet<Id> = removed()
                .filter(|entry| entry.leaf.via == Some(invite.door))
                .map(|entry| entry.certificate.account())
                .filter(|account| !stay.has(account))
                .collect();
            invite.spent = invite.spent.saturating_add(u32::try_from(gone.len()).unwrap_or(u32::MAX));
        }
    } else {
        for entry in removed() {
            remember(&mut next.revoked, entry.revocation_hash(), REVOKED_MAX);
        }
    }
    if end == End::Removed {
        next.invites.clear();
        let accounts: BTreeSet<Id> = removed().map(|entry| entry.certificate.account()).collect();
        let of_them = |entry: &&RosterEntry| accounts.contains(&entry.certificate.account());
        for hash in roster.0.values().filter(of_them).map(RosterEntry::suspension_hash) {
            if !next.suspended.contains(&hash) {
                remember(&mut next.suspended, hash, SUSPENDED_MAX);
            }
        }
    }
    next.admins.retain(|account| stay.has(account));
    next.speakers.retain(|account| stay.has(account));
    next
}

/// Past the limit, the account that has most gives up its oldest.
fn remember(list: &mut Vec<Bytes32>, new: Bytes32, max: usize) {
    list.push(new);
    while list.len() > max {
        let counts: Vec<usize> = list
            .iter()
            .map(|entry| list.iter().filter(|other| other.get(..16) == entry.get(..16)).count())
            .collect();
        let Some(oldest) = counts.iter().position(|count| Some(count) == counts.iter().max()) else { return };
        list.remove(oldest);
    }
}

/// Rules 4 and 5.
fn judge_leaf(before: &View, after: &View, leaf: u32, new: &RosterEntry) -> Result<(), PeerError> {
    let old = before.roster.0.get(&leaf).ok_or(PeerError::Forbidden("committer without a leaf"))?;
    let is_same = is_same_device(old, new)
        && (old.leaf.via, old.leaf.joined, old.leaf.stay) == (new.leaf.via, new.leaf.joined, new.leaf.stay);
    if !is_same {
        return Err(PeerError::Forbidden("a member's leaf that changes hands"));
    }
    if new.leaf.updated != after.epoch {
        return Err(PeerError::Forbidden("a leaf of another epoch"));
    }
    if new.certificate.generation < old.certificate.generation {
        return Err(PeerError::Forbidden("generation that falls"));
    }
    if list(new) < list(old) || list(new) == list(old) && new.certificate.devices != old.certificate.devices {
        return Err(PeerError::Forbidden("list of devices that falls"));
    }
    judge_recovery(after, new)
}

fn list(entry: &RosterEntry) -> u32 {
    entry.certificate.devices.map_or(0, |list| list.version)
}

/// No two leaves of an account have the same generation and different recovery keys.
fn judge_recovery(after: &View, new: &RosterEntry) -> Result<(), PeerError> {
    let differs = |other: &RosterEntry| {
        is_same_account(other, new)
            && other.certificate.generation == new.certificate.generation
            && other.certificate.recovery != new.certificate.recovery
            || is_same_account(other, new)
                && list(other) == list(new)
                && other.certificate.devices != new.certificate.devices
            || is_same_account(other, new) && other.certificate.operator != new.certificate.operator
    };
    if after.roster.0.values().any(differs) { Err(PeerError::Forbidden("recovery key")) } else { Ok(()) }
}

/// Rule 6.
fn judge_door(after: &View, leaf: u32, new: &RosterEntry) -> Result<(), PeerError> {
    let clashes = |(other, entry): (&u32, &RosterEntry)| {
        *other != leaf && entry.door() == new.door() && entry.leaf.door_key != new.leaf.door_key
    };
    if after.roster.0.iter().any(clashes) { Err(PeerError::Forbidden("door that is taken")) } else { Ok(()) }
}

/// Rule 10.
fn judge_state(old: &RoomState, after: &View) -> Result<(), PeerError> {
    let new = &after.state;
    if old == new {
        return Ok(());
    }
    if old.version != new.version {
        let moved = RoomState { version: new.version, ..old.clone() };
        let knows = after.roster.0.values().any(|entry| {
            entry.certificate.account() == old.owner
                && entry.leaf.updated == after.epoch
                && entry.leaf.rules >= new.version
        });
        let is_right = new.version > old.version && *new == moved && knows;
        return if is_right { Ok(()) } else { Err(PeerError::Forbidden("rules")) };
    }
    let is_kept =
        (&old.revoked, old.decoy_seed) == (&new.revoked, new.decoy_seed) && old.suspended == new.suspended;
    if is_kept { Ok(()) } else { Err(PeerError::Forbidden("a part of the state that never changes")) }
}

/// Rule 13.
fn judge_invites(before: &View, new: &RoomState, committer: &Id) -> Result<(), PeerError> {
    let old = &before.state;
    let role = old.role(committer);
    let is_used_up = |invite: &Invite| {
        let uses = before.roster.accounts_via(&invite.door) + u64::from(invite.spent);
        invite.max_uses.is_some_and(|max| uses >= u64::from(max))
    };
    let closed = old.invites.iter().filter(|invite| new.invite(&invite.door).is_none());
    let may_close = |invite: &Invite| {
        invite.inviter == *committer || invite.expires.is_some() || role >= Role::Admin || is_used_up(invite)
    };
    let least =
        if new.by_approval { Role::Admin.max(old.permissions.invite) } else { old.permissions.invite };
    let may_open = |invite: &Invite| invite.inviter == *committer && invite.spent == 0 && role >= least;
    let opened: Vec<&Invite> =
        new.invites.iter().filter(|invite| old.invite(&invite.door).is_none()).collect();
    let is_kept = |invite: &Invite| old.invite(&invite.door).is_none_or(|known| known == invite);
    let own = new.invites.iter().filter(|invite| invite.inviter == *committer).count();
    let has_place = match role {
        Role::Member => own <= 4 && new.invites.len() <= 12,
        Role::Admin => new.invites.len() <= 14,
        Role::Owner => true,
    };
    let is_right = new.invites.iter().all(is_kept)
        && closed.into_iter().all(may_close)
        && opened.iter().all(|invite| may_open(invite))
        && (opened.is_empty() || has_place);
    if is_right { Ok(()) } else { Err(PeerError::Forbidden("invites")) }
}

/// Rules 15 to 18.
fn judge_removal(
    before: &View,
    after: &View,
    commit: &Commit<'_>,
    committer: &RosterEntry,
) -> Result<(), PeerError> {
    let leaves: Vec<u32> = commit.removed.iter().copied().collect();
    let removed = |leaf: &u32| before.roster.0.get(leaf);
    let proof = RemovalProof::read(commit.authenticated_data)?;
    let end = match proof {
        Some(RemovalProof::Leave(_)) => End::Left,
        Some(RemovalProof::Retired(_)) => End::Retired,
        Some(RemovalProof::OwnDevices(_)) | None => End::Removed,
    };
    if let Some(RemovalProof::Leave(leave)) = proof {
        leave.verify(&before.room)?;
        let signs =
            |entry: &&RosterEntry| entry.certificate.device == leave.device && entry.leaf.stay == leave.stay;
        let signer = before.roster.0.values().find(signs);
        let signer = signer.ok_or(PeerError::Forbidden("leave statement of another leaf"))?;
        let leaves_too = |entry: &RosterEntry| match leave.scope {
            Scope::Device => is_same_device(entry, signer),
            Scope::Account => is_same_account(entry, signer),
        };
        let expected = before.roster.0.iter().filter(|(_, entry)| leaves_too(entry)).map(|(leaf, _)| *leaf);
        if !expected.eq(leaves.iter().copied()) {
            return Err(PeerError::Forbidden("leave statement for other leaves"));
        }
    } else if let Some(RemovalProof::OwnDevices(removal) | RemovalProof::Retired(removal)) = proof {
        let old = before.roster.0.get(&commit.committer).ok_or(PeerError::Forbidden("committer"))?;
        match end {
            End::Retired => removal.verify_retirement(&before.room, old)?,
            End::Removed | End::Left => removal.verify(&before.room, old)?,
        }
        let named = before.roster.0.iter().filter(|(_, entry)| {
            is_same_account(entry, committer) && removal.devices.contains(&entry.certificate.device)
        });
        if !named.map(|(leaf, _)| *leaf).eq(leaves.iter().copied()) {
            return Err(PeerError::Forbidden("device removal for other leaves"));
        }
    } else {
        let role = before.state.role(&committer.certificate.account());
        let may = |entry: &RosterEntry| {
            before.state.role(&entry.certificate.account()) < role
                && role >= before.state.permissions.remove
                && !after.roster.has(&entry.certificate.account())
        };
        if !leaves.iter().all(|leaf| removed(leaf).is_some_and(may)) {
            return Err(PeerError::Forbidden("removal"));
        }
    }
    if after.state == state_after_removal(&before.state, &before.roster, &leaves, end) {
        Ok(())
    } else {
        Err(PeerError::Forbidden("state after a removal"))
    }
}

/// Rules 19 to 24.
fn judge_join(before: &View, after: &View, commit: &Commit<'_>, new: &RosterEntry) -> Result<(), PeerError> {
    if before.state != after.state || (new.leaf.joined, new.leaf.updated) != (after.epoch, after.epoch) {
        return Err(PeerError::Forbidden("a join that changes the state, or of another epoch"));
    }
    if before.state.revoked.contains(&new.revocation_hash()) {
        return Err(PeerError::Forbidden("revoked device"));
    }
    let removed: Vec<&RosterEntry> =
        commit.removed.iter().filter_map(|leaf| before.roster.0.get(leaf)).collect();
    let devices = after.roster.0.values().filter(|entry| is_same_device(entry, new)).count();
    if removed.len() > 1 || removed.iter().any(|old| !is_same_device(old, new)) || devices != 1 {
        return Err(PeerError::Forbidden("a join that removes another device"));
    }
    let siblings = || before.roster.0.values().filter(|entry| is_same_account(entry, new));
    if siblings().any(|entry| entry.certificate.generation > new.certificate.generation) {
        return Err(PeerError::Forbidden("generation that falls"));
    }
    if siblings().any(|entry| list(entry) > list(new)) {
        return Err(PeerError::Forbidden("list of devices that falls"));
    }
    judge_recovery(after, new)?;
    match JoinProof::from_bytes(commit.authenticated_data)? {
        JoinProof::Invite(door, signature) => {
            let invite = before.state.invite(&door).ok_or(PeerError::Forbidden("invite that is not open"))?;
            let account = new.certificate.account();
            let accounts = after.roster.0.values().filter(|entry| is_same_account(entry, new)).count();
            let is_right = !before.state.closed
                && new.leaf.via == Some(door)
                && invite.only_for.is_none_or(|only| only == account)
                && accounts == 1;
            if !is_right {
                return Err(PeerError::Forbidden("way in"));
            }
            join_proof::verify(
                &signature,
                &invite.signature_key,
                &before.room,
                before.epoch,
                &new.certificate,
            )?;
            let uses = after.roster.accounts_via(&door) + u64::from(invite.spent);
            if invite.max_uses.is_some_and(|max| uses > u64::from(max)) {
                return Err(PeerError::Forbidden("invite that is used up"));
            }
        }
        JoinProof::Account(door) => {
            let opens = |entry: &RosterEntry| {
                entry.door() == door
                    && entry.leaf.via == new.leaf.via
                    && !before.state.suspended.contains(&entry.suspension_hash())
            };
            let accounts = after.roster.0.values().filter(|entry| is_same_account(entry, new)).count();
            if !siblings().any(opens) || accounts > DEVICES_OF_AN_ACCOUNT {
                return Err(PeerError::Forbidden("account's door"));
            }
        }
    }
    Ok(())
}

fn is_same_account(one: &RosterEntry, other: &RosterEntry) -> bool {
    one.certificate.identity == other.certificate.identity
}

fn is_same_device(one: &RosterEntry, other: &RosterEntry) -> bool {
    one.certificate.device == other.certificate.device && is_same_account(one, other)
}

//! A member's commit: a change to the room's state, a removal, or only new keys.

use super::{
    Assistant, Handshake, History, Invite, InviteId, OwnDevice, Permissions, Role, Room, RoomState,
    RosterChange, RosterEntry, config,
    door::Leaves,
    history::{LeafChange, LeafRecord},
    leaf::LeafData,
    own::Stay,
    policy,
    policy::{DeviceRemoval, LeaveStatement, Removal, RemovalProof},
    publish::{Epoch, Outgoing, certificate_bytes, hands_history_on, leaves_of},
    secrets::EpochSecrets,
};
use crate::{
    CryptoError,
    identity::{AccountId, Certificate, IdentityKey, NameError, check_room_name, check_topic},
};
use openmls::{
    group::StagedCommit,
    prelude::{Extensions, LeafNodeIndex, LeafNodeParameters, tls_codec::Serialize as _},
};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::{Chain, EntryKind};

/// What a member wants changed.
#[derive(Clone)]
pub enum RoomChange {
    /// Open an invite, and close all that are used up, or expired at this time (in milliseconds since 1970).
    AddInvite(Box<Invite>, u64),
    /// Close an invite.
    RemoveInvite(InviteId),
    /// Give the room another name.
    Rename(String),
    /// Say what the room is about.
    SetTopic(String),
    /// Give the room a picture (an encoded attachment reference), or none.
    SetAvatar(Option<Vec<u8>>),
    /// Give an account a role. A new owner leaves the old one an admin.
    SetRole(AccountId, Role),
    /// Say what roles may.
    SetPermissions(Permissions),
    /// Say who may post though the role may not.
    SetSpeakers(Vec<AccountId>),
    /// Have admins let in each newcomer by name, or let links do. All invites that are for anyone are closed.
    SetApproval(bool),
    /// Ask the relay to keep messages for so many seconds; `None` asks for nothing. The relay is told apart from that.
    SetRetention(Option<u64>),
    /// Say which assistants the room has.
    SetAssistants(Vec<Assistant>),
    /// Move the room to later rules. Whose client does not know them can neither judge nor commit until it is updated.
    MoveToRules(u32),
    /// Give this member a picture in this room (an encoded attachment reference), or none.
    SetOwnAvatar(Option<Vec<u8>>),
    /// Let messages vanish after so many seconds, or never.
    SetTimer(Option<u32>),
    /// Say what newcomers may read.
    SetHistory(History),
    /// Take over a room whose owner is gone.
    TakeOver,
    /// Close the room: nobody comes in, nothing is said.
    Close,
    /// Open a closed room again.
    Reopen,
    /// Remove an account with all its devices; with a reason, which those who stay and who goes read, or none.
    RemoveMember(AccountId, Option<String>),
    /// Remove other devices of this account, as its identity key has signed; with what the account publishes now. Where it has a
    /// role, new keys have to come in the same commit: the removed device knows the room-admin key.
    RemoveDevice(DeviceRemoval, Option<Box<OwnDevice>>),
    /// Remove devices of this account that are gone, as its identity key has signed. Invites and doors stay as they are.
    RetireDevice(DeviceRemoval),
    /// Remove whoever signed that they leave.
    Leave(LeaveStatement),
    /// New keys, and nothing else.
    Rotate,
    /// New keys, with what this device's account publishes now: certificate, door key, recovery key.
    Renew(Box<OwnDevice>),
}

/// Which change, and not to what: names and topics stay out of logs.
impl core::fmt::Debug for RoomChange {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::AddInvite(..) => "AddInvite",
            Self::RemoveInvite(..) => "RemoveInvite",
            Self::Rename(..) => "Rename",
            Self::SetTopic(..) => "SetTopic",
            Self::SetAvatar(..) => "SetAvatar",
            Self::SetRole(..) => "SetRole",
            Self::SetPermissions(..) => "SetPermissions",
            Self::SetSpeakers(..) => "SetSpeakers",
            Self::SetApproval(..) => "SetApproval",
            Self::SetRetention(..) => "SetRetention",
            Self::SetAssistants(..) => "SetAssistants",
            Self::MoveToRules(..) => "MoveToRules",
            Self::SetOwnAvatar(..) => "SetOwnAvatar",
            Self::SetTimer(..) => "SetTimer",
            Self::SetHistory(..) => "SetHistory",
            Self::TakeOver => "TakeOver",
            Self::Close => "Close",
            Self::Reopen => "Reopen",
            Self::RemoveMember(..) => "RemoveMember",
            Self::RemoveDevice(..) => "RemoveDevice",
            Self::RetireDevice(..) => "RetireDevice",
            Self::Leave(..) => "Leave",
            Self::Rotate => "Rotate",
            Self::Renew(..) => "Renew",
        })
    }
}

/// A change, worked out.
struct Plan {
    state: Option<RoomState>,
    removed: Vec<u32>,
    aad: Vec<u8>,
    reason: Option<String>,
    /// Whether it removes somebody against their will.
    is_cut: bool,
    /// This device's new leaf.
    data: LeafData,
    /// Where its account publishes a new certificate.
    certificate: Option<Certificate>,
    entry: RosterEntry,
}

impl Room {
    /// Makes a commit and keeps it pending: it takes effect by [`Room::merge_pending`] once the relay has put it into the log,
    /// or not at all. `chain` is the last entry that this device has verified.
    ///
    /// # Errors
    /// [`CryptoError::CommitPending`]; [`CryptoError::NewerVersion`] where this version does not know the room's rules; [`CryptoError::Forbidden`] where the rules do not allow the change;
    /// [`CryptoError::OverLimit`] where the room, or this account in it, has as many open invites as it may; [`CryptoError::Malformed`] where a name or topic
    /// cannot be used, or whoever is to be removed is not there.
    pub fn commit(&mut self, change: &RoomChange, chain: Chain) -> Result<Handshake, CryptoError> {
        if self.has_pending_commit() {
            return Err(CryptoError::CommitPending);
        }
        self.check_rules()?;
        let before = self.secrets()?;
        let plan = self.plan(change)?;
        let (commit, group_info) = self.make_commit(&plan)?;
        let staged = self.group.pending_commit().ok_or(CryptoError::Mls("no pending commit"))?;
        let handshake = self.outgoing(&before, &plan, staged, &commit, group_info, chain);
        if handshake.is_err() {
            self.discard_pending()?;
        }
        handshake
    }

    /// Signs that this device leaves, alone or with all of its account. Sent as a message; any member commits it then.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn leave(&self, scope: policy::LeaveScope) -> Result<LeaveStatement, CryptoError> {
        let own = self.roster.get(self.own_leaf()).ok_or(CryptoError::Mls("not in the room"))?;
        Ok(LeaveStatement::sign(&self.id, &self.device, &own.stay, scope))
    }

    /// Signs, with the account's identity key, that this device removes others of its account:
    /// [`RoomChange::RemoveDevice`] carries it out. It stays good while this device stays in the room.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`] where the key is another account's; [`CryptoError::Mls`] where this device is not in the room
    /// any more.
    pub fn sign_device_removal(
        &self,
        identity: &IdentityKey,
        device_keys: &[[u8; 32]],
    ) -> Result<DeviceRemoval, CryptoError> {
        let own = self.roster.get(self.own_leaf()).ok_or(CryptoError::Mls("not in the room"))?;
        if identity.public() != own.identity_key {
            return Err(CryptoError::BadKey);
        }
        Ok(DeviceRemoval::sign(identity, &self.id, own, device_keys))
    }

    /// The same for devices that are gone: [`RoomChange::RetireDevice`] carries it out.
    ///
    /// # Errors
    /// As [`Room::sign_device_removal`].
    pub fn sign_device_retirement(
        &self,
        identity: &IdentityKey,
        device_keys: &[[u8; 32]],
    ) -> Result<DeviceRemoval, CryptoError> {
        let own = self.roster.get(self.own_leaf()).ok_or(CryptoError::Mls("not in the room"))?;
        if identity.public() != own.identity_key {
            return Err(CryptoError::BadKey);
        }
        Ok(DeviceRemoval::sign_retirement(identity, &self.id, own, device_keys))
    }

    /// Forgets a pending commit that lost its race.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] only for a fault in here.
    pub fn discard_pending(&mut self) -> Result<(), CryptoError> {
        self.group
            .clear_pending_commit(self.provider.storage())
            .map_err(|_| CryptoError::Mls("the pending commit could not be discarded"))
    }

    fn make_commit(&mut self, plan: &Plan) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        self.group.set_aad(self.commit_data(&plan.aad, plan.reason.as_deref()));
        let mut builder = self
            .group
            .commit_builder()
            .force_self_update(true)
            .propose_removals(plan.removed.iter().map(|leaf| LeafNodeIndex::new(*leaf)));
        let mut leaf = LeafNodeParameters::builder().with_extensions(plan.data.to_extensions()?);
        if let Some(certificate) = &plan.certificate {
            leaf = leaf.with_credential_with_key(config::credential(certificate));
        }
        builder = builder.leaf_node_parameters(leaf.build());
        if let Some(state) = &plan.state {
            let extensions =
                Extensions::from_vec(vec![config::required_capabilities(), state.to_extension()])
                    .map_err(|_| CryptoError::Mls("context extensions"))?;
            builder = builder
                .propose_group_context_extensions(extensions)
                .map_err(|_| CryptoError::Mls("context extensions"))?;
        }
        let bundle = builder
            .load_psks(self.provider.storage())
            .map_err(|_| CryptoError::Mls("the commit could not be made"))?
            .use_ratchet_tree_extension(true)
            .create_group_info(true)
            .build(self.provider.rand(), self.provider.crypto(), &self.device, |_| true)
            .map_err(|_| CryptoError::Mls("the commit could not be made"))?
            .stage_commit(&self.provider)
            .map_err(|_| CryptoError::Mls("the commit could not be staged"))?;
        let (commit, _, group_info) = bundle.into_messages();
        let group_info = group_info.ok_or(CryptoError::Mls("no GroupInfo"))?;
        let serialize = |message: openmls::prelude::MlsMessageOut| {
            message.tls_serialize_detached().map_err(|_| CryptoError::Mls("serialization"))
        };
        Ok((serialize(commit)?, serialize(group_info)?))
    }

    fn outgoing(
        &self,
        before: &EpochSecrets,
        plan: &Plan,
        staged: &StagedCommit,
        commit: &[u8],
        group_info: Vec<u8>,
        chain: Chain,
    ) -> Result<Handshake, CryptoError> {
        let secrets =
            EpochSecrets::export(|label| staged.export_secret(self.provider.crypto(), label, &[], 32).ok())?;
        let own_leaf = staged.update_path_leaf_node().ok_or(CryptoError::Mls("no leaf"))?;
        let own_certificate = certificate_bytes(own_leaf);
        let mut leaves: Leaves = leaves_of(&self.group)?;
        leaves.retain(|leaf, _| !plan.removed.contains(leaf));
        leaves.insert(self.own_leaf(), LeafData::of(own_leaf)?);
        let roster = self.roster.after(&self.roster_change(&plan.removed, self.own_leaf(), &plan.entry));
        let arrival = self.arrival_of(&plan.removed, self.own_leaf(), &plan.entry, own_certificate.clone());
        let state = plan.state.as_ref().unwrap_or(&self.state);
        let certificates = |leaf| {
            if leaf == self.own_leaf() { Some(own_certificate.clone()) } else { self.certificate_at(leaf) }
        };
        let next = Epoch {
            room: self.id,
            number: self.epoch().checked_add(1).ok_or(CryptoError::Mls("the last epoch"))?,
            secrets: &secrets,
            state,
            roster: &roster,
            leaves: &leaves,
            change: &arrival,
            past: Some(self.next_past),
            certificates: &certificates,
            left_out: &[],
        };
        let record = hands_history_on(&self.state, state).then(|| self.record(before)).transpose()?;
        let outgoing = Outgoing {
            commit,
            kind: EntryKind::Handshake,
            handshake: &before.handshake,
            history: record.as_ref(),
            cut: plan.is_cut,
            admins_before: self.admin_keys()?,
            own_admin_key: (state.role_of(&plan.entry.account) >= Role::Admin)
                .then_some(plan.entry.admin_key),
        };
        outgoing.handshake(&next, group_info, chain)
    }

    /// What a commit does to the roster.
    pub(super) fn roster_change(&self, removed: &[u32], leaf: u32, entry: &RosterEntry) -> RosterChange {
        let mut change = RosterChange(removed.iter().map(|leaf| (*leaf, None)).collect());
        change.0.insert(leaf, Some(entry.clone()));
        change
    }

    /// The same, as history keeps it: with certificates, and with what was there before.
    pub(super) fn arrival_of(
        &self,
        removed: &[u32],
        leaf: u32,
        entry: &RosterEntry,
        certificate: Vec<u8>,
    ) -> Vec<LeafChange> {
        let after = LeafRecord { entry: entry.clone(), certificate };
        let mut change: Vec<_> = removed
            .iter()
            .filter(|gone| **gone != leaf)
            .map(|gone| LeafChange { leaf: *gone, before: self.leaf_record(*gone), after: None })
            .collect();
        change.push(LeafChange { leaf, before: self.leaf_record(leaf), after: Some(after) });
        change.sort_by_key(|change| change.leaf);
        change
    }

    /// Works a change out, and checks it by the same rules as others will check it.
    fn plan(&self, change: &RoomChange) -> Result<Plan, CryptoError> {
        let entry = self.roster.get(self.own_leaf()).ok_or(CryptoError::Mls("not in the room"))?;
        let updated = self.epoch().checked_add(1).ok_or(CryptoError::Mls("the last epoch"))?;
        let own_leaf = self.group.own_leaf().ok_or(CryptoError::Mls("not in the room"))?;
        let mut plan = Plan {
            state: None,
            removed: Vec::new(),
            aad: Vec::new(),
            reason: None,
            is_cut: false,
            data: LeafData { updated, rules: self.known_rules, ..LeafData::of(own_leaf)? },
            certificate: None,
            entry: RosterEntry { updated, rules: self.known_rules, ..entry.clone() },
        };
        match change {
            RoomChange::Rotate => {}
            RoomChange::Renew(own) => self.renew(&mut plan, own)?,
            RoomChange::SetOwnAvatar(avatar) => {
                plan.data.avatar.clone_from(avatar);
                plan.data.check()?;
            }
            RoomChange::RemoveMember(account, reason) => {
                let checked = reason.as_deref().map(|reason| name_of(check_topic(reason), "reason"));
                plan.reason = checked.transpose()?;
                plan.removed = self.roster.devices_of(account).map(|(leaf, _)| leaf).collect();
                plan.is_cut = true;
                plan.state = Some(self.state_without(&plan, Removal::Forced)?);
            }
            RoomChange::RemoveDevice(removal, renewed) => {
                if let Some(own) = renewed {
                    self.renew(&mut plan, own)?;
                }
                plan.removed = self.named(&plan.entry.account, removal);
                plan.aad = sotto_protocol::encode(&RemovalProof::OwnDevices(removal.clone()));
                plan.is_cut = true;
                plan.state = Some(self.state_without(&plan, Removal::Forced)?);
            }
            RoomChange::RetireDevice(retired) => {
                plan.removed = self.named(&plan.entry.account, retired);
                plan.aad = sotto_protocol::encode(&RemovalProof::Retired(retired.clone()));
                plan.is_cut = true;
                plan.state = Some(self.state_without(&plan, Removal::Retired)?);
            }
            RoomChange::Leave(statement) => {
                plan.removed = self.leaving(statement);
                plan.aad = sotto_protocol::encode(&RemovalProof::Leave(statement.clone()));
                plan.state = Some(self.state_without(&plan, Removal::Left)?);
            }
            change => plan.state = Some(self.changed_state(change)?),
        }
        let facts = policy::Facts {
            kind: EntryKind::Handshake,
            member: Some(self.own_leaf()),
            leaf: Some(Ok(plan.entry.clone())),
            has_foreign_proposal: false,
            removed: plan.removed.clone(),
            new_state: plan.state.clone().map(Ok),
            past: self.next_past,
            aad: &plan.aad,
            reason: plan.reason.as_deref(),
        };
        policy::judge(&self.before(), &facts)?;
        Ok(plan)
    }

    fn renew(&self, plan: &mut Plan, own: &OwnDevice) -> Result<(), CryptoError> {
        own.check()?;
        let RosterEntry { via, joined, stay, updated, .. } = plan.entry;
        let (avatar, rules) = (plan.data.avatar.take(), plan.data.rules);
        let data = own.leaf_data(&self.id, via, Stay { joined, stay, updated })?;
        plan.data = LeafData { avatar, rules, ..data };
        plan.entry = RosterEntry::new(&own.certificate, &plan.data)?;
        plan.certificate = Some(own.certificate.clone());
        Ok(())
    }

    fn named(&self, account: &AccountId, removal: &DeviceRemoval) -> Vec<u32> {
        let own = self.roster.devices_of(account);
        own.filter(|(_, entry)| removal.names(&entry.device_key)).map(|(leaf, _)| leaf).collect()
    }

    fn state_without(&self, plan: &Plan, kind: Removal) -> Result<RoomState, CryptoError> {
        if plan.removed.is_empty() {
            return Err(CryptoError::Malformed("whoever is to be removed is not in the room"));
        }
        Ok(policy::state_after_removal(&self.before(), &plan.removed, kind))
    }

    fn leaving(&self, statement: &LeaveStatement) -> Vec<u32> {
        let signer = self.roster.iter().find(|(_, entry)| entry.device_key == statement.device_key);
        match (signer, statement.scope) {
            (Some((leaf, _)), policy::LeaveScope::Device) => vec![leaf],
            (Some((_, entry)), policy::LeaveScope::Account) => {
                self.roster.devices_of(&entry.account).map(|(leaf, _)| leaf).collect()
            }
            (None, _) => Vec::new(),
        }
    }

    fn changed_state(&self, change: &RoomChange) -> Result<RoomState, CryptoError> {
        let mut state = self.state.clone();
        let own = self.roster.get(self.own_leaf()).ok_or(CryptoError::Mls("not in the room"))?;
        match change {
            RoomChange::Rename(name) => {
                state.name = name_of(check_room_name(name), "room name")?;
            }
            RoomChange::SetTopic(topic) if topic.trim().is_empty() => state.topic.clear(),
            RoomChange::SetTopic(topic) => {
                state.topic = name_of(check_topic(topic), "room topic")?;
            }
            RoomChange::SetAvatar(avatar) => state.avatar.clone_from(avatar),
            RoomChange::SetRole(account, role) => set_role(&mut state, *account, *role),
            RoomChange::TakeOver => {
                state.owner = own.account;
                state.admins.retain(|admin| *admin != own.account);
            }
            RoomChange::SetPermissions(permissions) => state.permissions = *permissions,
            RoomChange::SetSpeakers(speakers) => {
                state.speakers.clone_from(speakers);
                state.speakers.sort_unstable();
                state.speakers.dedup();
            }
            RoomChange::SetApproval(by_approval) => {
                state.by_approval = *by_approval;
                state.invites.retain(|invite| !by_approval || invite.for_account.is_some());
            }
            RoomChange::SetRetention(seconds) => state.retention_s = *seconds,
            RoomChange::SetAssistants(assistants) => {
                state.assistants.clone_from(assistants);
                state.assistants.sort_unstable_by_key(|assistant| assistant.account);
            }
            RoomChange::MoveToRules(version) => state.policy_version = *version,
            RoomChange::SetTimer(timer_s) => {
                state.timer_s = *timer_s;
                // What vanishes cannot be handed to those who come later.
                if timer_s.is_some() {
                    state.history = History::SinceJoining;
                }
            }
            RoomChange::SetHistory(history) => state.history = *history,
            RoomChange::Close => {
                state.is_closed = true;
                state.invites.clear();
            }
            RoomChange::Reopen => state.is_closed = false,
            RoomChange::AddInvite(invite, now_ms) => {
                state.invites.retain(|open| !open.is_used_up(&self.roster) && !open.is_expired(*now_ms));
                let (own_max, max) = policy::open_invites_max(state.role_of(&own.account));
                let is_own = |open: &&Invite| open.inviter == own.account;
                check_limit("own open invites", state.invites.iter().filter(is_own).count(), own_max)?;
                check_limit("open invites", state.invites.len(), max)?;
                state.invites.push((**invite).clone());
            }
            RoomChange::RemoveInvite(id) => state.invites.retain(|invite| invite.id != *id),
            _ => {}
        }
        Ok(state)
    }

    /// The room as the rules look at it.
    pub(super) fn before(&self) -> policy::Before<'_> {
        policy::Before {
            room: self.id,
            epoch: self.epoch(),
            suite: self.suite(),
            roster: &self.roster,
            state: &self.state,
            past: self.next_past,
            left_out: &self.left_out,
        }
    }
}

/// Whether one more fits.
fn check_limit(what: &'static str, open: usize, max: usize) -> Result<(), CryptoError> {
    let actual = open.saturating_add(1);
    if actual > max { Err(CryptoError::OverLimit { what, actual, max }) } else { Ok(()) }
}

fn name_of(checked: Result<String, NameError>, what: &'static str) -> Result<String, CryptoError> {
    checked.map_err(|_| CryptoError::Malformed(what))
}

fn set_role(state: &mut RoomState, account: AccountId, role: Role) {
    let was_owner = state.owner;
    state.admins.retain(|admin| *admin != account);
    match role {
        Role::Member => {}
        Role::Admin => state.admins.push(account),
        Role::Owner if account == was_owner => {}
        Role::Owner => {
            state.owner = account;
            state.admins.push(was_owner);
        }
    }
    state.admins.sort_unstable();
}

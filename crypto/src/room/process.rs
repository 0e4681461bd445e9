//! Commits from the log: opened, judged, and merged.

use super::{
    Checkpoint, EpochSecrets, InviteId, Room, RoomState, RosterChange, RosterEntry,
    facts::facts,
    history::LeafChange,
    past::CommitData,
    path::check_path_keys,
    policy,
    publish::{certificate_bytes, hands_history_on},
};
use crate::{CryptoError, entry, identity::AccountId};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn, ProcessedMessage, ProcessedMessageContent, ProtocolMessage},
    group::{ProcessMessageError, StageCommitError, StagedCommit},
    prelude::tls_codec::DeserializeBytes as _,
};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::{EntryKind, entry_hash};

/// A commit that was found good but has not taken effect yet.
pub struct Staged {
    commit: Box<StagedCommit>,
    entry_hash: [u8; 32],
    outcome: Outcome,
}

/// What a commit does, worked out before it is merged.
struct Outcome {
    change: RosterChange,
    arrival: Vec<LeafChange>,
    state: Option<RoomState>,
    committer: RosterEntry,
    is_external: bool,
}

/// What a commit did.
#[derive(Clone, PartialEq, Eq)]
pub struct Transition {
    /// The epoch that it leads to.
    pub epoch: u64,
    /// Who is where in the tree now.
    pub change: RosterChange,
    /// Who did it.
    pub committer: RosterEntry,
    /// Whether the committer came in by it, as a new person in the room.
    pub is_join: bool,
    /// Whether the committer came in by it with another device of an account that was here, or came back with the same one.
    pub is_return: bool,
    /// Devices that are gone.
    pub removed: Vec<RosterEntry>,
    /// Whether this device is among them.
    pub is_removed: bool,
    /// The room's new name, if it has one.
    pub renamed: Option<String>,
    /// The room state before, where it changed.
    pub state_before: Option<Box<RoomState>>,
    /// Invites that are closed now.
    pub closed_invites: Vec<InviteId>,
}

/// Names stay out of logs.
impl core::fmt::Debug for Transition {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Transition")
            .field("epoch", &self.epoch)
            .field("is_join", &self.is_join)
            .field("is_removed", &self.is_removed)
            .finish_non_exhaustive()
    }
}

impl Room {
    /// Opens a handshake entry of the current epoch and judges it, without changing anything. `kind` is the kind that the log has it
    /// under: a newcomer's commit is a [`EntryKind::Join`], a member's never. `registered_access_key` is what
    /// the relay says it registered with the entry.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`] or [`CryptoError::Malformed`] where the entry was damaged or forged;
    /// [`CryptoError::Mls`] where the commit is not valid; [`CryptoError::Forbidden`] where the rules do not allow it, or the
    /// registered access key is not the one that members of the next epoch have; [`CryptoError::CannotFollow`] where it is not
    /// made for this device, which then has to come in again by its account's door; [`CryptoError::NewerVersion`] where the room
    /// has moved to rules that this version does not know.
    pub fn stage(
        &mut self,
        kind: EntryKind,
        bytes: &[u8],
        registered_access_key: &[u8; 32],
    ) -> Result<Staged, CryptoError> {
        self.check_rules()?;
        let secrets = self.secrets()?;
        let (_, commit) = entry::open(secrets.handshake.seed(), &self.id, kind, self.epoch(), bytes)?;
        self.refuse_voided(&commit)?;
        check_path_keys(&commit, self.suite())?;
        let processed = self.process(kind, &commit)?;
        let (sender, data) = (processed.sender().clone(), CommitData::read(processed.aad())?);
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(CryptoError::Malformed("commit"));
        };
        let facts = facts(self.suite(), kind, &sender, &data, &staged)?;
        policy::judge(&self.before(), &facts)?;
        // Whoever is removed has no secrets of the next epoch, and nothing to compare.
        if !staged.self_removed() {
            let next = EpochSecrets::export(|label| {
                staged.export_secret(self.provider.crypto(), label, &[], 32).ok()
            })?;
            if next.access_key().public() != *registered_access_key {
                return Err(CryptoError::Mls("the registered access key is not the room's"));
            }
        }
        let Some(Ok(committer)) = facts.leaf else { return Err(CryptoError::Mls("no leaf")) };
        let leaf = match facts.member {
            Some(leaf) => leaf,
            None => self
                .group
                .ext_commit_sender_index(&staged)
                .map_err(|_| CryptoError::Mls("no leaf for the joiner"))?
                .u32(),
        };
        let certificate =
            staged.update_path_leaf_node().map(certificate_bytes).ok_or(CryptoError::Mls("no leaf"))?;
        let outcome = Outcome {
            change: self.roster_change(&facts.removed, leaf, &committer),
            arrival: self.arrival_of(&facts.removed, leaf, &committer, certificate),
            state: facts.new_state.transpose()?,
            committer,
            is_external: facts.member.is_none(),
        };
        Ok(Staged { commit: staged, entry_hash: entry_hash(bytes), outcome })
    }

    /// Lets a staged commit take effect. A commit of this device that was pending is gone then.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] only for a fault in here; the room must then be loaded again.
    pub fn merge(&mut self, staged: Staged) -> Result<Transition, CryptoError> {
        let Staged { commit, entry_hash, outcome } = staged;
        // Of its own removal a device sees all but whether the epoch after it is one: it has no secrets of that. So it can come back
        // where the others refuse it.
        let checkpoint = if outcome.is_external || commit.self_removed() {
            Some(Checkpoint { room: self.save_without_checkpoint()?, entry_hash })
        } else {
            None
        };
        let previous = self.previous_for(outcome.state.as_ref())?;
        self.group
            .merge_staged_commit(&self.provider, *commit)
            .map_err(|_| CryptoError::Mls("the commit could not be merged"))?;
        self.checkpoint = checkpoint;
        self.previous = previous;
        self.voided.clear();
        self.left_out.clear();
        self.finish(outcome)
    }

    /// Lets this device's own pending commit take effect, once it is in the log.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where nothing is pending, or for a fault in here.
    pub fn merge_pending(&mut self) -> Result<Transition, CryptoError> {
        let pending = self.group.pending_commit().ok_or(CryptoError::Mls("no pending commit"))?;
        let leaf = pending.update_path_leaf_node().ok_or(CryptoError::Mls("no leaf"))?;
        let committer = RosterEntry::of(leaf, self.suite())?;
        let removed: Vec<u32> =
            pending.remove_proposals().map(|remove| remove.remove_proposal().removed().u32()).collect();
        let outcome = Outcome {
            change: self.roster_change(&removed, self.own_leaf(), &committer),
            arrival: self.arrival_of(&removed, self.own_leaf(), &committer, certificate_bytes(leaf)),
            state: Some(RoomState::of(pending.group_context().extensions())?),
            committer,
            is_external: false,
        };
        let previous = self.previous_for(outcome.state.as_ref())?;
        self.group
            .merge_pending_commit(&self.provider)
            .map_err(|_| CryptoError::Mls("the commit could not be merged"))?;
        self.checkpoint = None;
        self.previous = previous;
        self.voided.clear();
        self.left_out.clear();
        self.finish(outcome)
    }

    pub(super) fn process(
        &mut self,
        kind: EntryKind,
        commit: &[u8],
    ) -> Result<ProcessedMessage, CryptoError> {
        match self.group.process_message(&self.provider, read_commit(commit)?) {
            Ok(processed) => Ok(processed),
            // The path may be garbage for this device alone. What others can see of the commit is judged all the same, so that
            // nobody is led into an epoch that everybody else refuses.
            Err(ProcessMessageError::InvalidCommit(StageCommitError::UpdatePathError(_))) => {
                self.judge_without_path(kind, commit)?;
                Err(CryptoError::CannotFollow)
            }
            Err(_) => Err(NOT_VALID),
        }
    }

    /// Judges a commit by what everybody can see of it, without its secrets.
    fn judge_without_path(&self, kind: EntryKind, commit: &[u8]) -> Result<(), CryptoError> {
        let processed = self
            .group
            .public_group()
            .process_message(self.provider.crypto(), read_commit(commit)?)
            .map_err(|_| NOT_VALID)?;
        let (sender, data) = (processed.sender().clone(), CommitData::read(processed.aad())?);
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(CryptoError::Malformed("commit"));
        };
        let facts = facts(self.suite(), kind, &sender, &data, &staged)?;
        Ok(policy::judge(&self.before(), &facts)?)
    }

    /// The record of the epoch that ends, where those who come next may read it.
    fn previous_for(
        &self,
        after: Option<&RoomState>,
    ) -> Result<Option<super::history::EpochRecord>, CryptoError> {
        if hands_history_on(&self.state, after.unwrap_or(&self.state)) {
            self.record(&self.secrets()?).map(Some)
        } else {
            Ok(None)
        }
    }

    fn finish(&mut self, outcome: Outcome) -> Result<Transition, CryptoError> {
        let Outcome { change, arrival, state, committer, is_external } = outcome;
        // A member who was here before this device has followed its join: nobody voids it by an access key any more.
        self.own_join.take_if(|join| !is_external && committer.joined <= join.epoch);
        let is_join = is_external && !self.roster.has(&committer.account);
        let is_gone = |(leaf, after): (&u32, &Option<RosterEntry>)| {
            let before = self.roster.get(*leaf)?;
            let stays = after.as_ref().is_some_and(|after| after.device_key == before.device_key);
            (!stays).then(|| before.clone())
        };
        let removed: Vec<_> = change.0.iter().filter_map(is_gone).collect();
        self.roster.apply(&change);
        let new = state.unwrap_or_else(|| self.state.clone());
        let closed_invites =
            self.state.invites.iter().map(|invite| invite.id).filter(|id| new.invite(id).is_none()).collect();
        let renamed = (new.name != self.state.name).then(|| new.name.clone());
        let before = std::mem::replace(&mut self.state, new);
        self.arrival = arrival;
        self.past = Some(self.next_past);
        if !self.is_removed() {
            self.next_past = self.next_past(&self.secrets()?)?;
        }
        Ok(Transition {
            epoch: self.epoch(),
            change,
            committer,
            is_join,
            is_return: is_external && !is_join,
            removed,
            is_removed: self.is_removed(),
            renamed,
            state_before: (before != self.state).then(|| Box::new(before)),
            closed_invites,
        })
    }
}

const NOT_VALID: CryptoError = CryptoError::Mls("the commit is not valid");

pub(super) fn read_commit(bytes: &[u8]) -> Result<ProtocolMessage, CryptoError> {
    let malformed = || CryptoError::Malformed("commit");
    let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes).map_err(|_| malformed())?;
    match message.extract() {
        MlsMessageBodyIn::PublicMessage(message) => Ok(ProtocolMessage::from(message)),
        _ => Err(malformed()),
    }
}

impl Staged {
    /// Who committed.
    #[must_use]
    pub const fn committer(&self) -> AccountId {
        self.outcome.committer.account
    }

    /// Whether the committer comes in by it.
    #[must_use]
    pub const fn is_external(&self) -> bool {
        self.outcome.is_external
    }
}

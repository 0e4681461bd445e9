//! Commits from the log: opened, judged, and merged.

use super::{
    EpochSecrets, InviteId, Room, RoomState, Roster, RosterChange, RosterEntry, Suite, facts::facts, policy,
};
use crate::{CryptoError, entry, identity::AccountId};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn, ProcessedMessageContent, ProtocolMessage},
    group::{MlsGroup, StagedCommit},
    prelude::tls_codec::DeserializeBytes as _,
};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::EntryKind;

/// A commit that was found good but has not taken effect yet.
pub struct Staged {
    commit: Box<StagedCommit>,
    change: RosterChange,
    state: Option<RoomState>,
    committer: RosterEntry,
    is_join: bool,
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The epoch that it leads to.
    pub epoch: u64,
    /// Who is where in the tree now.
    pub change: RosterChange,
    /// Who did it.
    pub committer: RosterEntry,
    /// Whether the committer came in by it, as a new person in the room.
    pub is_join: bool,
    /// The room's new name, if it has one.
    pub renamed: Option<String>,
    /// Invites that are closed now.
    pub closed_invites: Vec<InviteId>,
}

impl Room {
    /// Opens a handshake entry of the current epoch and judges it, without changing anything. `registered_access_key` is what
    /// the relay says it registered with the entry.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`] or [`CryptoError::Malformed`] where the entry was damaged or forged;
    /// [`CryptoError::Mls`] where the commit is not valid; [`CryptoError::Forbidden`] where the rules do not allow it, or the
    /// registered access key is not the one that members of the next epoch have.
    pub fn stage(&mut self, bytes: &[u8], registered_access_key: &[u8; 32]) -> Result<Staged, CryptoError> {
        let secrets = self.secrets()?;
        let (_, commit) =
            entry::open(&secrets.handshake, &self.id, EntryKind::Handshake, self.epoch(), bytes)?;
        let message = MlsMessageIn::tls_deserialize_exact_bytes(&commit)
            .map_err(|_| CryptoError::Malformed("commit"))?;
        let MlsMessageBodyIn::PublicMessage(message) = message.extract() else {
            return Err(CryptoError::Malformed("commit"));
        };
        let processed = self
            .group
            .process_message(&self.provider, ProtocolMessage::from(message))
            .map_err(|_| CryptoError::Mls("the commit is not valid"))?;
        let (sender, aad) = (processed.sender().clone(), processed.aad().to_vec());
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(CryptoError::Malformed("commit"));
        };
        let facts = facts(self.suite(), &sender, &aad, &staged)?;
        policy::judge(&self.before(), &facts)?;
        let next =
            EpochSecrets::export(|label| staged.export_secret(self.provider.crypto(), label, &[], 32).ok())?;
        if next.access_key().public() != *registered_access_key {
            return Err(CryptoError::Mls("the registered access key is not the room's"));
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
        let is_join = facts.member.is_none()
            && !self.roster.iter().any(|(_, entry)| entry.account == committer.account);
        let mut change = RosterChange(facts.removed.iter().map(|removed| (*removed, None)).collect());
        change.0.insert(leaf, Some(committer.clone()));
        Ok(Staged { commit: staged, change, state: facts.new_state.transpose()?, committer, is_join })
    }

    /// Lets a staged commit take effect. A commit of this device that was pending is gone then.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] only for a fault in here; the room must then be loaded again.
    pub fn merge(&mut self, staged: Staged) -> Result<Transition, CryptoError> {
        let Staged { commit, change, state, committer, is_join } = staged;
        self.group
            .merge_staged_commit(&self.provider, *commit)
            .map_err(|_| CryptoError::Mls("the commit could not be merged"))?;
        Ok(self.finish(change, state, committer, is_join))
    }

    /// Lets this device's own pending commit take effect, once it is in the log.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where nothing is pending, or for a fault in here.
    pub fn merge_pending(&mut self) -> Result<Transition, CryptoError> {
        let pending = self.group.pending_commit().ok_or(CryptoError::Mls("no pending commit"))?;
        let leaf = pending.update_path_leaf_node().ok_or(CryptoError::Mls("no leaf"))?;
        let committer = RosterEntry::of(leaf, self.suite())?;
        let state = RoomState::of(pending.group_context().extensions())?;
        let change = RosterChange([(self.own_leaf(), Some(committer.clone()))].into());
        self.group
            .merge_pending_commit(&self.provider)
            .map_err(|_| CryptoError::Mls("the commit could not be merged"))?;
        Ok(self.finish(change, Some(state), committer, false))
    }

    fn finish(
        &mut self,
        change: RosterChange,
        state: Option<RoomState>,
        committer: RosterEntry,
        is_join: bool,
    ) -> Transition {
        self.roster.apply(&change);
        let new = state.unwrap_or_else(|| self.state.clone());
        let closed_invites =
            self.state.invites.iter().map(|invite| invite.id).filter(|id| new.invite(id).is_none()).collect();
        let renamed = (new.name != self.state.name).then(|| new.name.clone());
        self.state = new;
        Transition { epoch: self.epoch(), change, committer, is_join, renamed, closed_invites }
    }
}

/// Everyone in a group's tree, each certificate verified.
pub(super) fn roster_of(group: &MlsGroup) -> Result<Roster, CryptoError> {
    let leaves = group.public_group().members().map(|member| {
        let leaf = group.public_group().leaf(member.index).ok_or(CryptoError::Mls("no leaf"))?;
        Ok((member.index.u32(), RosterEntry::of(leaf, Suite::of(group.ciphersuite()))?))
    });
    leaves.collect::<Result<Vec<_>, CryptoError>>().map(Roster::from_entries)
}

/// The account of whoever committed.
impl Staged {
    /// Who committed.
    #[must_use]
    pub const fn committer(&self) -> AccountId {
        self.committer.account
    }
}

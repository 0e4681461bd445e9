//! A member's commit: a change to the room's state, or only new keys.

use super::{
    Handshake, Invite, InviteId, Room, RoomState, Roster, card::Card, config, door, policy,
    secrets::EpochSecrets,
};
use crate::{CryptoError, entry, identity::check_room_name, random_array};
use openmls::prelude::{Extensions, tls_codec::Serialize as _};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::{Chain, EntryId, EntryKind, limits::OPEN_INVITES_MAX};

/// What a member wants changed.
#[derive(Debug, Clone)]
pub enum RoomChange {
    /// Open an invite.
    AddInvite(Box<Invite>),
    /// Close an invite.
    RemoveInvite(InviteId),
    /// Give the room another name.
    Rename(String),
    /// New keys, and nothing else.
    Rotate,
}

impl Room {
    /// Makes a commit and keeps it pending: it takes effect by [`Room::merge_pending`] once the relay has put it into the log,
    /// or not at all. `chain` is the last entry that this device has verified.
    ///
    /// # Errors
    /// [`CryptoError::CommitPending`]; [`CryptoError::Forbidden`] where the rules do not allow the change;
    /// [`CryptoError::OverLimit`] where the room has as many invites as it may.
    pub fn commit(&mut self, change: &RoomChange, chain: Chain) -> Result<Handshake, CryptoError> {
        if self.has_pending_commit() {
            return Err(CryptoError::CommitPending);
        }
        let new_state = self.changed_state(change)?;
        let before = self.secrets()?;
        let mut builder = self.group.commit_builder().force_self_update(true);
        if let Some(state) = &new_state {
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
            .build(self.provider.rand(), self.provider.crypto(), &self.device, |_| true)
            .map_err(|_| CryptoError::Mls("the commit could not be made"))?
            .stage_commit(&self.provider)
            .map_err(|_| CryptoError::Mls("the commit could not be staged"))?;
        let (commit, _, group_info) = bundle.into_messages();
        let group_info = group_info.ok_or(CryptoError::Mls("no GroupInfo"))?;
        let staged = self.group.pending_commit().ok_or(CryptoError::Mls("no pending commit"))?;
        let secrets =
            EpochSecrets::export(|label| staged.export_secret(self.provider.crypto(), label, &[], 32).ok())?;
        let serialize = |message: openmls::prelude::MlsMessageOut| {
            message.tls_serialize_detached().map_err(|_| CryptoError::Mls("serialization"))
        };
        let after = After {
            room: self.id,
            epoch: self.epoch(),
            handshake: &before.handshake,
            secrets: &secrets,
            state: new_state.as_ref().unwrap_or(&self.state),
            roster: &self.roster,
        };
        after.handshake(&serialize(commit)?, serialize(group_info)?, chain)
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

    /// The state after a change, checked by the same rules as others will check it; `None` where it stays.
    fn changed_state(&self, change: &RoomChange) -> Result<Option<RoomState>, CryptoError> {
        let mut state = self.state.clone();
        match change {
            RoomChange::Rotate => return Ok(None),
            RoomChange::Rename(name) => {
                check_room_name(name)
                    .map_err(|_| CryptoError::Malformed("room name"))?
                    .clone_into(&mut state.name);
            }
            RoomChange::AddInvite(invite) => {
                if state.invites.len() >= OPEN_INVITES_MAX {
                    let actual = state.invites.len() + 1;
                    return Err(CryptoError::OverLimit {
                        what: "open invites",
                        actual,
                        max: OPEN_INVITES_MAX,
                    });
                }
                state.invites.push((**invite).clone());
            }
            RoomChange::RemoveInvite(id) => {
                state.invites.retain(|invite| invite.id != *id);
            }
        }
        let own = self.roster.get(self.own_leaf()).ok_or(CryptoError::Mls("not in the room"))?;
        let facts = policy::Facts {
            member: Some(self.own_leaf()),
            leaf: Some(Ok(own.clone())),
            has_foreign_proposal: false,
            removed: Vec::new(),
            new_state: Some(Ok(state.clone())),
            aad: &[],
        };
        policy::judge(&self.before(), &facts)?;
        Ok(Some(state))
    }

    /// The room as the rules look at it.
    pub(super) fn before(&self) -> policy::Before<'_> {
        policy::Before {
            room: self.id,
            epoch: self.epoch(),
            suite: self.suite(),
            roster: &self.roster,
            state: &self.state,
        }
    }
}

/// What goes out with a commit, for the epoch it leads to.
pub(super) struct After<'a> {
    pub room: sotto_protocol::RoomId,
    /// The epoch that the commit leaves.
    pub epoch: u64,
    /// The handshake secret of that epoch.
    pub handshake: &'a crate::Secret,
    /// The secrets of the next epoch.
    pub secrets: &'a EpochSecrets,
    /// The state in the next epoch.
    pub state: &'a RoomState,
    /// Who is in the room in the next epoch.
    pub roster: &'a Roster,
}

impl After<'_> {
    pub(super) fn handshake(
        &self,
        commit: &[u8],
        group_info: Vec<u8>,
        chain: Chain,
    ) -> Result<Handshake, CryptoError> {
        let id = EntryId::new(random_array()?);
        let next_epoch = self.epoch.checked_add(1).ok_or(CryptoError::Mls("the last epoch"))?;
        let card = Card::of(self.secrets, next_epoch, group_info, chain);
        Ok(Handshake {
            id,
            entry: entry::seal(self.handshake, &self.room, EntryKind::Handshake, self.epoch, id, commit)?,
            access_key: self.secrets.access_key().public(),
            join_key: self.secrets.join_key().public(),
            card: card.seal(&door::card_key(self.secrets)?, &self.room)?,
            doors: door::doors(self.secrets, &self.room, next_epoch, self.state, self.roster)?,
        })
    }
}

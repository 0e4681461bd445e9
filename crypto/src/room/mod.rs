//! A room: an MLS group (RFC 9420) with room state in its context, doors into it and rules of its own.
//!
//! A file an operation: [`create`], [`commit`], [`join`], [`process`], [`repair`], [`rewind`]; [`policy`] is the one place that
//! judges commits.

mod assistant;
#[cfg(test)]
mod attacks;
mod card;
mod commit;
mod config;
mod create;
mod door;
mod facts;
pub(crate) mod given;
mod healing;
mod history;
mod join;
mod leaf;
mod own;
mod past;
mod path;
pub mod policy;
mod process;
mod publish;
mod repair;
mod rewind;
mod role;
mod roster;
mod rotation;
mod secrets;
mod state;
mod timer;
mod wraps;

use crate::{
    AdminKey, CryptoError, DeviceKey, entry,
    provider::{GroupState, Provider},
};
use history::{EpochRecord, LeafChange};
use minicbor::{Decode, Encode, bytes::ByteArray};
use openmls::group::{GroupId, MlsGroup};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::{CapsuleWrap, Door, EntryId, EntryKind, Handover, RoomId, handover_statement};
use zeroize::Zeroizing;

pub use assistant::{Assistant, RunsAt};
pub use commit::RoomChange;
pub use config::Suite;
pub use healing::KnownRoom;
pub use history::{HistoryReader, PastEpoch};
pub use join::{AccountJoin, JoinRequest, Joining};
pub use own::OwnDevice;
pub use past::Past;
pub use policy::{DeviceRemoval, LeaveScope, LeaveStatement};
pub use process::{Staged, Transition};
pub use publish::Publication;
pub use repair::{Flaw, Place};
pub use rewind::{Confirm, Left, RewindEffect, UndoneJoin, WayIn};
pub use role::{Authority, Permissions, Role};
pub use roster::{Roster, RosterChange, RosterEntry};
pub use rotation::RotationPolicy;
pub use secrets::{
    AccessSeed, EpochSecrets, HandshakeSecret, JoinSeed, MessageSecret, StatusKey, WrapSecret,
};
pub use state::{History, Invite, InviteId, RoomState};
pub use timer::Timer;

/// A room as one of its devices has it.
pub struct Room {
    id: RoomId,
    provider: Provider,
    group: MlsGroup,
    device: DeviceKey,
    roster: Roster,
    state: RoomState,
    /// What the commit that began the epoch did to the tree.
    arrival: Vec<LeafChange>,
    /// What the epoch's record says of those before it; `None` in epoch 0.
    past: Option<Past>,
    /// What the next epoch's will say. Every commit carries it.
    next_past: Past,
    /// The epoch before, where newcomers may read it: for the link that a joiner cannot make.
    previous: Option<EpochRecord>,
    /// The room before the last commit, while that came through a door and is not confirmed, or removed this device.
    checkpoint: Option<Checkpoint>,
    /// How this device came in, while that is not known to be good.
    own_join: Option<rewind::OwnJoin>,
    /// SHA-256 of commits that left this very epoch and were voided: none of them is followed any more, under whatever entry id.
    voided: Vec<ByteArray<32>>,
    /// Invites that rewinds to this very epoch have left out: their doors are closed while it lasts.
    left_out: Vec<InviteId>,
    /// The latest rules that this client knows.
    known_rules: u32,
}

/// What is appended to the log for a commit, and what the relay keeps for the epoch it leads to.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Handshake {
    /// The entry's id.
    #[n(0)]
    pub id: EntryId,
    /// The sealed commit.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub entry: Vec<u8>,
    /// Opens the room in the next epoch.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub access_key: [u8; 32],
    /// Permits one handshake through a door in the next epoch.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub join_key: [u8; 32],
    /// The next epoch's card, sealed.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub card: Vec<u8>,
    /// The next epoch's doors, padded to a power of two.
    #[n(5)]
    pub doors: Vec<Door>,
    /// The next epoch's capsule, sealed; `None` in rooms with a timer.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub capsule: Option<Vec<u8>>,
    /// The capsule's key, sealed to each account, padded to a power of two.
    #[n(7)]
    pub capsule_wraps: Vec<CapsuleWrap>,
    /// The record of the epoch before, under the next one, where newcomers may read it.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub history: Option<Vec<u8>>,
    /// Room-admin keys of owner and admins after the commit, the owner's first.
    #[n(9)]
    pub admin_keys: Vec<ByteArray<32>>,
    /// Whether access keys of earlier epochs open nothing after this entry.
    #[n(10)]
    pub cut: bool,
    /// A member's commit, or a join.
    #[n(11)]
    pub kind: EntryKind,
    /// Whether the room-admin keys are others than before, so that the relay has to be told.
    #[n(12)]
    pub changes_admins: bool,
    /// That, signed by [`Handshake::hand_over`].
    #[n(13)]
    pub handover: Option<Handover>,
    /// The committer's room-admin key after the commit, where it has a role then.
    #[n(14)]
    pub own_admin_key: Option<ByteArray<32>>,
}

impl Handshake {
    /// Tells the relay who administers the room from this commit on. `key` is the room-admin key of this device's account that counts
    /// before it, and `present` the list that the relay has ([`sotto_protocol::Held`]): the owner, whose key is its first, names the
    /// room's list; an admin the present one with the own key replaced, or without it. Nothing is told where nothing changes.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] only for a fault in here.
    pub fn hand_over(
        &mut self,
        room: &RoomId,
        key: &AdminKey,
        present: &[ByteArray<32>],
    ) -> Result<(), CryptoError> {
        let signer = key.public();
        let is_owner = present.first().is_some_and(|owner| **owner == signer);
        let keys = if is_owner && !self.admin_keys.is_empty() {
            self.admin_keys.clone()
        } else {
            Handover::with_own_key(present, &signer, self.own_admin_key.map(|next| *next))
        };
        let (header, _) = entry::split(&self.entry)?;
        let hash = sotto_protocol::entry_hash(&self.entry);
        let statement = handover_statement(room, header.epoch, &hash, &keys);
        let handover = Handover { keys, signer, signature: key.sign(&statement) };
        let is_told = handover.keys != present && handover.may_follow(present);
        self.handover = is_told.then_some(handover);
        Ok(())
    }

    /// What the relay keeps for the epoch that the commit leads to.
    #[must_use]
    pub fn publication(&self) -> Publication {
        Publication {
            card: self.card.clone(),
            doors: self.doors.clone(),
            capsule: self.capsule.clone(),
            capsule_wraps: self.capsule_wraps.clone(),
            admin_keys: self.admin_keys.iter().map(|key| **key).collect(),
        }
    }
}

#[derive(Encode, Decode)]
struct Saved {
    #[cbor(n(0), with = "crate::secret::bytes")]
    group: Zeroizing<Vec<u8>>,
    #[n(1)]
    roster: Roster,
    #[n(2)]
    arrival: Vec<LeafChange>,
    #[n(3)]
    previous: Option<EpochRecord>,
    #[n(4)]
    checkpoint: Option<Checkpoint>,
    #[n(5)]
    own_join: Option<rewind::OwnJoin>,
    #[n(6)]
    voided: Vec<ByteArray<32>>,
    #[n(7)]
    past: Option<Past>,
    #[n(8)]
    next_past: Past,
    #[n(9)]
    left_out: Vec<InviteId>,
}

/// A room as it was, and the handshake that left it.
#[derive(Clone, Encode, Decode)]
struct Checkpoint {
    #[cbor(n(0), with = "crate::secret::bytes")]
    room: Zeroizing<Vec<u8>>,
    #[cbor(n(1), with = "minicbor::bytes")]
    entry_hash: [u8; 32],
}

impl Room {
    /// Reads what [`Room::save`] wrote.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is damaged or belongs to another device.
    pub fn load(id: RoomId, device: DeviceKey, saved: &[u8]) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("stored room");
        let saved: Saved = minicbor::decode(saved).map_err(|_| malformed())?;
        let state = GroupState::load(&saved.group).map_err(|_| malformed())?;
        let provider = Provider::with_state(state);
        let group = MlsGroup::load(provider.storage(), &GroupId::from_slice(id.as_bytes()))
            .map_err(|_| malformed())?
            .ok_or_else(malformed)?;
        let state = RoomState::of(group.extensions())?;
        Ok(Self {
            id,
            provider,
            group,
            device,
            roster: saved.roster,
            state,
            arrival: saved.arrival,
            previous: saved.previous,
            checkpoint: saved.checkpoint,
            own_join: saved.own_join,
            voided: saved.voided,
            left_out: saved.left_out,
            past: saved.past,
            next_past: saved.next_past,
            known_rules: state::POLICY_VERSION,
        })
    }

    /// Everything of the room as one value, to be stored sealed in one transaction with what depends on it.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] only for a fault in here.
    pub fn save(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.save_with(self.checkpoint.clone())
    }

    fn save_without_checkpoint(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.save_with(None)
    }

    fn save_with(&self, checkpoint: Option<Checkpoint>) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let group = self.provider.state().save().map_err(|_| CryptoError::Malformed("stored room"))?;
        let saved = Saved {
            group,
            roster: self.roster.clone(),
            arrival: self.arrival.clone(),
            previous: self.previous.clone(),
            checkpoint,
            own_join: self.own_join.clone(),
            voided: self.voided.clone(),
            left_out: self.left_out.clone(),
            past: self.past,
            next_past: self.next_past,
        };
        Ok(sotto_protocol::encode_secret(&saved))
    }

    /// The room's id.
    #[must_use]
    pub const fn id(&self) -> RoomId {
        self.id
    }

    /// This device's key, with which it signs messages.
    #[must_use]
    pub const fn device(&self) -> &DeviceKey {
        &self.device
    }

    /// The current epoch.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.group.epoch().as_u64()
    }

    /// This device's place in the tree.
    #[must_use]
    pub fn own_leaf(&self) -> u32 {
        self.group.own_leaf_index().u32()
    }

    /// Who is in the room.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The room's name, rules and invites.
    #[must_use]
    pub const fn state(&self) -> &RoomState {
        &self.state
    }

    /// The room's suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        Suite::of(self.group.ciphersuite())
    }

    /// The secrets of the current epoch.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn secrets(&self) -> Result<EpochSecrets, CryptoError> {
        EpochSecrets::export(|label| self.group.export_secret(self.provider.crypto(), label, &[], 32).ok())
    }

    /// What two people compare to know that they are in the same room at the same point (RFC 9420, section 8.7).
    #[must_use]
    pub fn epoch_authenticator(&self) -> Vec<u8> {
        self.group.epoch_authenticator().as_slice().to_vec()
    }

    /// Whether this device was removed: the room stays as it was, and nothing new can be read or said.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        !self.group.is_active()
    }

    /// Whether the room has moved to rules that this version does not know. What was said up to the move can be read; nothing that comes
    /// later can be judged, and nothing may be said or changed, until the client is updated. Nothing is lost meanwhile.
    #[must_use]
    pub const fn needs_newer_version(&self) -> bool {
        self.state.policy_version > self.known_rules
    }

    /// Leaves whose clients do not know these rules: they cannot go on, until they are updated, where the room moves to them.
    #[must_use]
    pub fn left_standing(&self, rules: u32) -> Vec<u32> {
        self.roster.iter().filter(|(_, entry)| entry.rules < rules).map(|(leaf, _)| leaf).collect()
    }

    /// A member's picture in this room, an encoded attachment reference.
    #[must_use]
    pub fn avatar_of(&self, leaf: u32) -> Option<Vec<u8>> {
        let node = self.group.public_group().leaf(openmls::prelude::LeafNodeIndex::new(leaf))?;
        leaf::LeafData::of(node).ok()?.avatar
    }

    /// As if this client were updated.
    #[cfg(test)]
    fn know_rules(&mut self, latest: u32) {
        self.known_rules = latest;
    }

    fn check_rules(&self) -> Result<(), CryptoError> {
        if self.needs_newer_version() { Err(CryptoError::NewerVersion) } else { Ok(()) }
    }

    /// Whether a commit of this device waits for the relay.
    #[must_use]
    pub fn has_pending_commit(&self) -> bool {
        self.group.pending_commit().is_some()
    }
}

impl core::fmt::Debug for Room {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Room").field("id", &self.id).field("epoch", &self.epoch()).finish_non_exhaustive()
    }
}

impl core::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Handshake").field("id", &self.id).finish_non_exhaustive()
    }
}

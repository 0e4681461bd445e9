//! A room: an MLS group (RFC 9420) with room state in its context, doors into it and rules of its own.
//!
//! A file an operation: [`create`], [`commit`], [`join`], [`process`]; [`policy`] is the one place that judges commits.

mod card;
mod commit;
mod config;
mod create;
mod door;
mod facts;
mod join;
mod leaf;
pub mod policy;
mod process;
mod roster;
mod secrets;
mod state;

use crate::{
    CryptoError, DeviceKey,
    provider::{GroupState, Provider},
};
use minicbor::{Decode, Encode};
use openmls::group::{GroupId, MlsGroup};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::{Door, EntryId, RoomId};
use zeroize::Zeroizing;

pub use commit::RoomChange;
pub use config::Suite;
pub use join::{JoinRequest, Joining};
pub use process::{Staged, Transition};
pub use roster::{Roster, RosterChange, RosterEntry};
pub use secrets::EpochSecrets;
pub use state::{Invite, InviteId, RoomState};

/// A room as one of its devices has it.
pub struct Room {
    id: RoomId,
    provider: Provider,
    group: MlsGroup,
    device: DeviceKey,
    roster: Roster,
    state: RoomState,
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
}

#[derive(Encode, Decode)]
struct Saved {
    #[cbor(n(0), with = "crate::secret::bytes")]
    group: Zeroizing<Vec<u8>>,
    #[n(1)]
    roster: Roster,
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
        Ok(Self { id, provider, group, device, roster: saved.roster, state })
    }

    /// Everything of the room as one value, to be stored sealed in one transaction with what depends on it.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] only for a fault in here.
    pub fn save(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let group = self.provider.state().save().map_err(|_| CryptoError::Malformed("stored room"))?;
        let saved = Saved { group, roster: self.roster.clone() };
        Ok(Zeroizing::new(sotto_protocol::encode(&saved)))
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

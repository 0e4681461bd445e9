//! Room state: what all members agree on besides who they are. A GroupContext extension: MLS authenticates it, and the relay
//! never sees it.

use super::Roster;
use crate::{
    CryptoError, Secret,
    identity::{AccountId, check_room_name},
    link, random_array, wrap,
};
use minicbor::{Decode, Encode};
use openmls::{
    group::GroupContext,
    prelude::{Extension, Extensions, UnknownExtension},
};
use sotto_protocol::{DoorId, limits::OPEN_INVITES_MAX};

/// Type of the GroupContext extension (RFC 9420, section 17.3: private use).
pub const STATE_EXTENSION: u16 = 0xF501;

/// The rules by which this code judges. A room of another version is neither judged nor committed to.
pub const POLICY_VERSION: u32 = 1;

/// An invite's id is the id of its door.
pub type InviteId = DoorId;

/// An invite as the room knows it: nothing from which the link could be made.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Invite {
    /// Its door.
    #[n(0)]
    pub id: InviteId,
    /// Ed25519 key that signs whoever comes in.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature_key: [u8; 32],
    /// X-Wing key to which the card's key is sealed.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub wrap_key: Vec<u8>,
    /// Who made it.
    #[n(3)]
    pub inviter: AccountId,
    /// How many people may come in; `None` for any number.
    #[n(4)]
    pub max_uses: Option<u32>,
    /// How many came in and are gone again.
    #[n(5)]
    pub spent: u32,
}

impl Invite {
    /// The invite of a link's secret.
    ///
    /// # Errors
    /// Never for a secret of 32 bytes.
    pub fn of_secret(
        secret: &Secret,
        inviter: AccountId,
        max_uses: Option<u32>,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            id: link::invite_door(secret)?,
            signature_key: link::invite_signature_key(secret)?.public(),
            wrap_key: link::invite_wrap_key(secret)?.public(),
            inviter,
            max_uses,
            spent: 0,
        })
    }

    /// Whether as many people have come in as may.
    pub(super) fn is_used_up(&self, roster: &Roster) -> bool {
        let uses = roster.accounts_via(&self.id).saturating_add(self.spent as usize);
        self.max_uses.is_some_and(|max_uses| uses >= max_uses as usize)
    }

    /// Whether its keys can be used.
    pub(super) fn is_well_formed(&self) -> bool {
        self.max_uses != Some(0) && wrap::check_public_key(&self.wrap_key).is_ok()
    }
}

impl core::fmt::Debug for Invite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Invite").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What all members agree on.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RoomState {
    /// The rules by which commits are judged.
    #[n(0)]
    pub policy_version: u32,
    /// The room's name.
    #[n(1)]
    pub name: String,
    /// Who made the room. (Roles come in beside it.)
    #[n(2)]
    pub owner: AccountId,
    /// Open invites, at most 16.
    #[n(3)]
    pub invites: Vec<Invite>,
    /// SHA-256 of device keys that may never come back.
    #[n(4)]
    pub revoked: Vec<minicbor::bytes::ByteArray<32>>,
    /// From which the ids of decoy doors come. Never changes.
    #[n(5)]
    pub decoy_seed: minicbor::bytes::ByteArray<32>,
}

impl RoomState {
    /// The state of a new room.
    pub(super) fn new(name: &str, owner: AccountId) -> Result<Self, CryptoError> {
        let name = check_room_name(name).map_err(|_| CryptoError::Malformed("room name"))?.to_owned();
        Ok(Self {
            policy_version: POLICY_VERSION,
            name,
            owner,
            invites: Vec::new(),
            revoked: Vec::new(),
            decoy_seed: random_array::<32>()?.into(),
        })
    }

    /// The seed of decoy doors, as a key.
    pub(super) fn decoy_seed(&self) -> Secret {
        Secret::new(*self.decoy_seed)
    }

    /// From a GroupContext's extensions.
    pub(super) fn of(extensions: &Extensions<GroupContext>) -> Result<Self, CryptoError> {
        let UnknownExtension(bytes) =
            extensions.unknown(STATE_EXTENSION).ok_or(CryptoError::Malformed("room state"))?;
        let state: Self = sotto_protocol::decode(bytes).map_err(|_| CryptoError::Malformed("room state"))?;
        if state.policy_version != POLICY_VERSION {
            return Err(CryptoError::NewerVersion);
        }
        // Nothing may hide in it: what this version does not know, this version of the rules does not allow.
        if sotto_protocol::encode(&state) == *bytes {
            Ok(state)
        } else {
            Err(CryptoError::Malformed("room state"))
        }
    }

    /// As a GroupContext extension.
    pub(super) fn to_extension(&self) -> Extension {
        Extension::Unknown(STATE_EXTENSION, UnknownExtension(sotto_protocol::encode(self)))
    }

    /// The invite of that id.
    #[must_use]
    pub fn invite(&self, id: &InviteId) -> Option<&Invite> {
        self.invites.iter().find(|invite| invite.id == *id)
    }

    /// Whether the state is within its limits.
    pub(super) fn is_well_formed(&self) -> bool {
        check_room_name(&self.name) == Ok(&self.name)
            && self.invites.len() <= OPEN_INVITES_MAX
            && self.invites.iter().all(Invite::is_well_formed)
            && self
                .invites
                .iter()
                .enumerate()
                .all(|(index, invite)| self.invites.iter().skip(index + 1).all(|other| other.id != invite.id))
    }
}

impl core::fmt::Debug for RoomState {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RoomState").field("policy_version", &self.policy_version).finish_non_exhaustive()
    }
}

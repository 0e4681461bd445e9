//! Section "Inside the room": `room-state`, the GroupContext's extension.

use crate::{
    PeerError,
    certificate::check_name,
    encoding::{Bytes32, Id, decode, encode},
    leaf_data::LEAF_DATA,
};
use minicbor::{Decode, Encode, bytes::ByteVec};
use mls_rs::{
    Extension, ExtensionList,
    extension::{ExtensionType, MlsExtension as _, built_in::RequiredCapabilitiesExt},
    identity::CredentialType,
};

/// Extension type in the GroupContext.
pub const ROOM_STATE: ExtensionType = ExtensionType::new(0xF501);

const VERSION: u32 = 1;
const MAX_NAME_BYTES: usize = 256;
const MAX_INVITES: usize = 16;

/// `room-state`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RoomState {
    /// Rules version.
    #[n(0)]
    pub version: u32,
    /// Name.
    #[n(1)]
    pub name: String,
    /// Owner.
    #[n(2)]
    pub owner: Id,
    /// Open invites.
    #[n(3)]
    pub invites: Vec<Invite>,
    /// Revoked device keys, hashed.
    #[n(4)]
    pub revoked: Vec<Bytes32>,
    /// Decoy seed.
    #[n(5)]
    pub decoy_seed: Bytes32,
}

/// `invite`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Invite {
    /// Door id.
    #[n(0)]
    pub door: Id,
    /// Invite signature key.
    #[n(1)]
    pub signature_key: Bytes32,
    /// X-Wing public key.
    #[n(2)]
    pub wrap_key: ByteVec,
    /// Inviter.
    #[n(3)]
    pub inviter: Id,
    /// How many accounts may come in; absent: any number.
    #[n(4)]
    pub max_uses: Option<u32>,
    /// Spent.
    #[n(5)]
    pub spent: u32,
}

impl RoomState {
    /// The state of a new room.
    pub fn new(name: &str, owner: Id, decoy_seed: Bytes32) -> Self {
        Self { version: VERSION, name: name.to_owned(), owner, invites: vec![], revoked: vec![], decoy_seed }
    }

    /// The GroupContext's extensions: this state and the required capabilities.
    pub fn to_extensions(&self) -> Result<ExtensionList, PeerError> {
        let required =
            RequiredCapabilitiesExt::new(vec![ROOM_STATE, LEAF_DATA], vec![], vec![CredentialType::BASIC]);
        let required =
            required.into_extension().map_err(|_| PeerError::Malformed("required capabilities"))?;
        Ok(vec![required, Extension::new(ROOM_STATE, encode(self)?)].into())
    }

    /// Reads the GroupContext's extensions and checks that the state is well formed.
    pub fn of(extensions: &ExtensionList) -> Result<Self, PeerError> {
        const WHAT: &str = "room state";
        let extension = extensions.get(ROOM_STATE).ok_or(PeerError::Malformed(WHAT))?;
        let state: Self = decode(&extension.extension_data, WHAT)?;
        if state.version != VERSION {
            return Err(PeerError::Version(state.version));
        }
        if state.to_extensions()? != *extensions {
            return Err(PeerError::Forbidden("extensions of the group, or bytes of the room state"));
        }
        check_name(&state.name, MAX_NAME_BYTES)?;
        if state.invites.len() > MAX_INVITES || state.invites.iter().any(|invite| invite.max_uses == Some(0))
        {
            return Err(PeerError::Forbidden("invites"));
        }
        Ok(state)
    }

    /// An open invite.
    pub fn invite(&self, door: &Id) -> Option<&Invite> {
        self.invites.iter().find(|invite| invite.door == *door)
    }
}

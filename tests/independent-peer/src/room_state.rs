//! Section "Inside the room": `room-state`, the GroupContext's extension.

use crate::{
    PeerError,
    door::door_id,
    encoding::{Bytes32, Id, decode, encode},
    labels,
    leaf_data::LEAF_DATA,
    name::check_name,
    wrap::check_public,
};
use minicbor::{Decode, Encode, bytes::ByteVec};
use mls_rs::{
    Extension, ExtensionList,
    extension::{ExtensionType, MlsExtension as _, built_in::RequiredCapabilitiesExt},
    identity::CredentialType,
};
use std::collections::BTreeSet;

/// Extension type in the GroupContext.
pub const ROOM_STATE: ExtensionType = ExtensionType::new(0xF501);

const VERSION: u32 = 1;
const MAX_NAME_BYTES: usize = 256;
const MAX_TOPIC_BYTES: usize = 1_024;
const MAX_AVATAR_BYTES: usize = 512;
const MAX_INVITES: usize = 16;
const MAX_ADMINS: usize = 64;
const MAX_REVOKED: usize = 256;
const MAX_SUSPENDED: usize = 256;
const MAX_SPEAKERS: usize = 64;
const MAX_ASSISTANTS: usize = 8;
const MAX_ASSISTANT_NAME_BYTES: usize = 128;

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
    /// Topic, may be empty.
    #[n(6)]
    pub topic: String,
    /// Avatar: an attachment reference.
    #[n(7)]
    pub avatar: Option<ByteVec>,
    /// Admins, ascending, without the owner.
    #[n(8)]
    pub admins: Vec<Id>,
    /// Who may do what.
    #[n(9)]
    pub permissions: Permissions,
    /// Messages vanish after so many seconds.
    #[n(10)]
    pub timer: Option<u32>,
    /// What newcomers may read.
    #[n(11)]
    pub history: History,
    /// SHA-256 of door keys to which nothing is sealed.
    #[n(12)]
    pub suspended: Vec<Bytes32>,
    /// Closed.
    #[n(13)]
    pub closed: bool,
    /// Who may post though the role may not, ascending.
    #[n(14)]
    pub speakers: Vec<Id>,
    /// Each newcomer is let in by name.
    #[n(15)]
    pub by_approval: bool,
    /// For how many seconds the relay is asked to keep messages.
    #[n(16)]
    pub retention: Option<u64>,
    /// Assistants, ascending by account.
    #[n(17)]
    pub assistants: Vec<Assistant>,
}

/// `assistant`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Assistant {
    /// Account.
    #[n(0)]
    pub account: Id,
    /// Who runs it.
    #[n(1)]
    pub operator: String,
    /// Which model.
    #[n(2)]
    pub model: String,
    /// Where it runs.
    #[n(3)]
    pub runs_at: RunsAt,
    /// For how many seconds what it was asked is kept.
    #[n(4)]
    pub kept: u64,
}

/// Where a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RunsAt {
    /// At the operator.
    #[n(0)]
    Operator,
    /// In the operator's network.
    #[n(1)]
    Network,
    /// Elsewhere.
    #[n(2)]
    Elsewhere,
}

/// `role`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Member.
    #[n(0)]
    Member,
    /// Admin.
    #[n(1)]
    Admin,
    /// Owner.
    #[n(2)]
    Owner,
}

/// `permissions`: the least role that may do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Permissions {
    /// Invite.
    #[n(0)]
    pub invite: Role,
    /// Remove.
    #[n(1)]
    pub remove: Role,
    /// Rename.
    #[n(2)]
    pub rename: Role,
    /// Pin.
    #[n(3)]
    pub pin: Role,
    /// Delete others' messages.
    #[n(4)]
    pub delete: Role,
    /// Post.
    #[n(5)]
    pub post: Role,
}

/// `history`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum History {
    /// Since joining.
    #[n(0)]
    SinceJoining,
    /// Shared.
    #[n(1)]
    Shared,
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
    /// When the relay closes its door, ms since 1970.
    #[n(6)]
    pub expires: Option<u64>,
    /// The only account that may come in by it.
    #[n(7)]
    pub only_for: Option<Id>,
}

impl RoomState {
    /// The state of a new room.
    pub fn new(name: &str, owner: Id, decoy_seed: Bytes32) -> Self {
        Self {
            version: VERSION,
            name: name.to_owned(),
            owner,
            invites: vec![],
            revoked: vec![],
            decoy_seed,
            topic: String::new(),
            avatar: None,
            admins: vec![],
            permissions: Permissions {
                invite: Role::Member,
                remove: Role::Admin,
                rename: Role::Admin,
                pin: Role::Member,
                delete: Role::Admin,
                post: Role::Member,
            },
            timer: None,
            history: History::SinceJoining,
            suspended: vec![],
            closed: false,
            speakers: vec![],
            by_approval: false,
            retention: None,
            assistants: vec![],
        }
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
        if state.to_extensions()? != *extensions {
            return Err(PeerError::Forbidden("extensions of the group, or bytes of the room state"));
        }
        state.check()?;
        Ok(state)
    }

    /// Rule 9, without the X-Wing keys of invites: those are checked where something is sealed to them.
    fn check(&self) -> Result<(), PeerError> {
        check_name(&self.name, MAX_NAME_BYTES)?;
        if !self.topic.is_empty() {
            check_name(&self.topic, MAX_TOPIC_BYTES)?;
        }
        let ids: BTreeSet<Id> = self.invites.iter().map(|invite| invite.door).collect();
        let holds = self.avatar.as_ref().is_none_or(|avatar| avatar.len() <= MAX_AVATAR_BYTES)
            && self.invites.len() <= MAX_INVITES
            && ids.len() == self.invites.len()
            && self.invites.iter().all(|invite| {
                check_public(&invite.wrap_key).is_ok()
                    && invite.max_uses != Some(0)
                    && invite.door == door_id(labels::INVITE_DOOR, &[&invite.signature_key[..]])
            })
            && self.admins.len() <= MAX_ADMINS
            && self.admins.is_sorted_by(|one, next| one < next)
            && !self.admins.contains(&self.owner)
            && self.timer.is_none_or(|seconds| (60..=366 * 86_400).contains(&seconds))
            && (self.timer.is_none() || self.history == History::SinceJoining)
            && self.revoked.len() <= MAX_REVOKED
            && self.suspended.len() <= MAX_SUSPENDED
            && (!self.closed || self.invites.is_empty())
            && self.version >= VERSION
            && self.speakers.len() <= MAX_SPEAKERS
            && self.speakers.is_sorted_by(|one, next| one < next)
            && (!self.by_approval || self.invites.iter().all(|invite| invite.only_for.is_some()))
            && self.retention.is_none_or(|seconds| (60..=316_224_000).contains(&seconds))
            && self.assistants.len() <= MAX_ASSISTANTS
            && self.assistants.is_sorted_by(|one, next| one.account < next.account);
        for assistant in &self.assistants {
            check_name(&assistant.operator, MAX_ASSISTANT_NAME_BYTES)?;
            check_name(&assistant.model, MAX_ASSISTANT_NAME_BYTES)?;
        }
        if holds { Ok(()) } else { Err(PeerError::Forbidden("form of the room state")) }
    }

    /// An account's role.
    pub fn role(&self, account: &Id) -> Role {
        if *account == self.owner {
            Role::Owner
        } else if self.admins.contains(account) {
            Role::Admin
        } else {
            Role::Member
        }
    }

    /// An open invite.
    pub fn invite(&self, door: &Id) -> Option<&Invite> {
        self.invites.iter().find(|invite| invite.door == *door)
    }
}

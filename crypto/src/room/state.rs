//! Room state: what all members agree on besides who they are. A GroupContext extension: MLS authenticates it, and the relay
//! never sees it.

use super::{Assistant, Authority, Permissions, Role, Roster, RosterEntry};
use crate::{
    CryptoError, Secret,
    identity::{AccountId, check_room_name, is_room_name, is_topic},
    labels,
    link::{self, InviteSecret},
    random_array, wrap,
};
use minicbor::{Decode, Encode};
use openmls::{
    group::GroupContext,
    prelude::{Extension, Extensions, UnknownExtension},
};
use sha2::{Digest as _, Sha256};
use sotto_protocol::{
    DoorId,
    limits::{
        ADMINS_MAX, ASSISTANTS_MAX, OPEN_INVITES_MAX, RETENTION_S, REVOKED_DEVICES_MAX,
        ROOM_AVATAR_MAX_BYTES, SPEAKERS_MAX, SUSPENDED_DOORS_MAX, TIMER_MAX_S, TIMER_MIN_S,
    },
};

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
    /// When the relay is to close the door, in milliseconds since 1970. Members judge nothing by it.
    #[n(6)]
    pub expires_at_ms: Option<u64>,
    /// The only account that may come in by it; `None` for anyone.
    #[n(7)]
    pub for_account: Option<AccountId>,
}

impl Invite {
    /// The invite of a link's secret.
    ///
    /// # Errors
    /// Never for a secret of 32 bytes.
    pub fn of_secret(
        secret: &InviteSecret,
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
            expires_at_ms: None,
            for_account: None,
        })
    }

    /// The same, with a time at which the relay closes its door.
    #[must_use]
    pub fn expiring(self, at_ms: u64) -> Self {
        Self { expires_at_ms: Some(at_ms), ..self }
    }

    /// The same, for one account only.
    #[must_use]
    pub fn bound_to(self, account: AccountId) -> Self {
        Self { for_account: Some(account), ..self }
    }

    /// How many people have come in, those included who are gone again.
    #[must_use]
    pub fn uses(&self, roster: &Roster) -> usize {
        roster.accounts_via(&self.id).saturating_add(self.spent as usize)
    }

    /// Whether as many people have come in as may. All who are in the room agree on it.
    #[must_use]
    pub fn is_used_up(&self, roster: &Roster) -> bool {
        self.max_uses.is_some_and(|max_uses| self.uses(roster) >= max_uses as usize)
    }

    /// Whether its time is over by this clock.
    #[must_use]
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// Whether its keys can be used, and its id is its own.
    pub(super) fn is_well_formed(&self) -> bool {
        self.max_uses != Some(0)
            && self.id == link::door_of_invite_key(&self.signature_key)
            && wrap::check_public_key(&self.wrap_key).is_ok()
    }
}

impl core::fmt::Debug for Invite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Invite").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a newcomer may read of the time before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum History {
    /// Nothing.
    #[default]
    #[n(0)]
    SinceJoining,
    /// Everything said while this was in force.
    #[n(1)]
    Shared,
}

/// The part of a state that every version of the rules has.
#[derive(Decode)]
#[cbor(map)]
struct Version(#[n(0)] u32);

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
    /// Who made the room, or whom the owner before named.
    #[n(2)]
    pub owner: AccountId,
    /// Open invites, at most 16.
    #[n(3)]
    pub invites: Vec<Invite>,
    /// Device keys that may not come back, hashed: 256 of those that were removed.
    #[n(4)]
    pub revoked: Vec<minicbor::bytes::ByteArray<32>>,
    /// From which the ids of decoy doors come. Never changes.
    #[n(5)]
    pub decoy_seed: minicbor::bytes::ByteArray<32>,
    /// What the room is about; may be empty.
    #[n(6)]
    pub topic: String,
    /// The room's picture: an encoded attachment reference.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub avatar: Option<Vec<u8>>,
    /// Admins, in order, without the owner.
    #[n(8)]
    pub admins: Vec<AccountId>,
    /// What roles may.
    #[n(9)]
    pub permissions: Permissions,
    /// After how many seconds messages vanish; `None` for never.
    #[n(10)]
    pub timer_s: Option<u32>,
    /// What newcomers may read.
    #[n(11)]
    pub history: History,
    /// Hashes of accounts' door keys that a removed device knows: nothing is sealed to them, and room-admin keys published with
    /// them count for nothing. 256 of them.
    #[n(12)]
    pub suspended_doors: Vec<minicbor::bytes::ByteArray<32>>,
    /// Whether the room is closed: nobody comes in, nothing is said any more.
    #[n(13)]
    pub is_closed: bool,
    /// Who may post though the role may not, in order.
    #[n(14)]
    pub speakers: Vec<AccountId>,
    /// Whether admins let in each newcomer by name: every invite is for one account then.
    #[n(15)]
    pub by_approval: bool,
    /// For how many seconds the relay is asked to keep messages; `None` where nothing is asked.
    #[n(16)]
    pub retention_s: Option<u64>,
    /// Programs that answer who asks them, in order of their accounts.
    #[n(17)]
    pub assistants: Vec<Assistant>,
}

impl RoomState {
    /// The state of a new room.
    pub(super) fn new(name: &str, owner: AccountId) -> Result<Self, CryptoError> {
        let name = check_room_name(name).map_err(|_| CryptoError::Malformed("room name"))?;
        Ok(Self {
            policy_version: POLICY_VERSION,
            name,
            owner,
            invites: Vec::new(),
            revoked: Vec::new(),
            decoy_seed: random_array::<32>()?.into(),
            topic: String::new(),
            avatar: None,
            admins: Vec::new(),
            permissions: Permissions::default(),
            timer_s: None,
            history: History::default(),
            suspended_doors: Vec::new(),
            is_closed: false,
            speakers: Vec::new(),
            by_approval: false,
            retention_s: None,
            assistants: Vec::new(),
        })
    }

    /// Who has which role, and what roles may.
    #[must_use]
    pub fn authority(&self) -> Authority {
        Authority {
            owner: self.owner,
            admins: self.admins.clone(),
            permissions: self.permissions,
            speakers: self.speakers.clone(),
        }
    }

    /// An account's role.
    #[must_use]
    pub fn role_of(&self, account: &AccountId) -> Role {
        if *account == self.owner {
            Role::Owner
        } else if self.admins.contains(account) {
            Role::Admin
        } else {
            Role::Member
        }
    }

    /// Whether nothing is sealed to the door key of that leaf.
    pub(super) fn is_suspended(&self, entry: &RosterEntry) -> bool {
        let hash = suspension_hash(entry);
        self.suspended_doors.iter().any(|suspended| **suspended == hash)
    }

    /// The seed of decoy doors, as a key.
    pub(super) fn decoy_seed(&self) -> Secret {
        Secret::new(*self.decoy_seed)
    }

    /// From a GroupContext's extensions.
    pub(super) fn of(extensions: &Extensions<GroupContext>) -> Result<Self, CryptoError> {
        let UnknownExtension(bytes) =
            extensions.unknown(STATE_EXTENSION).ok_or(CryptoError::Malformed("room state"))?;
        let malformed = |_| CryptoError::Malformed("room state");
        // Nothing may hide in it: what this version does not know, this version of the rules does not allow. A room that has just moved
        // to later rules says nothing else yet, so who does not know these can still be in it.
        match sotto_protocol::decode_exact(bytes) {
            Ok(state) => Ok(state),
            Err(error) => match sotto_protocol::decode::<Version>(bytes).map_err(malformed)? {
                Version(version) if version > POLICY_VERSION => Err(CryptoError::NewerVersion),
                Version(_) => Err(malformed(error)),
            },
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
        self.policy_version != 0
            && is_room_name(&self.name)
            && self.invites.len() <= OPEN_INVITES_MAX
            && self.invites.iter().all(Invite::is_well_formed)
            && self
                .invites
                .iter()
                .enumerate()
                .all(|(index, invite)| self.invites.iter().skip(index + 1).all(|other| other.id != invite.id))
            && self.has_well_formed_rules()
    }

    fn has_well_formed_rules(&self) -> bool {
        (self.topic.is_empty() || is_topic(&self.topic))
            && self.avatar.as_ref().is_none_or(|avatar| avatar.len() <= ROOM_AVATAR_MAX_BYTES)
            && self.admins.len() <= ADMINS_MAX
            && self.admins.is_sorted_by(|one, next| one < next)
            && !self.admins.contains(&self.owner)
            && self.timer_s.is_none_or(|timer| (TIMER_MIN_S..=TIMER_MAX_S).contains(&timer))
            // What vanishes cannot be handed to those who come later.
            && (self.timer_s.is_none() || self.history == History::SinceJoining)
            && self.revoked.len() <= REVOKED_DEVICES_MAX
            && self.suspended_doors.len() <= SUSPENDED_DOORS_MAX
            && (!self.is_closed || self.invites.is_empty())
            && self.speakers.len() <= SPEAKERS_MAX
            && self.speakers.is_sorted_by(|one, next| one < next)
            && (!self.by_approval || self.invites.iter().all(|invite| invite.for_account.is_some()))
            && self.retention_s.is_none_or(|seconds| RETENTION_S.contains(&seconds))
            && self.assistants.len() <= ASSISTANTS_MAX
            && self.assistants.is_sorted_by(|one, next| one.account < next.account)
            && self.assistants.iter().all(Assistant::is_well_formed)
    }
}

/// How a suspended door key stands in the room state. With the account: anybody can publish anybody's public key.
pub(super) fn suspension_hash(entry: &RosterEntry) -> [u8; 32] {
    remembered(labels::hash::SUSPENDED_DOOR, &entry.account, &entry.door_key_hash)
}

/// What a room remembers of an account: 16 bytes that say whose it is, 16 that say what.
pub(super) fn remembered(label: &[u8], account: &AccountId, what: &[u8; 32]) -> [u8; 32] {
    let whose = Sha256::new().chain_update(labels::hash::REMOVED_ACCOUNT).chain_update(account.as_bytes());
    let what = Sha256::new().chain_update(label).chain_update(account.as_bytes()).chain_update(what);
    let (mut bytes, what): ([u8; 32], [u8; 32]) = (whose.finalize().into(), what.finalize().into());
    bytes.iter_mut().skip(16).zip(what).for_each(|(to, from)| *to = from);
    bytes
}

impl core::fmt::Debug for RoomState {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RoomState").field("policy_version", &self.policy_version).finish_non_exhaustive()
    }
}

//! What a device that comes in again knows of the room it comes back to.
//!
//! Where it could not open a commit's secrets, it could judge all the rest: so it knows context, tree and confirmation tag of
//! the epoch that this commit begins, and compares them with the card. Where it had to erase its keys, or stands still, it knows
//! the epoch in which it stood. Of later epochs it knows less: what no commit can do.

use super::{Role, Room, RoomState, Roster, path::check_path_keys, policy};
use crate::{CryptoError, entry, provider::Provider};
use minicbor::{Decode, Encode, bytes::ByteArray};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn, ProcessedMessageContent},
    group::{ProposalStore, PublicGroup},
    prelude::tls_codec::{DeserializeBytes as _, Serialize as TlsSerialize},
};
use openmls_traits::OpenMlsProvider as _;
use sha2::{Digest as _, Sha256};
use sotto_protocol::{
    EntryKind, RoomId,
    limits::{REVOKED_DEVICES_MAX, SUSPENDED_DOORS_MAX},
};
use std::collections::BTreeMap;

/// What everybody could see of a room at some epoch, and no secret: by it a device that comes in again tells its room from another
/// one. It may outlive the device's keys.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KnownRoom {
    #[n(0)]
    room: RoomId,
    #[n(1)]
    epoch: u64,
    #[n(2)]
    suite: u16,
    /// SHA-256 of the GroupContext, which holds the hashes of tree and transcript.
    #[cbor(n(3), with = "minicbor::bytes")]
    context: [u8; 32],
    /// SHA-256 of the confirmation tag, which follows from the epoch's secrets.
    #[cbor(n(4), with = "minicbor::bytes")]
    confirmation: [u8; 32],
    /// SHA-256 of each leaf.
    #[n(5)]
    leaves: BTreeMap<u32, ByteArray<32>>,
    #[n(6)]
    state: RoomState,
    #[n(7)]
    roster: Roster,
}

impl Room {
    /// What the room must be after the handshake for which [`Room::stage`] said [`CryptoError::CannotFollow`], for
    /// [`AccountJoin::heal`](super::AccountJoin::heal). A handshake that was voided is expected by nobody any more.
    ///
    /// # Errors
    /// As [`Room::stage`]; [`CryptoError::Mls`] where this device can follow.
    pub fn expect(&mut self, kind: EntryKind, bytes: &[u8]) -> Result<KnownRoom, CryptoError> {
        let handshake = self.secrets()?.handshake;
        let (_, commit) = entry::open(handshake.seed(), &self.id, kind, self.epoch(), bytes)?;
        self.refuse_voided(&commit)?;
        check_path_keys(&commit, self.suite())?;
        match self.process(kind, &commit) {
            Err(CryptoError::CannotFollow) => self.after(&commit),
            Err(error) => Err(error),
            Ok(_) => Err(CryptoError::Mls("the commit can be followed")),
        }
    }

    /// What this device knows of the room now, for [`AccountJoin::heal`](super::AccountJoin::heal): to be kept where its keys have
    /// to be erased (a timer's, with the epoch's last message), or where it stands still and a person lets it come in again.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] only for a fault in here.
    pub fn known(&self) -> Result<KnownRoom, CryptoError> {
        KnownRoom::of(self.id, self.group.public_group(), self.suite(), &self.state, &self.roster)
    }

    /// The room as everybody can see it, after a commit that was judged.
    fn after(&self, commit: &[u8]) -> Result<KnownRoom, CryptoError> {
        let provider = Provider::default();
        let mut group = self.seen_by_everyone(&provider)?;
        let processed = group
            .process_message(provider.crypto(), super::process::read_commit(commit)?)
            .map_err(|_| CryptoError::Mls("the commit is not valid"))?;
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(CryptoError::Malformed("commit"));
        };
        group
            .merge_commit(provider.storage(), *staged)
            .map_err(|_| CryptoError::Mls("the commit could not be merged"))?;
        let state = RoomState::of(group.group_context().extensions())?;
        let roster = Roster::of(&group, self.suite())?;
        KnownRoom::of(self.id, &group, self.suite(), &state, &roster)
    }

    fn seen_by_everyone(&self, provider: &Provider) -> Result<PublicGroup, CryptoError> {
        let failed = || CryptoError::Mls("no GroupInfo");
        let info = self
            .group
            .export_group_info(self.provider.crypto(), &self.device, true)
            .map_err(|_| failed())?
            .tls_serialize_detached()
            .map_err(|_| failed())?;
        let message = MlsMessageIn::tls_deserialize_exact_bytes(&info).map_err(|_| failed())?;
        let MlsMessageBodyIn::GroupInfo(info) = message.extract() else { return Err(failed()) };
        let tree = self.group.export_ratchet_tree().into();
        PublicGroup::from_external(provider.crypto(), provider.storage(), tree, info, ProposalStore::new())
            .map(|(group, _)| group)
            .map_err(|_| failed())
    }
}

impl Roster {
    fn of(group: &PublicGroup, suite: super::Suite) -> Result<Self, CryptoError> {
        let entries = group.members().map(|member| {
            let leaf = group.leaf(member.index).ok_or(CryptoError::Mls("no leaf"))?;
            Ok((member.index.u32(), super::RosterEntry::of(leaf, suite)?))
        });
        entries.collect::<Result<Vec<_>, CryptoError>>().map(Self::from_entries)
    }
}

impl KnownRoom {
    /// What a group shows.
    pub(super) fn of(
        room: RoomId,
        group: &PublicGroup,
        suite: super::Suite,
        state: &RoomState,
        roster: &Roster,
    ) -> Result<Self, CryptoError> {
        let leaves = group.members().map(|member| {
            let leaf = group.leaf(member.index).ok_or(CryptoError::Mls("no leaf"))?;
            Ok((member.index.u32(), hash(leaf)?.into()))
        });
        Ok(Self {
            room,
            epoch: group.group_context().epoch().as_u64(),
            suite: suite.ciphersuite() as u16,
            context: hash(group.group_context())?,
            confirmation: hash(group.confirmation_tag())?,
            leaves: leaves.collect::<Result<_, CryptoError>>()?,
            state: state.clone(),
            roster: roster.clone(),
        })
    }

    /// To be stored. There is no secret in it, but names and who is in the room.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        sotto_protocol::encode(self)
    }

    /// Reads what [`KnownRoom::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        sotto_protocol::decode(bytes).map_err(|_| CryptoError::Malformed("known room"))
    }

    /// Compares with a card's room. Gives how many epochs lie between, which this device cannot judge.
    pub(super) fn check(&self, card: &Self) -> Result<u64, CryptoError> {
        let (expected, found) = (self.epoch, card.epoch);
        let unjudged = found.checked_sub(expected).ok_or(CryptoError::WrongEpoch { expected, found })?;
        let is_good =
            self.room == card.room && if unjudged == 0 { self.is_same(card) } else { self.can_become(card) };
        if is_good { Ok(unjudged) } else { Err(CryptoError::AnotherRoom) }
    }

    /// Which epoch this is of.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    fn is_same(&self, card: &Self) -> bool {
        self.context == card.context && self.confirmation == card.confirmation
    }

    /// Whether commits that keep the rules can lead to this room, as far as that shows.
    fn can_become(&self, card: &Self) -> bool {
        let (old, new) = (&self.state, &card.state);
        self.suite == card.suite
            && old.decoy_seed == new.decoy_seed
            && keeps(&old.revoked, &new.revoked, REVOKED_DEVICES_MAX)
            && keeps(&old.suspended_doors, &new.suspended_doors, SUSPENDED_DOORS_MAX)
            && self.can_roster_become(card)
            && self.could_change(card)
    }

    /// A leaf that has not committed since is the very same, and one that has is of the same device, in the same stay; none that
    /// was revoked is here.
    fn can_roster_become(&self, card: &Self) -> bool {
        card.roster.iter().all(|(leaf, entry)| {
            if entry.joined > self.epoch {
                let hash = policy::revocation_hash(&entry.account, &entry.device_key);
                return !self.state.revoked.iter().any(|revoked| **revoked == hash);
            }
            if entry.updated <= self.epoch {
                return card.leaves.get(&leaf) == self.leaves.get(&leaf);
            }
            self.roster.get(leaf).is_some_and(|known| {
                (known.account, known.device_key, known.via, known.joined, known.stay)
                    == (entry.account, entry.device_key, entry.via, entry.joined, entry.stay)
                    && known.generation <= entry.generation
            })
        })
    }

    /// Whether a member who might change the state so seems to have committed since, or is gone: a commit replaces its maker's
    /// leaf, which only that device can sign, with the epoch. Where the owner was gone already, anybody may have followed.
    fn could_change(&self, card: &Self) -> bool {
        let (old, new) = (&self.state, &card.state);
        let needed =
            if (old.owner, old.permissions, old.is_closed) != (new.owner, new.permissions, new.is_closed) {
                Role::Owner
            } else if (&old.admins, old.timer_s, old.history) != (&new.admins, new.timer_s, new.history) {
                Role::Admin
            } else {
                return true;
            };
        let has_moved = |leaf| card.roster.get(leaf).is_none_or(|entry| entry.updated > self.epoch);
        !self.roster.has(&old.owner)
            || self
                .roster
                .iter()
                .any(|(leaf, entry)| old.role_of(&entry.account) >= needed && has_moved(leaf))
    }
}

fn hash(value: &impl TlsSerialize) -> Result<[u8; 32], CryptoError> {
    let bytes = value.tls_serialize_detached().map_err(|_| CryptoError::Mls("serialization"))?;
    Ok(Sha256::digest(bytes).into())
}

/// Whether a list from which only the oldest fall out, and only past its limit, still holds what it held.
fn keeps(old: &[ByteArray<32>], new: &[ByteArray<32>], most: usize) -> bool {
    new.len() >= most || old.iter().all(|hash| new.contains(hash))
}

impl core::fmt::Debug for KnownRoom {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KnownRoom")
            .field("room", &self.room)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

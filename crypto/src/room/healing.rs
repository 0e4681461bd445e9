//! What a device that cannot follow a commit knows of the room it comes back to.
//!
//! It could not open the commit's secrets, but it could judge all the rest: so it knows context, tree and confirmation tag of
//! the epoch that this commit begins, and compares them with the card. Of later epochs it knows less: what no commit can do.

use super::{Role, Room, RoomState, Roster, path::check_path_keys, policy};
use crate::{CryptoError, entry, provider::Provider};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn, ProcessedMessageContent},
    group::{ProposalStore, PublicGroup},
    prelude::{
        LeafNodeIndex,
        tls_codec::{DeserializeBytes as _, Serialize as _},
    },
};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::{
    EntryKind, RoomId,
    limits::{REVOKED_DEVICES_MAX, SUSPENDED_DOORS_MAX},
};

/// The room as it must be after a commit that a device could judge but not follow.
pub struct Expected {
    room: RoomId,
    group: PublicGroup,
    state: RoomState,
    roster: Roster,
}

impl Room {
    /// What the room must be after the handshake for which [`Room::stage`] said [`CryptoError::CannotFollow`], for
    /// [`AccountJoin::heal`](super::AccountJoin::heal). A handshake that was voided is expected by nobody any more.
    ///
    /// # Errors
    /// As [`Room::stage`]; [`CryptoError::Mls`] where this device can follow.
    pub fn expect(&mut self, bytes: &[u8]) -> Result<Expected, CryptoError> {
        let handshake = self.secrets()?.handshake;
        let (_, commit) = entry::open(handshake.seed(), &self.id, EntryKind::Handshake, self.epoch(), bytes)?;
        check_path_keys(&commit, self.suite())?;
        match self.process(&commit) {
            Err(CryptoError::CannotFollow) => self.after(&commit),
            Err(error) => Err(error),
            Ok(_) => Err(CryptoError::Mls("the commit can be followed")),
        }
    }

    /// The room as everybody can see it, after a commit that was judged.
    fn after(&self, commit: &[u8]) -> Result<Expected, CryptoError> {
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
        Ok(Expected { room: self.id, group, state, roster })
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

impl Expected {
    /// Compares with a card's room. Gives how many epochs lie between, which this device cannot judge.
    pub(super) fn check(
        &self,
        room: &RoomId,
        group: &PublicGroup,
        state: &RoomState,
        roster: &Roster,
    ) -> Result<u64, CryptoError> {
        let (expected, found) = (self.epoch(), group.group_context().epoch().as_u64());
        let unjudged = found.checked_sub(expected).ok_or(CryptoError::WrongEpoch { expected, found })?;
        let is_good = *room == self.room
            && if unjudged == 0 { self.is_same(group) } else { self.can_become(group, state, roster) };
        if is_good { Ok(unjudged) } else { Err(CryptoError::AnotherRoom) }
    }

    /// The epoch that the commit begins.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.group.group_context().epoch().as_u64()
    }

    /// The context holds the hashes of tree and transcript, hence every commit so far; the tag follows from the epoch's secrets.
    fn is_same(&self, group: &PublicGroup) -> bool {
        group.group_context() == self.group.group_context()
            && group.confirmation_tag() == self.group.confirmation_tag()
    }

    /// Whether commits that keep the rules can lead to this room, as far as that shows.
    fn can_become(&self, group: &PublicGroup, state: &RoomState, roster: &Roster) -> bool {
        group.ciphersuite() == self.group.ciphersuite()
            && state.decoy_seed == self.state.decoy_seed
            && keeps(&self.state.revoked, &state.revoked, REVOKED_DEVICES_MAX)
            && keeps(&self.state.suspended_doors, &state.suspended_doors, SUSPENDED_DOORS_MAX)
            && self.can_roster_become(roster)
            && self.could_change(group, state)
    }

    /// Whoever was here before now is at the same leaf, and is the same; none who was revoked is here.
    fn can_roster_become(&self, roster: &Roster) -> bool {
        roster.iter().all(|(leaf, entry)| {
            if entry.joined > self.epoch() {
                let hash = policy::revocation_hash(&entry.account, &entry.device_key);
                return !self.state.revoked.iter().any(|revoked| **revoked == hash);
            }
            self.roster.get(leaf).is_some_and(|known| {
                (known.account, known.device_key, known.via, known.joined, known.stay)
                    == (entry.account, entry.device_key, entry.via, entry.joined, entry.stay)
                    && known.generation <= entry.generation
            })
        })
    }

    /// Whether somebody who might change the state so seems to have committed since, or is gone: a commit replaces its maker's
    /// leaf, which only that device can sign (though it may have done so long ago). Where the owner was gone already, anybody may
    /// have followed.
    fn could_change(&self, group: &PublicGroup, state: &RoomState) -> bool {
        let (old, new) = (&self.state, state);
        let needed =
            if (old.owner, old.permissions, old.is_closed) != (new.owner, new.permissions, new.is_closed) {
                Role::Owner
            } else if (&old.admins, old.timer_s, old.history) != (&new.admins, new.timer_s, new.history) {
                Role::Admin
            } else {
                return true;
            };
        let has_moved = |leaf| {
            let index = LeafNodeIndex::new(leaf);
            group.leaf(index) != self.group.leaf(index)
        };
        !self.roster.has(&old.owner)
            || self
                .roster
                .iter()
                .any(|(leaf, entry)| old.role_of(&entry.account) >= needed && has_moved(leaf))
    }
}

/// Whether a list from which only the oldest fall out, and only past its limit, still holds what it held.
fn keeps(
    old: &[minicbor::bytes::ByteArray<32>],
    new: &[minicbor::bytes::ByteArray<32>],
    most: usize,
) -> bool {
    new.len() >= most || old.iter().all(|hash| new.contains(hash))
}

impl core::fmt::Debug for Expected {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Expected")
            .field("room", &self.room)
            .field("epoch", &self.epoch())
            .finish_non_exhaustive()
    }
}

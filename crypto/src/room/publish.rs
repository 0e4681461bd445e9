//! What goes out beside a commit: everything that the relay keeps for the epoch it leads to.

use super::{
    Authority, EpochSecrets, Handshake, HandshakeSecret, History, InviteId, Role, Room, RoomState, Roster,
    RosterEntry,
    card::Card,
    door,
    door::Leaves,
    history::{self, EpochRecord, FULL_ROSTER_EPOCHS, LeafChange, LeafRecord},
    leaf::LeafData,
    past::Past,
};
use crate::{CryptoError, entry, random_array};
use openmls::{group::MlsGroup, prelude::LeafNode};
use sotto_protocol::{CapsuleWrap, Chain, Door, EntryId, EntryKind, Published, RoomId};
use std::collections::BTreeMap;

/// An epoch, as far as what is published for it depends on it.
pub(super) struct Epoch<'a> {
    pub room: RoomId,
    pub number: u64,
    pub secrets: &'a EpochSecrets,
    pub state: &'a RoomState,
    pub roster: &'a Roster,
    pub leaves: &'a Leaves,
    /// By the commit that began it.
    pub change: &'a [LeafChange],
    /// What its record says of those before it; `None` in epoch 0.
    pub past: Option<Past>,
    /// Certificates by leaf; asked for only where the record holds the whole roster.
    pub certificates: &'a dyn Fn(u32) -> Option<Vec<u8>>,
    /// Invites whose doors are closed.
    pub left_out: &'a [InviteId],
}

/// What the relay keeps for an epoch.
#[derive(Clone, PartialEq, Eq)]
pub struct Publication {
    /// The sealed card.
    pub card: Vec<u8>,
    /// Its doors.
    pub doors: Vec<Door>,
    /// The sealed capsule; `None` in rooms with a timer.
    pub capsule: Option<Vec<u8>>,
    /// The capsule's key, for each account.
    pub capsule_wraps: Vec<CapsuleWrap>,
    /// Keys of owner and admins. They are not published with the rest, but handed over: [`Handshake::hand_over`].
    pub admin_keys: Vec<[u8; 32]>,
}

impl Publication {
    /// As it is sent.
    #[must_use]
    pub fn into_published(self) -> Published {
        Published {
            card: self.card,
            doors: self.doors,
            capsule: self.capsule,
            capsule_wraps: Some(self.capsule_wraps),
        }
    }
}

impl core::fmt::Debug for Publication {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Publication").field("doors", &self.doors.len()).finish_non_exhaustive()
    }
}

impl Epoch<'_> {
    /// The record of this epoch.
    pub fn record(&self) -> EpochRecord {
        let whole = || {
            let leaves = self.roster.iter().filter_map(|(leaf, entry)| {
                let certificate = (self.certificates)(leaf)?;
                Some((leaf, LeafRecord { entry: entry.clone(), certificate }))
            });
            leaves.collect()
        };
        EpochRecord {
            epoch: self.number,
            message: self.secrets.message.clone(),
            change: self.change.to_vec(),
            authority: self.state.authority(),
            roster: self.number.is_multiple_of(FULL_ROSTER_EPOCHS).then(whole),
            past: self.past,
        }
    }

    /// All of it, with the card's GroupInfo.
    pub fn publication(&self, group_info: Vec<u8>, chain: Chain) -> Result<Publication, CryptoError> {
        let card = Card::of(self.secrets, self.number, group_info, chain, Past::after(&self.record()));
        let has_capsule = self.state.timer_s.is_none();
        Ok(Publication {
            card: card.seal(&door::card_key(self.secrets)?, &self.room)?,
            doors: self.doors()?,
            capsule: has_capsule.then(|| self.record().to_capsule(self.secrets, &self.room)).transpose()?,
            capsule_wraps: if has_capsule { self.capsule_wraps()? } else { Vec::new() },
            admin_keys: self.admin_keys(),
        })
    }

    pub fn doors(&self) -> Result<Vec<Door>, CryptoError> {
        let mut state = self.state.clone();
        state.invites.retain(|invite| !self.left_out.contains(&invite.id));
        door::doors(self.secrets, &self.room, self.number, &state, self.roster, self.leaves)
    }

    pub fn capsule_wraps(&self) -> Result<Vec<CapsuleWrap>, CryptoError> {
        history::capsule_wraps(self.secrets, &self.room, self.number, self.state, self.roster, self.leaves)
    }

    /// The room-admin keys of owner and admins: the owner's first, then the others, ascending. Where the owner's devices publish several,
    /// the one of the latest list of devices is the owner's.
    pub fn admin_keys(&self) -> Vec<[u8; 32]> {
        let authority: Authority = self.state.authority();
        let counts = |entry: &RosterEntry| {
            authority.role_of(&entry.account) >= Role::Admin && !self.state.is_suspended(entry)
        };
        let counting: Vec<_> =
            self.roster.iter().map(|(_, entry)| entry).filter(|entry| counts(entry)).collect();
        let of_owner = counting.iter().filter(|entry| entry.account == authority.owner);
        let owner = of_owner
            .max_by_key(|entry| (entry.device_list_version(), core::cmp::Reverse(entry.admin_key)))
            .map(|entry| entry.admin_key);
        let mut keys: Vec<_> = counting.iter().map(|entry| entry.admin_key).collect();
        keys.retain(|key| Some(*key) != owner);
        keys.sort_unstable();
        keys.dedup();
        owner.into_iter().chain(keys).collect()
    }
}

/// A commit on its way out.
pub(super) struct Outgoing<'a> {
    /// The serialized commit.
    pub commit: &'a [u8],
    /// A member's, or a newcomer's.
    pub kind: EntryKind,
    /// The handshake secret of the epoch that it leaves.
    pub handshake: &'a HandshakeSecret,
    /// The epoch before, where newcomers may read it.
    pub history: Option<&'a EpochRecord>,
    /// Whether earlier access keys end here.
    pub cut: bool,
    /// The room-admin keys before it.
    pub admins_before: Vec<[u8; 32]>,
    /// The committer's after it, where it has a role then.
    pub own_admin_key: Option<[u8; 32]>,
}

impl Outgoing<'_> {
    /// What is appended to the log, with what the relay keeps for the epoch after.
    pub fn handshake(
        &self,
        next: &Epoch<'_>,
        group_info: Vec<u8>,
        chain: Chain,
    ) -> Result<Handshake, CryptoError> {
        let id = EntryId::new(random_array()?);
        let epoch = next.number.checked_sub(1).ok_or(CryptoError::Mls("the first epoch"))?;
        let published = next.publication(group_info, chain)?;
        let link =
            self.history.map(|record| record.to_link(&next.secrets.message, &next.room)).transpose()?;
        Ok(Handshake {
            id,
            kind: self.kind,
            entry: entry::seal(self.handshake.seed(), &next.room, self.kind, epoch, id, self.commit)?,
            access_key: next.secrets.access_key().public(),
            join_key: next.secrets.join_key().public(),
            card: published.card,
            doors: published.doors,
            capsule: published.capsule,
            capsule_wraps: published.capsule_wraps,
            history: link,
            cut: self.cut,
            // Nobody is told that nobody administers the room: then those before stay.
            changes_admins: !published.admin_keys.is_empty() && published.admin_keys != self.admins_before,
            admin_keys: published.admin_keys.into_iter().map(Into::into).collect(),
            own_admin_key: self.own_admin_key.map(Into::into),
            handover: None,
        })
    }
}

/// Whether the epoch before is handed on: only what was said while it was allowed, and is allowed still.
pub(super) fn hands_history_on(before: &RoomState, after: &RoomState) -> bool {
    before.history == History::Shared && after.history == History::Shared
}

/// The leaf extensions of a group's tree.
pub(super) fn leaves_of(group: &MlsGroup) -> Result<Leaves, CryptoError> {
    let tree = group.public_group();
    let leaves = tree.members().map(|member| {
        let leaf = tree.leaf(member.index).ok_or(CryptoError::Mls("no leaf"))?;
        Ok((member.index.u32(), LeafData::of(leaf)?))
    });
    leaves.collect::<Result<BTreeMap<_, _>, CryptoError>>()
}

/// The certificate that is a leaf's credential, as bytes.
pub(super) fn certificate_bytes(leaf: &LeafNode) -> Vec<u8> {
    leaf.credential().serialized_content().to_vec()
}

impl Room {
    /// A leaf as history keeps it.
    pub(super) fn leaf_record(&self, leaf: u32) -> Option<LeafRecord> {
        let certificate = self.certificate_at(leaf)?;
        Some(LeafRecord { entry: self.roster.get(leaf)?.clone(), certificate })
    }

    /// The certificate at a leaf.
    pub(super) fn certificate_at(&self, leaf: u32) -> Option<Vec<u8>> {
        self.group.public_group().leaf(openmls::prelude::LeafNodeIndex::new(leaf)).map(certificate_bytes)
    }

    /// The record of the current epoch.
    pub(super) fn record(&self, secrets: &EpochSecrets) -> Result<EpochRecord, CryptoError> {
        let leaves = Leaves::new();
        Ok(self.current(secrets, &leaves, &|leaf| self.certificate_at(leaf)).record())
    }

    /// The current epoch.
    pub(super) fn current<'a>(
        &'a self,
        secrets: &'a EpochSecrets,
        leaves: &'a Leaves,
        certificates: &'a dyn Fn(u32) -> Option<Vec<u8>>,
    ) -> Epoch<'a> {
        Epoch {
            room: self.id,
            number: self.epoch(),
            secrets,
            state: &self.state,
            roster: &self.roster,
            leaves,
            change: &self.arrival,
            past: self.past,
            certificates,
            left_out: &self.left_out,
        }
    }
}

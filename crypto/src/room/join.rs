//! Coming in through a door: with the card, by an external commit (RFC 9420, section 12.4.3.2), with no one online. A newcomer
//! uses an invite's door; the next device of an account that is in the room, or one that has lost its way, its account's.

use super::{
    Handshake, HistoryReader, InviteId, JoinSeed, KnownRoom, OwnDevice, Room, RoomState, Roster,
    RosterChange, RosterEntry, WayIn,
    card::Card,
    config,
    config::Suite,
    door::{CardKey, Leaves},
    facts::new_state,
    history,
    history::{LeafChange, LeafRecord},
    leaf::LeafData,
    own::Stay,
    past::{CommitData, Past},
    policy,
    policy::JoinProof,
    publish::{Epoch, Outgoing, certificate_bytes},
    rewind::OwnJoin,
    state::POLICY_VERSION,
    wraps,
};
use crate::{CryptoError, DeviceKey, JoinKey, link, link::InviteLink, provider::Provider, wrap::WrapKey};
use minicbor::{Decode, Encode};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn},
    group::{MlsGroup, ProposalStore, PublicGroup},
    messages::group_info::VerifiableGroupInfo,
    prelude::{
        LeafNodeParameters, RatchetTreeIn,
        tls_codec::{DeserializeBytes as _, Serialize as _},
    },
};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::{Chain, DoorId, EntryKind, RoomId, entry_hash};
use zeroize::Zeroizing;

/// `LeafNodeSource` (RFC 9420, section 7.2).
const SOURCE_COMMIT: u8 = 3;

/// What it takes to join by an invite.
#[derive(Debug)]
pub struct JoinRequest<'a> {
    /// The invite.
    pub link: &'a InviteLink,
    /// The sealed card from the relay.
    pub card: &'a [u8],
    /// The card's key, sealed to the door.
    pub wrap: &'a [u8],
    /// The epoch that the relay says the card is of.
    pub epoch: u64,
    /// Who joins, with which device.
    pub own: &'a OwnDevice,
}

/// What it takes to come in by the door of one's own account.
#[derive(Debug)]
pub struct AccountJoin<'a> {
    /// Which room.
    pub room: RoomId,
    /// The sealed card from the relay.
    pub card: &'a [u8],
    /// The card's key, sealed to the account's door.
    pub wrap: &'a [u8],
    /// The epoch that the relay says the card is of.
    pub epoch: u64,
    /// Which device comes in.
    pub own: &'a OwnDevice,
}

/// A join that the relay has not acknowledged: the room as it will be then.
#[derive(Debug)]
pub struct Joining {
    /// The room after the join.
    pub room: Room,
    /// What is to be appended.
    pub handshake: Handshake,
    /// The door that is used.
    pub door: DoorId,
    join_seed: JoinSeed,
    /// The last entry that the card's writer had verified: from here on this device verifies the log.
    pub chain: Chain,
    /// The epoch that the join leaves.
    pub epoch: u64,
    /// Whether the inviter is still in the room; true for an account's own door.
    pub is_inviter_present: bool,
    /// How many commits this device neither judged nor can judge, of those between what it knew and the card: of these it has
    /// the word of whoever wrote the card. `None` where it knew nothing of the room, and has that word for everything. Unless it
    /// is 0, compare the room's fingerprint.
    pub unjudged: Option<u64>,
    /// Who was in the room before.
    roster_before: Roster,
    /// What the card says of the time before.
    past: Past,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct SavedJoin {
    #[cbor(n(0), with = "crate::secret::bytes")]
    room: Zeroizing<Vec<u8>>,
    #[n(1)]
    handshake: Handshake,
    #[n(2)]
    door: DoorId,
    #[n(3)]
    join_seed: JoinSeed,
    #[n(4)]
    chain: Chain,
    #[n(5)]
    epoch: u64,
    #[n(6)]
    is_inviter_present: bool,
    #[n(7)]
    roster_before: Roster,
    #[n(8)]
    unjudged: Option<u64>,
    #[n(9)]
    past: Past,
}

impl Joining {
    /// The join as one value, to be stored sealed before it is sent: whatever happens then, the same bytes are sent again.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] only for a fault in here.
    pub fn save(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let saved = SavedJoin {
            room: self.room.save()?,
            handshake: self.handshake.clone(),
            door: self.door,
            join_seed: self.join_seed.clone(),
            chain: self.chain,
            epoch: self.epoch,
            is_inviter_present: self.is_inviter_present,
            roster_before: self.roster_before.clone(),
            unjudged: self.unjudged,
            past: self.past,
        };
        Ok(sotto_protocol::encode_secret(&saved))
    }

    /// Reads what [`Joining::save`] wrote.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is damaged.
    pub fn load(room: RoomId, device: DeviceKey, saved: &[u8]) -> Result<Self, CryptoError> {
        let saved: SavedJoin =
            sotto_protocol::decode(saved).map_err(|_| CryptoError::Malformed("stored join"))?;
        Ok(Self {
            room: Room::load(room, device, &saved.room)?,
            handshake: saved.handshake,
            door: saved.door,
            join_seed: saved.join_seed,
            chain: saved.chain,
            epoch: saved.epoch,
            is_inviter_present: saved.is_inviter_present,
            roster_before: saved.roster_before,
            unjudged: saved.unjudged,
            past: saved.past,
        })
    }

    /// Signs the append.
    #[must_use]
    pub fn join_key(&self) -> JoinKey {
        JoinKey::from_seed(self.join_seed.seed())
    }

    /// Reads what was said before this device came in: by its account's capsules, or by history links from the first one that a
    /// member has added on.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] only for a fault in here.
    pub fn history(&self) -> Result<HistoryReader, CryptoError> {
        let own = self.room.roster.get(self.room.own_leaf()).ok_or(CryptoError::Mls("not in the room"))?;
        let tag = history::capsule_tag(&self.room.state, &own.account)?;
        let next = self.room.secrets()?.message;
        let (room, roster) = (self.room.id, self.roster_before.clone());
        Ok(HistoryReader::new(room, tag, self.epoch, roster, Some(next), self.past))
    }
}

impl JoinRequest<'_> {
    /// Opens the card and makes the commit.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`] or [`CryptoError::Malformed`] where card or wrap are damaged or not for this link;
    /// [`CryptoError::WrongEpoch`] where the card is older than the link or not of the epoch that the relay says;
    /// [`CryptoError::Forbidden`] where the room's rules would not let this device in.
    pub fn join(self) -> Result<Joining, CryptoError> {
        self.enter(None)
    }

    /// The same for a device whose join by this link was undone: the card must fit the room that it knows.
    ///
    /// # Errors
    /// As [`JoinRequest::join`] and [`AccountJoin::heal`].
    pub fn join_again(self, known: &KnownRoom) -> Result<Joining, CryptoError> {
        self.enter(Some(known))
    }

    fn enter(self, known: Option<&KnownRoom>) -> Result<Joining, CryptoError> {
        let Self { link, card, wrap, epoch, own } = self;
        own.check()?;
        let door = link.door()?;
        let opened = open_card(&link::invite_wrap_key(&link.secret)?, &link.room, epoch, &door, card, wrap)?;
        if opened.epoch < link.epoch {
            return Err(CryptoError::WrongEpoch { expected: link.epoch, found: opened.epoch });
        }
        let entrance = Entrance::read(link.room, opened, known)?;
        let (data, joiner) = entrance.joiner(own, Some(door))?;
        let statement = policy::join_proof_statement(&link.room, epoch, &joiner);
        let signature = link::invite_signature_key(&link.secret)?.sign(&statement);
        let is_inviter_present = entrance.roster.has(&link.inviter);
        let way = WayIn::Link(Box::new(link.clone()));
        let proof = JoinProof::Invite(door, signature);
        let joining = entrance.enter(own, &data, joiner, &proof, way)?;
        Ok(Joining { is_inviter_present, ..joining })
    }
}

impl AccountJoin<'_> {
    /// Opens the card with the account's door key and makes the commit. A leaf that this very device has is replaced. For a
    /// device that knows nothing of the room: it believes the card.
    ///
    /// # Errors
    /// As [`JoinRequest::join`]; [`CryptoError::Forbidden`] where the account is not in the room any more.
    pub fn join(self) -> Result<Joining, CryptoError> {
        self.enter(None)
    }

    /// The same for a device that could judge a commit but not follow it: the card must be of the room that it knows.
    ///
    /// # Errors
    /// As [`AccountJoin::join`]; [`CryptoError::AnotherRoom`] where the card is of another room than `known`, or of one that it
    /// cannot have become; [`CryptoError::WrongEpoch`] where it is of an earlier epoch.
    pub fn heal(self, known: &KnownRoom) -> Result<Joining, CryptoError> {
        self.enter(Some(known))
    }

    fn enter(self, known: Option<&KnownRoom>) -> Result<Joining, CryptoError> {
        let Self { room, card, wrap, epoch, own } = self;
        own.check()?;
        let door = own.door(&room)?;
        let card = open_card(&own.wrap_key(), &room, epoch, &door, card, wrap)?;
        let entrance = Entrance::read(room, card, known)?;
        let account = own.certificate.account();
        let sibling = entrance.roster.devices_of(&account).find(|(_, entry)| entry.door == door);
        let via = sibling
            .map(|(_, entry)| entry.via)
            .ok_or(CryptoError::Forbidden(policy::Violation::AccountDoor))?;
        let (data, joiner) = entrance.joiner(own, via)?;
        entrance.enter(own, &data, joiner, &JoinProof::Account(door), WayIn::AccountDoor)
    }
}

fn open_card(
    key: &WrapKey,
    room: &RoomId,
    epoch: u64,
    door: &DoorId,
    card: &[u8],
    wrap: &[u8],
) -> Result<Card, CryptoError> {
    let context = wraps::context(room, epoch, door.as_bytes());
    let card_key = key.open(wraps::DOOR.info, &context, wrap)?;
    let card = Card::open(&CardKey::from_seed(card_key), room, card)?;
    if card.epoch != epoch || epoch == u64::MAX {
        return Err(CryptoError::WrongEpoch { expected: epoch, found: card.epoch });
    }
    Ok(card)
}

/// The room as the card shows it.
struct Entrance {
    room: RoomId,
    card: Card,
    suite: Suite,
    roster: Roster,
    state: RoomState,
    leaves: Leaves,
    records: Vec<(u32, LeafRecord)>,
    unjudged: Option<u64>,
    shown: Box<KnownRoom>,
}

impl Entrance {
    /// Verifies tree, GroupInfo and every certificate, and compares with what this device knows of the room.
    fn read(room: RoomId, card: Card, known: Option<&KnownRoom>) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("card");
        let (info, suite) = group_info(&card)?;
        if info.group_id().as_slice() != room.as_bytes() || info.epoch().as_u64() != card.epoch {
            return Err(malformed());
        }
        let tree: RatchetTreeIn =
            info.extensions().ratchet_tree().ok_or_else(malformed)?.ratchet_tree().clone();
        let provider = Provider::default();
        let (group, _) = PublicGroup::from_external(
            provider.crypto(),
            provider.storage(),
            tree,
            info,
            ProposalStore::new(),
        )
        .map_err(|_| CryptoError::Mls("the card's group is not valid"))?;
        let state = new_state(group.group_context().extensions())?;
        if state.policy_version > POLICY_VERSION {
            return Err(CryptoError::NewerVersion);
        }
        if !state.is_well_formed() {
            return Err(CryptoError::Malformed("room state"));
        }
        let mut leaves = Leaves::new();
        let mut records = Vec::new();
        for member in group.members() {
            let leaf = group.leaf(member.index).ok_or_else(malformed)?;
            // The library judges the lifetime of such a leaf by this device's clock. There is none in any room: everybody came in
            // by a commit, and the maker's first one replaced the leaf of epoch 0.
            let source = leaf.leaf_node_source().tls_serialize_detached().map_err(|_| malformed())?;
            if source.first() != Some(&SOURCE_COMMIT) {
                return Err(malformed());
            }
            let entry = RosterEntry::of(leaf, suite)?;
            leaves.insert(member.index.u32(), LeafData::of(leaf)?);
            records.push((member.index.u32(), LeafRecord { entry, certificate: certificate_bytes(leaf) }));
        }
        let roster = Roster::from_entries(records.iter().map(|(leaf, record)| (*leaf, record.entry.clone())));
        let shown = Box::new(KnownRoom::of(room, &group, suite, &state, &roster)?);
        let unjudged = known.map(|known| known.check(&shown)).transpose()?;
        Ok(Self { room, card, suite, roster, state, leaves, records, unjudged, shown })
    }

    fn joiner(&self, own: &OwnDevice, via: Option<InviteId>) -> Result<(LeafData, RosterEntry), CryptoError> {
        let data = own.leaf_data(&self.room, via, Stay::begin(self.card.epoch.saturating_add(1))?)?;
        let entry = RosterEntry::new(&own.certificate, &data)?;
        Ok((data, entry))
    }

    /// Judges the join as every member will, so that nobody is sent into a room that refuses them, and makes the commit.
    fn enter(
        self,
        own: &OwnDevice,
        data: &LeafData,
        joiner: RosterEntry,
        proof: &JoinProof,
        way: WayIn,
    ) -> Result<Joining, CryptoError> {
        let aad = sotto_protocol::encode(proof);
        let (JoinProof::Invite(door, _) | JoinProof::Account(door)) = *proof;
        let old = self.roster.iter().find(|(_, entry)| entry.device_key == joiner.device_key);
        let removed: Vec<u32> = old.map(|(leaf, _)| leaf).into_iter().collect();
        let facts = policy::Facts {
            kind: EntryKind::Join,
            member: None,
            leaf: Some(Ok(joiner.clone())),
            has_foreign_proposal: false,
            removed: removed.clone(),
            new_state: None,
            past: self.card.past,
            aad: &aad,
            reason: None,
        };
        let before = policy::Before {
            room: self.room,
            epoch: self.card.epoch,
            suite: self.suite,
            roster: &self.roster,
            state: &self.state,
            past: self.card.past,
            left_out: &[],
        };
        policy::judge(&before, &facts)?;

        let provider = Provider::default();
        let (group, commit) = self.external_commit(&provider, own, data, aad)?;
        let leaf = group.own_leaf_index().u32();
        let mut change = RosterChange(removed.iter().map(|leaf| (*leaf, None)).collect());
        change.0.insert(leaf, Some(joiner.clone()));
        let arrival = self.arrival(&removed, leaf, joiner, own);
        let mut room = Room {
            id: self.room,
            provider,
            group,
            device: own.device.clone(),
            roster: self.roster.after(&change),
            state: self.state.clone(),
            arrival,
            previous: None,
            checkpoint: None,
            own_join: None,
            voided: Vec::new(),
            left_out: Vec::new(),
            past: Some(self.card.past),
            next_past: self.card.past,
            known_rules: POLICY_VERSION,
        };
        room.next_past = room.next_past(&room.secrets()?)?;
        let handshake = self.handshake(&room, &commit, &removed, data)?;
        room.own_join = Some(OwnJoin {
            epoch: self.card.epoch,
            entry_hash: entry_hash(&handshake.entry),
            access_key: self.card.access_key,
            way,
            known: self.shown,
        });
        Ok(Joining {
            handshake,
            door,
            join_seed: self.card.join.clone(),
            chain: self.card.chain,
            epoch: self.card.epoch,
            is_inviter_present: true,
            unjudged: self.unjudged,
            room,
            roster_before: self.roster,
            past: self.card.past,
        })
    }

    fn external_commit(
        &self,
        provider: &Provider,
        own: &OwnDevice,
        data: &LeafData,
        aad: Vec<u8>,
    ) -> Result<(MlsGroup, Vec<u8>), CryptoError> {
        let (info, _) = group_info(&self.card)?;
        let leaf = LeafNodeParameters::builder()
            .with_capabilities(config::capabilities(self.suite))
            .with_extensions(data.to_extensions()?)
            .build();
        let failed = |_| CryptoError::Mls("the join could not be made");
        let (group, bundle) = MlsGroup::external_commit_builder()
            .with_config(config::join_config())
            .with_aad(CommitData::new(self.card.past, aad).to_bytes())
            .skip_lifetime_validation()
            .build_group(provider, info, config::credential(&own.certificate))
            .map_err(|_| CryptoError::Mls("the card's group is not valid"))?
            .leaf_node_parameters(leaf)
            .load_psks(provider.storage())
            .map_err(|_| CryptoError::Mls("the join could not be made"))?
            .build(provider.rand(), provider.crypto(), &own.device, |_| true)
            .map_err(|_| CryptoError::Mls("the join could not be made"))?
            .finalize(provider)
            .map_err(|_| CryptoError::Mls("the join could not be made"))?;
        let commit = bundle.commit().tls_serialize_detached().map_err(failed)?;
        Ok((group, commit))
    }

    fn arrival(&self, removed: &[u32], leaf: u32, joiner: RosterEntry, own: &OwnDevice) -> Vec<LeafChange> {
        let before = |leaf: u32| {
            self.records.iter().find(|(other, _)| *other == leaf).map(|(_, record)| record.clone())
        };
        let after = LeafRecord { entry: joiner, certificate: own.certificate.as_bytes().to_vec() };
        let mut change: Vec<_> = removed
            .iter()
            .filter(|gone| **gone != leaf)
            .map(|gone| LeafChange { leaf: *gone, before: before(*gone), after: None })
            .collect();
        change.push(LeafChange { leaf, before: before(leaf), after: Some(after) });
        change.sort_by_key(|change| change.leaf);
        change
    }

    fn handshake(
        &self,
        room: &Room,
        commit: &[u8],
        removed: &[u32],
        data: &LeafData,
    ) -> Result<Handshake, CryptoError> {
        let secrets = room.secrets()?;
        let group_info = room
            .group
            .export_group_info(room.provider.crypto(), &room.device, true)
            .map_err(|_| CryptoError::Mls("no GroupInfo"))?
            .tls_serialize_detached()
            .map_err(|_| CryptoError::Mls("serialization"))?;
        let mut leaves = self.leaves.clone();
        leaves.retain(|leaf, _| !removed.contains(leaf));
        leaves.insert(room.own_leaf(), data.clone());
        let certificates = |leaf| room.certificate_at(leaf);
        let next: Epoch<'_> = room.current(&secrets, &leaves, &certificates);
        let outgoing = Outgoing {
            commit,
            kind: EntryKind::Join,
            handshake: &self.card.handshake,
            history: None,
            cut: false,
            admins_before: next.admin_keys(),
            own_admin_key: None,
        };
        outgoing.handshake(&next, group_info, self.card.chain)
    }
}

fn group_info(card: &Card) -> Result<(VerifiableGroupInfo, Suite), CryptoError> {
    let malformed = || CryptoError::Malformed("card");
    let message = MlsMessageIn::tls_deserialize_exact_bytes(&card.group_info).map_err(|_| malformed())?;
    let MlsMessageBodyIn::GroupInfo(group_info) = message.extract() else { return Err(malformed()) };
    let suite = Suite::of(group_info.ciphersuite());
    if suite.ciphersuite() != group_info.ciphersuite() {
        return Err(CryptoError::NewerVersion);
    }
    Ok((group_info, suite))
}

//! Not an interface: an epoch whose secrets and leaves are given, and the readers of what rooms write, for test vectors.
//!
//! Each function calls what is shipped; only where secrets, salts and leaves come from differs.

use super::{
    EpochSecrets, InviteId, OwnDevice, Room, RoomState, Roster, RosterEntry, Suite,
    card::Card,
    door,
    door::Leaves,
    history,
    history::{EpochRecord, LeafChange, LeafRecord},
    leaf::LeafData,
    own::Stay,
    past::{CommitData, Past},
    policy,
    publish::Epoch,
    secrets::{AccessSeed, HandshakeSecret, JoinSeed, MessageSecret, StatusKey, WrapSecret},
    state,
};
use crate::{CryptoError, Secret, identity::AccountId, provider::Provider};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn, ProcessedMessageContent},
    group::{GroupContext, ProposalStore, PublicGroup},
    prelude::{
        Extension, Extensions, UnknownExtension,
        tls_codec::{DeserializeBytes as _, Serialize as _},
    },
};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::{CapsuleWrap, Chain, Door, DoorId, EntryKind, RoomId};
use zeroize::Zeroizing;

pub use policy::{JoinProof, RemovalProof, join_proof_statement, revocation_hash};

/// What a reader without a room's secrets sees of an epoch.
pub struct Observed {
    /// The GroupContext, as MLS writes it.
    pub context: Vec<u8>,
    /// Its confirmed transcript hash.
    pub confirmed_transcript_hash: Vec<u8>,
    /// The confirmation tag.
    pub confirmation_tag: Vec<u8>,
    /// Who is in it.
    pub roster: Roster,
    /// The room's state.
    pub state: RoomState,
}

/// Reads a GroupInfo as a joiner does; and judges a commit on it, if there is one, of that kind, as members do who have not its path's secrets, and
/// who know this of the past.
///
/// # Errors
/// As joiners and members.
pub fn observe(group_info: &[u8], commit: Option<(EntryKind, &[u8], Past)>) -> Result<Observed, CryptoError> {
    let malformed = || CryptoError::Malformed("GroupInfo");
    let not_valid = CryptoError::Mls("the commit is not valid");
    let message = MlsMessageIn::tls_deserialize_exact_bytes(group_info).map_err(|_| malformed())?;
    let MlsMessageBodyIn::GroupInfo(info) = message.extract() else { return Err(malformed()) };
    let suite = Suite::of(info.ciphersuite());
    let tree = info.extensions().ratchet_tree().ok_or_else(malformed)?.ratchet_tree().clone();
    let provider = Provider::default();
    let (crypto, storage) = (provider.crypto(), provider.storage());
    let (mut group, _) = PublicGroup::from_external(crypto, storage, tree, info, ProposalStore::new())
        .map_err(|_| malformed())?;
    let mut seen = Observed::of(&group, suite)?;
    if let Some((kind, commit, past)) = commit {
        super::path::check_path_keys(commit, suite)?;
        let processed = group
            .process_message(crypto, super::process::read_commit(commit)?)
            .map_err(|_| not_valid.clone())?;
        let (sender, data) = (processed.sender().clone(), CommitData::read(processed.aad())?);
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(CryptoError::Malformed("commit"));
        };
        let room = RoomId::try_from(group.group_id().as_slice()).map_err(|_| malformed())?;
        let epoch = group.group_context().epoch().as_u64();
        let (roster, state) = (&seen.roster, &seen.state);
        let before = policy::Before { room, epoch, suite, roster, state, past, left_out: &[] };
        policy::judge(&before, &super::facts::facts(suite, kind, &sender, &data, &staged)?)?;
        group.merge_commit(storage, *staged).map_err(|_| not_valid)?;
        seen = Observed::of(&group, suite)?;
    }
    Ok(seen)
}

impl Observed {
    fn of(group: &PublicGroup, suite: Suite) -> Result<Self, CryptoError> {
        let state = super::facts::new_state(group.group_context().extensions())?;
        if !state.is_well_formed() {
            return Err(CryptoError::Malformed("room state"));
        }
        let entries = group.members().map(|member| {
            let leaf = group.leaf(member.index).ok_or(CryptoError::Mls("no leaf"))?;
            Ok((member.index.u32(), RosterEntry::of(leaf, suite)?))
        });
        let serialized = |_| CryptoError::Mls("serialization");
        Ok(Self {
            context: group.group_context().tls_serialize_detached().map_err(serialized)?,
            confirmed_transcript_hash: group.group_context().confirmed_transcript_hash().to_vec(),
            confirmation_tag: group.confirmation_tag().tls_serialize_detached().map_err(serialized)?,
            roster: Roster::from_entries(entries.collect::<Result<Vec<_>, CryptoError>>()?),
            state,
        })
    }
}

/// What the MLS library keeps of a room, in our provider's form.
///
/// # Errors
/// [`CryptoError::Malformed`] only for a fault in here.
pub fn saved_group(room: &Room) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    room.provider.state().save().map_err(|_| CryptoError::Malformed("stored room"))
}

/// The six exporter secrets of an epoch.
pub struct GivenSecrets {
    /// Seals messages.
    pub message: Secret,
    /// Seals the commit that leaves the epoch.
    pub handshake: Secret,
    /// Opens the room.
    pub access: Secret,
    /// Permits a join.
    pub join: Secret,
    /// Names and seals status registers.
    pub status: Secret,
    /// Card key, wrap randomness, decoys.
    pub wrap: Secret,
}

impl From<GivenSecrets> for EpochSecrets {
    fn from(given: GivenSecrets) -> Self {
        Self {
            message: MessageSecret::from_seed(given.message),
            handshake: HandshakeSecret::from_seed(given.handshake),
            access: AccessSeed::from_seed(given.access),
            join: JoinSeed::from_seed(given.join),
            status: StatusKey::from_seed(given.status),
            wrap: WrapSecret::from_seed(given.wrap),
        }
    }
}

/// The wrap secret of an epoch.
#[must_use]
pub const fn wrap_secret(secrets: &EpochSecrets) -> &Secret {
    secrets.wrap.seed()
}

/// A leaf of a room that is made up.
pub struct GivenLeaf {
    /// Its place.
    pub leaf: u32,
    /// Whose it is.
    pub own: OwnDevice,
    /// By which invite it came.
    pub via: Option<InviteId>,
    /// The epoch that began when it came.
    pub joined: u64,
    /// What it drew then.
    pub stay: [u8; 16],
    /// The epoch that its last commit began.
    pub updated: u64,
}

impl GivenLeaf {
    fn data(&self, room: &RoomId) -> Result<LeafData, CryptoError> {
        let Self { joined, stay, updated, .. } = *self;
        self.own.leaf_data(room, self.via, Stay { joined, stay, updated })
    }
}

/// An epoch that is made up.
pub struct GivenEpoch {
    /// Which room.
    pub room: RoomId,
    /// Which epoch.
    pub number: u64,
    /// Its secrets.
    pub secrets: EpochSecrets,
    /// Its state.
    pub state: RoomState,
    /// Its leaves.
    pub leaves: Vec<GivenLeaf>,
    /// Leaves that the commit which began it removed.
    pub gone: Vec<GivenLeaf>,
    /// The leaf that made that commit; it stood there before, unless it came in by it.
    pub committer: u32,
    /// What its record says of those before it.
    pub past: Option<Past>,
}

/// What the record after this one says of those before it.
///
/// # Errors
/// [`CryptoError::Malformed`] where these bytes are no record.
pub fn past_after(record: &[u8]) -> Result<Past, CryptoError> {
    let record = sotto_protocol::decode_exact(record).map_err(|_| CryptoError::Malformed("record"))?;
    Ok(Past::after(&record))
}

/// The authenticated data of a commit, read as the rules do: what it says of the past, a proof, a reason.
///
/// # Errors
/// [`CryptoError::Forbidden`].
pub fn read_commit_data(bytes: &[u8]) -> Result<(Past, Vec<u8>, Option<String>), CryptoError> {
    CommitData::read(bytes).map(|data| (data.past, data.proof().to_vec(), data.reason))
}

/// What every commit of the room's present epoch says of the past.
#[must_use]
pub const fn next_past(room: &Room) -> Past {
    room.next_past
}

/// The authenticated data of a commit.
#[must_use]
pub fn write_commit_data(past: Past, proof: &[u8]) -> Vec<u8> {
    CommitData::new(past, proof.to_vec()).to_bytes()
}

/// The same of a commit that removes a member for a reason.
#[must_use]
pub fn write_reasoned_commit_data(past: Past, reason: &str) -> Vec<u8> {
    CommitData::new(past, Vec::new()).because(Some(reason)).to_bytes()
}

/// What a leaf publishes.
///
/// # Errors
/// [`CryptoError`] only for a fault in here.
pub fn leaf_data(room: &RoomId, leaf: &GivenLeaf) -> Result<Vec<u8>, CryptoError> {
    leaf.data(room).map(|data| sotto_protocol::encode(&data))
}

/// The same, with a picture.
///
/// # Errors
/// [`CryptoError`] only for a fault in here.
pub fn leaf_data_with_avatar(room: &RoomId, leaf: &GivenLeaf, avatar: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let data = LeafData { avatar: Some(avatar.to_vec()), ..leaf.data(room)? };
    Ok(sotto_protocol::encode(&data))
}

/// Reads what a leaf publishes, as [`super::Roster`] does.
///
/// # Errors
/// As the roster.
pub fn read_leaf_data(bytes: &[u8], account: &AccountId) -> Result<DoorId, CryptoError> {
    let data = LeafData::read(bytes)?;
    data.check()?;
    Ok(data.door(account))
}

/// Reads the room state in a GroupContext's extension, as members do before they judge by it.
///
/// # Errors
/// [`CryptoError::Malformed`], [`CryptoError::NewerVersion`].
pub fn read_room_state(bytes: &[u8]) -> Result<RoomState, CryptoError> {
    let extension = Extension::Unknown(state::STATE_EXTENSION, UnknownExtension(bytes.to_vec()));
    let extensions: Extensions<GroupContext> =
        Extensions::from_vec(vec![extension]).map_err(|_| CryptoError::Mls("context extensions"))?;
    let state = RoomState::of(&extensions)?;
    if state.is_well_formed() { Ok(state) } else { Err(CryptoError::Malformed("room state")) }
}

/// Reads what stands in a commit's authenticated data, as the rules do.
///
/// # Errors
/// [`CryptoError::Forbidden`].
pub fn read_proof<T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()>>(
    bytes: &[u8],
) -> Result<T, CryptoError> {
    Ok(policy::read_proof(bytes, policy::Violation::JoinProof)?)
}

/// The content of a sealed card of an epoch.
///
/// # Errors
/// As a joiner: [`CryptoError::DoesNotOpen`], [`CryptoError::Malformed`], [`CryptoError::NewerVersion`],
/// [`CryptoError::WrongEpoch`].
pub fn read_card(
    card_key: &Secret,
    room: &RoomId,
    epoch: u64,
    sealed: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let card = Card::open(&door::CardKey::from_seed(card_key.clone()), room, sealed)?;
    if card.epoch == epoch {
        Ok(sotto_protocol::encode(&card))
    } else {
        Err(CryptoError::WrongEpoch { expected: epoch, found: card.epoch })
    }
}

/// The record in an epoch's capsule.
///
/// # Errors
/// As [`HistoryReader::open_capsule`].
pub fn read_capsule(
    capsule_key: &Secret,
    room: &RoomId,
    epoch: u64,
    sealed: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let key = history::CapsuleKey::from_seed(capsule_key.clone());
    EpochRecord::open_capsule(&key, room, epoch, sealed).map(|record| sotto_protocol::encode(&record))
}

/// The record in a history link.
///
/// # Errors
/// As [`HistoryReader::open_link`].
pub fn read_history_link(
    next_message: &MessageSecret,
    room: &RoomId,
    epoch: u64,
    sealed: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    EpochRecord::open_link(next_message, room, epoch, sealed).map(|record| sotto_protocol::encode(&record))
}

/// How a suspended door key stands in the room state.
#[must_use]
pub fn suspension_hash(entry: &RosterEntry) -> [u8; 32] {
    state::suspension_hash(entry)
}

impl GivenEpoch {
    /// Everyone in it.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`] where a leaf does not fit its certificate.
    pub fn roster(&self) -> Result<Roster, CryptoError> {
        let entries = self.leaves.iter().map(|leaf| Ok((leaf.leaf, entry_of(&self.room, leaf)?)));
        entries.collect::<Result<Vec<_>, CryptoError>>().map(Roster::from_entries)
    }

    /// Its card: plain, and sealed.
    ///
    /// # Errors
    /// [`CryptoError`] only for a fault in here.
    pub fn card(
        &self,
        group_info: Vec<u8>,
        chain: Chain,
        salt: &[u8; 16],
    ) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        let past = self.with(|epoch| Ok(Past::after(&epoch.record())))?;
        let card = Card::of(&self.secrets, self.number, group_info, chain, past);
        let sealed = card.seal_with_salt(&door::card_key(&self.secrets)?, &self.room, salt)?;
        Ok((sotto_protocol::encode(&card), sealed))
    }

    /// Its doors.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`].
    pub fn doors(&self) -> Result<Vec<Door>, CryptoError> {
        self.with(|epoch| epoch.doors())
    }

    /// Its capsule wraps.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`].
    pub fn capsule_wraps(&self) -> Result<Vec<CapsuleWrap>, CryptoError> {
        self.with(|epoch| epoch.capsule_wraps())
    }

    /// Its room-admin keys.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`].
    pub fn admin_keys(&self) -> Result<Vec<[u8; 32]>, CryptoError> {
        self.with(|epoch| Ok(epoch.admin_keys()))
    }

    /// Its record: plain, as a capsule, and as a link to the epoch of the next message secret.
    ///
    /// # Errors
    /// [`CryptoError`] only for a fault in here.
    pub fn record(&self, next_message: &MessageSecret, salt: &[u8; 16]) -> Result<[Vec<u8>; 3], CryptoError> {
        self.with(|epoch| {
            let record: EpochRecord = epoch.record();
            Ok([
                sotto_protocol::encode(&record),
                record.to_capsule_with_salt(&self.secrets, &self.room, salt)?,
                record.to_link_with_salt(next_message, &self.room, salt)?,
            ])
        })
    }

    /// By which an account finds its capsule wrap.
    ///
    /// # Errors
    /// [`CryptoError`] only for a fault in here.
    pub fn capsule_tag(&self, account: &AccountId) -> Result<[u8; 16], CryptoError> {
        history::capsule_tag(&self.state, account)
    }

    fn with<T>(&self, act: impl FnOnce(&Epoch<'_>) -> Result<T, CryptoError>) -> Result<T, CryptoError> {
        let roster = self.roster()?;
        let mut leaves = Leaves::new();
        for leaf in &self.leaves {
            leaves.insert(leaf.leaf, leaf.data(&self.room)?);
        }
        let record = |leaf: &GivenLeaf| {
            let certificate = leaf.own.certificate.as_bytes().to_vec();
            Ok::<_, CryptoError>(LeafRecord { entry: entry_of(&self.room, leaf)?, certificate })
        };
        let mut change = Vec::new();
        for gone in &self.gone {
            change.push(LeafChange { leaf: gone.leaf, before: Some(record(gone)?), after: None });
        }
        for leaf in self.leaves.iter().filter(|leaf| leaf.leaf == self.committer) {
            let after = record(leaf)?;
            let before = (leaf.joined < self.number).then(|| after.clone());
            change.push(LeafChange { leaf: leaf.leaf, before, after: Some(after) });
        }
        change.sort_by_key(|change| change.leaf);
        let certificates = |leaf| {
            let found = self.leaves.iter().find(|other| other.leaf == leaf);
            found.map(|leaf| leaf.own.certificate.as_bytes().to_vec())
        };
        act(&Epoch {
            left_out: &[],
            room: self.room,
            number: self.number,
            secrets: &self.secrets,
            state: &self.state,
            roster: &roster,
            leaves: &leaves,
            change: &change,
            past: self.past,
            certificates: &certificates,
        })
    }
}

fn entry_of(room: &RoomId, leaf: &GivenLeaf) -> Result<RosterEntry, CryptoError> {
    RosterEntry::new(&leaf.own.certificate, &leaf.data(room)?)
}

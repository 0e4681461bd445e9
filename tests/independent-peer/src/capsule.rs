//! Section "Doors, cards, capsules, links": what it takes to read an epoch later, as a capsule and as a history link.

use crate::{
    PeerError,
    certificate::DeviceList,
    encoding::{Bytes32, Id, decode, encode},
    expand::expand,
    labels,
    past::Past,
    room_state::{Permissions, RoomState},
    roster::{Roster, RosterEntry},
    sealed,
    secrets::EpochSecrets,
    wrap::{ListKind, Place, Wrap, wrap_list},
};
use minicbor::{
    Decode, Encode,
    bytes::{ByteArray, ByteVec},
};
use std::collections::{BTreeMap, BTreeSet};

const CAPSULES: ListKind = ListKind {
    info: labels::CAPSULE_WRAP,
    randomness: labels::CAPSULE_RANDOMNESS,
    decoy: labels::CAPSULE_DECOY,
};
const EVERYBODY_EVERY: u64 = 64;

/// `authority`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Authority {
    /// Owner.
    #[n(0)]
    pub owner: Id,
    /// Admins.
    #[n(1)]
    pub admins: Vec<Id>,
    /// Who may do what.
    #[n(2)]
    pub permissions: Permissions,
    /// Speakers.
    #[n(3)]
    pub speakers: Vec<Id>,
}

/// `roster-entry`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EntryRecord {
    /// Account.
    #[n(0)]
    pub account: Id,
    /// Device key.
    #[n(1)]
    pub device: Bytes32,
    /// Display name.
    #[n(2)]
    pub display_name: String,
    /// The invite through which the account came in.
    #[n(3)]
    pub via: Option<Id>,
    /// Identity key.
    #[n(4)]
    pub identity: Bytes32,
    /// Generation.
    #[n(5)]
    pub generation: u32,
    /// SHA-256 of the recovery key.
    #[n(6)]
    pub recovery: Option<Bytes32>,
    /// The epoch that began when the leaf came in.
    #[n(7)]
    pub joined: u64,
    /// The account's door.
    #[n(8)]
    pub door: Id,
    /// SHA-256 of the door key.
    #[n(9)]
    pub door_key: Bytes32,
    /// Room-admin key.
    #[n(10)]
    pub admin_key: Bytes32,
    /// Drawn when the leaf came in.
    #[n(11)]
    pub stay: Id,
    /// The epoch that began with the leaf.
    #[n(12)]
    pub updated: u64,
    /// The latest rules that the client knows.
    #[n(13)]
    pub rules: u32,
    /// Of a program: who answers for it.
    #[n(14)]
    pub operator: Option<Id>,
    /// The account's list of devices.
    #[n(15)]
    pub devices: Option<DeviceList>,
}

/// `leaf-record`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LeafRecord {
    /// What the roster says.
    #[n(0)]
    pub entry: EntryRecord,
    /// Certificate.
    #[n(1)]
    pub certificate: ByteVec,
}

/// `leaf-change`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafChange {
    /// Leaf.
    pub leaf: u32,
    /// Before.
    pub before: Option<LeafRecord>,
    /// After.
    pub after: Option<LeafRecord>,
}

/// An array of three, as the document has it; the derived encoder would leave out a null at its end.
impl<C> Encode<C> for LeafChange {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.array(3)?.u32(self.leaf)?;
        self.before.encode(encoder, context)?;
        self.after.encode(encoder, context)
    }
}

impl<'b, C> Decode<'b, C> for LeafChange {
    fn decode(decoder: &mut minicbor::Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        if decoder.array()? != Some(3) {
            return Err(minicbor::decode::Error::message("a change has three values"));
        }
        let leaf = decoder.u32()?;
        let before = Option::decode(decoder, context)?;
        Ok(Self { leaf, before, after: Option::decode(decoder, context)? })
    }
}

/// One of everybody.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Present {
    /// Leaf.
    #[n(0)]
    pub leaf: u32,
    /// Who it is.
    #[n(1)]
    pub record: LeafRecord,
}

/// `epoch-record`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EpochRecord {
    /// Epoch.
    #[n(0)]
    pub epoch: u64,
    /// Message secret.
    #[n(1)]
    pub message: Bytes32,
    /// By the commit that began the epoch, in order of the leaves.
    #[n(2)]
    pub changes: Vec<LeafChange>,
    /// In the epoch.
    #[n(3)]
    pub authority: Authority,
    /// Everybody, where the epoch is a multiple of 64.
    #[n(4)]
    pub everybody: Option<Vec<Present>>,
    /// Of the records before; absent in epoch 0.
    #[n(5)]
    pub past: Option<Past>,
}

impl EpochRecord {
    /// The record of an epoch, from the leaves before it and in it, and the leaf of whoever committed.
    pub fn of(
        epoch: u64,
        secrets: &EpochSecrets,
        state: &RoomState,
        (before, after): (&Roster, &Roster),
        committer: u32,
        past: Option<Past>,
    ) -> Self {
        let leaves: BTreeSet<u32> = before.0.keys().chain(after.0.keys()).copied().collect();
        let change = |leaf: u32| {
            let record = |roster: &Roster| roster.0.get(&leaf).map(RosterEntry::to_record);
            let change = LeafChange { leaf, before: record(before), after: record(after) };
            (leaf == committer || change.before != change.after).then_some(change)
        };
        let everybody = || {
            let present =
                |(leaf, entry): (&u32, &RosterEntry)| Present { leaf: *leaf, record: entry.to_record() };
            after.0.iter().map(present).collect()
        };
        Self {
            epoch,
            message: secrets.message.into(),
            changes: leaves.into_iter().filter_map(change).collect(),
            authority: Authority {
                owner: state.owner,
                admins: state.admins.clone(),
                permissions: state.permissions,
                speakers: state.speakers.clone(),
            },
            everybody: epoch.is_multiple_of(EVERYBODY_EVERY).then(everybody),
            past,
        }
    }

    /// Seals it as the capsule of its epoch.
    pub fn to_capsule(&self, room: &Id, secrets: &EpochSecrets) -> Result<Vec<u8>, PeerError> {
        self.seal(&capsule_key(secrets)?, labels::CAPSULE_SEALING, room)
    }

    /// Opens a capsule.
    pub fn of_capsule(key: &[u8; 32], room: &Id, epoch: u64, capsule: &[u8]) -> Result<Self, PeerError> {
        Self::open(key, labels::CAPSULE_SEALING, room, epoch, capsule)
    }

    /// Seals it as the history link of the next epoch.
    pub fn to_link(&self, room: &Id, next_message: &[u8; 32]) -> Result<Vec<u8>, PeerError> {
        self.seal(&expand(next_message, labels::HISTORY, &[])?, labels::HISTORY_SEALING, room)
    }

    /// Opens the history link to `epoch`.
    pub fn of_link(next_message: &[u8; 32], room: &Id, epoch: u64, link: &[u8]) -> Result<Self, PeerError> {
        let key = expand(next_message, labels::HISTORY, &[])?;
        Self::open(&key, labels::HISTORY_SEALING, room, epoch, link)
    }

    fn seal(&self, key: &[u8; 32], label: &str, room: &Id) -> Result<Vec<u8>, PeerError> {
        sealed::seal(key, label, &additional_data(room, self.epoch), &encode(self)?)
    }

    fn open(key: &[u8; 32], label: &str, room: &Id, epoch: u64, bytes: &[u8]) -> Result<Self, PeerError> {
        let record: Self =
            decode(&sealed::open(key, label, &additional_data(room, epoch), bytes)?, "epoch record")?;
        if record.epoch == epoch { Ok(record) } else { Err(PeerError::Forbidden("record of another epoch")) }
    }
}

/// The capsule key of an epoch.
pub fn capsule_key(secrets: &EpochSecrets) -> Result<[u8; 32], PeerError> {
    expand(&secrets.wrap, labels::CAPSULE, &[])
}

/// An account's tag in capsule wraps.
pub fn capsule_tag(decoy_seed: &Bytes32, account: &Id) -> Result<Id, PeerError> {
    expand::<16>(decoy_seed, labels::CAPSULE_TAG, &[&account[..]]).map(ByteArray::from)
}

/// The capsule wraps of an epoch.
pub fn capsule_wraps(place: &Place<'_>, roster: &Roster) -> Result<Vec<Wrap>, PeerError> {
    let mut newest: BTreeMap<Id, (u32, &ByteVec)> = BTreeMap::new();
    for entry in roster.0.values() {
        if let Some(key) = &entry.leaf.recovery_key {
            let generation = entry.certificate.generation;
            let known = newest.entry(entry.certificate.account()).or_insert((generation, key));
            if known.0 < generation {
                *known = (generation, key);
            }
        }
    }
    let tagged = |(account, (_, key)): (&Id, &(u32, &ByteVec))| {
        Ok((capsule_tag(place.decoy_seed, account)?, (*key).clone()))
    };
    let real: Vec<_> = newest.iter().map(tagged).collect::<Result<_, PeerError>>()?;
    wrap_list(&CAPSULES, place, &capsule_key(place.secrets)?, &real)
}

fn additional_data(room: &Id, epoch: u64) -> Vec<u8> {
    [&room[..], &epoch.to_be_bytes()].concat()
}

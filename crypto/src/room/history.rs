//! What it takes to read an epoch later: its message secret, who could speak in it, and how to get from there to the epoch
//! before.
//!
//! A *capsule* is such a record, sealed for the accounts of its epoch: with it an account that has lost every device reads
//! everything since it joined. A *history link* is the record of an epoch sealed under the next epoch's message secret, in rooms
//! whose newcomers may read on: from it the chain is followed back as far as it goes.

use super::{
    Authority, EpochSecrets, MessageSecret, RoomState, Roster, RosterEntry, door::Leaves, past::Past, wraps,
};
use crate::{
    CryptoError,
    account::RecoveryKey,
    committed,
    identity::{AccountId, Certificate},
    kdf,
    labels::expand,
    random_array,
    secret::secret_type,
};
use minicbor::{Decode, Encode};
use sotto_protocol::{CapsuleWrap, RoomId};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

secret_type!(
    /// Seals an epoch's capsule.
    CapsuleKey
);
secret_type!(
    /// Seals a history link.
    HistoryKey
);

/// Every so many epochs a record holds the whole roster: a lost record costs no more than these.
pub const FULL_ROSTER_EPOCHS: u64 = 64;

/// A leaf as a record keeps it: with the certificate, so that nobody can put words into another's mouth.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LeafRecord {
    #[n(0)]
    pub entry: RosterEntry,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub certificate: Vec<u8>,
}

impl LeafRecord {
    /// The entry, once the certificate is verified and says the same.
    fn verified(&self) -> Result<RosterEntry, CryptoError> {
        let certificate = Certificate::verify(&self.certificate)?;
        if self.entry.agrees_with(&certificate) { Ok(self.entry.clone()) } else { Err(CryptoError::BadKey) }
    }
}

/// What the commit that began an epoch did to one leaf.
#[derive(Clone, PartialEq, Eq)]
pub struct LeafChange {
    pub leaf: u32,
    pub before: Option<LeafRecord>,
    pub after: Option<LeafRecord>,
}

/// Three values, always: the derived encoder leaves out a null at the end of an array, which no other writer would.
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

/// An epoch, as it is read later.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EpochRecord {
    #[n(0)]
    pub epoch: u64,
    #[n(1)]
    pub message: MessageSecret,
    /// By the commit that began the epoch, in order of the leaves.
    #[n(2)]
    pub change: Vec<LeafChange>,
    #[n(3)]
    pub authority: Authority,
    /// Everybody, in every 64th epoch.
    #[n(4)]
    pub roster: Option<Vec<(u32, LeafRecord)>>,
    /// Of the records before; `None` in epoch 0.
    #[n(5)]
    pub past: Option<Past>,
}

impl EpochRecord {
    /// What is sealed, and hashed.
    pub fn encoded(&self) -> Zeroizing<Vec<u8>> {
        sotto_protocol::encode_secret(self)
    }

    /// The capsule of the record's epoch.
    pub fn to_capsule(&self, secrets: &EpochSecrets, room: &RoomId) -> Result<Vec<u8>, CryptoError> {
        self.to_capsule_with_salt(secrets, room, &random_array()?)
    }

    /// As [`EpochRecord::to_capsule`], with a salt that is used once.
    pub fn to_capsule_with_salt(
        &self,
        secrets: &EpochSecrets,
        room: &RoomId,
        salt: &[u8; 16],
    ) -> Result<Vec<u8>, CryptoError> {
        let content = self.encoded();
        let context = context(room, self.epoch);
        committed::seal_with_salt(capsule_key(secrets)?.seed(), expand::CAPSULE, &context, &content, salt)
    }

    /// The history link that stands beside the commit to the next epoch.
    pub fn to_link(&self, next_message: &MessageSecret, room: &RoomId) -> Result<Vec<u8>, CryptoError> {
        self.to_link_with_salt(next_message, room, &random_array()?)
    }

    /// As [`EpochRecord::to_link`], with a salt that is used once.
    pub fn to_link_with_salt(
        &self,
        next_message: &MessageSecret,
        room: &RoomId,
        salt: &[u8; 16],
    ) -> Result<Vec<u8>, CryptoError> {
        let content = self.encoded();
        let key = history_key(next_message)?;
        committed::seal_with_salt(key.seed(), expand::HISTORY, &context(room, self.epoch), &content, salt)
    }

    pub fn open_capsule(
        capsule_key: &CapsuleKey,
        room: &RoomId,
        epoch: u64,
        sealed: &[u8],
    ) -> Result<Self, CryptoError> {
        let content = committed::open(capsule_key.seed(), expand::CAPSULE, &context(room, epoch), sealed)?;
        Self::read(epoch, &content)
    }

    pub fn open_link(
        next_message: &MessageSecret,
        room: &RoomId,
        epoch: u64,
        sealed: &[u8],
    ) -> Result<Self, CryptoError> {
        let key = history_key(next_message)?;
        Self::read(epoch, &committed::open(key.seed(), expand::HISTORY, &context(room, epoch), sealed)?)
    }

    fn read(epoch: u64, content: &[u8]) -> Result<Self, CryptoError> {
        let record: Self =
            sotto_protocol::decode_exact(content).map_err(|_| CryptoError::Malformed("capsule"))?;
        if record.epoch == epoch {
            Ok(record)
        } else {
            Err(CryptoError::WrongEpoch { expected: epoch, found: record.epoch })
        }
    }
}

/// The key of an epoch's capsule.
pub fn capsule_key(secrets: &EpochSecrets) -> Result<CapsuleKey, CryptoError> {
    kdf::derive(secrets.wrap.seed(), expand::CAPSULE_KEY, &[]).map(CapsuleKey::from_seed)
}

fn history_key(next_message: &MessageSecret) -> Result<HistoryKey, CryptoError> {
    kdf::derive(next_message.seed(), expand::HISTORY_KEY, &[]).map(HistoryKey::from_seed)
}

/// The capsule's key, sealed to each account that has a recovery key.
pub fn capsule_wraps(
    secrets: &EpochSecrets,
    room: &RoomId,
    epoch: u64,
    state: &RoomState,
    roster: &Roster,
    leaves: &Leaves,
) -> Result<Vec<CapsuleWrap>, CryptoError> {
    let mut accounts: BTreeMap<AccountId, (u32, &[u8])> = BTreeMap::new();
    for (leaf, entry) in roster.iter() {
        let key = leaves.get(&leaf).and_then(|data| data.recovery_key.as_deref());
        let Some(key) = key else { continue };
        // An account's latest recovery key: devices that are behind do not hold it back.
        let is_latest = accounts.get(&entry.account).is_none_or(|(other, _)| *other < entry.generation);
        if is_latest {
            accounts.insert(entry.account, (entry.generation, key));
        }
    }
    let recipients = accounts
        .iter()
        .map(|(account, (_, key))| Ok((capsule_tag(state, account)?, *key)))
        .collect::<Result<Vec<_>, CryptoError>>()?;
    let key = capsule_key(secrets)?;
    let sealed = wraps::seal_to_all(&wraps::CAPSULE, secrets, room, epoch, state, key.seed(), &recipients)?;
    Ok(sealed.into_iter().map(|(tag, wrap)| CapsuleWrap { tag, wrap, owner: None }).collect())
}

/// By which an account finds its wraps in a room.
pub fn capsule_tag(state: &RoomState, account: &AccountId) -> Result<[u8; 16], CryptoError> {
    kdf::expand::<16>(&state.decoy_seed(), expand::CAPSULE_TAG, &[account.as_bytes()]).map(|tag| *tag)
}

fn context(room: &RoomId, epoch: u64) -> Vec<u8> {
    [room.as_bytes().as_slice(), &epoch.to_be_bytes()].concat()
}

/// An epoch that can be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastEpoch {
    /// Which.
    pub epoch: u64,
    /// Opens its messages.
    pub message: MessageSecret,
    /// Who could speak in it.
    pub roster: Roster,
    /// What they might.
    pub authority: Authority,
}

/// Reads epochs from before this device came in, from the latest back.
#[derive(Debug, Clone)]
pub struct HistoryReader {
    room: RoomId,
    tag: [u8; 16],
    /// The epoch that is read next.
    epoch: u64,
    /// Who was in it; unknown after a record that was missing.
    roster: Option<Roster>,
    /// The message secret of the epoch after it, where it is known.
    next_message: Option<MessageSecret>,
    /// SHA-256 of its record; unknown after a record that was missing.
    last: Option<[u8; 32]>,
    /// SHA-256 of the last record, this one included, that holds the whole roster; unknown after that was missing.
    whole: Option<[u8; 32]>,
}

impl HistoryReader {
    pub(super) const fn new(
        room: RoomId,
        tag: [u8; 16],
        epoch: u64,
        roster: Roster,
        next_message: Option<MessageSecret>,
        past: Past,
    ) -> Self {
        let (last, whole) = (Some(past.last), Some(past.whole));
        Self { room, tag, epoch, roster: Some(roster), next_message, last, whole }
    }

    /// The epoch that is read next.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// By which this account finds its wrap of a capsule.
    #[must_use]
    pub const fn tag(&self) -> &[u8; 16] {
        &self.tag
    }

    /// Opens the capsule of the next epoch to be read, with the account's recovery key.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`], [`CryptoError::Malformed`] where it is damaged, not for this account, or not what the record
    /// after it vouches for;
    /// [`CryptoError::WrongEpoch`], [`CryptoError::BadKey`] or [`CryptoError::BadSignature`] where it does not fit what is known.
    pub fn open_capsule(
        &mut self,
        recovery_key: &RecoveryKey,
        capsule: &[u8],
        wrap: &[u8],
    ) -> Result<PastEpoch, CryptoError> {
        let context = wraps::context(&self.room, self.epoch, &self.tag);
        let key = recovery_key.wrap_key().open(wraps::CAPSULE.info, &context, wrap)?;
        let record = EpochRecord::open_capsule(&CapsuleKey::from_seed(key), &self.room, self.epoch, capsule)?;
        self.take(record)
    }

    /// Follows the history link of the next epoch to be read, which stands beside the commit that left it.
    ///
    /// # Errors
    /// As [`HistoryReader::open_capsule`]; [`CryptoError::DoesNotOpen`] where an epoch was skipped.
    pub fn open_link(&mut self, link: &[u8]) -> Result<PastEpoch, CryptoError> {
        let next = self.next_message.as_ref().ok_or(CryptoError::DoesNotOpen)?;
        let record = EpochRecord::open_link(next, &self.room, self.epoch, link)?;
        self.take(record)
    }

    /// Passes over an epoch whose record is missing or damaged. What lies before it can be read again from the next record that
    /// holds the whole roster.
    pub fn skip(&mut self) {
        if self.epoch.is_multiple_of(FULL_ROSTER_EPOCHS) {
            self.whole = None;
        }
        self.last = None;
        self.epoch = self.epoch.saturating_sub(1);
        self.roster = None;
        self.next_message = None;
    }

    pub(super) fn take(&mut self, record: EpochRecord) -> Result<PastEpoch, CryptoError> {
        // Anybody can seal a record to a public key: it is what the one after it names, or nothing.
        let is_whole = record.epoch.is_multiple_of(FULL_ROSTER_EPOCHS);
        let expected = self.last.or(self.whole.filter(|_| is_whole));
        if expected != Some(Past::after(&record).last) {
            return Err(CryptoError::Malformed("history that nothing vouches for"));
        }
        let roster = match (&self.roster, &record.roster) {
            (Some(roster), _) => roster.clone(),
            (None, Some(whole)) => whole_roster(whole)?,
            (None, None) => return Err(CryptoError::Malformed("history without a roster")),
        };
        self.roster = Some(undo(&roster, &record.change)?);
        self.next_message = Some(record.message.clone());
        self.last = record.past.map(|past| past.last);
        self.whole = record.past.map(|past| past.whole);
        self.epoch = self.epoch.saturating_sub(1);
        Ok(PastEpoch { epoch: record.epoch, message: record.message, roster, authority: record.authority })
    }
}

fn whole_roster(leaves: &[(u32, LeafRecord)]) -> Result<Roster, CryptoError> {
    let entries = leaves.iter().map(|(leaf, record)| Ok((*leaf, record.verified()?)));
    entries.collect::<Result<Vec<_>, CryptoError>>().map(Roster::from_entries)
}

/// The roster before a change.
fn undo(roster: &Roster, change: &[LeafChange]) -> Result<Roster, CryptoError> {
    let mut entries: BTreeMap<u32, RosterEntry> =
        roster.iter().map(|(leaf, entry)| (leaf, entry.clone())).collect();
    for LeafChange { leaf, before, after } in change {
        if entries.remove(leaf).as_ref() != after.as_ref().map(|record| &record.entry) {
            return Err(CryptoError::BadKey);
        }
        if let Some(before) = before {
            entries.insert(*leaf, before.verified()?);
        }
    }
    Ok(Roster::from_entries(entries))
}

impl core::fmt::Debug for EpochRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EpochRecord").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_three_values_also_where_the_leaf_is_gone() {
        let record = LeafRecord { entry: RosterEntry::sample(1, [1; 32]), certificate: vec![2; 8] };
        let gone = LeafChange { leaf: 7, before: Some(record), after: None };
        let bytes = sotto_protocol::encode(&gone);
        assert_eq!(
            (bytes.first(), bytes.last()),
            (Some(&0x83), Some(&0xf6)),
            "an array of three that ends with null"
        );
        assert!(sotto_protocol::decode::<LeafChange>(&bytes).is_ok_and(|read| read == gone));
        let (_, shorter) = bytes.split_last().unwrap();
        let shorter = [&[0x82], &shorter[1..]].concat();
        assert!(sotto_protocol::decode::<LeafChange>(&shorter).is_err(), "no null at the end");
    }
}

//! Which identity key belongs to whom: the first that is seen is pinned, another one is announced, a compared one is marked.
//!
//! Nothing here ever keeps anybody out: it only says what is to be shown. Devices of an account merge what they know; the
//! result does not depend on the order in which they do it.

use crate::CryptoError;
use minicbor::{Decode, Encode};
use std::collections::BTreeMap;

/// Most keys that are remembered for one name; beyond it the one that was seen longest ago is forgotten.
pub const KEYS_PER_SUBJECT_MAX: usize = 16;

const VERSION: u32 = 1;
/// Later than any time that a device writes, by what clock ever: in the year 10889. Times above it are not read, so that there is
/// always a later one for what a person decides next.
const TIME_MAX_MS: u64 = 1 << 48;
/// So many decisions a device may still order after a clock that is as far ahead as can be.
const DECISIONS_MAX: u64 = 1 << 32;
const NAME: u32 = 1;
const CONTACT: u32 = 2;

/// Whose key it is: a name at a relay, or a contact that the user made. CBOR `[kind, bytes]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Subject {
    #[n(0)]
    kind: u32,
    #[cbor(n(1), with = "minicbor::bytes")]
    value: Vec<u8>,
}

/// What is to be shown of somebody's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinState {
    /// The key that was seen first, or accepted; nobody has compared it.
    Unverified,
    /// The key was compared.
    Verified,
    /// Not the key that is pinned: a new identity, or somebody else's.
    Changed,
}

/// What came of seeing a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The first key of this name: it is pinned.
    First,
    /// Seen before.
    Known(PinState),
    /// A key that this name never had: to be announced in every room that is shared.
    NewKey,
}

/// Everything that an account has pinned. A value of the vault.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pins(BTreeMap<Subject, BTreeMap<[u8; 32], Record>>);

/// One key. Merging takes the earliest of `first_seen_ms` and the latest of everything else.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Record {
    #[n(0)]
    first_seen_ms: u64,
    #[n(1)]
    last_seen_ms: u64,
    #[n(2)]
    accepted_at_ms: Option<u64>,
    #[n(3)]
    verified_at_ms: Option<u64>,
    #[n(4)]
    unverified_at_ms: Option<u64>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Stored {
    #[n(0)]
    version: u32,
    #[n(1)]
    subjects: Vec<StoredSubject>,
}

#[derive(Encode, Decode)]
struct StoredSubject(#[n(0)] Subject, #[n(1)] Vec<StoredKey>);

#[derive(Encode, Decode)]
struct StoredKey(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32], #[n(1)] Record);

impl Subject {
    /// A name at a relay, in its normal form.
    #[must_use]
    pub fn name(name: &str) -> Self {
        Self { kind: NAME, value: name.as_bytes().to_vec() }
    }

    /// A contact, by its own id.
    #[must_use]
    pub fn contact(id: &[u8; 16]) -> Self {
        Self { kind: CONTACT, value: id.to_vec() }
    }
}

impl Pins {
    /// Notes that a name goes with a key.
    pub fn observe(&mut self, subject: &Subject, key: &[u8; 32], now_ms: u64) -> Seen {
        let keys = self.0.entry(subject.clone()).or_default();
        let (is_first, is_known) = (keys.is_empty(), keys.contains_key(key));
        if is_known && latest(keys) == Some(*key) {
            return Seen::Known(state(keys, key));
        }
        let now_ms = after(keys, now_ms);
        keys.entry(*key).or_insert_with(|| Record::new(now_ms)).last_seen_ms = now_ms;
        trim(keys);
        match (is_first, is_known) {
            (true, _) => Seen::First,
            (false, true) => Seen::Known(state(keys, key)),
            (false, false) => Seen::NewKey,
        }
    }

    /// What is to be shown where a name goes with a key. A name that was never seen is unverified.
    #[must_use]
    pub fn state(&self, subject: &Subject, key: &[u8; 32]) -> PinState {
        self.0
            .get(subject)
            .filter(|keys| !keys.is_empty())
            .map_or(PinState::Unverified, |keys| state(keys, key))
    }

    /// The key that is pinned for a name.
    #[must_use]
    pub fn pinned(&self, subject: &Subject) -> Option<[u8; 32]> {
        self.0.get(subject).and_then(pinned)
    }

    /// Names whose latest key is not the pinned one, with that key.
    pub fn changed(&self) -> impl Iterator<Item = (&Subject, [u8; 32])> {
        self.0.iter().filter_map(|(subject, keys)| {
            let key = latest(keys)?;
            (state(keys, &key) == PinState::Changed).then_some((subject, key))
        })
    }

    /// The user takes a key for good, without having compared it.
    pub fn accept(&mut self, subject: &Subject, key: &[u8; 32], now_ms: u64) {
        self.stamp(subject, key, now_ms, |record, now_ms| record.accepted_at_ms = Some(now_ms));
    }

    /// The user has compared a key: it is the right one, and pinned.
    pub fn verify(&mut self, subject: &Subject, key: &[u8; 32], now_ms: u64) {
        self.stamp(subject, key, now_ms, |record, now_ms| {
            (record.accepted_at_ms, record.verified_at_ms) = (Some(now_ms), Some(now_ms));
        });
    }

    /// The user takes the mark away.
    pub fn unverify(&mut self, subject: &Subject, key: &[u8; 32], now_ms: u64) {
        self.stamp(subject, key, now_ms, |record, now_ms| record.unverified_at_ms = Some(now_ms));
    }

    /// Takes in what another device of the account knows.
    pub fn merge(&mut self, other: &Self) {
        for (subject, theirs) in &other.0 {
            let keys = self.0.entry(subject.clone()).or_default();
            for (key, record) in theirs {
                keys.entry(*key).and_modify(|mine| mine.merge(record)).or_insert(*record);
            }
            trim(keys);
        }
    }

    /// Takes in what the vault had while a device that was removed could write it: keys of those of whom this device has none, as seen
    /// and no more. What was accepted or compared there may be a lie, and so may be what was seen first, and when: no time counts for later
    /// than now.
    pub fn take_suspect(&mut self, suspect: &Self, now_ms: u64) {
        for (subject, theirs) in &suspect.0 {
            let keys = self.0.entry(subject.clone()).or_default();
            if keys.is_empty() {
                keys.extend(theirs.iter().map(|(key, record)| (*key, record.without_decisions(now_ms))));
            }
        }
    }

    /// As a value of the vault.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let subject = |(subject, keys): (&Subject, &BTreeMap<[u8; 32], Record>)| {
            let keys = keys.iter().map(|(key, record)| StoredKey(*key, *record)).collect();
            StoredSubject(subject.clone(), keys)
        };
        let subjects = self.0.iter().map(subject).collect();
        sotto_protocol::encode(&Stored { version: VERSION, subjects })
    }

    /// Reads what [`Pins::encode`] wrote.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`]; [`CryptoError::NewerVersion`]: it must not be written over then.
    pub fn decode(bytes: &[u8]) -> Result<Self, CryptoError> {
        let stored: Stored = sotto_protocol::decode(bytes).map_err(|_| CryptoError::Malformed("pins"))?;
        if stored.version != VERSION {
            return Err(CryptoError::NewerVersion);
        }
        let mut pins = Self::default();
        for StoredSubject(subject, keys) in stored.subjects {
            let mut keys: BTreeMap<_, Record> =
                keys.into_iter().map(|StoredKey(key, record)| (key, record)).collect();
            if keys.values().any(|record| record.newest_stamp().max(record.first_seen_ms) > TIME_MAX_MS) {
                return Err(CryptoError::Malformed("pins"));
            }
            trim(&mut keys);
            pins.0.insert(subject, keys);
        }
        Ok(pins)
    }

    fn stamp(&mut self, subject: &Subject, key: &[u8; 32], now_ms: u64, set: impl FnOnce(&mut Record, u64)) {
        let keys = self.0.entry(subject.clone()).or_default();
        let now_ms = after(keys, now_ms);
        set(keys.entry(*key).or_insert_with(|| Record::new(now_ms)), now_ms);
        trim(keys);
    }
}

impl Record {
    const fn new(now_ms: u64) -> Self {
        let (first_seen_ms, last_seen_ms) = (now_ms, now_ms);
        Self {
            first_seen_ms,
            last_seen_ms,
            accepted_at_ms: None,
            verified_at_ms: None,
            unverified_at_ms: None,
        }
    }

    fn without_decisions(&self, now_ms: u64) -> Self {
        let (first, last) = (self.first_seen_ms.min(now_ms), self.last_seen_ms.min(now_ms));
        Self { last_seen_ms: last, ..Self::new(first) }
    }

    fn is_verified(&self) -> bool {
        self.verified_at_ms > self.unverified_at_ms
    }

    fn merge(&mut self, other: &Self) {
        self.first_seen_ms = self.first_seen_ms.min(other.first_seen_ms);
        self.last_seen_ms = self.last_seen_ms.max(other.last_seen_ms);
        self.accepted_at_ms = self.accepted_at_ms.max(other.accepted_at_ms);
        self.verified_at_ms = self.verified_at_ms.max(other.verified_at_ms);
        self.unverified_at_ms = self.unverified_at_ms.max(other.unverified_at_ms);
    }

    fn newest_stamp(&self) -> u64 {
        let stamps = [self.accepted_at_ms, self.verified_at_ms, self.unverified_at_ms];
        stamps.into_iter().flatten().fold(self.last_seen_ms, u64::max)
    }
}

/// The key that was accepted last; where none was, the one that was seen first. Ties go by the key, alike everywhere.
fn pinned(keys: &BTreeMap<[u8; 32], Record>) -> Option<[u8; 32]> {
    let accepted = keys.iter().filter_map(|(key, record)| Some((record.accepted_at_ms?, key)));
    let first = || keys.iter().map(|(key, record)| (record.first_seen_ms, key)).min();
    accepted.max().or_else(first).map(|(_, key)| *key)
}

/// The key that was seen last.
fn latest(keys: &BTreeMap<[u8; 32], Record>) -> Option<[u8; 32]> {
    keys.iter().map(|(key, record)| (record.last_seen_ms, key)).max().map(|(_, key)| *key)
}

fn state(keys: &BTreeMap<[u8; 32], Record>, key: &[u8; 32]) -> PinState {
    match keys.get(key) {
        Some(record) if pinned(keys) == Some(*key) => {
            if record.is_verified() {
                PinState::Verified
            } else {
                PinState::Unverified
            }
        }
        _ => PinState::Changed,
    }
}

/// A stamp that is later than all that are there, even where the clock fell back.
fn after(keys: &BTreeMap<[u8; 32], Record>, now_ms: u64) -> u64 {
    let now_ms = now_ms.min(TIME_MAX_MS.saturating_sub(DECISIONS_MAX));
    let next = |record: &Record| record.newest_stamp().saturating_add(1);
    keys.values().map(next).fold(now_ms, u64::max).min(TIME_MAX_MS)
}

/// Forgets keys past the limit: those seen longest ago, but neither the pinned one nor, while there are others, a verified one.
fn trim(keys: &mut BTreeMap<[u8; 32], Record>) {
    while keys.len() > KEYS_PER_SUBJECT_MAX {
        let kept = pinned(keys);
        let others = keys.iter().filter(|(key, _)| Some(**key) != kept);
        let oldest = others.map(|(key, record)| (record.is_verified(), record.last_seen_ms, *key)).min();
        match oldest {
            Some((_, _, key)) => keys.remove(&key),
            None => return,
        };
    }
}

/// Shows nobody's name.
impl core::fmt::Debug for Subject {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Subject(…)")
    }
}

/// Shows nobody's name.
impl core::fmt::Debug for Pins {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pins").field("subjects", &self.0.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

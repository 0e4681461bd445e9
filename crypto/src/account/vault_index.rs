//! What a device has seen of the vault and of the sealed record: the newest version of each, with a mark of what it was. The relay
//! can give neither an older one nor another of the same version unnoticed.
//!
//! A device keeps one at rest. The vault itself holds one as well ([`super::VaultLabel::Index`]), so that a new device learns from
//! it what must be there. Whether that record itself is the newest, only a device that has seen it can tell: one that is paired
//! gets the mark of the index and of the sealed record with the grant.
//!
//! ```text
//! mark  = first 16 bytes of SHA-256("sotto/1 vault mark" || what the relay keeps)
//! index = { ?0: [version, mark] of the sealed record, 1: [* [name, version, mark]] sorted by name,
//!           ?2: the same as 0, of the record that this device saw itself }
//! ```
//! Nothing is ever taken out while the vault key stays: what is deleted is replaced by a tombstone, a version like others.

use super::{
    keys::VaultKey,
    vault::{VaultLabel, VaultName},
};
use crate::{CryptoError, labels::hash};
use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use sotto_protocol::limits::{VAULT_CONTENT_MAX_BYTES, VAULT_RECORDS_MAX};
use std::collections::BTreeMap;

/// A version of something that the relay keeps, and what it was.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Mark {
    #[n(0)]
    version: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    hash: [u8; 16],
}

impl Mark {
    /// Of a version, from the sealed bytes.
    #[must_use]
    pub fn of(version: u64, sealed: &[u8]) -> Self {
        let digest: [u8; 32] =
            Sha256::new().chain_update(hash::VAULT_MARK).chain_update(sealed).finalize().into();
        let mut hash = [0; 16];
        hash.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self { version, hash }
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Compares what is found now with what was seen.
    fn check(&self, found: &Self) -> Result<(), CryptoError> {
        if found.version < self.version {
            Err(CryptoError::RolledBack { expected: self.version, found: found.version })
        } else if found.version == self.version && found.hash != self.hash {
            Err(CryptoError::Forked)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mark").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The newest that was seen of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultIndex {
    record: Option<Mark>,
    /// Of the sealed record that this device saw itself.
    own_record: Option<Mark>,
    entries: BTreeMap<VaultName, Mark>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Stored {
    #[n(0)]
    record: Option<Mark>,
    #[n(1)]
    entries: Vec<Entry>,
    #[n(2)]
    own_record: Option<Mark>,
}

#[derive(Encode, Decode)]
struct Entry(#[n(0)] VaultName, #[n(1)] u64, #[cbor(n(2), with = "minicbor::bytes")] [u8; 16]);

impl VaultIndex {
    /// Takes note of a version that was opened or written, a tombstone included.
    ///
    /// # Errors
    /// [`CryptoError::RolledBack`] where a newer one had been seen, [`CryptoError::Forked`] where another one of this version had;
    /// [`CryptoError::OverLimit`].
    pub fn note(&mut self, name: VaultName, mark: Mark) -> Result<(), CryptoError> {
        self.check(&name, &mark)?;
        if self.entries.len() >= VAULT_RECORDS_MAX && !self.entries.contains_key(&name) {
            return Err(CryptoError::OverLimit {
                what: "vault records",
                actual: self.entries.len() + 1,
                max: VAULT_RECORDS_MAX,
            });
        }
        self.entries.insert(name, mark);
        Ok(())
    }

    /// The same for the sealed record.
    ///
    /// # Errors
    /// [`CryptoError::RolledBack`], [`CryptoError::Forked`].
    pub fn note_record(&mut self, mark: Mark) -> Result<(), CryptoError> {
        self.learn_record(mark)?;
        self.own_record = Some(mark);
        Ok(())
    }

    /// What another device says of it.
    fn learn_record(&mut self, mark: Mark) -> Result<(), CryptoError> {
        if let Some(seen) = &self.record {
            seen.check(&mark)?;
        }
        self.record = Some(mark);
        Ok(())
    }

    /// Compares what is found with the newest that was seen.
    ///
    /// # Errors
    /// [`CryptoError::RolledBack`], [`CryptoError::Forked`].
    pub fn check(&self, name: &VaultName, found: &Mark) -> Result<(), CryptoError> {
        self.entries.get(name).map_or(Ok(()), |seen| seen.check(found))
    }

    /// The records that must be there and are not in `present`. Deleted ones are there, as tombstones.
    pub fn missing<'a>(
        &'a self,
        present: impl Fn(&VaultName) -> bool + 'a,
    ) -> impl Iterator<Item = &'a VaultName> + 'a {
        self.entries.keys().filter(move |name| !present(name))
    }

    /// Takes over what another device has seen: its index in the vault.
    ///
    /// # Errors
    /// [`CryptoError::Forked`] where the relay has shown the two devices different records of one version;
    /// [`CryptoError::OverLimit`]. Nothing is taken over then.
    pub fn merge(&mut self, other: &Self) -> Result<(), CryptoError> {
        let mut merged = self.clone();
        let take = |result| match result {
            // The other device has seen less.
            Err(CryptoError::RolledBack { .. }) => Ok(()),
            other => other,
        };
        if let Some(mark) = other.record {
            take(merged.learn_record(mark))?;
        }
        for (name, mark) in &other.entries {
            take(merged.note(*name, *mark))?;
        }
        *self = merged;
        Ok(())
    }

    /// What a new device is given with a pairing: enough to know the sealed record and the vault's index when it sees them. Of the record
    /// what this device saw itself: what another one wrote into the index may be false.
    ///
    /// # Errors
    /// Never for a key of this type.
    pub fn for_new_device(&self, vault: &VaultKey) -> Result<Self, CryptoError> {
        let name = vault.name(VaultLabel::Index)?;
        let entries = self.entries.get(&name).map(|mark| (name, *mark)).into_iter().collect();
        Ok(Self { record: self.own_record, own_record: None, entries })
    }

    /// What is left when the vault key changes: every record has another name and begins at version 1; and of the sealed record what this
    /// device saw itself, for the removed device could write a false mark into the index, which no true record would ever reach.
    #[must_use]
    pub const fn after_new_keys(&self) -> Self {
        Self { record: self.own_record, own_record: self.own_record, entries: BTreeMap::new() }
    }

    /// As it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let entry = |(name, mark): (&VaultName, &Mark)| Entry(*name, mark.version, mark.hash);
        sotto_protocol::encode(&Stored {
            record: self.record,
            entries: self.entries.iter().map(entry).collect(),
            own_record: self.own_record,
        })
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("vault index");
        if bytes.len() > VAULT_CONTENT_MAX_BYTES {
            return Err(malformed());
        }
        let Stored { record, entries, own_record } =
            sotto_protocol::decode(bytes).map_err(|_| malformed())?;
        let is_sorted = entries.is_sorted_by(|one, next| one.0 < next.0);
        if !is_sorted || entries.len() > VAULT_RECORDS_MAX {
            return Err(malformed());
        }
        let entry = |Entry(name, version, hash)| (name, Mark { version, hash });
        Ok(Self { record, own_record, entries: entries.into_iter().map(entry).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Secret, golden};

    const GOLDEN: &str = include_str!("../../tests/goldens/vault-v1.hex");

    const A: VaultName = VaultName::new([1; 32]);
    const B: VaultName = VaultName::new([2; 32]);

    fn mark(version: u64) -> Mark {
        Mark::of(version, &version.to_be_bytes())
    }

    fn fork(version: u64) -> Mark {
        Mark::of(version, b"another value")
    }

    #[test]
    fn an_older_version_than_one_seen_is_noticed() {
        let mut index = VaultIndex::default();
        assert_eq!(index.note(A, mark(3)), Ok(()));
        assert_eq!(index.note(A, mark(3)), Ok(()));
        assert_eq!(index.note(A, mark(5)), Ok(()));
        assert_eq!(index.note(A, mark(4)), Err(CryptoError::RolledBack { expected: 5, found: 4 }));
        assert_eq!(index.check(&B, &mark(1)), Ok(()));
        index.note_record(mark(2)).unwrap();
        assert_eq!(index.note_record(mark(1)), Err(CryptoError::RolledBack { expected: 2, found: 1 }));
    }

    #[test]
    fn another_value_of_a_version_that_was_seen_is_noticed() {
        let (mut mine, mut theirs) = (VaultIndex::default(), VaultIndex::default());
        mine.note(A, mark(3)).unwrap();
        mine.note_record(mark(7)).unwrap();
        assert_eq!(mine.check(&A, &fork(3)), Err(CryptoError::Forked));
        assert_eq!(mine.note(A, fork(3)), Err(CryptoError::Forked));
        assert_eq!(mine.note_record(fork(7)), Err(CryptoError::Forked));
        // Two devices that the relay has led apart find out when one reads the other's index.
        theirs.note(B, mark(1)).unwrap();
        theirs.note(A, fork(3)).unwrap();
        let before = mine.clone();
        assert_eq!(mine.merge(&theirs), Err(CryptoError::Forked));
        assert_eq!(mine, before);
        let mut theirs = VaultIndex::default();
        theirs.note_record(fork(7)).unwrap();
        assert_eq!(mine.merge(&theirs), Err(CryptoError::Forked));
    }

    #[test]
    fn what_was_deleted_does_not_come_back() {
        let key = VaultKey::from_seed(Secret::new([1; 32]));
        let label = VaultLabel::Settings;
        let (name, mut index) = (key.name(label).unwrap(), VaultIndex::default());
        let value = key.seal(label, 1, b"settings").unwrap();
        let tombstone = key.seal_tombstone(label, 2).unwrap();
        index.note(name, Mark::of(1, &value)).unwrap();
        index.note(name, Mark::of(2, &tombstone)).unwrap();
        let rolled_back = CryptoError::RolledBack { expected: 2, found: 1 };
        assert_eq!(index.check(&name, &Mark::of(1, &value)), Err(rolled_back));
        assert_eq!(index.missing(|_| false).count(), 1, "nor may the tombstone be missing");
        assert_eq!(key.open(&name, 2, &tombstone), Ok((label, None)));
        let again = key.seal(label, 3, b"again").unwrap();
        assert_eq!(index.note(name, Mark::of(3, &again)), Ok(()));
    }

    #[test]
    fn what_one_device_saw_another_learns() {
        let (mut mine, mut theirs) = (VaultIndex::default(), VaultIndex::default());
        mine.note(A, mark(3)).unwrap();
        theirs.note(A, mark(2)).unwrap();
        theirs.note(B, mark(7)).unwrap();
        theirs.note_record(mark(4)).unwrap();
        mine.merge(&VaultIndex::from_bytes(&theirs.to_bytes()).unwrap()).unwrap();
        assert!(mine.check(&A, &mark(2)).is_err());
        assert!(mine.check(&B, &mark(6)).is_err());
        assert!(mine.note_record(mark(3)).is_err());
        assert_eq!(mine.missing(|name| *name == A).collect::<Vec<_>>(), [&B]);
    }

    #[test]
    fn a_new_device_knows_index_and_record_when_it_sees_them() {
        let key = VaultKey::from_seed(Secret::new([1; 32]));
        let name = key.name(VaultLabel::Index).unwrap();
        let mut old = VaultIndex::default();
        old.note(A, mark(3)).unwrap();
        old.note(name, mark(9)).unwrap();
        old.note_record(mark(4)).unwrap();
        let given = old.for_new_device(&key).unwrap();
        assert!(given.to_bytes().len() < 100);
        assert_eq!(given.check(&name, &mark(8)), Err(CryptoError::RolledBack { expected: 9, found: 8 }));
        assert_eq!(given.clone().note_record(fork(4)), Err(CryptoError::Forked));
        assert_eq!(given.check(&A, &mark(1)), Ok(()), "the index in the vault says it");
        let renewed = old.after_new_keys();
        assert_eq!(renewed.check(&name, &mark(1)), Ok(()));
        assert!(renewed.clone().note_record(mark(3)).is_err());
    }

    /// A stolen device can write into the vault's index that a record was seen which never was. Those who were told are stuck with it until
    /// the device is removed, and no longer.
    #[test]
    fn a_false_mark_of_the_record_goes_with_the_device_that_wrote_it() {
        let key = VaultKey::from_seed(Secret::new([1; 32]));
        let (mut mine, mut stolen) = (VaultIndex::default(), VaultIndex::default());
        mine.note_record(mark(4)).unwrap();
        stolen.note_record(mark(u64::MAX)).unwrap();
        mine.merge(&stolen).unwrap();
        assert!(mine.clone().note_record(mark(5)).is_err());
        for mut after in [mine.after_new_keys(), mine.for_new_device(&key).unwrap()] {
            assert!(after.clone().note_record(mark(3)).is_err(), "what it saw itself it still knows");
            assert_eq!(after.note_record(mark(5)), Ok(()));
        }
    }

    #[test]
    fn an_index_is_bounded_and_names_each_record_once() {
        let mut index = VaultIndex::default();
        index.note_record(mark(u64::MAX)).unwrap();
        for number in 0..VAULT_RECORDS_MAX {
            let mut name = [0; 32];
            name[..8].copy_from_slice(&number.to_be_bytes());
            index.note(VaultName::new(name), mark(u64::MAX)).unwrap();
        }
        assert!(matches!(index.note(A, mark(1)), Err(CryptoError::OverLimit { .. })));
        assert!(index.to_bytes().len() <= VAULT_CONTENT_MAX_BYTES, "it fits into a record");
        assert_eq!(VaultIndex::from_bytes(&index.to_bytes()), Ok(index));
        let stored = |entries| sotto_protocol::encode(&Stored { record: None, entries, own_record: None });
        let twice = stored(vec![Entry(A, 1, [0; 16]), Entry(A, 2, [0; 16])]);
        assert!(VaultIndex::from_bytes(&twice).is_err());
        let unsorted = stored(vec![Entry(B, 1, [0; 16]), Entry(A, 2, [0; 16])]);
        assert!(VaultIndex::from_bytes(&unsorted).is_err());
        assert!(VaultIndex::from_bytes(&vec![0x80; VAULT_CONTENT_MAX_BYTES + 1]).is_err());
    }

    #[test]
    fn the_bytes_are_the_golden_ones() {
        let mut index = VaultIndex::default();
        index.note(B, mark(7)).unwrap();
        index.note(A, mark(300)).unwrap();
        index.note_record(mark(2)).unwrap();
        golden::check(GOLDEN, &[("index", index.to_bytes())]);
        assert_eq!(VaultIndex::from_bytes(&golden::line(GOLDEN, "index")), Ok(index));
    }
}

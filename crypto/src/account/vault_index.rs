//! What a device has seen of the vault: the newest version of every record. The relay cannot give an older one unnoticed.
//!
//! A device keeps one at rest. The vault itself holds one as well ([`super::VaultLabel::Index`]), so that a new device learns from
//! it what must be there; whether that record itself is the newest, only a device that has seen it can tell.

use super::vault::VaultName;
use crate::CryptoError;
use minicbor::{Decode, Encode};
use sotto_protocol::limits::VAULT_RECORDS_MAX;
use std::collections::BTreeMap;

/// The newest version seen of each record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultIndex(BTreeMap<VaultName, u64>);

#[derive(Encode, Decode)]
struct Entry(#[n(0)] VaultName, #[n(1)] u64);

impl VaultIndex {
    /// Takes note of a version that was opened or written.
    ///
    /// # Errors
    /// [`CryptoError::RolledBack`] where a newer one had been seen; [`CryptoError::OverLimit`].
    pub fn note(&mut self, name: VaultName, version: u64) -> Result<(), CryptoError> {
        self.check(&name, version)?;
        if self.0.len() >= VAULT_RECORDS_MAX && !self.0.contains_key(&name) {
            return Err(CryptoError::OverLimit {
                what: "vault records",
                actual: self.0.len() + 1,
                max: VAULT_RECORDS_MAX,
            });
        }
        self.0.insert(name, version);
        Ok(())
    }

    /// Compares a version with the newest one seen.
    ///
    /// # Errors
    /// [`CryptoError::RolledBack`].
    pub fn check(&self, name: &VaultName, found: u64) -> Result<(), CryptoError> {
        match self.0.get(name) {
            Some(&expected) if found < expected => Err(CryptoError::RolledBack { expected, found }),
            _ => Ok(()),
        }
    }

    /// The records that must be there and are not in `present`.
    pub fn missing<'a>(
        &'a self,
        present: impl Fn(&VaultName) -> bool + 'a,
    ) -> impl Iterator<Item = &'a VaultName> + 'a {
        self.0.keys().filter(move |name| !present(name))
    }

    /// Takes over what another device has seen.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`].
    pub fn merge(&mut self, other: &Self) -> Result<(), CryptoError> {
        let newer = other.0.iter().filter(|(name, version)| self.check(name, **version).is_ok());
        newer
            .map(|(name, version)| (*name, *version))
            .collect::<Vec<_>>()
            .into_iter()
            .try_for_each(|(name, version)| self.note(name, version))
    }

    /// Forgets a record that was deleted on purpose.
    pub fn forget(&mut self, name: &VaultName) {
        self.0.remove(name);
    }

    /// As it is stored: `[* [name, version]]`, sorted by name.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let entries: Vec<_> = self.0.iter().map(|(name, version)| Entry(*name, *version)).collect();
        sotto_protocol::encode(&entries)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("vault index");
        if bytes.len() > VAULT_RECORDS_MAX * 48 {
            return Err(malformed());
        }
        let entries: Vec<Entry> = sotto_protocol::decode(bytes).map_err(|_| malformed())?;
        let count = entries.len();
        let index = Self(entries.into_iter().map(|Entry(name, version)| (name, version)).collect());
        if index.0.len() == count && count <= VAULT_RECORDS_MAX { Ok(index) } else { Err(malformed()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    const GOLDEN: &str = include_str!("../../tests/goldens/vault-v1.hex");

    const A: VaultName = VaultName::new([1; 32]);
    const B: VaultName = VaultName::new([2; 32]);

    #[test]
    fn an_older_version_than_one_seen_is_noticed() {
        let mut index = VaultIndex::default();
        assert_eq!(index.note(A, 3), Ok(()));
        assert_eq!(index.note(A, 3), Ok(()));
        assert_eq!(index.note(A, 5), Ok(()));
        assert_eq!(index.note(A, 4), Err(CryptoError::RolledBack { expected: 5, found: 4 }));
        assert_eq!(index.check(&B, 1), Ok(()));
    }

    #[test]
    fn what_one_device_saw_another_learns() {
        let (mut mine, mut theirs) = (VaultIndex::default(), VaultIndex::default());
        mine.note(A, 3).unwrap();
        theirs.note(A, 2).unwrap();
        theirs.note(B, 7).unwrap();
        mine.merge(&VaultIndex::from_bytes(&theirs.to_bytes()).unwrap()).unwrap();
        assert!(mine.check(&A, 2).is_err());
        assert!(mine.check(&B, 6).is_err());
        assert_eq!(mine.missing(|name| *name == A).collect::<Vec<_>>(), [&B]);
        mine.forget(&B);
        assert_eq!(mine.missing(|name| *name == A).count(), 0);
    }

    #[test]
    fn an_index_is_bounded_and_names_each_record_once() {
        let mut index = VaultIndex::default();
        for number in 0..VAULT_RECORDS_MAX {
            let mut name = [0; 32];
            name[..8].copy_from_slice(&number.to_be_bytes());
            index.note(VaultName::new(name), u64::MAX).unwrap();
        }
        assert!(matches!(index.note(A, 1), Err(CryptoError::OverLimit { .. })));
        assert_eq!(VaultIndex::from_bytes(&index.to_bytes()), Ok(index));
        let twice = sotto_protocol::encode(&vec![Entry(A, 1), Entry(A, 2)]);
        assert!(VaultIndex::from_bytes(&twice).is_err());
        assert!(VaultIndex::from_bytes(&vec![0x80; VAULT_RECORDS_MAX * 48 + 1]).is_err());
    }

    #[test]
    fn the_bytes_are_the_golden_ones() {
        let mut index = VaultIndex::default();
        index.note(B, 7).unwrap();
        index.note(A, 300).unwrap();
        golden::check(GOLDEN, &[("index", index.to_bytes())]);
        assert_eq!(VaultIndex::from_bytes(&golden::line(GOLDEN, "index")), Ok(index));
    }
}

//! Who is in a room in some epoch: leaf by leaf, each with what its certificate says.

use super::{
    InviteId,
    config::{Suite, capabilities},
    leaf::LeafData,
};
use crate::{
    CryptoError,
    identity::{AccountId, Certificate, DeviceList},
    wrap,
};
use minicbor::{Decode, Encode};
use openmls::prelude::{BasicCredential, LeafNode, tls_codec::Serialize as _};
use sotto_protocol::{DoorId, account::version_of};
use std::collections::{BTreeMap, BTreeSet};

/// A device in a room.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RosterEntry {
    /// Whose device it is.
    #[n(0)]
    pub account: AccountId,
    /// Its signature key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub device_key: [u8; 32],
    /// The name its owner goes by in this room.
    #[n(2)]
    pub display_name: String,
    /// The invite through which its account came in.
    #[n(3)]
    pub via: Option<InviteId>,
    /// The account's identity key.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub identity_key: [u8; 32],
    /// 0 for guests; rises with each change of the recovery key.
    #[n(5)]
    pub generation: u32,
    /// SHA-256 of the recovery key; `None` for guests.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub recovery_key_hash: Option<[u8; 32]>,
    /// The epoch that began when this leaf came in.
    #[n(7)]
    pub joined: u64,
    /// The account's door, as this device published it.
    #[n(8)]
    pub door: DoorId,
    /// SHA-256 of the door's key.
    #[cbor(n(9), with = "minicbor::bytes")]
    pub door_key_hash: [u8; 32],
    /// The account's room-admin key.
    #[cbor(n(10), with = "minicbor::bytes")]
    pub admin_key: [u8; 32],
    /// Drawn when this leaf came in.
    #[cbor(n(11), with = "minicbor::bytes")]
    pub stay: [u8; 16],
    /// The epoch that began with the device's last commit.
    #[n(12)]
    pub updated: u64,
    /// The latest rules that the device's client knows.
    #[n(13)]
    pub rules: u32,
    /// Of a program: the account that answers for it.
    #[n(14)]
    pub operator: Option<AccountId>,
    /// The account's list of devices, as the device's certificate has it.
    #[n(15)]
    pub devices: Option<DeviceList>,
}

impl RosterEntry {
    /// What a leaf says, once its certificate is verified and fits its keys.
    pub(super) fn of(leaf: &LeafNode, suite: Suite) -> Result<Self, CryptoError> {
        check_encryption_key(leaf, suite)?;
        // Nothing may hide in them, and nothing be promised that this room does not use.
        if *leaf.capabilities() != capabilities(suite) {
            return Err(CryptoError::Malformed("capabilities"));
        }
        let certificate = certificate_of(leaf)?;
        if leaf.signature_key().as_slice() != certificate.device_key() {
            return Err(CryptoError::BadKey);
        }
        let data = LeafData::of(leaf)?;
        data.check()?;
        Self::new(&certificate, &data)
    }

    /// The entry of a certificate and the leaf extension beside it.
    pub(super) fn new(certificate: &Certificate, data: &LeafData) -> Result<Self, CryptoError> {
        let recovery_key_hash = data.recovery_key_hash();
        if recovery_key_hash.as_ref() != certificate.recovery_key_hash() {
            return Err(CryptoError::BadKey);
        }
        Ok(Self {
            account: certificate.account(),
            device_key: *certificate.device_key(),
            display_name: certificate.display_name().to_owned(),
            via: data.via,
            identity_key: *certificate.identity_key(),
            generation: certificate.generation(),
            recovery_key_hash,
            joined: data.joined,
            door: data.door(&certificate.account()),
            door_key_hash: data.door_key_hash(),
            admin_key: data.admin_key,
            stay: data.stay,
            updated: data.updated,
            rules: data.rules,
            operator: certificate.operator().copied(),
            devices: certificate.devices().copied(),
        })
    }

    /// Whether it says what the certificate says.
    pub(super) fn agrees_with(&self, certificate: &Certificate) -> bool {
        self.account == certificate.account()
            && self.identity_key == *certificate.identity_key()
            && self.device_key == *certificate.device_key()
            && self.display_name == certificate.display_name()
            && self.generation == certificate.generation()
            && self.operator.as_ref() == certificate.operator()
            && self.devices.as_ref() == certificate.devices()
    }

    /// The version of its account's list of devices.
    #[must_use]
    pub fn device_list_version(&self) -> u32 {
        version_of(self.devices.as_ref())
    }
}

#[cfg(test)]
impl RosterEntry {
    /// A guest's device whose keys are made up of a number.
    pub fn sample(number: u8, device_key: [u8; 32]) -> Self {
        Self {
            account: AccountId::new([number; 16]),
            device_key,
            display_name: format!("Person {number}"),
            via: None,
            identity_key: [number; 32],
            generation: 0,
            recovery_key_hash: None,
            joined: 0,
            door: DoorId::new([number; 16]),
            door_key_hash: [number; 32],
            admin_key: [number; 32],
            stay: [number; 16],
            updated: 0,
            rules: 1,
            operator: None,
            devices: None,
        }
    }
}

/// The certificate that is a leaf's credential, its signature checked.
pub(super) fn certificate_of(leaf: &LeafNode) -> Result<Certificate, CryptoError> {
    let credential = BasicCredential::try_from(leaf.credential().clone())
        .map_err(|_| CryptoError::Malformed("credential"))?;
    Certificate::verify(credential.identity())
}

impl core::fmt::Debug for RosterEntry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RosterEntry").field("account", &self.account).finish_non_exhaustive()
    }
}

/// The MLS library takes any bytes for a leaf's HPKE key, and fails only when somebody encrypts to it: one bad leaf would keep
/// others from committing for good. So it is looked at when it comes in.
fn check_encryption_key(leaf: &LeafNode, suite: Suite) -> Result<(), CryptoError> {
    // On the wire the key is a variable-length vector: its length in 1 byte up to 63, in 2 bytes beyond (RFC 9420, 2.1.2).
    let wire = leaf.encryption_key().tls_serialize_detached().map_err(|_| CryptoError::BadKey)?;
    let length_bytes = match suite {
        Suite::Hybrid => 2,
        Suite::Classical => 1,
    };
    check_hpke_key(wire.get(length_bytes..).ok_or(CryptoError::BadKey)?, suite)
}

/// Refuses an HPKE public key of a tree's node that is malformed or whose X25519 part has low order.
pub(super) fn check_hpke_key(key: &[u8], suite: Suite) -> Result<(), CryptoError> {
    match suite {
        Suite::Hybrid => wrap::check_public_key(key),
        Suite::Classical => wrap::check_x25519(key),
    }
}

/// What one commit changes: a leaf's new entry, or `None` where it went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct RosterChange(#[n(0)] pub BTreeMap<u32, Option<RosterEntry>>);

/// Everyone in a room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Roster(#[n(0)] BTreeMap<u32, RosterEntry>);

impl Roster {
    /// From leaves and their entries.
    pub fn from_entries(entries: impl IntoIterator<Item = (u32, RosterEntry)>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// The device at a leaf.
    #[must_use]
    pub fn get(&self, leaf: u32) -> Option<&RosterEntry> {
        self.0.get(&leaf)
    }

    /// Leaves and their devices, in the tree's order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &RosterEntry)> {
        self.0.iter().map(|(leaf, entry)| (*leaf, entry))
    }

    /// The devices of an account.
    pub fn devices_of<'a>(&'a self, account: &AccountId) -> impl Iterator<Item = (u32, &'a RosterEntry)> {
        let account = *account;
        self.iter().filter(move |(_, entry)| entry.account == account)
    }

    /// Whether an account has a device here.
    #[must_use]
    pub fn has(&self, account: &AccountId) -> bool {
        self.devices_of(account).next().is_some()
    }

    /// How many devices there are.
    #[must_use]
    pub fn device_count(&self) -> usize {
        self.0.len()
    }

    /// How many people came in through an invite.
    #[must_use]
    pub fn accounts_via(&self, invite: &InviteId) -> usize {
        let accounts: BTreeSet<_> = self
            .0
            .values()
            .filter(|entry| entry.via.as_ref() == Some(invite))
            .map(|entry| entry.account)
            .collect();
        accounts.len()
    }

    /// The roster after a commit.
    #[must_use]
    pub fn after(&self, change: &RosterChange) -> Self {
        let mut after = self.clone();
        after.apply(change);
        after
    }

    /// Takes a commit's changes in.
    pub fn apply(&mut self, change: &RosterChange) {
        for (leaf, entry) in &change.0 {
            match entry {
                Some(entry) => self.0.insert(*leaf, entry.clone()),
                None => self.0.remove(leaf),
            };
        }
    }
}

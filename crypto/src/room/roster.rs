//! Who is in a room in some epoch: leaf by leaf, each with what its certificate says.

use super::{InviteId, config::Suite, leaf::LeafData};
use crate::{
    CryptoError,
    identity::{AccountId, Certificate},
    wrap,
};
use minicbor::{Decode, Encode};
use openmls::prelude::{BasicCredential, LeafNode, tls_codec::Serialize as _};
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
    /// The invite through which it came in.
    #[n(3)]
    pub via: Option<InviteId>,
}

impl RosterEntry {
    /// What a leaf says, once its certificate is verified and fits its signature key.
    pub(super) fn of(leaf: &LeafNode, suite: Suite) -> Result<Self, CryptoError> {
        check_encryption_key(leaf, suite)?;
        let credential = BasicCredential::try_from(leaf.credential().clone())
            .map_err(|_| CryptoError::Malformed("credential"))?;
        let certificate = Certificate::verify(credential.identity())?;
        if leaf.signature_key().as_slice() != certificate.device_key() {
            return Err(CryptoError::BadKey);
        }
        Ok(Self {
            account: certificate.account(),
            device_key: *certificate.device_key(),
            display_name: certificate.display_name().to_owned(),
            via: LeafData::of(leaf)?.via,
        })
    }
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
    let (length_bytes, key_bytes) = match suite {
        Suite::Hybrid => (2, wrap::PUBLIC_KEY_BYTES),
        Suite::Classical => (1, 32),
    };
    let key = wire.get(length_bytes..).filter(|key| key.len() == key_bytes).ok_or(CryptoError::BadKey)?;
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

//! Who is in the room: each leaf with what its certificate and its leaf data say.

use crate::{
    PeerError,
    capsule::{EntryRecord, LeafRecord},
    certificate::{Body, verify},
    encoding::{Bytes32, Id},
    labels,
    leaf_data::LeafData,
};
use mls_rs::group::{Member, Roster as MlsRoster};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// One leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterEntry {
    /// Its certificate.
    pub certificate: Body,
    /// The certificate as it stands in the leaf.
    pub certificate_bytes: Vec<u8>,
    /// Its leaf data.
    pub leaf: LeafData,
}

impl RosterEntry {
    /// SHA-256 of the door key.
    pub fn door_key_hash(&self) -> Bytes32 {
        hash(&self.leaf.door_key)
    }

    /// How its door key stands in the room state while nothing is sealed to it.
    pub fn suspension_hash(&self) -> Bytes32 {
        let account = self.certificate.account();
        remembered(labels::SUSPENDED_DOOR, &account, &self.door_key_hash())
    }

    /// How its device key stands in the room state once it was removed.
    pub fn revocation_hash(&self) -> Bytes32 {
        remembered(labels::REVOKED_DEVICE, &self.certificate.account(), &self.certificate.device)
    }

    /// The account's door.
    pub fn door(&self) -> Id {
        self.leaf.door(&self.certificate.account())
    }

    /// `leaf-record`.
    pub fn to_record(&self) -> LeafRecord {
        let certificate = &self.certificate;
        let entry = EntryRecord {
            account: certificate.account(),
            device: certificate.device,
            display_name: certificate.display_name.clone(),
            via: self.leaf.via,
            identity: certificate.identity,
            generation: certificate.generation,
            recovery: certificate.recovery,
            joined: self.leaf.joined,
            door: self.door(),
            door_key: self.door_key_hash(),
            admin_key: self.leaf.admin_key,
            stay: self.leaf.stay,
            updated: self.leaf.updated,
            rules: self.leaf.rules,
            operator: certificate.operator,
            devices: certificate.devices,
        };
        LeafRecord { entry, certificate: self.certificate_bytes.clone().into() }
    }
}

/// All leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster(pub BTreeMap<u32, RosterEntry>);

impl Roster {
    /// Reads all leaves of a tree.
    pub fn read(roster: &MlsRoster<'_>) -> Result<Self, PeerError> {
        roster
            .members_iter()
            .map(|member| Ok((member.index, read(&member)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an account has a leaf.
    pub fn has(&self, account: &Id) -> bool {
        self.0.values().any(|entry| entry.certificate.account() == *account)
    }

    /// How many accounts came in through an invite.
    pub fn accounts_via(&self, invite: &Id) -> u64 {
        let via = self.0.values().filter(|entry| entry.leaf.via.as_ref() == Some(invite));
        let accounts: BTreeSet<Id> = via.map(|entry| entry.certificate.account()).collect();
        u64::try_from(accounts.len()).unwrap_or(u64::MAX)
    }
}

fn read(member: &Member) -> Result<RosterEntry, PeerError> {
    let identity = &member.signing_identity;
    let credential =
        identity.credential.as_basic().ok_or(PeerError::Forbidden("credential that is not basic"))?;
    let certificate_bytes = credential.identifier().to_vec();
    let certificate = verify(&certificate_bytes)?;
    if certificate.device[..] != identity.signature_key[..] {
        return Err(PeerError::Forbidden("certificate of another device"));
    }
    let leaf = LeafData::of(&member.extensions)?;
    if leaf.recovery_key.as_ref().map(|key| hash(key)) != certificate.recovery {
        return Err(PeerError::Forbidden("recovery key that the certificate does not name"));
    }
    Ok(RosterEntry { certificate, certificate_bytes, leaf })
}

fn hash(bytes: &[u8]) -> Bytes32 {
    <[u8; 32]>::from(Sha256::digest(bytes)).into()
}

/// Rule 18: whose it is, then what it is, each by the first half of a hash.
fn remembered(label: &str, account: &Id, what: &Bytes32) -> Bytes32 {
    let whose = hash(&[labels::REMOVED_ACCOUNT.as_bytes(), &account[..]].concat());
    let what = hash(&[label.as_bytes(), &account[..], &what[..]].concat());
    let mut bytes = *whose;
    bytes.iter_mut().skip(16).zip(*what).for_each(|(to, from)| *to = from);
    bytes.into()
}

//! What vouches for the time before: each epoch's record names the one before by its hash, every commit names the record of the epoch
//! that it leaves, and the card that of its own.
//!
//! A capsule is sealed to a public key, so anybody can make one. By these hashes an account that reads back takes none but those
//! that the members of each epoch agreed on.

use super::{
    Room,
    history::{EpochRecord, FULL_ROSTER_EPOCHS},
    policy::Violation,
    secrets::EpochSecrets,
};
use crate::CryptoError;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

/// What an epoch's record says of the records before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Past {
    /// SHA-256 of the record of the epoch before.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub last: [u8; 32],
    /// SHA-256 of the last record before that holds the whole roster: a reader who lacks those between goes on there.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub whole: [u8; 32],
}

impl Past {
    /// What the record after this one says.
    pub fn after(record: &EpochRecord) -> Self {
        let last = Sha256::digest(record.encoded()).into();
        let is_whole = record.epoch.is_multiple_of(FULL_ROSTER_EPOCHS);
        // The record of epoch 0 holds the whole roster, so there is one before any other.
        let whole = record.past.filter(|_| !is_whole).map_or(last, |past| past.whole);
        Self { last, whole }
    }
}

/// The `authenticated_data` of every commit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CommitData {
    /// Of the epoch that the commit leaves, what the record of the next one says.
    #[n(0)]
    pub past: Past,
    /// By what right a joiner comes in, or a member removes; `None` where it takes no further one.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub proof: Option<Vec<u8>>,
    /// Why a member is removed, as the committer says it to those who stay and to who goes.
    #[n(2)]
    pub reason: Option<String>,
}

impl CommitData {
    /// With a proof, or with none where that is empty.
    pub fn new(past: Past, proof: Vec<u8>) -> Self {
        Self { past, proof: (!proof.is_empty()).then_some(proof), reason: None }
    }

    /// Reads exactly what a commit carries.
    pub fn read(bytes: &[u8]) -> Result<Self, CryptoError> {
        let data: Self = sotto_protocol::decode_exact(bytes).map_err(|_| Violation::CommitData)?;
        if data.proof.as_ref().is_some_and(Vec::is_empty) {
            Err(Violation::CommitData.into())
        } else {
            Ok(data)
        }
    }

    /// The same, with a reason.
    pub fn because(self, reason: Option<&str>) -> Self {
        Self { reason: reason.map(str::to_owned), ..self }
    }

    /// As it is carried.
    pub fn to_bytes(&self) -> Vec<u8> {
        sotto_protocol::encode(self)
    }

    /// The proof's bytes; none are empty.
    pub fn proof(&self) -> &[u8] {
        self.proof.as_deref().unwrap_or_default()
    }
}

impl Room {
    /// What a commit of this epoch carries, with a proof or none.
    pub(crate) fn commit_data(&self, proof: &[u8], reason: Option<&str>) -> Vec<u8> {
        CommitData::new(self.next_past, proof.to_vec()).because(reason).to_bytes()
    }

    /// What the next epoch's record says of those before it.
    pub(super) fn next_past(&self, secrets: &EpochSecrets) -> Result<Past, CryptoError> {
        self.record(secrets).map(|record| Past::after(&record))
    }
}

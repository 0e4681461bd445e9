//! Sections "MLS" and "Doors, cards, capsules, links": what vouches for the time before, and `commit-data`.

use crate::{
    PeerError,
    capsule::EpochRecord,
    encoding::{Bytes32, decode_exact, encode},
};
use minicbor::{Decode, Encode, bytes::ByteVec};
use sha2::{Digest as _, Sha256};

const WHAT: &str = "commit data";

/// `past`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Past {
    /// SHA-256 of the record of the epoch before.
    #[n(0)]
    pub last: Bytes32,
    /// SHA-256 of the last record before that holds everybody.
    #[n(1)]
    pub whole: Bytes32,
}

impl Past {
    /// What the record after this one says.
    pub fn after(record: &EpochRecord) -> Result<Self, PeerError> {
        let last = <[u8; 32]>::from(Sha256::digest(encode(record)?)).into();
        let whole = match record.past {
            Some(past) if record.everybody.is_none() => past.whole,
            _ => last,
        };
        Ok(Self { last, whole })
    }
}

/// `commit-data`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CommitData {
    /// What the record of the next epoch says.
    #[n(0)]
    pub past: Past,
    /// By what right.
    #[n(1)]
    pub proof: Option<ByteVec>,
    /// Why a member is removed.
    #[n(2)]
    pub reason: Option<String>,
}

impl CommitData {
    /// As a commit carries it; an empty proof is none.
    pub fn write(past: Past, proof: Vec<u8>) -> Result<Vec<u8>, PeerError> {
        encode(&Self { past, proof: (!proof.is_empty()).then(|| proof.into()), reason: None })
    }

    /// Reads a commit's; it must name the room's own past. Gives proof and reason.
    pub fn read(bytes: &[u8], past: Past) -> Result<(Vec<u8>, Option<String>), PeerError> {
        let data: Self = decode_exact(bytes, WHAT)?;
        match data.proof {
            Some(proof) if proof.is_empty() => Err(PeerError::Malformed(WHAT)),
            _ if data.past != past => Err(PeerError::Forbidden("another time before")),
            proof => Ok((proof.map(Vec::from).unwrap_or_default(), data.reason)),
        }
    }
}

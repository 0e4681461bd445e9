//! Section "MLS", joining: `join-proof`, the authenticated data of a joiner's commit.

use crate::{
    PeerError,
    certificate::{Body, verify_signature},
    encoding::{Bytes32, Id, SignatureBytes, decode, encode},
    labels,
};
use ed25519_dalek::{Signer as _, SigningKey};
use minicbor::{Decode, Encode};

/// `join-proof`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct JoinProof {
    /// The invite.
    #[n(0)]
    pub invite: Id,
    /// By the invite's key.
    #[n(1)]
    pub signature: SignatureBytes,
}

impl JoinProof {
    /// Signs for a device. `epoch` is the one that the commit leaves.
    pub fn sign(invite: Id, key: &SigningKey, room: &Id, epoch: u64, joiner: &Body) -> Self {
        Self { invite, signature: key.sign(&statement(room, epoch, joiner)).to_bytes().into() }
    }

    /// The authenticated data.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PeerError> {
        encode(self)
    }

    /// Reads authenticated data.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeerError> {
        decode(bytes, "join proof")
    }

    /// Verifies it under the invite's key.
    pub fn verify(&self, key: &Bytes32, room: &Id, epoch: u64, joiner: &Body) -> Result<(), PeerError> {
        verify_signature(key, &statement(room, epoch, joiner), &self.signature, "join proof")
    }
}

fn statement(room: &Id, epoch: u64, joiner: &Body) -> Vec<u8> {
    let epoch = epoch.to_be_bytes();
    [labels::JOIN_BY_INVITE.as_bytes(), &room[..], &epoch, &joiner.account()[..], &joiner.device[..]].concat()
}

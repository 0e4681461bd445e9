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
pub enum JoinProof {
    /// By an invite: its id, and its key's signature.
    #[n(0)]
    Invite(#[n(0)] Id, #[n(1)] SignatureBytes),
    /// By the door of the joiner's own account.
    #[n(1)]
    Account(#[n(0)] Id),
}

impl JoinProof {
    /// Signs for a device. `epoch` is the one that the commit leaves.
    pub fn sign(invite: Id, key: &SigningKey, room: &Id, epoch: u64, joiner: &Body) -> Self {
        Self::Invite(invite, key.sign(&statement(room, epoch, joiner)).to_bytes().into())
    }

    /// The authenticated data.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PeerError> {
        encode(self)
    }

    /// Reads authenticated data.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeerError> {
        decode(bytes, "join proof")
    }
}

/// Verifies an invite's signature.
pub fn verify(
    signature: &SignatureBytes,
    key: &Bytes32,
    room: &Id,
    epoch: u64,
    joiner: &Body,
) -> Result<(), PeerError> {
    verify_signature(key, &statement(room, epoch, joiner), signature, "join proof")
}

fn statement(room: &Id, epoch: u64, joiner: &Body) -> Vec<u8> {
    let epoch = epoch.to_be_bytes();
    [labels::JOIN_BY_INVITE.as_bytes(), &room[..], &epoch, &joiner.account()[..], &joiner.device[..]].concat()
}

//! Section "MLS", leaving: `leave-statement`.

use crate::{
    PeerError,
    certificate::verify_signature,
    encoding::{Bytes32, Id, SignatureBytes, decode, encode},
    labels,
};
use ed25519_dalek::{Signer as _, SigningKey};
use minicbor::{Decode, Encode};

const WHAT: &str = "leave statement";

/// What leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Scope {
    /// The device.
    #[n(0)]
    Device,
    /// Its account.
    #[n(1)]
    Account,
}

/// `leave-statement`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LeaveStatement {
    /// The device that signs.
    #[n(0)]
    pub device: Bytes32,
    /// Its leaf's stay.
    #[n(1)]
    pub stay: Id,
    /// What leaves.
    #[n(2)]
    pub scope: Scope,
    /// By the device.
    #[n(3)]
    pub signature: SignatureBytes,
}

impl LeaveStatement {
    /// Signs it.
    pub fn sign(key: &SigningKey, room: &Id, stay: &Id, scope: Scope) -> Self {
        let device = key.verifying_key().to_bytes().into();
        let signature = key.sign(&statement(room, &device, stay, scope)).to_bytes().into();
        Self { device, stay: *stay, scope, signature }
    }

    /// What is sent as a message.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PeerError> {
        encode(self)
    }

    /// Reads a message's.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeerError> {
        decode(bytes, WHAT)
    }

    /// Verifies it.
    pub fn verify(&self, room: &Id) -> Result<(), PeerError> {
        let signed = statement(room, &self.device, &self.stay, self.scope);
        verify_signature(&self.device, &signed, &self.signature, WHAT)
    }
}

fn statement(room: &Id, device: &Bytes32, stay: &Id, scope: Scope) -> Vec<u8> {
    let scope = [scope as u8];
    [labels::LEAVE.as_bytes(), &room[..], &device[..], &stay[..], &scope].concat()
}

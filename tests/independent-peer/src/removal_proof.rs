//! Section "MLS", removing: `removal-proof`, the authenticated data of a commit that removes somebody, and `device-removal`.

use crate::{
    PeerError,
    certificate::verify_signature,
    encoding::{Bytes32, Id, SignatureBytes, decode, encode},
    labels,
    leave::LeaveStatement,
    roster::RosterEntry,
};
use ed25519_dalek::{Signer as _, SigningKey};
use minicbor::{Decode, Encode};

const WHAT: &str = "removal proof";
const DEVICES_OF_AN_ACCOUNT: usize = 16;

/// `removal-proof`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RemovalProof {
    /// Of whoever leaves.
    #[n(0)]
    Leave(#[n(0)] LeaveStatement),
    /// Of the committer's account.
    #[n(1)]
    OwnDevices(#[n(0)] DeviceRemoval),
    /// Of the committer's account, for devices that are gone.
    #[n(2)]
    Retired(#[n(0)] DeviceRemoval),
}

/// `device-removal`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeviceRemoval {
    /// The devices that are removed, ascending.
    #[n(0)]
    pub devices: Vec<Bytes32>,
    /// By the identity key.
    #[n(1)]
    pub signature: SignatureBytes,
}

impl RemovalProof {
    /// The authenticated data of the commit that removes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PeerError> {
        encode(self)
    }

    /// Reads it; none: by the committer's role.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, PeerError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let proof: Self = decode(bytes, WHAT)?;
        if encode(&proof)? == bytes { Ok(Some(proof)) } else { Err(PeerError::Malformed(WHAT)) }
    }
}

impl DeviceRemoval {
    /// Signs that `committer` removes those devices, which are ascending.
    pub fn sign(identity: &SigningKey, room: &Id, committer: &RosterEntry, devices: Vec<Bytes32>) -> Self {
        let statement = statement(labels::REMOVE_DEVICE, room, committer, &devices);
        let signature = identity.sign(&statement).to_bytes().into();
        Self { devices, signature }
    }

    /// Verifies it for the device that commits it.
    pub fn verify(&self, room: &Id, committer: &RosterEntry) -> Result<(), PeerError> {
        self.verify_for(labels::REMOVE_DEVICE, room, committer)
    }

    /// The same for devices that are retired.
    pub fn verify_retirement(&self, room: &Id, committer: &RosterEntry) -> Result<(), PeerError> {
        self.verify_for(labels::RETIRE_DEVICE, room, committer)
    }

    fn verify_for(&self, label: &str, room: &Id, committer: &RosterEntry) -> Result<(), PeerError> {
        if self.devices.len() > DEVICES_OF_AN_ACCOUNT
            || !self.devices.is_sorted_by(|one, next| one[..] < next[..])
        {
            return Err(PeerError::Forbidden("devices that are removed"));
        }
        let signed = statement(label, room, committer, &self.devices);
        verify_signature(&committer.certificate.identity, &signed, &self.signature, WHAT)
    }
}

fn statement(label: &str, room: &Id, committer: &RosterEntry, devices: &[Bytes32]) -> Vec<u8> {
    let account = committer.certificate.account();
    let mut statement = [
        label.as_bytes(),
        &room[..],
        &account[..],
        &committer.certificate.device[..],
        &committer.leaf.stay[..],
    ]
    .concat();
    for device in devices {
        statement.extend_from_slice(&device[..]);
    }
    statement
}

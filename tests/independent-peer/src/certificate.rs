//! Section "MLS", credential: who a device belongs to, signed by the person's identity key.

use crate::{
    PeerError,
    encoding::{Bytes32, Id, SignatureBytes, decode_exact, encode, random},
    expand::expand,
    labels,
    leaf_data::LeafData,
    wrap::KeyPair,
};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use minicbor::{Decode, Encode, bytes::ByteVec};
use sha2::{Digest as _, Sha256};

const VERSION: u32 = 1;
const MAX_BYTES: usize = 1_024;
const MAX_NAME_BYTES: usize = 128;

/// `certificate-body`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Body {
    /// Version.
    #[n(0)]
    pub version: u32,
    /// Identity key.
    #[n(1)]
    pub identity: Bytes32,
    /// SHA-256 of the recovery public key; absent: guest.
    #[n(2)]
    pub recovery: Option<Bytes32>,
    /// Device key.
    #[n(3)]
    pub device: Bytes32,
    /// Display name.
    #[n(4)]
    pub display_name: String,
    /// Generation.
    #[n(5)]
    pub generation: u32,
    /// Not before, ms since 1970.
    #[n(6)]
    pub not_before: u64,
    /// Of a program: who answers for it.
    #[n(7)]
    pub operator: Option<Id>,
    /// Absent: the account has never removed a device.
    #[n(8)]
    pub devices: Option<DeviceList>,
}

/// `device-list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct DeviceList {
    /// Version, from 1.
    #[n(0)]
    pub version: u32,
    /// Hash of those that stayed.
    #[n(1)]
    pub hash: Bytes32,
}

/// `certificate`.
#[derive(Debug, Clone, Encode, Decode)]
struct Signed {
    #[n(0)]
    body: ByteVec,
    #[n(1)]
    signature: SignatureBytes,
}

impl Body {
    /// The account: the first 16 bytes of SHA-256 of the identity key.
    pub fn account(&self) -> Id {
        account(&self.identity)
    }
}

/// A device of a person: its keys and its certificate.
#[derive(Clone)]
pub struct Device {
    /// Signs certificates.
    pub identity: SigningKey,
    /// From which the account's keys in rooms come.
    pub keys: AccountKeys,
    /// Signs MLS content and messages.
    pub key: SigningKey,
    /// The encoded certificate.
    pub certificate: Vec<u8>,
    /// What it says.
    pub body: Body,
}

impl Device {
    /// A guest with one device.
    pub fn generate(display_name: &str) -> Result<Self, PeerError> {
        let identity = SigningKey::from_bytes(&random()?);
        let keys = AccountKeys { vault: random()?, door_seed: random()?, recovery_seed: None };
        Self::issue(&identity, keys, SigningKey::from_bytes(&random()?), display_name)
    }

    /// Somebody with an account, on one device.
    pub fn registered(display_name: &str) -> Result<Self, PeerError> {
        let guest = Self::generate(display_name)?;
        let keys = AccountKeys { recovery_seed: Some(random()?), ..guest.keys };
        Self::issue(&guest.identity, keys, guest.key, display_name)
    }

    /// The same account on another device.
    pub fn on_another_device(&self) -> Result<Self, PeerError> {
        let key = SigningKey::from_bytes(&random()?);
        Self::issue(&self.identity, self.keys.clone(), key, &self.body.display_name)
    }

    /// Issues a certificate for a device.
    pub fn issue(
        identity: &SigningKey,
        keys: AccountKeys,
        key: SigningKey,
        display_name: &str,
    ) -> Result<Self, PeerError> {
        let recovery = keys.recovery_key().map(|key| <[u8; 32]>::from(Sha256::digest(&key[..])).into());
        let body = Body {
            version: VERSION,
            identity: identity.verifying_key().to_bytes().into(),
            recovery,
            device: key.verifying_key().to_bytes().into(),
            display_name: display_name.to_owned(),
            generation: u32::from(recovery.is_some()),
            not_before: 1_750_000_000_000,
            operator: None,
            devices: None,
        };
        let bytes = encode(&body)?;
        let signature = identity.sign(&statement(&bytes)).to_bytes().into();
        let certificate = encode(&Signed { body: bytes.into(), signature })?;
        Ok(Self { identity: identity.clone(), keys, key, certificate, body })
    }
}

/// What all devices of an account share.
#[derive(Clone)]
pub struct AccountKeys {
    /// Vault key; guests have one of their own.
    pub vault: [u8; 32],
    /// Seed of the door key.
    pub door_seed: [u8; 32],
    /// Seed of the recovery key; none: guest.
    pub recovery_seed: Option<[u8; 32]>,
}

impl AccountKeys {
    /// Signs for a look behind the account's door in a room.
    pub fn door_signature_key(&self, room: &Id) -> Result<SigningKey, PeerError> {
        expand(&self.vault, labels::ACCOUNT_DOOR, &[&room[..]]).map(|seed| SigningKey::from_bytes(&seed))
    }

    /// The account's room-admin key.
    pub fn admin_key(&self, room: &Id) -> Result<SigningKey, PeerError> {
        expand(&self.vault, labels::ROOM_ADMIN, &[&room[..]]).map(|seed| SigningKey::from_bytes(&seed))
    }

    /// The public door key.
    pub fn door_key(&self) -> ByteVec {
        KeyPair::of_seed(&self.door_seed).public_bytes()
    }

    /// The public recovery key.
    pub fn recovery_key(&self) -> Option<ByteVec> {
        self.recovery_seed.as_ref().map(|seed| KeyPair::of_seed(seed).public_bytes())
    }

    /// Leaf data in a room.
    pub fn leaf_data(
        &self,
        room: &Id,
        via: Option<Id>,
        joined: u64,
        stay: Id,
    ) -> Result<LeafData, PeerError> {
        Ok(LeafData {
            via,
            joined,
            door_signature_key: self.door_signature_key(room)?.verifying_key().to_bytes().into(),
            door_key: self.door_key(),
            admin_key: self.admin_key(room)?.verifying_key().to_bytes().into(),
            recovery_key: self.recovery_key(),
            stay,
            updated: joined,
            avatar: None,
            rules: 1,
        })
    }
}

/// Reads and verifies a certificate.
pub fn verify(bytes: &[u8]) -> Result<Body, PeerError> {
    const WHAT: &str = "certificate";
    if bytes.len() > MAX_BYTES {
        return Err(PeerError::Malformed(WHAT));
    }
    let signed: Signed = decode_exact(bytes, WHAT)?;
    let body: Body = decode_exact(&signed.body, WHAT)?;
    if body.version != VERSION {
        return Err(PeerError::Version(body.version));
    }
    verify_signature(&body.identity, &statement(&signed.body), &signed.signature, WHAT)?;
    crate::name::check_name(&body.display_name, MAX_NAME_BYTES)?;
    let has_list = body.devices.is_none_or(|list| list.version > 0);
    if has_list && body.recovery.is_none() == (body.generation == 0) {
        Ok(body)
    } else {
        Err(PeerError::Malformed(WHAT))
    }
}

/// The account of an identity key.
pub fn account(identity: &Bytes32) -> Id {
    let hash: [u8; 32] = Sha256::digest(&identity[..]).into();
    let mut id = [0; 16];
    id.copy_from_slice(hash.split_at(16).0);
    id.into()
}

/// Ed25519 by "Signatures".
pub fn verify_signature(
    key: &Bytes32,
    statement: &[u8],
    signature: &SignatureBytes,
    what: &'static str,
) -> Result<(), PeerError> {
    signature_key(key)
        .and_then(|key| key.verify_strict(statement, &Signature::from_bytes(signature)).ok())
        .ok_or(PeerError::BadSignature(what))
}

/// The key, where these bytes are its one encoding and it is not of small order.
pub fn signature_key(bytes: &Bytes32) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(bytes).ok()?;
    let is_canonical = key.to_edwards().compress().as_bytes()[..] == bytes[..];
    (is_canonical && !key.is_weak()).then_some(key)
}

fn statement(body: &[u8]) -> Vec<u8> {
    [labels::DEVICE_CERTIFICATE.as_bytes(), body].concat()
}

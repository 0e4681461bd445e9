//! Section "MLS", credential: who a device belongs to, signed by the person's identity key.

use crate::{
    PeerError,
    encoding::{Bytes32, Id, SignatureBytes, decode, encode, random},
    labels,
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
        Self::issue(&identity, SigningKey::from_bytes(&random()?), display_name)
    }

    /// Issues a certificate for a device.
    pub fn issue(identity: &SigningKey, key: SigningKey, display_name: &str) -> Result<Self, PeerError> {
        let body = Body {
            version: VERSION,
            identity: identity.verifying_key().to_bytes().into(),
            recovery: None,
            device: key.verifying_key().to_bytes().into(),
            display_name: display_name.to_owned(),
            generation: 0,
            not_before: 1_750_000_000_000,
        };
        let bytes = encode(&body)?;
        let signature = identity.sign(&statement(&bytes)).to_bytes().into();
        let certificate = encode(&Signed { body: bytes.into(), signature })?;
        Ok(Self { key, certificate, body })
    }
}

/// Reads and verifies a certificate.
pub fn verify(bytes: &[u8]) -> Result<Body, PeerError> {
    const WHAT: &str = "certificate";
    if bytes.len() > MAX_BYTES {
        return Err(PeerError::Malformed(WHAT));
    }
    let signed: Signed = decode(bytes, WHAT)?;
    let body: Body = decode(&signed.body, WHAT)?;
    if body.version != VERSION {
        return Err(PeerError::Version(body.version));
    }
    verify_signature(&body.identity, &statement(&signed.body), &signed.signature, WHAT)?;
    check_name(&body.display_name, MAX_NAME_BYTES)?;
    Ok(body)
}

/// The account of an identity key.
pub fn account(identity: &Bytes32) -> Id {
    let hash: [u8; 32] = Sha256::digest(&identity[..]).into();
    let mut id = [0; 16];
    id.copy_from_slice(hash.split_at(16).0);
    id.into()
}

/// Strict Ed25519.
pub fn verify_signature(
    key: &Bytes32,
    statement: &[u8],
    signature: &SignatureBytes,
    what: &'static str,
) -> Result<(), PeerError> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| PeerError::BadSignature(what))?;
    key.verify_strict(statement, &Signature::from_bytes(signature)).map_err(|_| PeerError::BadSignature(what))
}

/// The name rule.
pub fn check_name(name: &str, max_bytes: usize) -> Result<(), PeerError> {
    let is_forbidden = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
            )
            || matches!(
                c,
                '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            )
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    let is_right =
        !name.is_empty() && name.trim() == name && name.len() <= max_bytes && !name.chars().any(is_forbidden);
    if is_right { Ok(()) } else { Err(PeerError::Malformed("name")) }
}

fn statement(body: &[u8]) -> Vec<u8> {
    [labels::DEVICE_CERTIFICATE.as_bytes(), body].concat()
}

//! Device certificates: an identity's statement that a device is its own. They are the credential of the MLS leaf.
//!
//! ```text
//! certificate = CBOR [body (bytes), signature (64 bytes)]
//! body        = CBOR map { 0: version, 1: identity key, 2: recovery key hash (not for guests), 3: device key,
//!                          4: display name, 5: generation, 6: not before (ms since 1970), 7: operator (only of bots),
//!                          8: device list (once a device was removed) }
//! signature   = Ed25519 by the identity key over label || body
//! ```

use super::{AccountId, DeviceList, check_display_name, is_display_name};
use crate::{CryptoError, labels, sign, sign::IdentityKey};
use minicbor::{Decode, Encode};

/// Longest certificate that is read.
pub const MAX_CERTIFICATE_BYTES: usize = 1024;

const VERSION: u32 = 1;

/// What a certificate is to say.
#[derive(Clone, Copy)]
pub struct CertificateRequest<'a> {
    /// The device's public key.
    pub device_key: [u8; 32],
    /// SHA-256 of the account's recovery public key; `None` for guests.
    pub recovery_key_hash: Option<[u8; 32]>,
    /// The name shown to others.
    pub display_name: &'a str,
    /// 0 for guests; 1 for the first recovery key, and one more with each change of it.
    pub generation: u32,
    /// When it was made, in milliseconds since 1970. Nothing is decided by it.
    pub not_before_ms: u64,
    /// Of a program: the account that answers for it. `None` for people.
    pub operator: Option<AccountId>,
    /// The account's list of devices; `None` while none was ever removed.
    pub devices: Option<DeviceList>,
}

/// Names stay out of logs.
impl core::fmt::Debug for CertificateRequest<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CertificateRequest").field("generation", &self.generation).finish_non_exhaustive()
    }
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Body {
    #[n(0)]
    version: u32,
    #[cbor(n(1), with = "minicbor::bytes")]
    identity_key: [u8; 32],
    #[cbor(n(2), with = "minicbor::bytes")]
    recovery_key_hash: Option<[u8; 32]>,
    #[cbor(n(3), with = "minicbor::bytes")]
    device_key: [u8; 32],
    #[n(4)]
    display_name: String,
    #[n(5)]
    generation: u32,
    #[n(6)]
    not_before_ms: u64,
    #[n(7)]
    operator: Option<AccountId>,
    #[n(8)]
    devices: Option<DeviceList>,
}

/// The part of a body that every version has.
#[derive(Decode)]
#[cbor(map)]
struct Version(#[n(0)] u32);

#[derive(Encode, Decode)]
struct Signed(
    #[cbor(n(0), with = "minicbor::bytes")] Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")] [u8; 64],
);

/// A certificate whose signature has been checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    bytes: Vec<u8>,
    identity_key: [u8; 32],
    recovery_key_hash: Option<[u8; 32]>,
    device_key: [u8; 32],
    display_name: String,
    generation: u32,
    operator: Option<AccountId>,
    devices: Option<DeviceList>,
}

impl Certificate {
    /// Makes and signs one.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the name cannot be used, or the generation does not fit the recovery key.
    pub fn issue(identity: &IdentityKey, request: CertificateRequest<'_>) -> Result<Self, CryptoError> {
        let name =
            check_display_name(request.display_name).map_err(|_| CryptoError::Malformed("display name"))?;
        let body = sotto_protocol::encode(&Body {
            version: VERSION,
            identity_key: identity.public(),
            recovery_key_hash: request.recovery_key_hash,
            device_key: request.device_key,
            display_name: name,
            generation: request.generation,
            not_before_ms: request.not_before_ms,
            operator: request.operator,
            devices: request.devices,
        });
        let signature = identity.sign(&statement(&body));
        Self::verify(&sotto_protocol::encode(&Signed(body, signature)))
    }

    /// Reads one and checks its signature.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`], [`CryptoError::NewerVersion`], [`CryptoError::BadKey`] or
    /// [`CryptoError::BadSignature`].
    pub fn verify(bytes: &[u8]) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("certificate");
        if bytes.len() > MAX_CERTIFICATE_BYTES {
            return Err(malformed());
        }
        let Signed(signed, signature) = sotto_protocol::decode_exact(bytes).map_err(|_| malformed())?;
        let Version(version) = sotto_protocol::decode(&signed).map_err(|_| malformed())?;
        if version != VERSION {
            return Err(CryptoError::NewerVersion);
        }
        // Members judge by it, so they all must read the same in it.
        let body: Body = sotto_protocol::decode_exact(&signed).map_err(|_| malformed())?;
        if !is_display_name(&body.display_name) {
            return Err(malformed());
        }
        // Generation 0 is the guest's, who has no recovery key; from 1 on there is one.
        if body.recovery_key_hash.is_none() != (body.generation == 0) {
            return Err(malformed());
        }
        // A list begins with the first removal.
        if body.devices.is_some_and(|list| list.version == 0) {
            return Err(malformed());
        }
        sign::verify(&body.identity_key, &statement(&signed), &signature)?;
        Ok(Self {
            bytes: bytes.to_vec(),
            identity_key: body.identity_key,
            recovery_key_hash: body.recovery_key_hash,
            device_key: body.device_key,
            display_name: body.display_name,
            generation: body.generation,
            operator: body.operator,
            devices: body.devices,
        })
    }

    /// The certificate as it travels.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whose device it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        AccountId::of(&self.identity_key)
    }

    /// The identity's public key.
    #[must_use]
    pub const fn identity_key(&self) -> &[u8; 32] {
        &self.identity_key
    }

    /// SHA-256 of the account's recovery public key; `None` for guests.
    #[must_use]
    pub const fn recovery_key_hash(&self) -> Option<&[u8; 32]> {
        self.recovery_key_hash.as_ref()
    }

    /// The device's public key.
    #[must_use]
    pub const fn device_key(&self) -> &[u8; 32] {
        &self.device_key
    }

    /// The name shown to others.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// Rises with each change of the recovery key.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Who answers for it, where it is a program's.
    #[must_use]
    pub const fn operator(&self) -> Option<&AccountId> {
        self.operator.as_ref()
    }

    /// The account's list of devices when it was made; `None` where none was ever removed.
    #[must_use]
    pub const fn devices(&self) -> Option<&DeviceList> {
        self.devices.as_ref()
    }

    /// Whether the identity has no recovery key.
    #[must_use]
    pub const fn is_guest(&self) -> bool {
        self.recovery_key_hash.is_none()
    }
}

impl core::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Certificate").field("account", &self.account()).finish_non_exhaustive()
    }
}

fn statement(body: &[u8]) -> Vec<u8> {
    [labels::signature::CERTIFICATE, body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceKey;

    fn certificate() -> Certificate {
        let request = CertificateRequest {
            device_key: DeviceKey::generate().unwrap().public(),
            recovery_key_hash: None,
            display_name: "Ada",
            generation: 0,
            not_before_ms: 1,
            operator: Some(AccountId::new([4; 16])),
            devices: Some(DeviceList { version: 1, hash: [3; 32] }),
        };
        Certificate::issue(&IdentityKey::generate().unwrap(), request).unwrap()
    }

    #[test]
    fn a_certificate_survives_and_says_what_it_should() {
        let issued = certificate();
        let read = Certificate::verify(issued.as_bytes()).unwrap();
        assert_eq!(read, issued);
        assert_eq!(read.display_name(), "Ada");
        assert!(read.is_guest());
        assert_eq!(read.operator(), Some(&AccountId::new([4; 16])));
        assert_eq!(read.devices(), Some(&DeviceList { version: 1, hash: [3; 32] }));
        assert!(!format!("{read:?}").contains("Ada"));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = certificate().as_bytes().to_vec();
        for position in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[position] ^= 1;
            assert!(Certificate::verify(&flipped).is_err(), "byte {position}");
        }
    }

    /// A reader of the first device key and a reader of the last must not judge differently; and nothing may stand in a
    /// certificate that some know and others do not.
    #[test]
    fn a_certificate_has_one_form() {
        let identity = IdentityKey::generate().unwrap();
        let device = |first: u8| [&[3, 0x58, 32][..], &[first; 32]].concat();
        let end = b"\x04\x63Ada\x05\x00\x06\x01";
        let signed = |body: &[u8]| {
            let signature = identity.sign(&statement(body));
            Certificate::verify(&sotto_protocol::encode(&Signed(body.to_vec(), signature)))
        };
        let begin = |fields: u8| [&[0xa0 | fields, 0, 1, 1, 0x58, 32][..], &identity.public()].concat();
        let good = [&begin(6), &device(7), &end[..]].concat();
        assert_eq!(signed(&good).unwrap().device_key(), &[7; 32]);
        for (body, what) in [
            ([&begin(7), &device(7), &device(8), &end[..]].concat(), "two device keys"),
            ([&begin(7), &device(7), &end[..], b"\x09\x01"].concat(), "a field that is not known"),
            ([&begin(7), &b"\x02\xf6"[..], &device(7), &end[..]].concat(), "null for what is absent"),
            ([&begin(6), &device(7), &b"\x04\x78\x03Ada\x05\x00\x06\x01"[..]].concat(), "a longer length"),
            ([&good[..], b"\x00"].concat(), "one more byte"),
            (
                [&begin(7), &device(7), &end[..], b"\x08\x82\x00\x58\x20", &[0; 32]].concat(),
                "a list of version 0",
            ),
        ] {
            assert_eq!(signed(&body).unwrap_err(), CryptoError::Malformed("certificate"), "{what}");
        }
    }
}

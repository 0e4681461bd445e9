//! What a leaf says about itself besides its certificate: how it came in, and the public keys that its account has in this
//! room. A leaf extension, signed with the leaf.

use super::InviteId;
use crate::{CryptoError, identity::AccountId, labels, link::split_hash, wrap};
use minicbor::{Decode, Encode};
use openmls::prelude::{Extension, Extensions, LeafNode, UnknownExtension};
use sha2::{Digest as _, Sha256};
use sotto_protocol::{DoorId, limits::MEMBER_AVATAR_MAX_BYTES};

/// Type of the leaf extension (RFC 9420, section 17.3: private use).
pub const LEAF_EXTENSION: u16 = 0xF502;

/// The leaf extension.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LeafData {
    /// The invite through which the account came in; `None` for whoever made the room. Never changes.
    #[n(0)]
    pub via: Option<InviteId>,
    /// The epoch that began when this leaf came in. Never changes.
    #[n(1)]
    pub joined: u64,
    /// Ed25519 key of the account's door, the way in for its next device: who looks behind it signs by it. The door's id comes from
    /// it and the account.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub door_signature_key: [u8; 32],
    /// X-Wing key to which the card's key is sealed for that door.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub door_key: Vec<u8>,
    /// Ed25519 key with which the account acts at the relay while it has a role.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub admin_key: [u8; 32],
    /// X-Wing key to which capsules are sealed; `None` for guests. Its hash stands in the certificate.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub recovery_key: Option<Vec<u8>>,
    /// Random, drawn by the device when it comes in. Never changes. Epochs recur after a rewind, and this does not: what a device
    /// signs about this stay of its own is not good for another one.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub stay: [u8; 16],
    /// The epoch that began with this leaf: with its device's last commit. So no leaf of before passes for one of later.
    #[n(7)]
    pub updated: u64,
    /// The member's picture: an encoded attachment reference.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub avatar: Option<Vec<u8>>,
    /// The latest rules of rooms that the device's client knows.
    #[n(9)]
    pub rules: u32,
}

impl LeafData {
    /// As a leaf extension.
    pub fn to_extensions(&self) -> Result<Extensions<LeafNode>, CryptoError> {
        let extension = Extension::Unknown(LEAF_EXTENSION, UnknownExtension(sotto_protocol::encode(self)));
        Extensions::single(extension).map_err(|_| CryptoError::Mls("leaf extension"))
    }

    /// From a leaf's extensions, which must hold this one and no other.
    pub fn of(leaf: &LeafNode) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("leaf extension");
        let mut extensions = leaf.extensions().iter();
        let (Some(Extension::Unknown(LEAF_EXTENSION, UnknownExtension(bytes))), None) =
            (extensions.next(), extensions.next())
        else {
            return Err(malformed());
        };
        Self::read(bytes)
    }

    /// From the extension's bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, CryptoError> {
        // Nothing may hide in it.
        sotto_protocol::decode_exact(bytes).map_err(|_| CryptoError::Malformed("leaf extension"))
    }

    /// Whether its keys can be used, and it is within its limits.
    pub fn check(&self) -> Result<(), CryptoError> {
        let fits = |avatar: &Vec<u8>| (1..=MEMBER_AVATAR_MAX_BYTES).contains(&avatar.len());
        if self.rules == 0 || !self.avatar.as_ref().is_none_or(fits) {
            return Err(CryptoError::Malformed("leaf extension"));
        }
        wrap::check_public_key(&self.door_key)?;
        self.recovery_key.as_deref().map_or(Ok(()), wrap::check_public_key)
    }

    /// The door of an account that publishes this. No other account can publish the same id.
    pub fn door(&self, account: &AccountId) -> DoorId {
        account_door(account, &self.door_signature_key)
    }

    /// SHA-256 of the door key.
    pub fn door_key_hash(&self) -> [u8; 32] {
        Sha256::digest(&self.door_key).into()
    }

    /// SHA-256 of the recovery key.
    pub fn recovery_key_hash(&self) -> Option<[u8; 32]> {
        self.recovery_key.as_ref().map(|key| Sha256::digest(key).into())
    }
}

/// The id of an account's door.
pub fn account_door(account: &AccountId, signature_key: &[u8; 32]) -> DoorId {
    let hash = Sha256::new()
        .chain_update(labels::hash::ACCOUNT_DOOR)
        .chain_update(account.as_bytes())
        .chain_update(signature_key)
        .finalize()
        .into();
    let (id, _) = split_hash(hash);
    DoorId::new(id)
}

//! Section "Inside the room": `leaf-data`, the leaf's one extension.

use crate::{
    PeerError,
    door::door_id,
    encoding::{Bytes32, Id, decode, encode},
    labels,
    wrap::check_public,
};
use minicbor::{Decode, Encode, bytes::ByteVec};
use mls_rs::{Extension, ExtensionList, extension::ExtensionType};

/// Extension type in a LeafNode.
pub const LEAF_DATA: ExtensionType = ExtensionType::new(0xF502);

/// `leaf-data`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LeafData {
    /// The invite through which the account came in.
    #[n(0)]
    pub via: Option<Id>,
    /// The epoch that began when this leaf came in.
    #[n(1)]
    pub joined: u64,
    /// The key by which the account's door is looked behind; its id comes from it, with the account.
    #[n(2)]
    pub door_signature_key: Bytes32,
    /// Door key, X-Wing.
    #[n(3)]
    pub door_key: ByteVec,
    /// Room-admin key.
    #[n(4)]
    pub admin_key: Bytes32,
    /// Recovery key, X-Wing; absent: guest.
    #[n(5)]
    pub recovery_key: Option<ByteVec>,
    /// Drawn when the leaf came in.
    #[n(6)]
    pub stay: Id,
    /// The epoch that began with this leaf.
    #[n(7)]
    pub updated: u64,
    /// The member's picture.
    #[n(8)]
    pub avatar: Option<ByteVec>,
    /// The latest rules that the client knows.
    #[n(9)]
    pub rules: u32,
}

impl LeafData {
    /// The door id of an account that publishes this.
    pub fn door(&self, account: &Id) -> Id {
        door_id(labels::ACCOUNT_DOOR_ID, &[&account[..], &self.door_signature_key[..]])
    }

    /// A leaf's extensions: exactly this one.
    pub fn to_extensions(&self) -> Result<ExtensionList, PeerError> {
        Ok(vec![Extension::new(LEAF_DATA, encode(self)?)].into())
    }

    /// Reads a leaf's extensions.
    pub fn of(extensions: &ExtensionList) -> Result<Self, PeerError> {
        match &extensions[..] {
            [one] if one.extension_type == LEAF_DATA => {
                let data: Self = decode(&one.extension_data, "leaf data")?;
                let is_canonical = encode(&data)? == one.extension_data;
                if !is_canonical {
                    return Err(PeerError::Forbidden("bytes of the leaf data"));
                }
                let fits = |avatar: &ByteVec| (1..=512).contains(&avatar.len());
                if data.rules == 0 || !data.avatar.as_ref().is_none_or(fits) {
                    return Err(PeerError::Forbidden("leaf data over a limit"));
                }
                check_public(&data.door_key)?;
                data.recovery_key.as_ref().map_or(Ok(()), |key| check_public(key))?;
                Ok(data)
            }
            _ => Err(PeerError::Forbidden("extensions of a leaf")),
        }
    }
}

//! Who has which name: an answer of the relay, to be taken as unverified.

use super::{DeviceList, Done, RelayId, call};
use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

/// What an account says of itself to those who ask for it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DirectoryEntry {
    /// Ed25519 identity public key.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub identity_key: [u8; 32],
    /// X-Wing recovery public key: 1,216 bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub recovery_public: Vec<u8>,
    /// Rises with each change of the recovery key.
    #[n(2)]
    pub generation: u32,
    /// By the identity key, over [`directory_statement`].
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// The account's list of devices; `None` while none was ever removed.
    #[n(4)]
    pub devices: Option<DeviceList>,
}

impl fmt::Debug for DirectoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryEntry").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// The account of an identity: the first 16 bytes of its hash.
#[must_use]
pub fn account_of(identity_key: &[u8; 32]) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(identity_key).into();
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = hash;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// What the identity signs: which recovery key and which list of devices is its own, at that relay.
#[must_use]
pub fn directory_statement(
    relay: &RelayId,
    generation: u32,
    recovery_public: &[u8],
    devices: Option<&DeviceList>,
) -> Vec<u8> {
    let mut statement = b"sotto/1 directory entry".to_vec();
    statement.extend_from_slice(relay.as_bytes());
    statement.extend_from_slice(&generation.to_be_bytes());
    statement.extend_from_slice(&Sha256::digest(recovery_public));
    statement.push(devices.is_some().into());
    if let Some(DeviceList { version, hash }) = devices {
        statement.extend_from_slice(&version.to_be_bytes());
        statement.extend_from_slice(hash);
    }
    statement
}

/// Asks for somebody.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Lookup {
    /// Whom.
    #[n(0)]
    pub who: AccountRef,
}
call!(Lookup, "/v1/directory/lookup", 512, Anonymous, Found);

/// How somebody is named.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum AccountRef {
    /// By name, normalised: only those who want to be found.
    #[n(0)]
    Name(#[n(0)] String),
    /// By account id, which members of a room know of each other.
    #[n(1)]
    Account(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]),
}

/// Answers [`Lookup`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Found {
    /// What the account says of itself. That the name is this identity's, the relay says.
    #[n(0)]
    pub entry: DirectoryEntry,
}

/// Whether others find the account by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetFindable {
    /// Whether they do.
    #[n(0)]
    pub is_findable: bool,
}
call!(SetFindable, "/v1/account/findable", 64, Session, Done);

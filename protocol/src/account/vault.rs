//! The vault: an account's sealed records by opaque names.

use super::{Done, call};
use crate::limits::VAULT_RECORD_MAX_BYTES;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

/// Which records there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListVault {}
call!(ListVault, "/v1/account/vault/list", 64, Session, VaultList);

/// Answers [`ListVault`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct VaultList {
    /// Sorted by name.
    #[n(0)]
    pub records: Vec<VaultListed>,
}

/// A name and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct VaultListed {
    /// 32 bytes that look random.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub name: [u8; 32],
    /// From 1.
    #[n(1)]
    pub version: u64,
}

/// Reads records.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadVault {
    /// Which: at most [`VAULT_READ_MAX_RECORDS`](crate::limits::VAULT_READ_MAX_RECORDS).
    #[n(0)]
    pub names: Vec<ByteArray<32>>,
}
call!(ReadVault, "/v1/account/vault/read", 4096, Session, VaultEntries);

/// Answers [`ReadVault`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct VaultEntries {
    /// Those that are there, in the order in which they were asked for, up to
    /// [`VAULT_READ_MAX_BYTES`](crate::limits::VAULT_READ_MAX_BYTES).
    #[n(0)]
    pub records: Vec<VaultEntry>,
    /// Whether some were left out for being too many bytes: ask again for what is missing.
    #[n(1)]
    pub is_cut: bool,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct VaultEntry {
    /// Its name.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub name: [u8; 32],
    /// Its version.
    #[n(1)]
    pub version: u64,
    /// Sealed.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub value: Vec<u8>,
}

/// Puts version n + 1 of a record in the place of version n, or version 1 where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PutVault {
    /// The record.
    #[n(0)]
    pub record: VaultEntry,
}
call!(PutVault, "/v1/account/vault/put", VAULT_RECORD_MAX_BYTES + 256, Session, Done);

/// Deletes a record: after a device was removed, for names of the vault key of before. With a proof, for a session alone could begin every
/// record anew with its old values.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeleteVault {
    /// Which.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub name: [u8; 32],
    /// The version that it has.
    #[n(1)]
    pub version: u64,
    /// That who owns the account is there.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub proof: Vec<u8>,
}
call!(DeleteVault, "/v1/account/vault/delete", 1024, Session, Done);

//! The sealed record, and the account's end.

use super::{DirectoryEntry, Done, call};
use crate::limits::SEALED_RECORD_MAX_BYTES;
use minicbor::{Decode, Encode};

/// What the relay reads of a sealed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SealedRecordHead {
    /// Its version.
    #[n(0)]
    pub version: u64,
    /// Ed25519: the holder of the recovery code logs in by it.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub code_login_key: [u8; 32],
    /// Rises by one where vault and door keys change, because a device was removed: all other sessions end then.
    #[n(5)]
    pub device_keys: u32,
}

/// Puts version n + 1 of the sealed record in the place of version n, and whatever changes with it: all or nothing.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReplaceRecord {
    /// A fresh proof. One by recovery code is taken only where the password changes and nothing else does, the recovery code
    /// included.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub proof: Vec<u8>,
    /// The record, whose version is one more than the relay's.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub record: Vec<u8>,
    /// OPAQUE's registration record, where the password changes.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub login: Option<[u8; 192]>,
    /// Where the recovery key changes.
    #[n(3)]
    pub entry: Option<DirectoryEntry>,
    /// Whether all other sessions end. They must where [`SealedRecordHead::device_keys`] rises.
    #[n(4)]
    pub end_others: bool,
}
call!(ReplaceRecord, "/v1/account/record", SEALED_RECORD_MAX_BYTES + 4096, Session, Done);

/// Deletes the account, and all that the relay has of it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeleteAccount {
    /// A fresh proof.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub proof: Vec<u8>,
}
call!(DeleteAccount, "/v1/account/delete", 1024, Session, Done);

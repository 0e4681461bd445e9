//! The vault: an account's small records at the relay, which sees random names, padded sizes and versions.
//!
//! ```text
//! name         = Expand(vault key, "sotto/1 vault name", label)                    32 bytes: one HMAC-SHA-256
//! value        = format (1) || salt (16) || commitment (32) || AES-256-GCM(pad([label, content]))
//! sealed under   vault key and "sotto/1 vault value"; additional data = format (1) || name (32) || version (8)
//! label        = kind (1) || room (16), or kind (1) || room (16) || part (4), or kind (1)
//! ```
//! The label stands inside: a new device reads what each record is, without knowing which rooms there are. `version` rises by
//! one with every change; the relay replaces n by n + 1 and nothing else. What [`super::VaultIndex`] has seen does not come
//! back older.

use super::{
    keys::VaultKey,
    sealing::{self, Salt},
};
use crate::{
    CryptoError, kdf,
    labels::{expand, hpke},
    padding, random_array, wrap,
};
use core::fmt;
use minicbor::{Decode, Encode};
use sotto_protocol::{
    Chain, RoomId,
    limits::{VAULT_CONTENT_MAX_BYTES, VAULT_RECORD_MAX_BYTES},
};
use zeroize::Zeroizing;

const FORMAT: u8 = 1;

/// What a vault record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VaultLabel {
    /// Newest version seen of every record: a [`super::VaultIndex`].
    Index,
    /// The account's door key.
    DoorKey,
    /// What the person has set.
    Settings,
    /// Identities seen first and verified.
    Pins,
    /// A room of the room list.
    Room(RoomId),
    /// The last place read in a room's log: a [`RoomPosition`].
    Position(RoomId),
    /// A part of a room's old message secrets, sealed to the recovery key: see [`seal_archive`].
    HistoryArchive(RoomId, u32),
}

impl VaultLabel {
    fn to_bytes(self) -> Vec<u8> {
        let (kind, room, part) = match self {
            Self::Index => (0, None, None),
            Self::DoorKey => (1, None, None),
            Self::Settings => (2, None, None),
            Self::Pins => (3, None, None),
            Self::Room(room) => (4, Some(room), None),
            Self::Position(room) => (5, Some(room), None),
            Self::HistoryArchive(room, part) => (6, Some(room), Some(part)),
        };
        let mut bytes = vec![kind];
        bytes.extend(room.iter().flat_map(RoomId::as_bytes));
        bytes.extend(part.into_iter().flat_map(u32::to_be_bytes));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("vault label");
        let (kind, rest) = bytes.split_first().ok_or_else(malformed)?;
        let room = || RoomId::try_from(rest).map_err(|_| malformed());
        match (kind, rest.is_empty()) {
            (0, true) => Ok(Self::Index),
            (1, true) => Ok(Self::DoorKey),
            (2, true) => Ok(Self::Settings),
            (3, true) => Ok(Self::Pins),
            (4, _) => room().map(Self::Room),
            (5, _) => room().map(Self::Position),
            (6, _) => {
                let (room, part) = rest.split_last_chunk::<4>().ok_or_else(malformed)?;
                let room = RoomId::try_from(room).map_err(|_| malformed())?;
                Ok(Self::HistoryArchive(room, u32::from_be_bytes(*part)))
            }
            (0..=3, false) => Err(malformed()),
            _ => Err(CryptoError::NewerVersion),
        }
    }
}

/// The name under which the relay keeps a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct VaultName(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

impl VaultName {
    /// Takes the bytes as they are.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for VaultName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.0;
        write!(f, "VaultName({a:02x}{b:02x}…)")
    }
}

/// The last place that a device of the account has read in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RoomPosition {
    /// The epoch there.
    #[n(0)]
    pub epoch: u64,
    /// The entry, and the hash of everything up to it.
    #[n(1)]
    pub chain: Chain,
}

#[derive(Encode, Decode)]
struct Labelled(
    #[cbor(n(0), with = "minicbor::bytes")] Vec<u8>,
    #[cbor(n(1), with = "crate::secret::bytes")] Zeroizing<Vec<u8>>,
);

impl VaultKey {
    /// The name of a record.
    ///
    /// # Errors
    /// Never for a label of this type.
    pub fn name(&self, label: VaultLabel) -> Result<VaultName, CryptoError> {
        kdf::expand::<32>(&self.0, expand::VAULT_NAME, &[&label.to_bytes()]).map(|name| VaultName(*name))
    }

    /// Seals the content of a record's `version`.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] or [`CryptoError::NoRandomness`].
    pub fn seal(&self, label: VaultLabel, version: u64, content: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.seal_salted(label, version, content, &random_array()?)
    }

    /// Opens what the relay gave for a name and a version, and tells what it is.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`], [`CryptoError::Malformed`], [`CryptoError::NewerVersion`].
    pub fn open(
        &self,
        name: &VaultName,
        version: u64,
        sealed: &[u8],
    ) -> Result<(VaultLabel, Zeroizing<Vec<u8>>), CryptoError> {
        let malformed = || CryptoError::Malformed("vault record");
        if sealed.len() > VAULT_RECORD_MAX_BYTES {
            return Err(malformed());
        }
        let (format, sealed) = sealed.split_first().ok_or_else(malformed)?;
        if *format != FORMAT {
            return Err(CryptoError::NewerVersion);
        }
        let padded = sealing::open(&self.0, expand::VAULT_VALUE, &additional_data(name, version), sealed)?;
        let Labelled(label, content) =
            sotto_protocol::decode(padding::unpad(&padded)?).map_err(|_| malformed())?;
        let label = VaultLabel::from_bytes(&label)?;
        if self.name(label)? == *name { Ok((label, content)) } else { Err(malformed()) }
    }

    fn seal_salted(
        &self,
        label: VaultLabel,
        version: u64,
        content: &[u8],
        salt: &Salt,
    ) -> Result<Vec<u8>, CryptoError> {
        if content.len() > VAULT_CONTENT_MAX_BYTES {
            return Err(CryptoError::OverLimit {
                what: "vault record",
                actual: content.len(),
                max: VAULT_CONTENT_MAX_BYTES,
            });
        }
        let labelled = Labelled(label.to_bytes(), Zeroizing::new(content.to_vec()));
        let padded = padding::pad(&Zeroizing::new(sotto_protocol::encode(&labelled)))?;
        let aad = additional_data(&self.name(label)?, version);
        let sealed = sealing::seal(&self.0, expand::VAULT_VALUE, &aad, &padded, salt)?;
        Ok([[FORMAT].as_slice(), &sealed].concat())
    }
}

impl RoomPosition {
    /// As it stands in its record.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        sotto_protocol::encode(self)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        sotto_protocol::decode(bytes).map_err(|_| CryptoError::Malformed("room position"))
    }
}

/// Seals a part of a room's old message secrets to the account's recovery public key: what devices hold at rest does not
/// open it. The result is the content of a [`VaultLabel::HistoryArchive`] record.
///
/// # Errors
/// [`CryptoError::BadKey`], [`CryptoError::NoRandomness`].
pub fn seal_archive(
    recovery_public: &[u8],
    room: &RoomId,
    part: u32,
    secrets: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    wrap::seal_fresh(recovery_public, hpke::HISTORY_ARCHIVE, &archive_context(room, part), secrets)
}

/// Opens such a part with the recovery key of its generation.
///
/// # Errors
/// [`CryptoError::DoesNotOpen`], [`CryptoError::Malformed`], [`CryptoError::BadKey`].
pub fn open_archive(
    recovery: &super::RecoveryKey,
    room: &RoomId,
    part: u32,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    recovery.wrap_key().open_bytes(hpke::HISTORY_ARCHIVE, &archive_context(room, part), sealed)
}

fn archive_context(room: &RoomId, part: u32) -> Vec<u8> {
    [room.as_bytes().as_slice(), &part.to_be_bytes()].concat()
}

fn additional_data(name: &VaultName, version: u64) -> Vec<u8> {
    [[FORMAT].as_slice(), &name.0, &version.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Secret,
        account::{RecoveryKey, golden},
    };

    const ROOM: RoomId = RoomId::new([1; 16]);

    fn key(byte: u8) -> VaultKey {
        VaultKey::from_seed(Secret::new([byte; 32]))
    }

    fn labels() -> [VaultLabel; 9] {
        [
            VaultLabel::Index,
            VaultLabel::DoorKey,
            VaultLabel::Settings,
            VaultLabel::Pins,
            VaultLabel::Room(ROOM),
            VaultLabel::Room(RoomId::new([2; 16])),
            VaultLabel::Position(ROOM),
            VaultLabel::HistoryArchive(ROOM, 0),
            VaultLabel::HistoryArchive(ROOM, 1),
        ]
    }

    #[test]
    fn every_label_has_a_name_of_its_own_and_is_read_back_without_being_known() {
        let names: std::collections::BTreeSet<_> =
            labels().iter().map(|label| key(1).name(*label).unwrap()).collect();
        assert_eq!(names.len(), labels().len());
        for label in labels() {
            let name = key(1).name(label).unwrap();
            assert_ne!(name, key(2).name(label).unwrap());
            let sealed = key(1).seal(label, 3, b"content").unwrap();
            let (read, content) = key(1).open(&name, 3, &sealed).unwrap();
            assert_eq!((read, content.as_slice()), (label, &b"content"[..]));
        }
    }

    #[test]
    fn a_value_opens_only_under_its_key_its_name_and_its_version() {
        let label = VaultLabel::Room(ROOM);
        let name = key(1).name(label).unwrap();
        let sealed = key(1).seal(label, 3, b"content").unwrap();
        assert!(key(2).open(&name, 3, &sealed).is_err());
        assert!(key(1).open(&key(1).name(VaultLabel::Settings).unwrap(), 3, &sealed).is_err());
        assert!(key(1).open(&name, 4, &sealed).is_err(), "an old value is not passed off as a new one");
        assert!(key(1).open(&name, 2, &sealed).is_err());
        for position in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[position] ^= 1;
            assert!(key(1).open(&name, 3, &flipped).is_err(), "byte {position}");
            assert!(key(1).open(&name, 3, &sealed[..position]).is_err());
        }
        assert!(key(1).open(&name, 3, &vec![1; VAULT_RECORD_MAX_BYTES + 1]).is_err());
    }

    #[test]
    fn sizes_fall_together_and_the_limit_holds() {
        let seal = |length: usize| key(1).seal(VaultLabel::Settings, 1, &vec![0; length]);
        assert_eq!(seal(0).unwrap().len(), seal(200).unwrap().len());
        assert!(seal(VAULT_CONTENT_MAX_BYTES).unwrap().len() <= VAULT_RECORD_MAX_BYTES);
        assert!(matches!(seal(VAULT_CONTENT_MAX_BYTES + 1), Err(CryptoError::OverLimit { .. })));
    }

    #[test]
    fn a_label_that_is_not_known_is_a_newer_version() {
        assert_eq!(VaultLabel::from_bytes(&[9]), Err(CryptoError::NewerVersion));
        for malformed in [&[][..], &[0, 0], &[4], &[4; 16], &[6; 17]] {
            assert_eq!(VaultLabel::from_bytes(malformed), Err(CryptoError::Malformed("vault label")));
        }
    }

    #[test]
    fn an_archive_opens_with_the_recovery_key_alone_and_at_its_place() {
        let recovery = RecoveryKey::generate().unwrap();
        let sealed = seal_archive(&recovery.public(), &ROOM, 1, b"secrets").unwrap();
        assert_eq!(open_archive(&recovery, &ROOM, 1, &sealed).unwrap().as_slice(), b"secrets");
        assert!(open_archive(&recovery, &ROOM, 2, &sealed).is_err());
        assert!(open_archive(&RecoveryKey::generate().unwrap(), &ROOM, 1, &sealed).is_err());
    }

    #[test]
    fn the_bytes_are_the_golden_ones() {
        let position = RoomPosition { epoch: 5, chain: Chain { seq: 6, hash: [7; 32] } };
        let label = VaultLabel::Position(ROOM);
        let name = key(1).name(label).unwrap();
        golden::check("vault-name", name.as_bytes());
        golden::check("vault-value", &key(1).seal_salted(label, 3, &position.to_bytes(), &[8; 16]).unwrap());
        let (read, content) = key(1).open(&name, 3, &golden::bytes("vault-value")).unwrap();
        assert_eq!((read, RoomPosition::from_bytes(&content)), (label, Ok(position)));
    }
}

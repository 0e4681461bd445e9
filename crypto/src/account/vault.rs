//! The vault: an account's small records at the relay, which sees random names, padded sizes and versions.
//!
//! ```text
//! name         = Expand(vault key, "sotto/1 vault name", label)                    32 bytes: one HMAC-SHA-256
//! value        = [label, content or null], sealed (see `committed`) under the vault key with "sotto/1 vault value";
//!                additional data = version (1) || name (32) || version (8)
//! label        = kind (1) || what it is about
//! ```
//! The label stands inside: a new device reads what each record is, without knowing which rooms there are. `version` rises by
//! one with every change; the relay replaces n by n + 1 and nothing else. A record that is deleted is replaced by a tombstone, whose
//! content is null, so that its versions go on. What [`super::VaultIndex`] has seen does not come back older.

use super::keys::VaultKey;
use crate::{
    CryptoError, committed,
    identity::{AccountId, Certificate},
    kdf,
    labels::{expand, hpke},
    random_array, wrap,
};
use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use sotto_protocol::{
    RoomId,
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
    /// How far the person has read in all rooms: [`super::ReadMarks`].
    ReadMarks,
    /// A part of a room's old message secrets, sealed to the recovery key: see [`seal_archive`].
    HistoryArchive(RoomId, u32),
    /// A device of the account, by its public key: an [`AccountDevice`].
    Device([u8; 32]),
    /// Direct invites that were taken: [`super::SeenInvites`].
    Invites,
}

/// What becomes of a record when a device was removed, and everything is sealed again under a new vault key. The removed device could
/// write every record up to then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebuilt {
    /// Made anew from the keys of the sealed record: nothing of the old one counts.
    FromKeys,
    /// This device's own, which it has at rest, and not what the vault has.
    FromOwn,
    /// This device's own, to which [`crate::identity::Pins::take_suspect`] adds what the vault has.
    FromOwnAndSuspect,
    /// As the vault has it: what is false in it shows when it is used.
    AsItIs,
    /// With a certificate that is issued anew, where the one in the vault is the account's own and it is not the removed device's.
    IssuedAnew,
}

impl VaultLabel {
    /// How the record is rebuilt after a device was removed.
    #[must_use]
    pub const fn rebuilt(self) -> Rebuilt {
        match self {
            Self::Index | Self::DoorKey => Rebuilt::FromKeys,
            Self::Settings => Rebuilt::FromOwn,
            Self::Pins => Rebuilt::FromOwnAndSuspect,
            Self::Room(_) | Self::ReadMarks | Self::HistoryArchive(..) | Self::Invites => Rebuilt::AsItIs,
            Self::Device(_) => Rebuilt::IssuedAnew,
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        let about = |kind: u8, parts: [&[u8]; 2]| [[kind].as_slice(), &parts.concat()].concat();
        match self {
            Self::Index => about(0, [&[], &[]]),
            Self::DoorKey => about(1, [&[], &[]]),
            Self::Settings => about(2, [&[], &[]]),
            Self::Pins => about(3, [&[], &[]]),
            Self::Room(room) => about(4, [room.as_bytes(), &[]]),
            Self::ReadMarks => about(5, [&[], &[]]),
            Self::HistoryArchive(room, part) => about(6, [room.as_bytes(), &part.to_be_bytes()]),
            Self::Device(key) => about(7, [&key, &[]]),
            Self::Invites => about(8, [&[], &[]]),
        }
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
            (5, true) => Ok(Self::ReadMarks),
            (6, _) => {
                let (room, part) = rest.split_last_chunk::<4>().ok_or_else(malformed)?;
                let room = RoomId::try_from(room).map_err(|_| malformed())?;
                Ok(Self::HistoryArchive(room, u32::from_be_bytes(*part)))
            }
            (7, _) => rest.try_into().map(Self::Device).map_err(|_| malformed()),
            (8, true) => Ok(Self::Invites),
            (0..=3 | 5 | 8, false) => Err(malformed()),
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

/// A device of the account, as its other devices list it and as it finds its newest certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDevice {
    /// The newest certificate issued for it.
    pub certificate: Certificate,
    /// The recovery public key that the certificate names.
    pub recovery_public: Vec<u8>,
    /// Its session at the relay, as the relay lists it: the device that removes it ends this one.
    pub session: Option<[u8; 16]>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredDevice {
    #[cbor(n(0), with = "minicbor::bytes")]
    certificate: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    recovery_public: Vec<u8>,
    #[cbor(n(2), with = "minicbor::bytes")]
    session: Option<[u8; 16]>,
}

/// Label and content, or null in its place: the derived encoder leaves out a null at the end of an array, which no other writer would.
struct Labelled(Vec<u8>, Option<Content>);

impl<C> Encode<C> for Labelled {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.array(2)?.bytes(&self.0)?;
        self.1.encode(encoder, context)
    }
}

impl<'b, C> Decode<'b, C> for Labelled {
    fn decode(decoder: &mut minicbor::Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        let more = decoder.array()?.and_then(|count| count.checked_sub(2));
        let more = more.ok_or_else(|| minicbor::decode::Error::message("label and content are missing"))?;
        let label = decoder.bytes()?.to_vec();
        let content = Option::decode(decoder, context)?;
        for _ in 0..more {
            decoder.skip()?;
        }
        Ok(Self(label, content))
    }
}

#[derive(Encode, Decode)]
#[cbor(transparent)]
struct Content(#[cbor(n(0), with = "crate::secret::bytes")] Zeroizing<Vec<u8>>);

/// What a record is, and its content; none where it was deleted.
pub type OpenedValue = (VaultLabel, Option<Zeroizing<Vec<u8>>>);

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
        self.seal_salted(label, version, Some(content), &random_array()?)
    }

    /// Seals a tombstone: the version of a record in which it is deleted.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn seal_tombstone(&self, label: VaultLabel, version: u64) -> Result<Vec<u8>, CryptoError> {
        self.seal_salted(label, version, None, &random_array()?)
    }

    /// Opens what the relay gave for a name and a version, and tells what it is.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`], [`CryptoError::Malformed`], [`CryptoError::NewerVersion`].
    pub fn open(&self, name: &VaultName, version: u64, sealed: &[u8]) -> Result<OpenedValue, CryptoError> {
        let malformed = || CryptoError::Malformed("vault record");
        if sealed.len() > VAULT_RECORD_MAX_BYTES {
            return Err(malformed());
        }
        let labelled =
            committed::open(&self.0, expand::VAULT_VALUE, &additional_data(name, version), sealed)?;
        let Labelled(label, content) = sotto_protocol::decode(&labelled).map_err(|_| malformed())?;
        let label = VaultLabel::from_bytes(&label)?;
        let content = content.map(|Content(content)| content);
        if self.name(label)? == *name { Ok((label, content)) } else { Err(malformed()) }
    }

    /// As [`VaultKey::seal`], with a salt that is used once.
    pub(super) fn seal_salted(
        &self,
        label: VaultLabel,
        version: u64,
        content: Option<&[u8]>,
        salt: &[u8; 16],
    ) -> Result<Vec<u8>, CryptoError> {
        let actual = content.map_or(0, <[u8]>::len);
        if actual > VAULT_CONTENT_MAX_BYTES {
            let (what, max) = ("vault record", VAULT_CONTENT_MAX_BYTES);
            return Err(CryptoError::OverLimit { what, actual, max });
        }
        let content = content.map(|content| Content(Zeroizing::new(content.to_vec())));
        let labelled = Labelled(label.to_bytes(), content);
        let labelled = sotto_protocol::encode_secret(&labelled);
        let aad = additional_data(&self.name(label)?, version);
        committed::seal_with_salt(&self.0, expand::VAULT_VALUE, &aad, &labelled, salt)
    }
}

impl AccountDevice {
    /// As it stands in its record.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        sotto_protocol::encode(&StoredDevice {
            certificate: self.certificate.as_bytes().to_vec(),
            recovery_public: self.recovery_public.clone(),
            session: self.session,
        })
    }

    /// Reads one, and checks that account, certificate and recovery key belong together.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`], [`CryptoError::BadSignature`], [`CryptoError::BadKey`],
    /// [`CryptoError::NewerVersion`].
    pub fn from_bytes(bytes: &[u8], account: &AccountId) -> Result<Self, CryptoError> {
        let stored: StoredDevice =
            sotto_protocol::decode(bytes).map_err(|_| CryptoError::Malformed("account device"))?;
        let device = Self::checked(&stored.certificate, stored.recovery_public, account)?;
        Ok(Self { session: stored.session, ..device })
    }

    pub(super) fn checked(
        certificate: &[u8],
        recovery_public: Vec<u8>,
        account: &AccountId,
    ) -> Result<Self, CryptoError> {
        let certificate = Certificate::verify(certificate)?;
        wrap::check_public_key(&recovery_public)?;
        let hash: [u8; 32] = Sha256::digest(&recovery_public).into();
        if certificate.recovery_key_hash() == Some(&hash) && certificate.account() == *account {
            Ok(Self { certificate, recovery_public, session: None })
        } else {
            Err(CryptoError::BadKey)
        }
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

pub(super) fn archive_context(room: &RoomId, part: u32) -> Vec<u8> {
    [room.as_bytes().as_slice(), &part.to_be_bytes()].concat()
}

fn additional_data(name: &VaultName, version: u64) -> Vec<u8> {
    [[FORMAT].as_slice(), &name.0, &version.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DeviceKey, Secret,
        account::{AccountKeys, ReadMarks, RecoveryKey, RoomPosition},
        golden,
        status::ReadMark,
    };
    use sotto_protocol::Chain;

    const GOLDEN: &str = include_str!("../../tests/goldens/vault-v1.hex");

    const ROOM: RoomId = RoomId::new([1; 16]);

    fn key(byte: u8) -> VaultKey {
        VaultKey::from_seed(Secret::new([byte; 32]))
    }

    fn labels() -> [VaultLabel; 11] {
        [
            VaultLabel::Index,
            VaultLabel::DoorKey,
            VaultLabel::Settings,
            VaultLabel::Pins,
            VaultLabel::Room(ROOM),
            VaultLabel::Room(RoomId::new([2; 16])),
            VaultLabel::ReadMarks,
            VaultLabel::HistoryArchive(ROOM, 0),
            VaultLabel::HistoryArchive(ROOM, 1),
            VaultLabel::Device([3; 32]),
            VaultLabel::Invites,
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
            assert_eq!((read, content.unwrap().as_slice()), (label, &b"content"[..]));
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
        let tombstone = key(1).seal_tombstone(VaultLabel::Settings, 1).unwrap();
        assert_eq!(tombstone.len(), seal(0).unwrap().len());
        assert!(seal(VAULT_CONTENT_MAX_BYTES).unwrap().len() <= VAULT_RECORD_MAX_BYTES);
        assert!(matches!(seal(VAULT_CONTENT_MAX_BYTES + 1), Err(CryptoError::OverLimit { .. })));
    }

    #[test]
    fn a_label_that_is_not_known_is_a_newer_version() {
        assert_eq!(VaultLabel::from_bytes(&[9]), Err(CryptoError::NewerVersion));
        for malformed in [&[][..], &[0, 0], &[8, 0], &[5; 17], &[4], &[4; 16], &[6; 17], &[7; 32]] {
            assert_eq!(VaultLabel::from_bytes(malformed), Err(CryptoError::Malformed("vault label")));
        }
    }

    #[test]
    fn a_device_is_listed_with_the_recovery_key_that_its_certificate_names() {
        let keys = AccountKeys::generate().unwrap();
        let device = DeviceKey::generate().unwrap();
        let certificate = keys.certify(device.public(), "Ada", 1).unwrap();
        let recovery_public = keys.recovery().public();
        let listed = AccountDevice { certificate, recovery_public, session: Some([4; 16]) };
        let account = keys.account();
        let read = |device: &AccountDevice| AccountDevice::from_bytes(&device.to_bytes(), &account);
        assert_eq!(read(&listed), Ok(listed.clone()));
        // Anybody certifies any device key: one that another account certified is none of this account's.
        let eve = AccountKeys::generate().unwrap();
        let foreign = AccountDevice {
            certificate: eve.certify(device.public(), "Ada", 1).unwrap(),
            recovery_public: eve.recovery().public(),
            session: None,
        };
        assert_eq!(read(&foreign), Err(CryptoError::BadKey));
        let own = keys.device_secrets(device).own_device(foreign.certificate, foreign.recovery_public);
        assert_eq!(own.err(), Some(CryptoError::BadKey));
        let recovery_public = RecoveryKey::generate().unwrap().public();
        let other = AccountDevice { recovery_public, ..listed };
        assert_eq!(read(&other), Err(CryptoError::BadKey));
        assert!(AccountDevice::from_bytes(&other.to_bytes()[1..], &account).is_err());
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
        let mut marks = ReadMarks::default();
        let chain = Chain { seq: 6, hash: [7; 32] };
        marks.take(ROOM, RoomPosition { mark: ReadMark { turn: 1, seq: 5 }, chain }).unwrap();
        let label = VaultLabel::ReadMarks;
        let name = key(1).name(label).unwrap();
        let value = key(1).seal_salted(label, 3, Some(&marks.to_bytes()), &[8; 16]).unwrap();
        let tombstone = key(1).seal_salted(label, 4, None, &[9; 16]).unwrap();
        let lines = [("name", name.as_bytes().to_vec()), ("value", value), ("tombstone", tombstone)];
        golden::check(GOLDEN, &lines);
        let (read, content) = key(1).open(&name, 3, &golden::line(GOLDEN, "value")).unwrap();
        assert_eq!((read, ReadMarks::from_bytes(&content.unwrap())), (label, Ok(marks)));
        assert_eq!(key(1).open(&name, 4, &golden::line(GOLDEN, "tombstone")), Ok((label, None)));
    }
}

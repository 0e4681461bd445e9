//! The sealing of status registers (`docs/PROTOCOL.md`, "Status registers").
//!
//! ```text
//! key      = Expand(device's seed, "sotto/1 status register", room, u64(epoch))                   32 bytes
//! register = first 16 bytes of SHA-256("sotto/1 status register id" || key)
//! value    = version (1) || epoch (8) || salt (16) || AES-256-GCM(plaintext)                     256 bytes, always
//! plain    = len(body) (2) || signature (64) || body || zeros                                     215 bytes, always
//! ```
//! The signature binds room, epoch, register and salt: no member can write another's status, or write an old one again. Nor into another's
//! register: its key is its device's alone, and the relay is shown it.

use super::{OWN_MARK_BYTES, Status, malformed, read_mark::Place};
use crate::{
    CryptoError, DeviceKey,
    account::VaultKey,
    entry,
    epoch_mark::epoch_mark,
    kdf, labels, random_array,
    room::{Roster, RosterEntry, StatusKey},
    sign,
};
use aes_gcm::aead::{Aead as _, Payload};
use minicbor::{Decode, Encode};
use sotto_protocol::{Chain, RoomId, register_of};
use zeroize::Zeroizing;

/// Length of every sealed value, in bytes.
pub const REGISTER_BYTES: usize = 256;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 8 + 16;
const PLAIN_BYTES: usize = REGISTER_BYTES - HEADER_BYTES - 16;

/// Names a register at the relay. Says nothing to those who have not the epoch's status secret.
pub type RegisterId = [u8; 16];

/// What the relay is asked to keep in place of what it has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusWrite {
    /// The register's key, for the relay.
    pub key: [u8; 32],
    /// The register.
    pub register: RegisterId,
    /// What is in it from now on.
    pub value: [u8; REGISTER_BYTES],
}

/// The key stays out of logs.
impl core::fmt::Debug for StatusWrite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("StatusWrite(…)")
    }
}

/// A status whose signature has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedStatus {
    /// The device's place in the tree.
    pub leaf: u32,
    /// Whose it is.
    pub sender: RosterEntry,
    /// What it says.
    pub status: Status,
}

/// The status registers of one epoch of a room.
#[derive(Debug, Clone, Copy)]
pub struct StatusRegisters<'a> {
    secret: &'a StatusKey,
    room: RoomId,
    epoch: u64,
    vault: Option<&'a VaultKey>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Body {
    #[n(0)]
    leaf: u32,
    #[n(1)]
    version: u64,
    #[n(2)]
    chain: Chain,
    #[n(3)]
    delivered_seq: Option<u64>,
    #[n(4)]
    read_seq: Option<u64>,
    #[n(5)]
    typing_until_ms: Option<u64>,
    #[n(6)]
    present_until_ms: Option<u64>,
    #[cbor(n(7), with = "minicbor::bytes")]
    own_mark: [u8; OWN_MARK_BYTES],
}

impl<'a> StatusRegisters<'a> {
    /// Those that go with an epoch's status secret (exporter label `sotto/1 status`).
    #[must_use]
    pub const fn new(secret: &'a StatusKey, room: RoomId, epoch: u64) -> Self {
        Self { secret, room, epoch, vault: None }
    }

    /// The same for a device that has its account's vault key: it writes and reads the account's own marks.
    #[must_use]
    pub const fn of_account(self, vault: &'a VaultKey) -> Self {
        Self { vault: Some(vault), ..self }
    }

    /// The key of a device's register, by which it alone writes there.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] only for a fault in here.
    fn key(&self, device: &DeviceKey) -> Result<[u8; 32], CryptoError> {
        let parts = [&self.room.as_bytes()[..], &self.epoch.to_be_bytes()];
        kdf::expand::<32>(&device.seed(), labels::expand::STATUS_REGISTER, &parts).map(|key| *key)
    }

    /// The register of a device. Another one in every epoch.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] only for a fault in here.
    pub fn id(&self, device: &DeviceKey) -> Result<RegisterId, CryptoError> {
        self.key(device).map(|key| register_of(&key))
    }

    /// Signs and seals a device's status. Each sealing has its own salt.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn seal(&self, device: &DeviceKey, leaf: u32, status: &Status) -> Result<StatusWrite, CryptoError> {
        self.seal_given(device, leaf, status, random_array()?, random_array()?)
    }

    /// With a salt that is used once, and the random bytes that stand where there is no mark.
    pub(crate) fn seal_given(
        &self,
        device: &DeviceKey,
        leaf: u32,
        status: &Status,
        salt: [u8; 16],
        no_mark: [u8; OWN_MARK_BYTES],
    ) -> Result<StatusWrite, CryptoError> {
        let key = self.key(device)?;
        let register = register_of(&key);
        let place = Place { room: self.room, register: &register, salt: &salt };
        let own_mark = match self.vault.zip(status.own_mark) {
            Some((vault, mark)) => place.seal(vault, mark)?,
            None => no_mark,
        };
        let body = sotto_protocol::encode(&Body::new(leaf, status, own_mark));
        let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_BYTES));
        plain.extend_from_slice(&u16::try_from(body.len()).map_err(|_| malformed())?.to_be_bytes());
        plain.extend_from_slice(&device.sign(&self.statement(&register, &salt, &body)?));
        plain.extend_from_slice(&body);
        if plain.len() > PLAIN_BYTES {
            return Err(malformed());
        }
        plain.resize(PLAIN_BYTES, 0);
        let header = header(self.epoch, &salt);
        let (cipher, nonce) = self.cipher(&register, &salt)?;
        let sealed = cipher
            .encrypt(&nonce, Payload { msg: &plain, aad: &self.additional_data(&header, &register) })
            .map_err(|_| malformed())?;
        let value = [&header[..], &sealed].concat().try_into().map_err(|_| malformed())?;
        Ok(StatusWrite { key, register, value })
    }

    /// Opens a register's value and checks that the device of its leaf wrote it.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`], [`CryptoError::NewerVersion`], [`CryptoError::WrongEpoch`], [`CryptoError::DoesNotOpen`];
    /// [`CryptoError::BadSignature`] where the leaf is not in the roster, or did not sign for this register.
    pub fn open(
        &self,
        roster: &Roster,
        register: &RegisterId,
        value: &[u8],
    ) -> Result<OpenedStatus, CryptoError> {
        if value.len() != REGISTER_BYTES {
            return Err(malformed());
        }
        let (header, sealed) = value.split_first_chunk::<HEADER_BYTES>().ok_or_else(malformed)?;
        let (version, rest) = header.split_first().ok_or_else(malformed)?;
        if *version != VERSION {
            return Err(CryptoError::NewerVersion);
        }
        let (epoch, salt) = rest.split_first_chunk::<8>().ok_or_else(malformed)?;
        let salt: &[u8; 16] = salt.try_into().map_err(|_| malformed())?;
        let found = u64::from_be_bytes(*epoch);
        if found != self.epoch {
            return Err(CryptoError::WrongEpoch { expected: self.epoch, found });
        }
        let (cipher, nonce) = self.cipher(register, salt)?;
        let plain = cipher
            .decrypt(&nonce, Payload { msg: sealed, aad: &self.additional_data(header, register) })
            .map(Zeroizing::new)
            .map_err(|_| CryptoError::DoesNotOpen)?;
        let (signature, signed) = split(&plain)?;
        let body: Body = sotto_protocol::decode(signed).map_err(|_| malformed())?;
        let sender = roster.get(body.leaf).ok_or(CryptoError::BadSignature)?;
        sign::verify(&sender.device_key, &self.statement(register, salt, signed)?, signature)?;
        let place = Place { room: self.room, register, salt };
        let own_mark = self.vault.map(|vault| place.open(vault, &body.own_mark)).transpose()?.flatten();
        let status = Status { own_mark, ..body.status() };
        Ok(OpenedStatus { leaf: body.leaf, sender: sender.clone(), status })
    }

    fn cipher(
        &self,
        register: &RegisterId,
        salt: &[u8; 16],
    ) -> Result<(aes_gcm::Aes256Gcm, entry::Nonce), CryptoError> {
        let parts = [self.room.as_bytes(), &register[..], &salt[..]];
        entry::split_key_and_nonce(&*kdf::expand::<44>(self.secret.seed(), labels::expand::STATUS, &parts)?)
    }

    fn additional_data(&self, header: &[u8; HEADER_BYTES], register: &RegisterId) -> Vec<u8> {
        [&header[..], register, self.room.as_bytes()].concat()
    }

    fn statement(&self, register: &RegisterId, salt: &[u8; 16], body: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let label = labels::signature::STATUS;
        let mark = epoch_mark(self.secret.seed(), &self.room, self.epoch)?;
        Ok([label, self.room.as_bytes(), &self.epoch.to_be_bytes(), &mark, register, salt, body].concat())
    }
}

impl Body {
    const fn new(leaf: u32, status: &Status, own_mark: [u8; OWN_MARK_BYTES]) -> Self {
        Self {
            leaf,
            version: status.version,
            chain: status.chain,
            delivered_seq: status.delivered_seq,
            read_seq: status.read_seq,
            typing_until_ms: status.typing_until_ms,
            present_until_ms: status.present_until_ms,
            own_mark,
        }
    }

    const fn status(&self) -> Status {
        Status {
            version: self.version,
            chain: self.chain,
            delivered_seq: self.delivered_seq,
            read_seq: self.read_seq,
            typing_until_ms: self.typing_until_ms,
            present_until_ms: self.present_until_ms,
            own_mark: None,
        }
    }
}

fn header(epoch: u64, salt: &[u8; 16]) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let bytes = [VERSION].into_iter().chain(epoch.to_be_bytes()).chain(*salt);
    header.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    header
}

/// Signature and body; what stands behind must be zeros.
fn split(plain: &[u8]) -> Result<(&[u8; 64], &[u8]), CryptoError> {
    let (length, rest) = plain.split_first_chunk::<2>().ok_or_else(malformed)?;
    let (signature, rest) = rest.split_first_chunk::<64>().ok_or_else(malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (body, zeros) = rest.split_at_checked(length).ok_or_else(malformed)?;
    if zeros.iter().all(|byte| *byte == 0) { Ok((signature, body)) } else { Err(malformed()) }
}

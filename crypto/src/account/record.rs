//! The sealed record: all private keys of an account, kept by the relay, opened by the password or the recovery code.
//!
//! ```text
//! sealed-record = { 0: version, 1: body, 2: password wrap, 3: code wrap, 4: login key of the code, 5: number of the device keys }
//! body          = sealed contents      under the record key      (see `committed`)
//! password wrap = sealed record key    under the password key    (see `committed`)
//! code wrap     = HPKE(record key)     to the code's X-Wing key
//! additional data, everywhere = version (1) || version (8)
//! ```
//! The contents name the hash of the code wrap, so that a login by password notices one that is garbled: that is the time to write
//! another one, and not when the password is lost. Every writing draws a new record key, so that an old password opens old records and no new one. `version` rises by one
//! with every change; the relay replaces version n by n + 1 and nothing else.

use super::{
    keys::{AccountKeys, DoorKey, PREVIOUS_RECOVERY_KEYS_MAX, RecoveryKey, VAULT_KEYS_BEFORE_MAX, VaultKey},
    opaque::PasswordKey,
    recovery_code::{RecoveryCode, RecoveryCodePublic},
    vault_index::Mark,
};
use crate::{
    CryptoError, Secret, committed,
    identity::{AccountId, DeviceList, IdentityKey},
    labels::{expand, hpke},
    random_array, wrap,
};
use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use sotto_protocol::limits::SEALED_RECORD_MAX_BYTES;

const FORMAT: u8 = 1;

/// A sealed record as the relay keeps it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SealedRecord {
    #[n(0)]
    version: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(2), with = "minicbor::bytes")]
    password_wrap: Vec<u8>,
    #[cbor(n(3), with = "minicbor::bytes")]
    code_wrap: Vec<u8>,
    #[cbor(n(4), with = "minicbor::bytes")]
    code_login_key: [u8; 32],
    #[n(5)]
    device_keys: u32,
}

/// An opened record. To be dropped as soon as its work is done.
#[derive(Clone)]
pub struct OpenedRecord {
    pub(super) version: u64,
    pub(super) keys: AccountKeys,
    pub(super) code: RecoveryCodePublic,
    pub(super) opens_by_code: bool,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Contents {
    #[n(0)]
    identity: Secret,
    #[n(1)]
    recovery: RecoveryKey,
    #[n(2)]
    generation: u32,
    #[n(3)]
    previous: Vec<RecoveryKey>,
    #[n(4)]
    vault: VaultKey,
    #[n(5)]
    door: DoorKey,
    #[n(6)]
    code: RecoveryCodePublic,
    #[n(7)]
    device_keys: u32,
    #[cbor(n(8), with = "minicbor::bytes")]
    code_wrap_hash: [u8; 32],
    #[n(9)]
    devices: Option<DeviceList>,
    #[n(10)]
    operator: Option<AccountId>,
    #[cbor(n(11), skip_if = "Vec::is_empty", default)]
    vaults_before: Vec<VaultKey>,
}

impl OpenedRecord {
    /// Seals the first record of an account: version 1.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn create(
        keys: AccountKeys,
        password: &PasswordKey,
        code: &RecoveryCode,
    ) -> Result<(Self, SealedRecord), CryptoError> {
        Self { version: 1, keys, code: code.public()?, opens_by_code: true }.sealed(password)
    }

    /// The account's keys.
    #[must_use]
    pub const fn keys(&self) -> &AccountKeys {
        &self.keys
    }

    /// Which version of the record this is.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Whether the recovery code opens the record that this one came out of. Where it does not, the relay garbled its wrap: people
    /// are told, and the next version is written at once.
    #[must_use]
    pub const fn opens_by_code(&self) -> bool {
        self.opens_by_code
    }

    /// The next version, under a new password. The recovery code stays and is not needed.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn with_password(&self, new: &PasswordKey) -> Result<(Self, SealedRecord), CryptoError> {
        self.next(self.keys.clone(), self.code.clone())?.sealed(new)
    }

    /// The next version, under a new recovery code. The old code opens it no more.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn with_code(
        &self,
        new: &RecoveryCode,
        password: &PasswordKey,
    ) -> Result<(Self, SealedRecord), CryptoError> {
        self.next(self.keys.clone(), new.public()?)?.sealed(password)
    }

    /// The next version, with a fresh recovery key: one generation on. Every device needs a new certificate.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`], [`CryptoError::OverLimit`].
    pub fn with_new_recovery_key(&self, password: &PasswordKey) -> Result<(Self, SealedRecord), CryptoError> {
        self.next(self.keys.with_new_recovery_key()?, self.code.clone())?.sealed(password)
    }

    /// The next version, after another person has had the password, or has seen the record open: everything that can be new is. They
    /// know the old code's public key, and could write a record that it opens; of the new one they know nothing. Only the identity
    /// stays, and they have it. `staying` are the keys of the devices that the account has left: only certificates made now are of its
    /// latest list.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`], [`CryptoError::OverLimit`].
    pub fn after_leak(
        &self,
        new_password: &PasswordKey,
        new_code: &RecoveryCode,
        staying: &[[u8; 32]],
    ) -> Result<(Self, SealedRecord), CryptoError> {
        let keys = self.keys.with_fresh_recovery_key()?.with_new_device_keys(staying)?;
        self.next(keys, new_code.public()?)?.sealed(new_password)
    }

    /// The next version, with fresh vault and door keys: after a device was removed. The relay takes it only where all other
    /// sessions end with it: the other devices log in again and get the new keys, and certificates of the new list. `staying` are
    /// the keys of the devices that the account has left.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn with_new_device_keys(
        &self,
        password: &PasswordKey,
        staying: &[[u8; 32]],
    ) -> Result<(Self, SealedRecord), CryptoError> {
        self.next(self.keys.with_new_device_keys(staying)?, self.code.clone())?.sealed(password)
    }

    /// The next version after the vault was written anew under the present key: those of before are forgotten.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn with_vault_rebuilt(&self, password: &PasswordKey) -> Result<(Self, SealedRecord), CryptoError> {
        let keys = AccountKeys { vaults_before: Vec::new(), ..self.keys.clone() };
        self.next(keys, self.code.clone())?.sealed(password)
    }

    /// The next version after devices were retired that are only gone: the same keys, and a list that has these devices left.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn without_devices(
        &self,
        password: &PasswordKey,
        staying: &[[u8; 32]],
    ) -> Result<(Self, SealedRecord), CryptoError> {
        self.next(self.keys.without_devices(staying)?, self.code.clone())?.sealed(password)
    }

    fn next(&self, keys: AccountKeys, code: RecoveryCodePublic) -> Result<Self, CryptoError> {
        let version = self.version.checked_add(1).ok_or(CryptoError::Malformed("record version"))?;
        Ok(Self { version, keys, code, opens_by_code: true })
    }

    fn sealed(self, password: &PasswordKey) -> Result<(Self, SealedRecord), CryptoError> {
        let randomness = Randomness {
            record_key: Secret::random()?,
            body: random_array()?,
            password: random_array()?,
            code: Secret::random()?,
        };
        let sealed = self.seal(password, &randomness)?;
        Ok((self, sealed))
    }

    /// Seals the record with given randomness.
    pub(super) fn seal(
        &self,
        password: &PasswordKey,
        randomness: &Randomness,
    ) -> Result<SealedRecord, CryptoError> {
        let aad = additional_data(self.version);
        let key = &randomness.record_key;
        let code_wrap =
            wrap::seal_seeded(&self.code.wrap_key, hpke::RECORD_KEY, &aad, key.expose(), &randomness.code)?;
        let contents = sotto_protocol::encode_secret(&Contents::of(self, &code_wrap));
        let body = committed::seal_with_salt(key, expand::RECORD, &aad, &contents, &randomness.body)?;
        let password_wrap = committed::seal_with_salt(
            password.secret(),
            expand::RECORD_KEY,
            &aad,
            key.expose(),
            &randomness.password,
        )?;
        Ok(SealedRecord {
            version: self.version,
            body,
            password_wrap,
            code_wrap,
            code_login_key: self.code.login_key,
            device_keys: self.keys.device_keys,
        })
    }
}

impl fmt::Debug for OpenedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedRecord").field("version", &self.version).finish_non_exhaustive()
    }
}

impl SealedRecord {
    /// As it is sent and stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        sotto_protocol::encode(self)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        if bytes.len() > SEALED_RECORD_MAX_BYTES {
            return Err(CryptoError::Malformed("sealed record"));
        }
        // Its mark is over these very bytes.
        sotto_protocol::decode_exact(bytes).map_err(|_| CryptoError::Malformed("sealed record"))
    }

    /// Its version, as the relay compares it.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// What a device notes of it, and compares with the newest that was seen ([`super::VaultIndex::note_record`]).
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark::of(self.version, &self.to_bytes())
    }

    /// The key by which the relay recognises a login with the recovery code.
    #[must_use]
    pub const fn code_login_key(&self) -> &[u8; 32] {
        &self.code_login_key
    }

    /// Opens it with what the password gave.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`], [`CryptoError::Malformed`], [`CryptoError::NewerVersion`].
    pub fn open_with_password(&self, password: &PasswordKey) -> Result<OpenedRecord, CryptoError> {
        let aad = additional_data(self.version);
        let key = committed::open(password.secret(), expand::RECORD_KEY, &aad, &self.password_wrap)?;
        self.open(&Secret::from_slice(&key)?)
    }

    /// Opens it with the recovery code.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`], [`CryptoError::Malformed`], [`CryptoError::NewerVersion`].
    pub fn open_with_code(&self, code: &RecoveryCode) -> Result<OpenedRecord, CryptoError> {
        let aad = additional_data(self.version);
        let key = code.wrap_key()?.open_bytes(hpke::RECORD_KEY, &aad, &self.code_wrap)?;
        self.open(&Secret::from_slice(&key)?)
    }

    fn open(&self, key: &Secret) -> Result<OpenedRecord, CryptoError> {
        let contents = committed::open(key, expand::RECORD, &additional_data(self.version), &self.body)?;
        let contents: Contents =
            sotto_protocol::decode(&contents).map_err(|_| CryptoError::Malformed("record contents"))?;
        // The relay must not point the record at a login key of its own.
        if contents.previous.len() > PREVIOUS_RECOVERY_KEYS_MAX
            || contents.vaults_before.len() > VAULT_KEYS_BEFORE_MAX
            || contents.code.login_key != self.code_login_key
            || contents.device_keys != self.device_keys
        {
            return Err(CryptoError::Malformed("record contents"));
        }
        let opens_by_code = contents.code_wrap_hash == hash_of(&self.code_wrap);
        Ok(contents.into_opened(self.version, opens_by_code))
    }
}

impl fmt::Debug for SealedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedRecord").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Contents {
    fn of(record: &OpenedRecord, code_wrap: &[u8]) -> Self {
        let keys = record.keys.clone();
        Self {
            identity: keys.identity.seed(),
            recovery: keys.recovery,
            generation: keys.generation,
            previous: keys.previous,
            vault: keys.vault,
            door: keys.door,
            code: record.code.clone(),
            device_keys: keys.device_keys,
            code_wrap_hash: hash_of(code_wrap),
            devices: keys.devices,
            operator: keys.operator,
            vaults_before: keys.vaults_before,
        }
    }

    fn into_opened(self, version: u64, opens_by_code: bool) -> OpenedRecord {
        let keys = AccountKeys {
            identity: IdentityKey::from_seed(&self.identity),
            recovery: self.recovery,
            generation: self.generation,
            previous: self.previous,
            vault: self.vault,
            door: self.door,
            device_keys: self.device_keys,
            devices: self.devices,
            operator: self.operator,
            vaults_before: self.vaults_before,
        };
        OpenedRecord { version, keys, code: self.code, opens_by_code }
    }
}

/// What one sealing draws.
pub(super) struct Randomness {
    pub(super) record_key: Secret,
    pub(super) body: [u8; 16],
    pub(super) password: [u8; 16],
    pub(super) code: Secret,
}

fn hash_of(code_wrap: &[u8]) -> [u8; 32] {
    Sha256::digest(code_wrap).into()
}

fn additional_data(version: u64) -> Vec<u8> {
    [[FORMAT].as_slice(), &version.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    const GOLDEN: &str = include_str!("../../tests/goldens/sealed-record-v1.hex");

    fn password(byte: u8) -> PasswordKey {
        PasswordKey::for_test(Secret::new([byte; 32]))
    }

    fn created() -> (OpenedRecord, SealedRecord, RecoveryCode) {
        let code = RecoveryCode::generate().unwrap();
        let (opened, sealed) =
            OpenedRecord::create(AccountKeys::generate().unwrap(), &password(1), &code).unwrap();
        (opened, SealedRecord::from_bytes(&sealed.to_bytes()).unwrap(), code)
    }

    fn is_same(left: &OpenedRecord, right: &OpenedRecord) -> bool {
        let contents = |record| sotto_protocol::encode(&Contents::of(record, &[]));
        contents(left) == contents(right) && left.version == right.version
    }

    #[test]
    fn a_record_opens_with_password_or_code_and_nothing_else() {
        let (opened, sealed, code) = created();
        assert!(is_same(&opened, &sealed.open_with_password(&password(1)).unwrap()));
        assert!(is_same(&opened, &sealed.open_with_code(&code).unwrap()));
        assert!(matches!(sealed.open_with_password(&password(2)), Err(CryptoError::DoesNotOpen)));
        let other = RecoveryCode::generate().unwrap();
        assert!(matches!(sealed.open_with_code(&other), Err(CryptoError::DoesNotOpen)));
    }

    #[test]
    fn a_changed_password_opens_the_new_record_and_the_old_one_does_not() {
        let (opened, first, code) = created();
        let (opened, second) = opened.with_password(&password(2)).unwrap();
        assert_eq!((opened.version(), second.version()), (2, 2));
        assert!(is_same(&opened, &second.open_with_password(&password(2)).unwrap()));
        assert!(is_same(&opened, &second.open_with_code(&code).unwrap()));
        assert!(second.open_with_password(&password(1)).is_err());
        // Not even where the relay keeps the old wrap: the record key is another.
        let mixed = SealedRecord { password_wrap: first.password_wrap, ..second };
        assert!(mixed.open_with_password(&password(1)).is_err());
    }

    #[test]
    fn a_changed_code_opens_the_new_record_and_the_old_one_does_not() {
        let (opened, first, old) = created();
        let new = RecoveryCode::generate().unwrap();
        let (opened, second) = opened.with_code(&new, &password(1)).unwrap();
        assert!(is_same(&opened, &second.open_with_code(&new).unwrap()));
        assert!(second.open_with_code(&old).is_err());
        assert_ne!(first.code_login_key(), second.code_login_key());
        let mixed = SealedRecord { code_wrap: first.code_wrap, ..second };
        assert!(mixed.open_with_code(&old).is_err());
    }

    #[test]
    fn a_changed_recovery_key_keeps_account_and_old_keys() {
        let (first, _, code) = created();
        let (_, sealed) = first.with_new_recovery_key(&password(1)).unwrap();
        let second = sealed.open_with_code(&code).unwrap();
        assert_eq!((second.keys().generation(), second.version()), (2, 2));
        assert_eq!(second.keys().account(), first.keys().account());
        assert_eq!(second.keys().recovery_keys().nth(1), Some(first.keys().recovery()));
    }

    #[test]
    fn after_a_device_is_removed_vault_and_door_keys_are_new() {
        let (first, _, _) = created();
        let (second, sealed) = first.with_new_device_keys(&password(1), &[[5; 32]]).unwrap();
        assert_ne!(second.keys().vault, first.keys().vault);
        assert_ne!(second.keys().door, first.keys().door);
        assert_eq!(second.keys().recovery(), first.keys().recovery());
        assert_eq!((first.keys().device_keys(), second.keys().device_keys()), (1, 2));
        assert!(is_same(&second, &sealed.open_with_password(&password(1)).unwrap()));
    }

    #[test]
    fn a_login_by_password_notices_that_the_code_would_not_open_the_record() {
        let (opened, sealed, code) = created();
        assert!(sealed.open_with_password(&password(1)).unwrap().opens_by_code());
        let mut garbled = sealed.clone();
        garbled.code_wrap[700] ^= 1;
        assert!(garbled.open_with_code(&code).is_err());
        let noticed = garbled.open_with_password(&password(1)).unwrap();
        assert!(!noticed.opens_by_code());
        let (_, written_anew) = noticed.with_password(&password(1)).unwrap();
        assert!(written_anew.open_with_code(&code).unwrap().opens_by_code());
        // An old wrap, to a code that was replaced, is as garbled.
        let (_, second) = opened.with_code(&RecoveryCode::generate().unwrap(), &password(1)).unwrap();
        let mixed = SealedRecord { code_wrap: sealed.code_wrap, ..second };
        assert!(!mixed.open_with_password(&password(1)).unwrap().opens_by_code());
    }

    #[test]
    fn who_has_seen_a_record_open_writes_none_for_the_code_that_replaced_the_old_one() {
        let (leaked, _, old) = created();
        // With the old code's public key, and the relay, a record that the old code opens.
        let (_, forged) = leaked.with_password(&password(9)).unwrap();
        assert!(forged.open_with_code(&old).is_ok());
        let new = RecoveryCode::generate().unwrap();
        let (opened, sealed) = leaked.after_leak(&password(2), &new, &[[5; 32]]).unwrap();
        assert!(is_same(&opened, &sealed.open_with_code(&new).unwrap()));
        assert!(forged.open_with_code(&new).is_err());
        assert!(sealed.open_with_code(&old).is_err() && sealed.open_with_password(&password(1)).is_err());
        let (before, after) = (leaked.keys(), opened.keys());
        assert_eq!((after.generation(), after.device_keys()), (2, 2));
        assert!(after.vault != before.vault && after.door != before.door);
        assert_eq!(after.account(), before.account());
    }

    #[test]
    fn what_the_relay_changes_is_noticed() {
        let (_, sealed, code) = created();
        let opens = |record: &SealedRecord| {
            record.open_with_password(&password(1)).is_ok() || record.open_with_code(&code).is_ok()
        };
        assert!(opens(&sealed));
        assert!(!opens(&SealedRecord { version: 2, ..sealed.clone() }));
        assert!(!opens(&SealedRecord { code_login_key: [9; 32], ..sealed.clone() }));
        assert!(!opens(&SealedRecord { device_keys: 2, ..sealed.clone() }));
        for position in 0..sealed.body.len() {
            let mut changed = sealed.clone();
            changed.body[position] ^= 1;
            assert!(changed.open_with_password(&password(1)).is_err(), "byte {position}");
        }
        for cut in [0, 1, 20, 64] {
            let mut changed = sealed.clone();
            changed.body.truncate(cut);
            changed.password_wrap.truncate(cut);
            changed.code_wrap.truncate(cut);
            assert!(!opens(&changed));
        }
        let mut newer = sealed.clone();
        newer.body[0] = 2;
        assert!(matches!(newer.open_with_code(&code), Err(CryptoError::NewerVersion)));
        let mut seen = super::super::VaultIndex::default();
        seen.note_record(sealed.mark()).unwrap();
        assert_eq!(seen.note_record(newer.mark()), Err(CryptoError::Forked));
        let (opened, second) = sealed.open_with_code(&code).unwrap().with_password(&password(1)).unwrap();
        assert_eq!((seen.note_record(second.mark()), opened.version()), (Ok(()), 2));
        assert_eq!(seen.note_record(sealed.mark()), Err(CryptoError::RolledBack { expected: 2, found: 1 }));
        assert!(SealedRecord::from_bytes(&vec![0; SEALED_RECORD_MAX_BYTES + 1]).is_err());
        assert!(SealedRecord::from_bytes(&[&sealed.to_bytes()[..], &[0]].concat()).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let (opened, sealed, _) = created();
        assert_eq!(format!("{opened:?}"), "OpenedRecord { version: 1, .. }");
        assert_eq!(format!("{sealed:?}"), "SealedRecord { version: 1, .. }");
    }

    #[test]
    fn the_bytes_are_the_golden_ones() {
        let seed = |byte| Secret::new([byte; 32]);
        let code = RecoveryCode::from_symbols([11; 26]);
        let record = OpenedRecord {
            version: 7,
            keys: AccountKeys {
                identity: IdentityKey::from_seed(&seed(1)),
                recovery: RecoveryKey(seed(2)),
                generation: 2,
                previous: vec![RecoveryKey(seed(3))],
                vault: VaultKey(seed(4)),
                door: DoorKey(seed(5)),
                device_keys: 3,
                vaults_before: vec![VaultKey(seed(11))],
                devices: Some(DeviceList { version: 2, hash: [9; 32] }),
                operator: Some(AccountId::new([8; 16])),
            },
            code: code.public().unwrap(),
            opens_by_code: true,
        };
        let randomness = Randomness { record_key: seed(6), body: [7; 16], password: [8; 16], code: seed(9) };
        let sealed = record.seal(&password(10), &randomness).unwrap();
        golden::check(GOLDEN, &[("sealed record", sealed.to_bytes())]);
        let read = SealedRecord::from_bytes(&golden::line(GOLDEN, "sealed record")).unwrap();
        assert!(is_same(&record, &read.open_with_password(&password(10)).unwrap()));
        assert!(is_same(&record, &read.open_with_code(&code).unwrap()));
    }
}

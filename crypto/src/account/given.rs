//! Not an interface: what belongs to accounts, sealed with given randomness, for bytes that test vectors fix.
//!
//! Each function calls what is shipped; only where the randomness comes from differs.

use super::{
    AccountKeys, DoorKey, InviteRecipient, Login, NewDevice, OldDevice, OpenedRecord, PairingGrant,
    PairingOffer, Password, PasswordKey, RecoveryCode, RecoveryKey, Registered, RelayQuestion,
    RoomTokenRequest, SealedRecord, Username, VaultKey, VaultLabel, VerifyingNewDevice, VerifyingOldDevice,
    direct_invite,
    opaque::{LoggingIn, Registration, identifiers},
    record::Randomness,
    stretching::Stretching,
    vault::archive_context,
};
use crate::{
    CryptoError, DeviceKey, Secret,
    identity::{AccountId, Certificate, IdentityKey},
    labels::hpke,
    testing::Script,
    wrap,
};
use opaque_ke::{
    generic_array::{GenericArray, typenum::U64},
    ksf::Ksf as _,
};
use sotto_protocol::{
    RoomId,
    account::{RelayId, RelayKeys, login_context},
};

/// The keys of an account, each from its seed; `previous` are older recovery keys, the oldest first.
#[must_use]
pub fn account_keys(
    identity: &Secret,
    (recovery, generation, previous): (Secret, u32, Vec<Secret>),
    vault: Secret,
    door: Secret,
    device_keys: u32,
) -> AccountKeys {
    AccountKeys {
        identity: IdentityKey::from_seed(identity),
        recovery: RecoveryKey::from_seed(recovery),
        generation,
        previous: previous.into_iter().map(RecoveryKey::from_seed).collect(),
        vault: VaultKey::from_seed(vault),
        door: DoorKey::from_seed(door),
        device_keys,
        vaults_before: Vec::new(),
        devices: None,
        operator: None,
    }
}

/// The same keys after devices were retired: these are left.
///
/// # Errors
/// [`CryptoError`] only for a fault in here.
pub fn retired(keys: &AccountKeys, staying: &[[u8; 32]]) -> Result<AccountKeys, CryptoError> {
    keys.without_devices(staying)
}

/// The same keys as a program's, for which that account answers.
#[must_use]
pub fn program(keys: &AccountKeys, operator: AccountId) -> AccountKeys {
    AccountKeys { operator: Some(operator), ..keys.clone() }
}

/// A recovery code of 26 symbols, each from 0 to 31.
#[must_use]
pub fn recovery_code(symbols: [u8; 26]) -> RecoveryCode {
    RecoveryCode::from_symbols(symbols)
}

/// The password key of an OPAQUE export key.
///
/// # Errors
/// [`CryptoError::Malformed`] where it is shorter than 32 bytes.
pub fn password_key(export_key: &[u8]) -> Result<PasswordKey, CryptoError> {
    PasswordKey::from_export_key(export_key)
}

/// The password key of these bytes.
#[must_use]
pub const fn password_key_of(secret: Secret) -> PasswordKey {
    PasswordKey::from_secret(secret)
}

/// The bytes of a password key.
#[must_use]
pub const fn password_key_secret(key: &PasswordKey) -> &Secret {
    key.secret()
}

/// What is random in a sealed record.
pub struct RecordRandomness {
    /// The record key.
    pub record_key: Secret,
    /// Salt of the body.
    pub body_salt: [u8; 16],
    /// Salt of the password wrap.
    pub password_salt: [u8; 16],
    /// Seed of the code wrap's randomness.
    pub code_seed: Secret,
}

/// Seals a version of an account's record.
///
/// # Errors
/// [`CryptoError::BadKey`] only for a fault in here.
pub fn seal_record(
    keys: &AccountKeys,
    version: u64,
    password: &PasswordKey,
    code: &RecoveryCode,
    randomness: RecordRandomness,
) -> Result<SealedRecord, CryptoError> {
    let RecordRandomness { record_key, body_salt: body, password_salt, code_seed } = randomness;
    let randomness = Randomness { record_key, body, password: password_salt, code: code_seed };
    OpenedRecord { version, keys: keys.clone(), code: code.public()?, opens_by_code: true }
        .seal(password, &randomness)
}

/// As [`super::seal_direct_invite`].
///
/// # Errors
/// As [`super::seal_direct_invite`].
pub fn seal_direct_invite_seeded(
    link: &[u8],
    sender: (&DeviceKey, &Certificate),
    recipient: InviteRecipient<'_>,
    sent_at_ms: u64,
    seed: &Secret,
) -> Result<Vec<u8>, CryptoError> {
    direct_invite::seal_seeded(link, sender, recipient, sent_at_ms, seed)
}

/// As [`VaultKey::seal`].
///
/// # Errors
/// As [`VaultKey::seal`].
pub fn seal_vault(
    key: &VaultKey,
    label: VaultLabel,
    version: u64,
    content: Option<&[u8]>,
    salt: &[u8; 16],
) -> Result<Vec<u8>, CryptoError> {
    key.seal_salted(label, version, content, salt)
}

/// As [`super::seal_archive`].
///
/// # Errors
/// As [`super::seal_archive`].
pub fn seal_archive_seeded(
    recovery_public: &[u8],
    room: &RoomId,
    part: u32,
    secrets: &[u8],
    seed: &Secret,
) -> Result<Vec<u8>, CryptoError> {
    wrap::seal_seeded(recovery_public, hpke::HISTORY_ARCHIVE, &archive_context(room, part), secrets, seed)
}

/// As [`NewDevice::start`].
#[must_use]
pub fn pairing_start(device: DeviceKey, offer: PairingOffer, seed: &Secret, nonce: [u8; 32]) -> NewDevice {
    NewDevice::start_seeded(device, offer, seed, nonce)
}

/// As [`OldDevice::answer`]: `secret` is *s*, `seed` the seed of its sealing.
///
/// # Errors
/// As [`OldDevice::answer`].
pub fn pairing_answer(
    offer: &PairingOffer,
    hello: &[u8],
    secret: &Secret,
    nonce: &[u8; 32],
    seed: &Secret,
) -> Result<(OldDevice, Vec<u8>), CryptoError> {
    OldDevice::answer_seeded(offer, hello, secret, nonce, seed)
}

/// As [`NewDevice::receive_answer`].
///
/// # Errors
/// As [`NewDevice::receive_answer`].
pub fn pairing_reveal(
    device: NewDevice,
    answer: &[u8],
    salt: &[u8; 16],
) -> Result<(VerifyingNewDevice, Vec<u8>), CryptoError> {
    device.receive_answer_salted(answer, salt)
}

/// As [`VerifyingOldDevice::grant`].
///
/// # Errors
/// As [`VerifyingOldDevice::grant`].
pub fn pairing_grant(
    device: VerifyingOldDevice,
    typed_code: &str,
    keys: &AccountKeys,
    grant: PairingGrant<'_>,
    salt: &[u8; 16],
) -> Result<Vec<u8>, CryptoError> {
    device.grant_salted(typed_code, keys, grant, salt)
}

/// A registration whose strength nobody judges, over given randomness, up to the relay's response: the request, and what ends it.
///
/// # Errors
/// As [`super::RegistrationStart::new`].
pub fn register(
    password: &Password,
    (relay, username): (&RelayId, &Username),
    randomness: &[u8],
    answer: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Result<Registered, CryptoError> {
    let mut randomness = Script::new(randomness);
    let begun = Registration::<Stretching>::start(password, &mut randomness)?;
    let response = answer(&begun.request);
    begun.finish(&response, identifiers(relay), &Stretching::of(relay, username), &mut randomness)
}

/// A login over given randomness, as [`register`].
///
/// # Errors
/// As [`super::LoginStart::finish`].
pub fn log_in(
    password: &Password,
    (relay, authority, username): (&RelayId, &str, &Username),
    randomness: &[u8],
    answer: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Result<Login, CryptoError> {
    let mut randomness = Script::new(randomness);
    let begun = LoggingIn::<Stretching>::start(password, &mut randomness)?;
    let response = answer(&begun.request);
    let (context, stretching) = (login_context(authority), Stretching::of(relay, username));
    begun.finish(&response, identifiers(relay), &context, &stretching, &mut randomness)
}

/// As [`RoomTokenRequest::new`]: `blind` is a scalar, in 64 bytes.
///
/// # Errors
/// As [`RoomTokenRequest::new`].
pub fn room_token_request(
    relay: RelayKeys,
    period: u32,
    nonce: [u8; 32],
    blind: &[u8],
) -> Result<RoomTokenRequest, CryptoError> {
    RoomTokenRequest::with_nonce(relay, period, nonce, &mut Script::new(blind))
}

/// As [`RelayQuestion::ask`].
#[must_use]
pub const fn relay_question(nonce: [u8; 32]) -> RelayQuestion {
    RelayQuestion::with_nonce(nonce)
}

/// The salt of an account's stretching, and what becomes of 64 bytes by it.
///
/// # Errors
/// [`CryptoError::BadKey`] only for a fault in here.
pub fn stretched(
    relay: &RelayId,
    username: &Username,
    input: [u8; 64],
) -> Result<([u8; 32], [u8; 64]), CryptoError> {
    let stretching = Stretching::of(relay, username);
    let output = stretching.hash::<U64>(GenericArray::from(input)).map_err(|_| CryptoError::BadKey)?;
    Ok((*stretching.salt(), output.into()))
}

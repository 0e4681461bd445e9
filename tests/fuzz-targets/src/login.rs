//! What the relay answers in a login, and the sealed record that a login opens.
//!
//! OPAQUE's inputs are the vectors of RFC 9807, whose passwords are not stretched.

use crate::edits;
use minicbor::{Decode, Encode, bytes::ByteVec};
use sotto_crypto::{
    CryptoError, Secret,
    account::{
        AccountKeys, Login, OpenedRecord, Password, PasswordKey, RecoveryCode, Registered, SealedRecord,
        opaque_sizes,
    },
    testing::{log_in_unstretched, register_unstretched, seal_committed, seal_to},
};

#[path = "../../../crypto/src/account/opaque_vectors.rs"]
#[allow(dead_code, reason = "only a part is needed here")]
mod vectors;

/// The relay's answer to a registration: any two elements are taken, and nothing else.
pub fn registration(input: &[u8]) {
    let response = edits::apply(input, &[unhex(vectors::REGISTRATION_RESPONSE)]);
    if let Ok(registered) = register(&response) {
        assert_eq!(response.len(), opaque_sizes::REGISTRATION_RESPONSE_BYTES);
        assert_eq!(registered.record.len(), opaque_sizes::REGISTRATION_RECORD_BYTES);
    }
}

/// The relay's answer to a login: only that of the relay with which the password was registered is taken.
pub fn response(input: &[u8]) {
    let real = unhex(vectors::VECTORS[0].ke2);
    let response = edits::apply(input, std::slice::from_ref(&real));
    let login = log_in(&response);
    assert_eq!(login.is_ok(), response == real, "a changed answer is taken");
}

fn register(response: &[u8]) -> Result<Registered, CryptoError> {
    let randomness = script(vectors::BLIND_REGISTRATION, &[vectors::ENVELOPE_NONCE]);
    register_unstretched(&password(), &randomness, response)
}

fn log_in(response: &[u8]) -> Result<Login, CryptoError> {
    let randomness = script(vectors::BLIND_LOGIN, &[vectors::CLIENT_KEYSHARE_SEED, vectors::CLIENT_NONCE]);
    log_in_unstretched(&password(), b"OPAQUE-POC", &randomness, response)
}

fn password() -> Password {
    Password::new("CorrectHorseBatteryStaple").expect("is a password")
}

/// A scalar is drawn as 64 bytes and reduced: a scalar below the order, then zeros, is itself.
fn script(scalar: &str, others: &[&str]) -> Vec<u8> {
    let mut bytes = unhex(scalar);
    bytes.resize(64, 0);
    bytes.extend(others.iter().flat_map(|text| unhex(text)));
    bytes
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("is hex") as u8;
    text.as_bytes().as_chunks::<2>().0.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
}

thread_local! {
    static ACCOUNT: Account = Account::new();
}

struct Account {
    password: PasswordKey,
    code: RecoveryCode,
    sealed: SealedRecord,
}

impl Account {
    fn new() -> Self {
        let password = register(&unhex(vectors::REGISTRATION_RESPONSE)).expect("is registered").password_key;
        let code = RecoveryCode::parse("BBBBB-BBBBB-BBBBB-BBBBB-BBBBB-B7G33").expect("is a code");
        let keys = AccountKeys::generate().expect("has randomness");
        let (_, sealed) = OpenedRecord::create(keys, &password, &code).expect("is sealed");
        Self { password, code, sealed }
    }
}

/// A sealed record with a few changes: what opens both ways was not changed.
pub fn opened_record(input: &[u8]) {
    ACCOUNT.with(|account| {
        let bytes = edits::apply(input, &[account.sealed.to_bytes()]);
        let Ok(sealed) = SealedRecord::from_bytes(&bytes) else { return };
        let by_password = sealed.open_with_password(&account.password);
        let by_code = sealed.open_with_code(&account.code);
        let is_real = sealed.to_bytes() == account.sealed.to_bytes();
        assert_eq!(by_password.is_ok() && by_code.is_ok(), is_real, "a changed record opens");
    });
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Contents {
    #[n(0)]
    identity: ByteVec,
    #[n(1)]
    recovery: ByteVec,
    #[n(2)]
    generation: u32,
    #[n(3)]
    previous: Vec<ByteVec>,
    #[n(4)]
    vault: ByteVec,
    #[n(5)]
    door: ByteVec,
    #[n(6)]
    code: CodePublic,
    #[n(7)]
    device_keys: u32,
    #[n(8)]
    code_wrap_hash: ByteVec,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct CodePublic {
    #[n(0)]
    wrap_key: ByteVec,
    #[n(1)]
    login_key: ByteVec,
}

#[derive(Encode)]
#[cbor(map)]
struct Sealed {
    #[n(0)]
    version: u64,
    #[n(1)]
    body: ByteVec,
    #[n(2)]
    password_wrap: ByteVec,
    #[n(3)]
    code_wrap: ByteVec,
    #[n(4)]
    code_login_key: ByteVec,
    #[n(5)]
    device_keys: u32,
}

/// A record of any contents, sealed as it should be: what opens is written and read again.
pub fn record_contents(input: &[u8]) {
    let Ok(opened) = open_contents(input) else { return };
    ACCOUNT.with(|account| {
        // A recovery code's key that is none cannot be sealed to.
        let Ok((again, sealed)) = opened.with_password(&account.password) else { return };
        let read = sealed.open_with_password(&account.password).expect("what is written can be read");
        assert_eq!(read.version(), 2);
        assert_eq!(read.keys().account(), opened.keys().account());
        assert_eq!(read.keys().recovery_keys().count(), again.keys().recovery_keys().count());
        // Refused where there are too many of them already.
        if opened.keys().generation() > 60 {
            let _ = opened.with_new_recovery_key(&account.password);
        }
    });
}

fn open_contents(contents: &[u8]) -> Result<OpenedRecord, CryptoError> {
    ACCOUNT.with(|account| {
        let code = code_public(&account.code);
        let (record_key, version) = (Secret::new([9; 32]), 1_u64);
        let aad = [[1].as_slice(), &version.to_be_bytes()].concat();
        let body = seal_committed(&record_key, b"sotto/1 record sealing", &aad, contents)?;
        let info = b"sotto/1 record key wrap";
        let code_wrap = seal_to(&code.wrap_key, info, &aad, record_key.expose(), &Secret::new([8; 32]))?;
        let sealed = Sealed {
            version,
            body: body.into(),
            password_wrap: Vec::new().into(),
            code_wrap: code_wrap.into(),
            code_login_key: code.login_key,
            device_keys: 1,
        };
        SealedRecord::from_bytes(&sotto_protocol::encode(&sealed))?.open_with_code(&account.code)
    })
}

fn code_public(code: &RecoveryCode) -> CodePublic {
    let encoded = sotto_protocol::encode(&code.public().expect("has public halves"));
    sotto_protocol::decode(&encoded).expect("is read alike")
}

/// Contents with no older recovery key, and with three.
pub fn real_contents() -> Vec<Vec<u8>> {
    let bytes = |byte: u8| ByteVec::from(vec![byte; 32]);
    let contents = |previous: u8| Contents {
        identity: bytes(1),
        recovery: bytes(2),
        generation: 1 + u32::from(previous),
        previous: (0..previous).map(|number| bytes(0x10 + number)).collect(),
        vault: bytes(3),
        door: bytes(4),
        code: ACCOUNT.with(|account| code_public(&account.code)),
        device_keys: 1,
        code_wrap_hash: bytes(5),
    };
    [0, 3].map(|previous| sotto_protocol::encode(&contents(previous))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_are_taken_and_real_contents_are_read() {
        assert_eq!(log_in(&unhex(vectors::VECTORS[0].ke2)).expect("is logged in").confirmation.len(), 64);
        let opened = real_contents()
            .iter()
            .map(|contents| open_contents(contents).expect("opens"))
            .collect::<Vec<_>>();
        assert_eq!(opened[1].keys().recovery_keys().count(), 4);
    }
}

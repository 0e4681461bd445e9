//! OPAQUE against the vectors of RFC 9807, and against the library's own server half.

use super::{
    Password, Username, Weakness,
    opaque::{
        LoggingIn, Login, LoginStart, OPAQUE_CONTEXT, PasswordKey, Registration, RegistrationStart,
        SessionKey, Suite, sizes,
    },
    stretching::{Stretching, tests::Quick},
};
use crate::{CryptoError, Secret, seeded::SeededRandomness};
use opaque_ke::{
    CredentialFinalization, CredentialRequest, Identifiers, RegistrationRequest, RegistrationUpload,
    ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup,
    ksf::{Identity, Ksf},
    rand::{CryptoRng, Error, RngCore},
};

/// RFC 9807, appendix C.1.1: ristretto255, SHA-512, no stretching, no identities.
mod vector {
    pub const BLIND_LOGIN: &str = "6ecc102d2e7a7cf49617aad7bbe188556792d4acd60a1a8a8d2b65d4b0790308";
    pub const BLIND_REGISTRATION: &str = "76cfbfe758db884bebb33582331ba9f159720ca8784a2a070a265d9c2d6abe01";
    pub const CLIENT_KEYSHARE_SEED: &str = "82850a697b42a505f5b68fcdafce8c31f0af2b581f063cf1091933541936304b";
    pub const CLIENT_NONCE: &str = "da7e07376d6d6f034cfa9bb537d11b8c6b4238c334333d1f0aebb380cae6a6cc";
    pub const ENVELOPE_NONCE: &str = "ac13171b2f17bc2c74997f0fce1e1f35bec6b91fe2e12dbd323d23ba7a38dfec";
    pub const KE1: &str = "c4dedb0ba6ed5d965d6f250fbe554cd45cba5dfcce3ce836e4aee778aa3cd44dda7e07376d6d6f034cfa9bb5\
         37d11b8c6b4238c334333d1f0aebb380cae6a6cc6e29bee50701498605b2c085d7b241ca15ba5c32027dd21b\
         a420b94ce60da326";
    pub const KE2: &str = "7e308140890bcde30cbcea28b01ea1ecfbd077cff62c4def8efa075aabcbb47138fe59af0df2c79f57b87802\
         78f5ae47355fe1f817119041951c80f612fdfc6dd6ec60bcdb26dc455ddf3e718f1020490c192d70dfc7e403\
         981179d8073d1146a4f9aa1ced4e4cd984c657eb3b54ced3848326f70331953d91b02535af44d9fedc80188c\
         a46743c52786e0382f95ad85c08f6afcd1ccfbff95e2bdeb015b166c6b20b92f832cc6df01e0b86a7efd92c1\
         c804ff865781fa93f2f20b446c8371b671cd9960ecef2fe0d0f7494986fa3d8b2bb01963537e60efb13981e1\
         38e3d4a1c4f62198a9d6fa9170c42c3c71f1971b29eb1d5d0bd733e40816c91f7912cc4a660c48dae03e57aa\
         a38f3d0cffcfc21852ebc8b405d15bd6744945ba1a93438a162b6111699d98a16bb55b7bdddfe0fc5608b23d\
         a246e7bd73b47369169c5c90";
    pub const KE3: &str = "4455df4f810ac31a6748835888564b536e6da5d9944dfea9e34defb9575fe5e2661ef61d2ae3929bcf57e53d\
         464113d364365eb7d1a57b629707ca48da18e442";
    pub const EXPORT_KEY: &str = "1ef15b4fa99e8a852412450ab78713aad30d21fa6966c9b8c9fb3262a970dc62950d4dd4ed62598229b1b727\
         94fc0335199d9f7fcc6eaedde92cc04870e63f16";
    pub const REGISTRATION_REQUEST: &str = "5059ff249eb1551b7ce4991f3336205bde44a105a032e747d21bf382e75f7a71";
    pub const REGISTRATION_RESPONSE: &str = "7408a268083e03abc7097fc05b587834539065e86fb0c7b6342fcf5e01e5b019b2fe7af9f48cc502d016729d\
         2fe25cdd433f2c4bc904660b2a382c9b79df1a78";
    pub const REGISTRATION_UPLOAD: &str = "76a845464c68a5d2f7e442436bb1424953b17d3e2e289ccbaccafb57ac5c36751ac5844383c7708077dea41c\
         befe2fa15724f449e535dd7dd562e66f5ecfb95864eadddec9db5874959905117dad40a4524111849799281f\
         efe3c51fa82785c5ac13171b2f17bc2c74997f0fce1e1f35bec6b91fe2e12dbd323d23ba7a38dfec634b0f5b\
         96109c198a8027da51854c35bee90d1e1c781806d07d49b76de6a28b8d9e9b6c93b9f8b64d16dddd9c5bfb5f\
         ea48ee8fd2f75012a8b308605cdd8ba5";
    pub const SESSION_KEY: &str = "42afde6f5aca0cfa5c163763fbad55e73a41db6b41bc87b8e7b62214a8eedc6731fa3cb857d657ab9b3764b8\
         9a84e91ebcb4785166fbb02cedfcbdfda215b96f";
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap())
        .collect()
}

/// Gives the bytes that a vector prescribes, in the order in which the library asks for them.
struct Scripted(Vec<u8>);

impl Scripted {
    /// A scalar is drawn as 64 bytes and reduced: a scalar below the order, then zeros, is itself.
    fn new(scalar: &str, others: &[&str]) -> Self {
        let mut bytes = from_hex(scalar);
        bytes.resize(64, 0);
        bytes.extend(others.iter().flat_map(|text| from_hex(text)));
        Self(bytes)
    }
}

impl RngCore for Scripted {
    fn next_u32(&mut self) -> u32 {
        panic!("not in the script")
    }

    fn next_u64(&mut self) -> u64 {
        panic!("not in the script")
    }

    fn fill_bytes(&mut self, destination: &mut [u8]) {
        let given: Vec<u8> = self.0.drain(..destination.len()).collect();
        destination.copy_from_slice(&given);
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(destination);
        Ok(())
    }
}

impl CryptoRng for Scripted {}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

#[test]
fn registration_and_login_give_the_bytes_of_rfc_9807() {
    let password = password("CorrectHorseBatteryStaple");
    let password_key = PasswordKey::from_export_key(&from_hex(vector::EXPORT_KEY)).unwrap();

    let mut randomness = Scripted::new(vector::BLIND_REGISTRATION, &[vector::ENVELOPE_NONCE]);
    let registration = Registration::<Identity>::start(&password, &mut randomness).unwrap();
    assert_eq!(registration.request, from_hex(vector::REGISTRATION_REQUEST));
    let response = from_hex(vector::REGISTRATION_RESPONSE);
    let registered = registration.finish(&response, Identifiers::default(), &mut randomness).unwrap();
    assert_eq!(registered.record, from_hex(vector::REGISTRATION_UPLOAD));
    assert_eq!(registered.password_key, password_key);

    let mut randomness =
        Scripted::new(vector::BLIND_LOGIN, &[vector::CLIENT_KEYSHARE_SEED, vector::CLIENT_NONCE]);
    let login = LoggingIn::<Identity>::start(&password, &mut randomness).unwrap();
    assert_eq!(login.request, from_hex(vector::KE1));
    let login =
        login.finish(&from_hex(vector::KE2), Identifiers::default(), b"OPAQUE-POC", &mut randomness).unwrap();
    assert_eq!(login.confirmation, from_hex(vector::KE3));
    assert_eq!(login.password_key, password_key);
    assert_eq!(login.session_key, SessionKey::from_session_key(&from_hex(vector::SESSION_KEY)).unwrap());
}

/// The relay's half, for any stretching.
struct Relay<K: Ksf> {
    setup: ServerSetup<Suite<K>>,
    authority: &'static [u8],
    record: Option<Vec<u8>>,
}

const NAME: &[u8] = b"keyed hash of the username";

impl<K: Ksf> Relay<K> {
    fn new(seed: u8) -> Self {
        let setup = ServerSetup::new(&mut randomness(seed));
        Self { setup, authority: b"chat.example:443", record: None }
    }

    fn identifiers(&self) -> Identifiers<'_> {
        Identifiers { client: None, server: Some(self.authority) }
    }

    fn parameters(&self) -> ServerLoginParameters<'_, '_> {
        ServerLoginParameters { context: Some(OPAQUE_CONTEXT), identifiers: self.identifiers() }
    }

    fn answer_registration(&self, request: &[u8]) -> Vec<u8> {
        let request = RegistrationRequest::deserialize(request).unwrap();
        ServerRegistration::start(&self.setup, request, NAME).unwrap().message.serialize().to_vec()
    }

    fn store(&mut self, upload: &[u8]) {
        let upload = RegistrationUpload::deserialize(upload).unwrap();
        self.record = Some(ServerRegistration::<Suite<K>>::finish(upload).serialize().to_vec());
    }

    fn answer_login(&self, request: &[u8]) -> (Vec<u8>, ServerLogin<Suite<K>>) {
        let record = self.record.as_ref().map(|bytes| ServerRegistration::deserialize(bytes).unwrap());
        let request = CredentialRequest::deserialize(request).unwrap();
        let started =
            ServerLogin::start(&mut randomness(77), &self.setup, record, request, NAME, self.parameters())
                .unwrap();
        (started.message.serialize().to_vec(), started.state)
    }

    fn accepts(&self, state: ServerLogin<Suite<K>>, confirmation: &[u8]) -> Option<SessionKey> {
        let confirmation = CredentialFinalization::deserialize(confirmation).ok()?;
        let finished = state.finish(confirmation, self.parameters()).ok()?;
        SessionKey::from_session_key(&finished.session_key).ok()
    }
}

fn randomness(seed: u8) -> SeededRandomness {
    SeededRandomness::new(Secret::new([seed; 32]))
}

fn register(relay: &mut Relay<Quick>, text: &str) -> PasswordKey {
    let registration = Registration::<Quick>::start(&password(text), &mut randomness(1)).unwrap();
    let response = relay.answer_registration(&registration.request);
    let registered = registration.finish(&response, relay.identifiers(), &mut randomness(2)).unwrap();
    relay.store(&registered.record);
    registered.password_key
}

fn log_in(relay: &Relay<Quick>, text: &str) -> Result<(Login, Option<SessionKey>), CryptoError> {
    let login = LoggingIn::<Quick>::start(&password(text), &mut randomness(3))?;
    let (response, state) = relay.answer_login(&login.request);
    let login = login.finish(&response, relay.identifiers(), OPAQUE_CONTEXT, &mut randomness(4))?;
    let session = relay.accepts(state, &login.confirmation);
    Ok((login, session))
}

#[test]
fn the_right_password_gives_the_same_keys_again_and_another_one_nothing() {
    let mut relay = Relay::<Quick>::new(1);
    let password_key = register(&mut relay, "a good passphrase");
    let (login, session) = log_in(&relay, "a good passphrase").unwrap();
    assert_eq!(login.password_key, password_key);
    assert_eq!(Some(login.session_key), session);
    assert!(matches!(log_in(&relay, "a good Passphrase"), Err(CryptoError::WrongPassword)));
    let other = register(&mut relay, "another passphrase");
    assert_ne!(other, password_key);
    assert!(matches!(log_in(&relay, "a good passphrase"), Err(CryptoError::WrongPassword)));
}

#[test]
fn a_name_that_is_not_there_looks_like_a_wrong_password() {
    let relay = Relay::<Quick>::new(1);
    assert!(matches!(log_in(&relay, "a good passphrase"), Err(CryptoError::WrongPassword)));
}

#[test]
fn another_relay_cannot_stand_in_for_the_one_of_the_account() {
    let mut relay = Relay::<Quick>::new(1);
    register(&mut relay, "a good passphrase");
    let false_relay = Relay::<Quick> { record: relay.record.clone(), ..Relay::new(2) };
    assert!(matches!(log_in(&false_relay, "a good passphrase"), Err(CryptoError::WrongPassword)));
    // The true relay's answer, passed on under another name.
    let passing_on = Relay::<Quick> { authority: b"chat.example.evil:443", ..relay };
    assert!(matches!(log_in(&passing_on, "a good passphrase"), Err(CryptoError::WrongPassword)));
}

#[test]
fn broken_messages_are_refused() {
    let mut relay = Relay::<Quick>::new(1);
    register(&mut relay, "a good passphrase");
    let begin = || LoggingIn::<Quick>::start(&password("a good passphrase"), &mut randomness(3)).unwrap();
    let (response, _) = relay.answer_login(&begin().request);
    let finish = |response: &[u8]| {
        begin().finish(response, relay.identifiers(), OPAQUE_CONTEXT, &mut randomness(4)).is_ok()
    };
    assert!(finish(&response));
    for position in (0..response.len()).step_by(7) {
        let mut flipped = response.clone();
        flipped[position] ^= 1;
        assert!(!finish(&flipped), "byte {position}");
        assert!(!finish(&response[..position]), "cut at {position}");
    }
    assert!(!finish(&[&response[..], &[0]].concat()));
    // The blinded password sent back as if it were the answer.
    let mut reflected = response.clone();
    reflected[..32].copy_from_slice(&begin().request[..32]);
    assert!(!finish(&reflected));
    let registration = Registration::<Quick>::start(&password("x"), &mut randomness(1)).unwrap();
    let answer = relay.answer_registration(&registration.request);
    assert!(registration.finish(&answer[1..], relay.identifiers(), &mut randomness(2)).is_err());
}

#[test]
fn the_real_parameters_work_and_the_sizes_are_those_of_the_protocol() {
    let mut relay = Relay::<Stretching>::new(1);
    let name = Username::parse("ada").unwrap();
    let weak = RegistrationStart::new(&password("password1234"), &name).err();
    assert_eq!(weak, Some(CryptoError::WeakPassword(Weakness::TooGuessable)));
    let password = Password::generate().unwrap();
    let registration = RegistrationStart::new(&password, &name).unwrap();
    assert_eq!(registration.request().len(), sizes::REGISTRATION_REQUEST_BYTES);
    let response = relay.answer_registration(registration.request());
    assert_eq!(response.len(), sizes::REGISTRATION_RESPONSE_BYTES);
    let registered = registration.finish("Chat.Example:443", &response).unwrap();
    assert_eq!(registered.record.len(), sizes::REGISTRATION_RECORD_BYTES);
    relay.store(&registered.record);
    let login = LoginStart::new(&password).unwrap();
    assert_eq!(login.request().len(), sizes::LOGIN_REQUEST_BYTES);
    assert_eq!(format!("{login:?}"), "LoginStart(…)");
    let (response, state) = relay.answer_login(login.request());
    assert_eq!(response.len(), sizes::LOGIN_RESPONSE_BYTES);
    let login = login.finish("chat.example:443", &response).unwrap();
    assert_eq!(login.confirmation.len(), sizes::LOGIN_CONFIRMATION_BYTES);
    assert_eq!(login.password_key, registered.password_key);
    let session = relay.accepts(state, &login.confirmation);
    assert_eq!(session.as_ref(), Some(&login.session_key));
    let shown = format!("{registered:?} {login:?}");
    assert_eq!(shown.matches("PasswordKey(…)").count(), 2);
    assert_eq!(shown.matches("SessionKey(…)").count(), 1);
}

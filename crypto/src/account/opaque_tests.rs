//! OPAQUE against the vectors of RFC 9807, and against the library's own server half.

use super::{
    NewPassword, Password, Username,
    opaque::{
        LoggingIn, Login, LoginStart, PasswordKey, Registration, RegistrationStart, SessionKey, Suite, sizes,
    },
    opaque_vectors as vectors,
    stretching::{Stretching, tests::Quick},
};
use crate::{CryptoError, Secret, seeded::SeededRandomness};
use opaque_ke::{
    CredentialFinalization, CredentialRequest, Identifiers, RegistrationRequest, RegistrationUpload,
    ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup,
    ksf::{Identity, Ksf},
    rand::{CryptoRng, Error, RngCore},
};
use sotto_protocol::account::{RelayId, login_context};

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
    for vector in &vectors::VECTORS {
        let identifiers = || Identifiers { client: vector.client_identity, server: vector.server_identity };
        let password = password("CorrectHorseBatteryStaple");
        let password_key = PasswordKey::from_export_key(&from_hex(vectors::EXPORT_KEY)).unwrap();

        let mut randomness = Scripted::new(vectors::BLIND_REGISTRATION, &[vectors::ENVELOPE_NONCE]);
        let registration = Registration::<Identity>::start(&password, &mut randomness).unwrap();
        assert_eq!(registration.request, from_hex(vectors::REGISTRATION_REQUEST));
        let response = from_hex(vectors::REGISTRATION_RESPONSE);
        let registered = registration.finish(&response, identifiers(), &Identity, &mut randomness).unwrap();
        assert_eq!(registered.record, from_hex(vector.registration_upload));
        assert_eq!(registered.password_key, password_key);

        let mut randomness =
            Scripted::new(vectors::BLIND_LOGIN, &[vectors::CLIENT_KEYSHARE_SEED, vectors::CLIENT_NONCE]);
        let login = LoggingIn::<Identity>::start(&password, &mut randomness).unwrap();
        assert_eq!(login.request, from_hex(vectors::KE1));
        let ke2 = from_hex(vector.ke2);
        let login = login.finish(&ke2, identifiers(), b"OPAQUE-POC", &Identity, &mut randomness).unwrap();
        assert_eq!(login.confirmation, from_hex(vector.ke3));
        assert_eq!(login.password_key, password_key);
        let session_key = SessionKey::from_session_key(&from_hex(vector.session_key)).unwrap();
        assert_eq!(login.session_key, session_key);
    }
}

/// The relay's half, for any stretching.
struct Relay<K: Ksf> {
    setup: ServerSetup<Suite<K>>,
    id: RelayId,
    authority: &'static str,
    record: Option<Vec<u8>>,
}

static RELAY: RelayId = RelayId::new([5; 32]);
const NAME: &[u8] = b"keyed hash of the username";

impl<K: Ksf> Relay<K> {
    fn new(seed: u8) -> Self {
        let setup = ServerSetup::new(&mut randomness(seed));
        Self { setup, id: RELAY, authority: "chat.example:443", record: None }
    }

    fn identifiers(&self) -> Identifiers<'_> {
        Identifiers { client: None, server: Some(self.id.as_bytes()) }
    }

    fn parameters<'p>(&'p self, context: &'p [u8]) -> ServerLoginParameters<'p, 'p> {
        ServerLoginParameters { context: Some(context), identifiers: self.identifiers() }
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
        let context = login_context(self.authority);
        let parameters = self.parameters(&context);
        let started =
            ServerLogin::start(&mut randomness(77), &self.setup, record, request, NAME, parameters).unwrap();
        (started.message.serialize().to_vec(), started.state)
    }

    fn accepts(&self, state: ServerLogin<Suite<K>>, confirmation: &[u8]) -> Option<SessionKey> {
        let confirmation = CredentialFinalization::deserialize(confirmation).ok()?;
        let finished = state.finish(confirmation, self.parameters(&login_context(self.authority))).ok()?;
        SessionKey::from_session_key(&finished.session_key).ok()
    }
}

fn randomness(seed: u8) -> SeededRandomness {
    SeededRandomness::new(Secret::new([seed; 32]))
}

/// As the client sees the relay: at its address, with its identity.
fn context() -> Vec<u8> {
    login_context("chat.example:443")
}

fn identifiers() -> Identifiers<'static> {
    Identifiers { client: None, server: Some(RELAY.as_bytes()) }
}

fn quick(name: &str) -> Quick {
    Quick(Stretching::of(&RELAY, &Username::parse(name).unwrap()))
}

fn register(relay: &mut Relay<Quick>, text: &str) -> PasswordKey {
    let registration = Registration::<Quick>::start(&password(text), &mut randomness(1)).unwrap();
    let response = relay.answer_registration(&registration.request);
    let registered =
        registration.finish(&response, identifiers(), &quick("ada"), &mut randomness(2)).unwrap();
    relay.store(&registered.record);
    registered.password_key
}

fn log_in(relay: &Relay<Quick>, text: &str) -> Result<(Login, Option<SessionKey>), CryptoError> {
    let login = LoggingIn::<Quick>::start(&password(text), &mut randomness(3))?;
    let (response, state) = relay.answer_login(&login.request);
    let login = login.finish(&response, identifiers(), &context(), &quick("ada"), &mut randomness(4))?;
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
    // The true relay's answer, passed on under another address; and one that is bound to another identity.
    relay.authority = "chat.example.evil:443";
    assert!(matches!(log_in(&relay, "a good passphrase"), Err(CryptoError::WrongPassword)));
    relay.authority = "chat.example:443";
    assert!(log_in(&relay, "a good passphrase").is_ok());
    relay.id = RelayId::new([6; 32]);
    assert!(matches!(log_in(&relay, "a good passphrase"), Err(CryptoError::WrongPassword)));
}

#[test]
fn a_relay_cannot_try_one_dictionary_on_all_accounts() {
    // It gives everybody the same OPRF key (here even the same record), and so the same input of the stretching.
    let mut relay = Relay::<Quick>::new(1);
    register(&mut relay, "a good passphrase");
    let log_in_as = |stretching: Quick| {
        let login = LoggingIn::<Quick>::start(&password("a good passphrase"), &mut randomness(3)).unwrap();
        let (response, _) = relay.answer_login(&login.request);
        login.finish(&response, identifiers(), &context(), &stretching, &mut randomness(4)).err()
    };
    assert_eq!(log_in_as(quick("ada")), None);
    assert_eq!(log_in_as(quick("bob")), Some(CryptoError::WrongPassword));
    let elsewhere = Stretching::of(&RelayId::new([6; 32]), &Username::parse("ada").unwrap());
    assert_eq!(log_in_as(Quick(elsewhere)), Some(CryptoError::WrongPassword));
}

#[test]
fn broken_messages_are_refused() {
    let mut relay = Relay::<Quick>::new(1);
    register(&mut relay, "a good passphrase");
    let begin = || LoggingIn::<Quick>::start(&password("a good passphrase"), &mut randomness(3)).unwrap();
    let (response, _) = relay.answer_login(&begin().request);
    let finish = |response: &[u8]| {
        begin().finish(response, identifiers(), &context(), &quick("ada"), &mut randomness(4)).is_ok()
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
    assert!(registration.finish(&answer[1..], identifiers(), &quick("ada"), &mut randomness(2)).is_err());
}

#[test]
fn the_real_parameters_work_and_the_sizes_are_those_of_the_protocol() {
    let mut relay = Relay::<Stretching>::new(1);
    let (new, name) = (NewPassword::generate().unwrap(), Username::parse("ada").unwrap());
    let password = new.password().clone();
    let registration = RegistrationStart::new(&new).unwrap();
    assert_eq!(registration.request().len(), sizes::REGISTRATION_REQUEST_BYTES);
    let response = relay.answer_registration(registration.request());
    assert_eq!(response.len(), sizes::REGISTRATION_RESPONSE_BYTES);
    let registered = registration.finish(&RELAY, &name, &response).unwrap();
    assert_eq!(registered.record.len(), sizes::REGISTRATION_RECORD_BYTES);
    relay.store(&registered.record);
    let login = LoginStart::new(&password).unwrap();
    assert_eq!(login.request().len(), sizes::LOGIN_REQUEST_BYTES);
    assert_eq!(format!("{login:?}"), "LoginStart(…)");
    let (response, state) = relay.answer_login(login.request());
    assert_eq!(response.len(), sizes::LOGIN_RESPONSE_BYTES);
    let login = login.finish((&RELAY, "Chat.Example:443"), &name, &response).unwrap();
    assert_eq!(login.confirmation.len(), sizes::LOGIN_CONFIRMATION_BYTES);
    assert_eq!(login.password_key, registered.password_key);
    let session = relay.accepts(state, &login.confirmation);
    assert_eq!(session.as_ref(), Some(&login.session_key));
    let shown = format!("{registered:?} {login:?}");
    assert_eq!(shown.matches("PasswordKey(…)").count(), 2);
    assert_eq!(shown.matches("SessionKey(…)").count(), 1);
}

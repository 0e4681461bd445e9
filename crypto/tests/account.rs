//! An account from registration to a lost device, against a relay that is written from `docs/PROTOCOL.md` alone: OPAQUE's
//! server half, and a shelf for sealed records and vault values.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use opaque_ke::{
    CipherSuite, CredentialFinalization, CredentialRequest, Identifiers, RegistrationRequest,
    RegistrationUpload, Ristretto255, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup,
    TripleDh,
    rand::{CryptoRng, Error, RngCore},
};
use sotto_crypto::{
    CryptoError, DeviceKey,
    account::{
        AccountDevice, AccountKeys, LoginStart, NewPassword, OpenedRecord, Password, RecoveryCode,
        RegistrationStart, SealedRecord, Username, VaultLabel, VaultName,
    },
    identity::IdentityKey,
    message::Content,
    random_array,
    room::{AccountJoin, Handshake, JoinRequest, RoomChange, Suite},
};
use sotto_protocol::{RoomId, account::RelayId};
use std::collections::BTreeMap;
use support::{Person, change, hear_later, invite, receive, say};

const RELAY: RelayId = RelayId::new([5; 32]);
const AUTHORITY: &str = "chat.example:443";

/// The suite of `docs/PROTOCOL.md`, "Login". The relay stretches nothing.
struct RelaySuite;

impl CipherSuite for RelaySuite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, <Ristretto255 as voprf::CipherSuite>::Hash>;
    type Ksf = opaque_ke::ksf::Identity;
}

struct Randomness;

impl RngCore for Randomness {
    fn next_u32(&mut self) -> u32 {
        u32::from_be_bytes(random_array().unwrap())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_be_bytes(random_array().unwrap())
    }

    fn fill_bytes(&mut self, destination: &mut [u8]) {
        destination.iter_mut().for_each(|byte| *byte = random_array::<1>().unwrap()[0]);
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(destination);
        Ok(())
    }
}

impl CryptoRng for Randomness {}

struct Relay {
    setup: ServerSetup<RelaySuite>,
    login: Vec<u8>,
    record: Vec<u8>,
    vault: BTreeMap<VaultName, (u64, Vec<u8>)>,
}

impl Relay {
    fn new() -> Self {
        let setup = ServerSetup::new(&mut Randomness);
        Self { setup, login: Vec::new(), record: Vec::new(), vault: BTreeMap::new() }
    }

    fn parameters() -> ServerLoginParameters<'static, 'static> {
        static ID: [u8; 32] = *RELAY.as_bytes();
        let identifiers = Identifiers { client: None, server: Some(&ID) };
        ServerLoginParameters { context: Some(b"sotto/1 opaquechat.example:443"), identifiers }
    }

    fn register(&self, name: &Username, request: &[u8]) -> Vec<u8> {
        let request = RegistrationRequest::deserialize(request).unwrap();
        let started = ServerRegistration::start(&self.setup, request, name.as_str().as_bytes()).unwrap();
        started.message.serialize().to_vec()
    }

    fn store(&mut self, login: &[u8], record: &SealedRecord) {
        let login = RegistrationUpload::<RelaySuite>::deserialize(login).unwrap();
        self.login = ServerRegistration::finish(login).serialize().to_vec();
        self.record = record.to_bytes();
    }

    /// Both steps of a login; the record only for whoever completes it.
    fn log_in(&self, name: &Username, password: &str) -> Result<OpenedRecord, CryptoError> {
        let login = LoginStart::new(&Password::new(password)?)?;
        let request = CredentialRequest::deserialize(login.request()).unwrap();
        let stored = ServerRegistration::<RelaySuite>::deserialize(&self.login).unwrap();
        let id = name.as_str().as_bytes();
        let started =
            ServerLogin::start(&mut Randomness, &self.setup, Some(stored), request, id, Self::parameters())
                .unwrap();
        let login = login.finish((&RELAY, AUTHORITY), name, &started.message.serialize())?;
        let confirmation = CredentialFinalization::deserialize(&login.confirmation).unwrap();
        started.state.finish(confirmation, Self::parameters()).unwrap();
        SealedRecord::from_bytes(&self.record)?.open_with_password(&login.password_key)
    }
}

/// Registers, or changes the password: gives what the relay stores and the key for the record.
fn set_password(
    relay: &Relay,
    name: &Username,
    password: &NewPassword,
) -> (Vec<u8>, sotto_crypto::account::PasswordKey) {
    let registration = RegistrationStart::new(password).unwrap();
    let response = relay.register(name, registration.request());
    let registered = registration.finish(&RELAY, name, &response).unwrap();
    (registered.record, registered.password_key)
}

#[test]
fn with_only_the_password_a_new_device_reads_every_message_since_its_account_joined() {
    // Bob registers on his only device.
    let mut relay = Relay::new();
    let name = Username::parse("Bob").unwrap();
    let password = NewPassword::generate().unwrap();
    let (login, password_key) = set_password(&relay, &name, &password);
    let code = RecoveryCode::generate().unwrap();
    let keys = AccountKeys::register(IdentityKey::generate().unwrap()).unwrap();
    let bob = keys.account();
    let device = DeviceKey::generate().unwrap();
    let certificate = keys.certify(device.public(), "Bob", 1).unwrap();
    let recovery_public = keys.recovery().public();
    let listed = AccountDevice { certificate: certificate.clone(), recovery_public, session: None };
    let secrets = keys.device_secrets(device);
    let (_, record) = OpenedRecord::create(keys, &password_key, &code).unwrap();
    relay.store(&login, &record);
    let own = secrets.own_device(certificate, listed.recovery_public.clone()).unwrap();

    // He joins Ada's room, and notes it in the vault.
    let ada = Person::registered("Ada");
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, held) = invite(&mut adas, &ada, None);
    let door = link.door().unwrap();
    let wrap = &held.doors.iter().find(|candidate| candidate.id == door).unwrap().wrap;
    let joining =
        JoinRequest { link: &link, card: &held.card, wrap, epoch: adas.epoch(), own: &own }.join().unwrap();
    receive(&mut adas, &joining.handshake).unwrap();
    for label in [VaultLabel::Room(adas.id()), VaultLabel::Device(*listed.certificate.device_key())] {
        let content = if let VaultLabel::Room(_) = label { b"Garden".to_vec() } else { listed.to_bytes() };
        let value = secrets.vault.seal(label, 1, &content).unwrap();
        relay.vault.insert(secrets.vault.name(label).unwrap(), (1, value));
    }

    // They talk over several epochs.
    let mut rooms = vec![adas, joining.room];
    let mut log: Vec<(Handshake, Vec<u8>)> = vec![(joining.handshake, say(&rooms[0], "welcome"))];
    for number in 0..4 {
        let handshake = change(&mut rooms, number % 2, &RoomChange::Rotate);
        log.push((handshake, say(&rooms[number % 2], &format!("number {number}"))));
    }
    let epoch = rooms[0].epoch();

    // Every device is lost. What is left: the password, and what the relay keeps.
    drop((rooms, secrets, own, code, record));
    let opened = relay.log_in(&name, password.password().expose()).unwrap();
    assert_eq!(opened.keys().account(), bob);
    let device = DeviceKey::generate().unwrap();
    let certificate = opened.keys().certify(device.public(), "Bob", 2).unwrap();
    let secrets = opened.keys().device_secrets(device);
    let own = secrets.own_device(certificate, opened.keys().recovery().public()).unwrap();
    let labels: Vec<VaultLabel> = relay
        .vault
        .iter()
        .map(|(name, (version, value))| secrets.vault.open(name, *version, value).unwrap().0)
        .collect();
    let room: RoomId = labels
        .iter()
        .find_map(|label| if let VaultLabel::Room(room) = label { Some(*room) } else { None })
        .unwrap();
    let held = &log.last().unwrap().0;
    let door = own.door(&room).unwrap();
    let wrap = &held.doors.iter().find(|candidate| candidate.id == door).unwrap().wrap;
    let joining = AccountJoin { room, card: &held.card, wrap, epoch, own: &own }.join().unwrap();
    let mut reader = joining.history().unwrap();
    let mut read = Vec::new();
    for (handshake, message) in log.iter().rev() {
        let tag = *reader.tag();
        let wrap = handshake.capsule_wraps.iter().find(|wrap| wrap.tag == tag).unwrap();
        let capsule = handshake.capsule.as_ref().unwrap();
        let past = reader.open_capsule(opened.keys().recovery(), capsule, &wrap.wrap).unwrap();
        match hear_later(room, &past, message).unwrap().content {
            Content::Text(text) => read.push(text.text),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read, ["number 3", "number 2", "number 1", "number 0", "welcome"]);
}

#[test]
fn a_changed_password_logs_in_and_the_old_one_does_not() {
    let mut relay = Relay::new();
    let name = Username::parse("Bob").unwrap();
    let (old, new) = (NewPassword::generate().unwrap(), NewPassword::generate().unwrap());
    let (login, password_key) = set_password(&relay, &name, &old);
    let code = RecoveryCode::generate().unwrap();
    let (opened, record) =
        OpenedRecord::create(AccountKeys::generate().unwrap(), &password_key, &code).unwrap();
    relay.store(&login, &record);
    let (login, password_key) = set_password(&relay, &name, &new);
    let (_, record) = opened.with_password(&password_key).unwrap();
    relay.store(&login, &record);
    assert_eq!(
        relay.log_in(&name, new.password().expose()).unwrap().keys().account(),
        opened.keys().account()
    );
    assert_eq!(relay.log_in(&name, old.password().expose()).err(), Some(CryptoError::WrongPassword));
    let record = SealedRecord::from_bytes(&relay.record).unwrap();
    assert_eq!(record.open_with_code(&code).unwrap().version(), 2);
}

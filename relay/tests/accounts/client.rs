//! A client of the account API: HTTP by hand, OPAQUE by the library, and people with keys that the tests hold.

use crate::support::{TestRelay, database_url, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use minicbor::Encode;
use opaque_ke::rand::{CryptoRng, Error, RngCore};
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialResponse, Identifiers, RegistrationResponse, Ristretto255,
    TripleDh,
};
use sotto_protocol::account::{
    AccountError, Call, DeviceList, DirectoryEntry, FinishLogin, FinishProof, LoggedIn, Proven, Register,
    RegisterStarted, RelayId, ReplaceRecord, SessionToken, StartLogin, StartPassword, StartProof,
    StartRegister, WhichRelay, directory_statement, login_context, registration_statement, relay_statement,
};
use sotto_protocol::{Challenge, decode, encode};
use sotto_relay::Rates;
use sqlx::AnyPool;
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Relays whose limits by address do not get in the way: all tests come from one.
pub async fn relay() -> TestRelay {
    TestRelay::start_with(|config| config.accounts.rates = Rates::unlimited()).await
}

/// A response as it came.
pub struct Response {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// Sends a request as it is written, and reads until the relay closes.
pub async fn exchange(authority: &str, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(authority).await.unwrap();
    // The relay may answer, and close, before it has read all.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a response");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Response { status, headers: lines.filter_map(header).collect(), body: bytes[end + 4..].to_vec() }
}

/// A POST with the usual headers, and others in their place.
pub async fn post(authority: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let mut all = BTreeMap::from([
        ("host", authority.to_owned()),
        ("content-type", "application/cbor".to_owned()),
        ("content-length", body.len().to_string()),
        ("connection", "close".to_owned()),
    ]);
    all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let mut request = format!("POST {path} HTTP/1.1\r\n");
    for (name, value) in all.iter().filter(|(_, value)| !value.is_empty()) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    exchange(authority, &[request.as_bytes(), body].concat()).await
}

pub fn bearer(token: &SessionToken) -> String {
    format!("Bearer {}", URL_SAFE_NO_PAD.encode(token.expose()))
}

/// Makes a call, with a session where it needs one.
pub async fn call<C: Call>(
    authority: &str,
    token: Option<&SessionToken>,
    call: &C,
) -> Result<C::Answer, AccountError> {
    let bearer = token.map(bearer).unwrap_or_default();
    let response = post(authority, C::PATH, &[("authorization", &bearer)], &encode(call)).await;
    assert_eq!(response.headers["content-type"], "application/cbor", "{} {}", C::PATH, response.status);
    assert_eq!(response.headers["cache-control"], "no-store");
    if response.status == 200 {
        return Ok(decode(&response.body).unwrap());
    }
    let error: AccountError = decode(&response.body).unwrap();
    assert_eq!(response.status, error.code.status());
    Err(error)
}

/// The suite of the protocol, without stretching.
pub struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, <Ristretto255 as voprf::CipherSuite>::Hash>;
    type Ksf = opaque_ke::ksf::Identity;
}

pub struct Randomness;

impl RngCore for Randomness {
    fn next_u32(&mut self) -> u32 {
        u32::from_be_bytes(random())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_be_bytes(random())
    }

    fn fill_bytes(&mut self, destination: &mut [u8]) {
        getrandom::fill(destination).unwrap();
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(destination);
        Ok(())
    }
}

impl CryptoRng for Randomness {}

fn identifiers(relay: &RelayId) -> Identifiers<'_> {
    Identifiers { client: None, server: Some(relay.as_bytes()) }
}

/// Which relay is there, once it has shown that.
pub async fn which_relay(authority: &str) -> RelayId {
    let nonce = random();
    let this = call(authority, None, &WhichRelay { nonce }).await.unwrap();
    let key = VerifyingKey::from_bytes(&this.keys.signing).unwrap();
    let statement = relay_statement(authority, &nonce, &this.keys.id());
    key.verify_strict(&statement, &Signature::from_bytes(&this.signature)).unwrap();
    this.keys.id()
}

/// OPAQUE's record for a password, by that exchange.
pub struct SettingPassword(ClientRegistration<Suite>, String);

impl SettingPassword {
    pub fn start(password: &str) -> (Self, [u8; 32]) {
        let started = ClientRegistration::start(&mut Randomness, password.as_bytes()).unwrap();
        let request = started.message.serialize().as_slice().try_into().unwrap();
        (Self(started.state, password.to_owned()), request)
    }

    pub fn finish(self, relay: &RelayId, response: &[u8; 64]) -> [u8; 192] {
        let response = RegistrationResponse::deserialize(response).unwrap();
        let parameters = ClientRegistrationFinishParameters::new(identifiers(relay), None);
        let finished = self.0.finish(&mut Randomness, self.1.as_bytes(), response, parameters).unwrap();
        finished.message.serialize().as_slice().try_into().unwrap()
    }
}

/// KE1 to KE3.
pub struct ProvingPassword(ClientLogin<Suite>, String);

impl ProvingPassword {
    pub fn start(password: &str) -> (Self, [u8; 96]) {
        let started = ClientLogin::start(&mut Randomness, password.as_bytes()).unwrap();
        let request = started.message.serialize().as_slice().try_into().unwrap();
        (Self(started.state, password.to_owned()), request)
    }

    /// KE3, if the relay's answer fits the password.
    pub fn finish(self, (relay, authority): (&RelayId, &str), response: &[u8; 320]) -> Option<[u8; 64]> {
        let response = CredentialResponse::deserialize(response).unwrap();
        let context = login_context(authority);
        let parameters = ClientLoginFinishParameters::new(Some(&context), identifiers(relay), None);
        let finished = self.0.finish(&mut Randomness, self.1.as_bytes(), response, parameters).ok()?;
        Some(finished.message.serialize().as_slice().try_into().unwrap())
    }
}

#[derive(Encode)]
#[cbor(map)]
struct SealedRecord<'a> {
    #[n(0)]
    version: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    body: &'a [u8],
    #[cbor(n(4), with = "minicbor::bytes")]
    code_login_key: [u8; 32],
    #[n(5)]
    device_keys: u32,
}

/// Somebody with an account.
#[derive(Clone)]
pub struct Person {
    pub authority: String,
    pub relay: RelayId,
    pub name: String,
    pub password: String,
    pub identity: SigningKey,
    pub code: SigningKey,
    pub token: SessionToken,
    pub session: [u8; 16],
    pub proof: Vec<u8>,
}

impl Person {
    /// A person who has no account yet.
    pub async fn at(authority: &str, name: &str) -> Self {
        Self { relay: which_relay(authority).await, ..Self::nowhere(authority, name) }
    }

    /// The same, at a relay that nobody asks.
    pub fn nowhere(authority: &str, name: &str) -> Self {
        Self {
            authority: authority.to_owned(),
            relay: RelayId::new([0; 32]),
            name: name.to_owned(),
            password: format!("the password of {name}"),
            identity: SigningKey::from_bytes(&random()),
            code: SigningKey::from_bytes(&random()),
            token: SessionToken::new([0; 32]),
            session: [0; 16],
            proof: Vec::new(),
        }
    }

    pub async fn registered(authority: &str, name: &str) -> Self {
        let mut person = Self::at(authority, name).await;
        let registration = person.registration().await;
        person.take(call(authority, None, &registration).await.unwrap());
        person
    }

    /// What ends a registration, whose beginning is done.
    pub async fn registration(&self) -> Register {
        let (login, started) = self.password_record(&self.password).await;
        self.registration_with(login, &started)
    }

    pub fn registration_with(&self, login: [u8; 192], started: &RegisterStarted) -> Register {
        let mut registration = Register {
            name: self.name.clone(),
            login,
            record: self.record(1),
            entry: self.entry(1),
            is_findable: true,
            code: None,
            state: started.state.clone(),
            signature: [0; 64],
        };
        self.sign(&mut registration, started);
        registration
    }

    /// Signs a registration that was changed.
    pub fn sign(&self, registration: &mut Register, started: &RegisterStarted) {
        let Register { login, record, entry, name, is_findable, .. } = &*registration;
        let statement = registration_statement(
            &self.authority,
            &started.challenge,
            (login, record),
            entry,
            (name, *is_findable),
        );
        registration.signature = self.identity.sign(&statement).to_bytes();
    }

    /// What a relay answers that nobody asked.
    pub fn nothing_started() -> RegisterStarted {
        RegisterStarted { response: [0; 64], challenge: Challenge::new([0; 32]), state: Vec::new() }
    }

    pub async fn password_record(&self, password: &str) -> ([u8; 192], RegisterStarted) {
        let (setting, request) = SettingPassword::start(password);
        let start = StartRegister { name: self.name.clone(), request, code: None };
        let started = call(&self.authority, None, &start).await.unwrap();
        (setting.finish(&self.relay, &started.response), started)
    }

    pub fn record(&self, version: u64) -> Vec<u8> {
        self.record_with(version, 1)
    }

    /// One with vault and door keys of that number.
    pub fn record_with(&self, version: u64, device_keys: u32) -> Vec<u8> {
        let code_login_key = self.code.verifying_key().to_bytes();
        let body = format!("the sealed record of {}, version {version}", self.password);
        encode(&SealedRecord { version, body: body.as_bytes(), code_login_key, device_keys })
    }

    pub fn entry(&self, generation: u32) -> DirectoryEntry {
        self.entry_with(generation, None)
    }

    /// One with that list of devices.
    pub fn entry_with(&self, generation: u32, devices: Option<DeviceList>) -> DirectoryEntry {
        let recovery_public = vec![7; 1216];
        let statement = directory_statement(&self.relay, generation, &recovery_public, devices.as_ref());
        DirectoryEntry {
            identity_key: self.identity.verifying_key().to_bytes(),
            recovery_public,
            generation,
            signature: self.identity.sign(&statement).to_bytes(),
            devices,
        }
    }

    pub fn account_id(&self) -> [u8; 16] {
        sotto_protocol::account::account_of(&self.identity.verifying_key().to_bytes())
    }

    pub fn take(&mut self, logged_in: LoggedIn) {
        self.token = logged_in.token;
        self.session = logged_in.session;
        self.proof = logged_in.proof;
    }

    /// A call by the person's session.
    pub async fn call<C: Call>(&self, asked: &C) -> Result<C::Answer, AccountError> {
        call(&self.authority, Some(&self.token), asked).await
    }

    /// KE1 to KE3, without the last step; none where the password is wrong.
    pub async fn begin_login(&self) -> Option<FinishLogin> {
        let (proving, request) = ProvingPassword::start(&self.password);
        let start = StartLogin { name: self.name.clone(), request };
        let started = call(&self.authority, None, &start).await.unwrap();
        let confirmation = proving.finish((&self.relay, &self.authority), &started.response)?;
        Some(FinishLogin { state: started.state, confirmation })
    }

    /// The same person on another device.
    pub async fn log_in(&self) -> Option<Self> {
        let finish = self.begin_login().await?;
        let mut other = self.clone();
        other.take(call(&self.authority, None, &finish).await.unwrap());
        Some(other)
    }

    pub async fn begin_proof(&self) -> Option<FinishProof> {
        let (proving, request) = ProvingPassword::start(&self.password);
        let started = self.call(&StartProof { request }).await.unwrap();
        let confirmation = proving.finish((&self.relay, &self.authority), &started.response)?;
        Some(FinishProof { state: started.state, confirmation })
    }

    pub async fn prove(&mut self) -> Proven {
        let finish = self.begin_proof().await.unwrap();
        let proven = self.call(&finish).await.unwrap();
        self.proof = proven.proof.clone();
        proven
    }

    /// What changes the password; `self` then has it.
    pub async fn new_password(&mut self, password: &str, version: u64) -> ReplaceRecord {
        let (setting, request) = SettingPassword::start(password);
        let started = self.call(&StartPassword { proof: self.proof.clone(), request }).await.unwrap();
        self.password = password.to_owned();
        ReplaceRecord {
            proof: self.proof.clone(),
            record: self.record(version),
            login: Some(setting.finish(&self.relay, &started.response)),
            entry: None,
            end_others: false,
        }
    }
}

/// The relay's database, looked at from outside.
pub async fn database(relay: &TestRelay) -> AnyPool {
    sqlx::any::install_default_drivers();
    let file = relay.data.path().join("relay.db");
    let url = database_url(relay.data.path()).unwrap_or_else(|| format!("sqlite://{}", file.display()));
    AnyPool::connect(&url).await.unwrap()
}

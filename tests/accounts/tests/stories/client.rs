//! A relay in this process, and devices that log in to it as a client does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sotto_crypto::CryptoError;
use sotto_crypto::account::{
    AccountKeys, LoginStart, NewPassword, OpenedRecord, Password, PasswordKey, RecoveryCode,
    RegistrationStart, RelayQuestion, SealedRecord, Username,
};
use sotto_protocol::account::{
    AccountError, Call, FinishLogin, FinishProof, LoggedIn, Register, RelayId, RelayKeys, ReplaceRecord,
    SessionToken, StartLogin, StartPassword, StartProof, StartRegister,
};
use sotto_protocol::{decode, encode};
use sotto_relay::{Config, RunningRelay, start};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub struct TestRelay {
    pub authority: String,
    pub keys: RelayKeys,
    running: RunningRelay,
    _data: TempDir,
}

impl TestRelay {
    pub async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let running = start(Config::new("127.0.0.1:0".parse().unwrap(), data.path())).await.unwrap();
        let authority = running.addr().to_string();
        let asked = RelayQuestion::ask().unwrap();
        let keys = asked.finish(&authority, &ask(&authority, None, &asked.call()).await.unwrap()).unwrap();
        Self { authority, keys, running, _data: data }
    }

    pub fn id(&self) -> RelayId {
        self.keys.id()
    }

    pub async fn stop(self) {
        self.running.shutdown().await;
    }

    pub async fn call<C: Call>(
        &self,
        token: Option<&SessionToken>,
        call: &C,
    ) -> Result<C::Answer, AccountError> {
        ask(&self.authority, token, call).await
    }
}

async fn ask<C: Call>(
    authority: &str,
    token: Option<&SessionToken>,
    call: &C,
) -> Result<C::Answer, AccountError> {
    let body = encode(call);
    let session =
        token.map(|token| format!("authorization: Bearer {}\r\n", URL_SAFE_NO_PAD.encode(token.expose())));
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-type: application/cbor\r\n\
         content-length: {}\r\n{}\r\n",
        C::PATH,
        body.len(),
        session.unwrap_or_default()
    );
    let mut stream = TcpStream::connect(authority).await.unwrap();
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let (head, body) = (&answer[..end], &answer[end + 4..]);
    if head.starts_with(b"HTTP/1.1 200 ") { Ok(decode(body).unwrap()) } else { Err(decode(body).unwrap()) }
}

/// A device that has logged in, with the record open: as long as the password is being asked.
pub struct Device {
    pub record: OpenedRecord,
    pub proof: Vec<u8>,
    authority: String,
    relay: RelayId,
    name: Username,
    token: SessionToken,
    password_key: Option<PasswordKey>,
}

impl Device {
    pub async fn register(relay: &TestRelay, name: &str, password: &NewPassword) -> (Self, RecoveryCode) {
        let name = Username::parse(name).unwrap();
        let start = RegistrationStart::new(password).unwrap();
        let asked = StartRegister {
            name: name.as_str().to_owned(),
            request: start.request().try_into().unwrap(),
            code: None,
        };
        let started = relay.call(None, &asked).await.unwrap();
        let registered = start.finish(&relay.id(), &name, &started.response).unwrap();
        let code = RecoveryCode::generate().unwrap();
        let keys = AccountKeys::generate().unwrap();
        let entry = keys.directory_entry(&relay.id());
        let (record, sealed) = OpenedRecord::create(keys, &registered.password_key, &code).unwrap();
        let login = registered.record.as_slice().try_into().unwrap();
        let sealed = sealed.to_bytes();
        let signature = record.keys().sign_registration(
            &relay.authority,
            &started.challenge,
            (&login, &sealed),
            &entry,
            (name.as_str(), true),
        );
        let register = Register {
            name: name.as_str().to_owned(),
            login,
            record: sealed,
            entry,
            is_findable: true,
            code: None,
            state: started.state,
            signature,
        };
        let logged_in = relay.call(None, &register).await.unwrap();
        let device = Self {
            record,
            proof: logged_in.proof,
            authority: relay.authority.clone(),
            relay: relay.id(),
            name,
            token: logged_in.token,
            password_key: Some(registered.password_key),
        };
        (device, code)
    }

    pub async fn log_in(relay: &TestRelay, typed: &str, password: &Password) -> Result<Self, CryptoError> {
        let name = Username::parse(typed)?;
        let start = LoginStart::new(password)?;
        let asked =
            StartLogin { name: name.as_str().to_owned(), request: start.request().try_into().unwrap() };
        let started = relay.call(None, &asked).await.unwrap();
        let login = start.finish((&relay.id(), &relay.authority), &name, &started.response)?;
        let confirmation = login.confirmation.as_slice().try_into().unwrap();
        let logged_in = relay.call(None, &FinishLogin { state: started.state, confirmation }).await.unwrap();
        let key = login.password_key;
        let mut device = Self::opened(relay, typed, logged_in, |record| record.open_with_password(&key))?;
        device.password_key = Some(key);
        Ok(device)
    }

    pub fn opened(
        relay: &TestRelay,
        name: &str,
        logged_in: LoggedIn,
        open: impl FnOnce(&SealedRecord) -> Result<OpenedRecord, CryptoError>,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            record: open(&SealedRecord::from_bytes(&logged_in.record)?)?,
            proof: logged_in.proof,
            authority: relay.authority.clone(),
            relay: relay.id(),
            name: Username::parse(name)?,
            token: logged_in.token,
            password_key: None,
        })
    }

    pub fn keys(&self) -> &AccountKeys {
        self.record.keys()
    }

    pub async fn call<C: Call>(&self, call: &C) -> Result<C::Answer, AccountError> {
        ask(&self.authority, Some(&self.token), call).await
    }

    /// The password once more: a fresh proof, and the newest record.
    pub async fn prove(&mut self, password: &Password) {
        let start = LoginStart::new(password).unwrap();
        let asked = StartProof { request: start.request().try_into().unwrap() };
        let started = self.call(&asked).await.unwrap();
        let login = start.finish((&self.relay, &self.authority), &self.name, &started.response).unwrap();
        let confirmation = login.confirmation.as_slice().try_into().unwrap();
        let proven = self.call(&FinishProof { state: started.state, confirmation }).await.unwrap();
        self.record = SealedRecord::from_bytes(&proven.record)
            .unwrap()
            .open_with_password(&login.password_key)
            .unwrap();
        self.password_key = Some(login.password_key);
        self.proof = proven.proof;
    }

    pub async fn change_password(&mut self, new: &NewPassword, end_others: bool) {
        let start = RegistrationStart::new(new).unwrap();
        let request = start.request().try_into().unwrap();
        let started = self.call(&StartPassword { proof: self.proof.clone(), request }).await.unwrap();
        let registered = start.finish(&self.relay, &self.name, &started.response).unwrap();
        let login = registered.record.as_slice().try_into().unwrap();
        let next = self.record.with_password(&registered.password_key).unwrap();
        self.replace(next, Some(login), end_others).await;
        self.password_key = Some(registered.password_key);
    }

    pub async fn change_code(&mut self, new: &RecoveryCode) {
        let key = self.password_key.clone().unwrap();
        let next = self.record.with_code(new, &key).unwrap();
        self.replace(next, None, false).await;
    }

    /// What a device that stays does to one that is removed: new keys, and everybody else logs in again.
    pub async fn renew_device_keys(&mut self, staying: &[[u8; 32]]) {
        let key = self.password_key.clone().unwrap();
        let (record, sealed) = self.record.with_new_device_keys(&key, staying).unwrap();
        let entry = Some(record.keys().directory_entry(&self.relay));
        let proof = self.proof.clone();
        let replace =
            ReplaceRecord { proof, record: sealed.to_bytes(), login: None, entry, end_others: true };
        self.call(&replace).await.unwrap();
        self.record = record;
    }

    /// The same after a leak: the code, and every key that can be new, too.
    pub async fn renew_everything(&mut self, new: &NewPassword, code: &RecoveryCode) {
        let start = RegistrationStart::new(new).unwrap();
        let request = start.request().try_into().unwrap();
        let started = self.call(&StartPassword { proof: self.proof.clone(), request }).await.unwrap();
        let registered = start.finish(&self.relay, &self.name, &started.response).unwrap();
        let login = Some(registered.record.as_slice().try_into().unwrap());
        let (record, sealed) = self.record.after_leak(&registered.password_key, code, &[]).unwrap();
        let entry = Some(record.keys().directory_entry(&self.relay));
        let proof = self.proof.clone();
        let replace = ReplaceRecord { proof, record: sealed.to_bytes(), login, entry, end_others: true };
        self.call(&replace).await.unwrap();
        self.record = record;
    }

    async fn replace(
        &mut self,
        (record, sealed): (OpenedRecord, SealedRecord),
        login: Option<[u8; 192]>,
        end_others: bool,
    ) {
        let proof = self.proof.clone();
        let replace = ReplaceRecord { proof, record: sealed.to_bytes(), login, entry: None, end_others };
        self.call(&replace).await.unwrap();
        self.record = record;
    }
}

//! Who gets an account, and which name.

use crate::client::{Person, SettingPassword, bearer, call, database, relay};
use crate::process::Program;
use crate::support::TestRelay;
use sotto_protocol::account::{
    AccountErrorCode, AccountRef, DeleteAccount, InviteCode, Lookup, Register, RegisterStarted, RelayId,
    StartRecovery, StartRegister,
};
use sotto_relay::{Config, Database, Rates, Registration, SecretUrl, upkeep};

async fn refused(registration: &Register, authority: &str) -> AccountErrorCode {
    call(authority, None, registration).await.map(|_| ()).unwrap_err().code
}

#[tokio::test]
async fn a_name_is_given_once_and_an_identity_has_one_account() {
    let relay = relay().await;
    let authority = relay.authority();
    let ada = Person::registered(&authority, "ada").await;
    let other = Person::at(&authority, "ada").await.registration().await;
    assert_eq!(refused(&other, &authority).await, AccountErrorCode::NameUnavailable);
    let again = Person { name: "ada2".into(), ..ada.clone() };
    assert_eq!(refused(&again.registration().await, &authority).await, AccountErrorCode::IdentityTaken);
    // Another identity, but the recovery code of somebody else.
    let same_code = Person { code: ada.code.clone(), ..Person::at(&authority, "ada3").await };
    assert_eq!(refused(&same_code.registration().await, &authority).await, AccountErrorCode::IdentityTaken);
    assert!(ada.log_in().await.is_some(), "the first is as it was");
}

#[tokio::test]
async fn an_identity_registers_itself_and_nobody_registers_it_for_others() {
    let relay = relay().await;
    let authority = relay.authority();
    let mut ada = Person::registered(&authority, "ada").await;
    let found = call(&authority, None, &Lookup { who: AccountRef::Name("ada".into()) }).await.unwrap();
    ada.prove().await;
    ada.call(&DeleteAccount { proof: ada.proof.clone() }).await.unwrap();
    // The identity is free, its entry is known, and everything else is the impostor's own.
    let eve = Person::at(&authority, "eve").await;
    let (login, started) = eve.password_record(&eve.password).await;
    let mut squatted = eve.registration_with(login, &started);
    squatted.entry = found.entry;
    assert_eq!(refused(&squatted, &authority).await, AccountErrorCode::LoginRefused);
    eve.sign(&mut squatted, &started);
    assert_eq!(refused(&squatted, &authority).await, AccountErrorCode::LoginRefused, "her own word");
    // A registration that was seen as a whole is of no use, either.
    let again = Person { name: "ada.again".into(), ..ada.clone() };
    let (login, started) = again.password_record(&again.password).await;
    let good = again.registration_with(login, &started);
    let (other_login, other_started) = eve.password_record(&eve.password).await;
    for (what, changed) in [
        ("another password", Register { login: other_login, ..good.clone() }),
        ("another record", Register { record: eve.record(1), ..good.clone() }),
        ("another entry", Register { entry: ada.entry(2), ..good.clone() }),
        ("another challenge", Register { state: other_started.state, ..good.clone() }),
        ("none", Register { state: Vec::new(), ..good.clone() }),
    ] {
        assert_eq!(refused(&changed, &authority).await, AccountErrorCode::LoginRefused, "{what}");
    }
    let recovery = call(&authority, None, &StartRecovery {}).await.unwrap();
    let mut by_recovery = Register { state: recovery.state, ..good.clone() };
    again.sign(&mut by_recovery, &RegisterStarted { challenge: recovery.challenge, ..started });
    assert_eq!(refused(&by_recovery, &authority).await, AccountErrorCode::LoginRefused);
    let mut again = again;
    again.take(call(&authority, None, &good).await.unwrap());
    // Once: not even word for word, after another deletion.
    again.prove().await;
    again.call(&DeleteAccount { proof: again.proof.clone() }).await.unwrap();
    let replayed = Register { name: "eve".into(), ..good };
    assert_eq!(refused(&replayed, &authority).await, AccountErrorCode::LoginRefused);
}

#[tokio::test]
async fn names_are_normalised_and_some_are_reserved() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = Rates::unlimited();
        config.accounts.reserved_names = vec!["grace".into()];
    })
    .await;
    let authority = relay.authority();
    let ada = Person::at(&authority, "ada").await.registration().await;
    for name in ["Ada", "", "a", "ａｄａ", "ada ", "a/b", "a#12345678", "-ada", &"a".repeat(33)] {
        let registration = Register { name: name.to_owned(), ..ada.clone() };
        assert_eq!(refused(&registration, &authority).await, AccountErrorCode::BadName, "{name:?}");
        let (_, request) = SettingPassword::start("password");
        let start = StartRegister { name: name.to_owned(), request, code: None };
        assert_eq!(call(&authority, None, &start).await.unwrap_err().code, AccountErrorCode::BadName);
    }
    for name in ["admin", "sotto", "everyone", "grace"] {
        let registration = Person::at(&authority, name).await.registration().await;
        assert_eq!(refused(&registration, &authority).await, AccountErrorCode::NameUnavailable, "{name}");
    }
    // What was signed for one name is nobody's registration under another, nor with another wish to be found.
    for changed in
        [Register { name: "eve".to_owned(), ..ada.clone() }, Register { is_findable: false, ..ada.clone() }]
    {
        assert_eq!(refused(&changed, &authority).await, AccountErrorCode::LoginRefused);
    }
    Person::registered(&authority, "юля").await;
    Person::registered(&authority, "ada.b-c_d").await;
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused() {
    let relay = relay().await;
    let authority = relay.authority();
    let ada = Person::at(&authority, "ada").await;
    let good = ada.registration().await;
    let mut bad = vec![
        Register { record: ada.record(2), ..good.clone() },
        Register { record: ada.record(0), ..good.clone() },
        Register { record: vec![0; 40], ..good.clone() },
        Register { record: Vec::new(), ..good.clone() },
        Register { login: [0xff; 192], ..good.clone() },
        Register { entry: ada.entry(0), ..good.clone() },
    ];
    let mut entry = ada.entry(1);
    entry.signature[3] ^= 1;
    bad.push(Register { entry, ..good.clone() });
    let mut entry = ada.entry(1);
    entry.recovery_public[3] ^= 1;
    bad.push(Register { entry, ..good.clone() });
    let mut entry = ada.entry(1);
    entry.generation = 2;
    bad.push(Register { entry, ..good.clone() });
    // For another relay.
    let elsewhere = Person { relay: RelayId::new([9; 32]), ..ada.clone() };
    bad.push(Register { entry: elsewhere.entry(1), ..good.clone() });
    for (number, registration) in bad.iter().enumerate() {
        assert_eq!(refused(registration, &authority).await, AccountErrorCode::Malformed, "{number}");
    }
    let long = Register { record: vec![0; 16 * 1024 + 1], ..good.clone() };
    assert_eq!(refused(&long, &authority).await, AccountErrorCode::LimitExceeded);
    assert!(call(&authority, None, &good).await.is_ok());
}

#[tokio::test]
async fn a_closed_relay_takes_nobody() {
    let relay = TestRelay::start_with(|config| config.accounts.registration = Registration::Closed).await;
    let authority = relay.authority();
    let ada = Person::at(&authority, "ada").await;
    let (_, request) = SettingPassword::start("password");
    let start = StartRegister { name: "ada".into(), request, code: None };
    let code = call(&authority, None, &start).await.unwrap_err().code;
    assert_eq!(code, AccountErrorCode::RegistrationClosed);
    let registration = ada.registration_with([1; 192], &Person::nothing_started());
    assert_eq!(refused(&registration, &authority).await, AccountErrorCode::RegistrationClosed);
}

#[tokio::test]
async fn an_invite_code_lets_in_as_many_as_it_says() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.registration = Registration::Codes;
        config.accounts.rates = Rates::unlimited();
    })
    .await;
    let authority = relay.authority();
    // As `sotto-relay admin invite-codes create` does, beside the relay that runs.
    let mut beside = Config::new("127.0.0.1:0".parse().unwrap(), relay.data.path());
    if let Some(url) = crate::support::database_url(relay.data.path()) {
        beside.database = Database::Postgres(SecretUrl::new(url));
    }
    let admin = upkeep::Admin::open(beside).await.unwrap();
    let (code, _) = admin.create_invite_code(2).await.unwrap();
    admin.close().await;
    // As people type it.
    let typed = InviteCode(code.0.to_lowercase().replace('-', " "));
    let register = async |name: &str, code: Option<InviteCode>| {
        let person = Person::at(&authority, name).await;
        let (setting, request) = SettingPassword::start(&person.password);
        let start = StartRegister { name: name.into(), request, code: code.clone() };
        let started = call(&authority, None, &start).await.map_err(|error| error.code)?;
        let login = setting.finish(&person.relay, &started.response);
        let registration = Register { code, ..person.registration_with(login, &started) };
        call(&authority, None, &registration).await.map(|_| ()).map_err(|error| error.code)
    };
    assert_eq!(register("ada", None).await, Err(AccountErrorCode::RegistrationClosed));
    let wrong = InviteCode("00000-00000-00000-00000".into());
    assert_eq!(register("ada", Some(wrong.clone())).await, Err(AccountErrorCode::BadInviteCode));
    assert_eq!(register("ada", Some(InviteCode("x".repeat(65)))).await, Err(AccountErrorCode::BadInviteCode));
    assert_eq!(register("ada", Some(code.clone())).await, Ok(()));
    // A name that is taken does not use up the code; without a good code nobody learns whether it is.
    assert_eq!(register("ada", Some(typed.clone())).await, Err(AccountErrorCode::NameUnavailable));
    let person = Person::at(&authority, "ada").await;
    let code_of_none = (valid_login(&relay).await, start_with(&person, code.clone()).await);
    let registration = person.registration_with(code_of_none.0, &code_of_none.1);
    let registration = Register { code: Some(wrong), ..registration };
    assert_eq!(refused(&registration, &authority).await, AccountErrorCode::BadInviteCode);
    assert_eq!(register("bob", Some(typed)).await, Ok(()));
    assert_eq!(register("eve", Some(code.clone())).await, Err(AccountErrorCode::BadInviteCode));
    // The code itself is not in the database.
    let hashes: Vec<(Vec<u8>,)> = sqlx::query_as("SELECT code_hash FROM invite_codes")
        .fetch_all(&database(&relay).await)
        .await
        .unwrap();
    assert!(hashes.iter().all(|(hash,)| hash.len() == 32));
}

/// Begins a registration with an invite code.
async fn start_with(person: &Person, code: InviteCode) -> RegisterStarted {
    let (_, request) = SettingPassword::start(&person.password);
    let start = StartRegister { name: person.name.clone(), request, code: Some(code) };
    call(&person.authority, None, &start).await.unwrap()
}

/// Some record of OPAQUE.
async fn valid_login(relay: &TestRelay) -> [u8; 192] {
    let pool = database(relay).await;
    let (login,): (Vec<u8>,) = sqlx::query_as("SELECT login FROM accounts").fetch_one(&pool).await.unwrap();
    login.try_into().unwrap()
}

#[tokio::test]
async fn the_relays_files_do_not_tell_the_name() {
    let relay = relay().await;
    let authority = relay.authority();
    let mut person = Person::at(&authority, "countess-of-lovelace").await;
    person.password = "not the name".to_owned();
    let registration = person.registration().await;
    person.take(call(&authority, None, &registration).await.unwrap());
    assert!(person.log_in().await.is_some());
    let read = |name: &str| std::fs::read(relay.data.path().join(name)).unwrap_or_default();
    let bytes = ["relay.db", "relay.db-wal", "relay.secrets", "relay.lock"].map(read).concat();
    let contains = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(!contains(b"lovelace"));
    assert!(!contains(person.token.expose()));
    if crate::support::database_url(relay.data.path()).is_none() {
        assert!(contains(&registration.login), "the search finds what is there");
    }
}

#[tokio::test]
async fn the_log_has_no_name_no_address_and_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = std::fs::File::create(&path).unwrap();
    let relay = Program::start_with(&folder.path().join("data"), &["--log", "trace"], log.into());
    let mut person = Person::registered(&relay.authority, "countess-of-lovelace").await;
    person.prove().await;
    person.password = "another".to_owned();
    assert!(person.log_in().await.is_none());
    let lookup = Lookup { who: AccountRef::Name("nobody-here".into()) };
    assert!(call(&person.authority, None, &lookup).await.is_err());
    let text = std::fs::read_to_string(&path).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for secret in [
        "lovelace",
        "nobody-here",
        "127.0.0.1",
        "/v1/account",
        &hex(&person.account_id()),
        &hex(person.token.expose()),
        &bearer(&person.token)[7..],
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(text.contains("serving"), "the relay does log");
}

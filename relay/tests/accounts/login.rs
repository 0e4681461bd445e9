//! Login by password and by recovery code, and what is no login.

use crate::client::{Person, ProvingPassword, call, relay, which_relay};
use crate::support::{TestRelay, start_on};
use ed25519_dalek::{Signer as _, SigningKey};
use sotto_protocol::account::{
    AccountErrorCode, DeleteAccount, EndSession, FinishLogin, FinishProof, FinishRecovery, ListSessions,
    LoggedIn, ReplaceRecord, StartLogin, StartPassword, StartProof, StartRecovery, Which,
};
use sotto_protocol::{Challenge, recovery_statement};
use sotto_relay::{Rate, Rates};

async fn finish(authority: &str, finish: &FinishLogin) -> Result<LoggedIn, AccountErrorCode> {
    call(authority, None, finish).await.map_err(|error| error.code)
}

const REFUSED: Option<AccountErrorCode> = Some(AccountErrorCode::LoginRefused);

#[tokio::test]
async fn the_password_gives_the_record_and_another_password_gives_nothing() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let exchange = ada.begin_login().await.unwrap();
    let logged_in = finish(&ada.authority, &exchange).await.unwrap();
    assert_eq!(logged_in.record, ada.record(1));
    assert_ne!(logged_in.token, ada.token);
    let wrong = Person { password: "another password".into(), ..ada.clone() };
    assert!(wrong.begin_login().await.is_none());
    let nobody = Person::at(&ada.authority, "nobody-here").await;
    assert!(nobody.begin_login().await.is_none());
}

#[tokio::test]
async fn a_login_is_finished_once_and_by_its_own_confirmation() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let eve = Person::registered(&relay.authority(), "eve").await;
    let authority = relay.authority();
    let first = ada.begin_login().await.unwrap();
    assert!(finish(&authority, &first).await.is_ok());
    assert_eq!(finish(&authority, &first).await.err(), REFUSED, "replayed");
    let second = ada.begin_login().await.unwrap();
    let mixed = FinishLogin { state: second.state.clone(), confirmation: first.confirmation };
    assert_eq!(finish(&authority, &mixed).await.err(), REFUSED);
    let eves = eve.begin_login().await.unwrap();
    let mixed = FinishLogin { state: second.state.clone(), confirmation: eves.confirmation };
    assert_eq!(finish(&authority, &mixed).await.err(), REFUSED);
    for position in [0, 16, second.state.len() / 2, second.state.len() - 1] {
        let mut state = second.state.clone();
        state[position] ^= 1;
        let changed = FinishLogin { state, confirmation: second.confirmation };
        assert_eq!(finish(&authority, &changed).await.err(), REFUSED);
    }
    for state in [Vec::new(), vec![0; 300], second.state[1..].to_vec()] {
        let changed = FinishLogin { state, confirmation: second.confirmation };
        assert_eq!(finish(&authority, &changed).await.err(), REFUSED);
    }
    assert!(finish(&authority, &second).await.is_ok(), "all that has not used it up");
}

#[tokio::test]
async fn two_who_finish_one_login_at_once_do_not_both_get_in() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let exchange = ada.begin_login().await.unwrap();
    let all = futures_util::future::join_all((0..6).map(|_| finish(&ada.authority, &exchange))).await;
    assert_eq!(all.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_relay_that_starts_again_finishes_what_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let running = start_on(folder.path(), |_| {}).await;
    let addr = running.addr();
    let ada = Person::registered(&addr.to_string(), "ada").await;
    let exchange = ada.begin_login().await.unwrap();
    let used = ada.begin_login().await.unwrap();
    assert!(finish(&ada.authority, &used).await.is_ok());
    running.shutdown().await;
    let running = start_on(folder.path(), |config| config.listen = addr).await;
    assert!(finish(&ada.authority, &exchange).await.is_ok());
    assert_eq!(finish(&ada.authority, &used).await.err(), REFUSED, "what was used stays used");
    assert!(ada.call(&ListSessions {}).await.is_ok(), "sessions last");
    running.shutdown().await;
}

#[tokio::test]
async fn another_relay_or_another_name_of_it_does_not_finish_a_login() {
    let relay = relay().await;
    let other = TestRelay::start().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let exchange = ada.begin_login().await.unwrap();
    assert_eq!(finish(&other.authority(), &exchange).await.err(), REFUSED);
    // The same relay, but the client believes that it speaks to another one.
    let (proving, request) = ProvingPassword::start(&ada.password);
    let started = call(&ada.authority, None, &StartLogin { name: "ada".into(), request }).await.unwrap();
    assert!(proving.finish((&ada.relay, "relay.example"), &started.response).is_none());
    let (proving, request) = ProvingPassword::start(&ada.password);
    let started = call(&ada.authority, None, &StartLogin { name: "ada".into(), request }).await.unwrap();
    let elsewhere = which_relay(&other.authority()).await;
    assert!(proving.finish((&elsewhere, &ada.authority), &started.response).is_none(), "another relay");
}

#[tokio::test]
async fn a_relay_without_the_secrets_of_its_database_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let running = start_on(folder.path(), |_| {}).await;
    running.shutdown().await;
    std::fs::rename(folder.path().join("relay.secrets"), folder.path().join("elsewhere")).unwrap();
    let mut config = sotto_relay::Config::new("127.0.0.1:0".parse().unwrap(), folder.path());
    if let Some(url) = crate::support::database_url(folder.path()) {
        config.database = sotto_relay::Database::Postgres(sotto_relay::SecretUrl::new(url));
    }
    let error = sotto_relay::start(config.clone()).await.err().expect("it starts");
    assert!(error.help().contains("restore relay.secrets"), "{error}");
    config.accounts.secrets_file = Some(folder.path().join("elsewhere"));
    sotto_relay::start(config).await.unwrap().shutdown().await;
}

async fn recover(
    person: &Person,
    change: impl FnOnce(&mut FinishRecovery),
) -> Result<LoggedIn, AccountErrorCode> {
    let started = call(&person.authority, None, &StartRecovery {}).await.unwrap();
    let statement = recovery_statement(&person.authority, &started.challenge);
    let mut finish = FinishRecovery {
        state: started.state,
        login_key: person.code.verifying_key().to_bytes(),
        signature: person.code.sign(&statement).to_bytes(),
    };
    change(&mut finish);
    call(&person.authority, None, &finish).await.map_err(|error| error.code)
}

#[tokio::test]
async fn the_recovery_code_gives_the_record_and_permits_a_new_password_and_nothing_else() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let logged_in = recover(&ada, |_| {}).await.unwrap();
    assert_eq!(logged_in.record, ada.record(1));
    let mut back = ada.clone();
    back.take(logged_in);
    let proof_needed = |outcome: Result<_, sotto_protocol::account::AccountError>| {
        assert_eq!(outcome.map(|_: ()| ()).unwrap_err().code, AccountErrorCode::ProofNeeded);
    };
    proof_needed(back.call(&DeleteAccount { proof: back.proof.clone() }).await.map(|_| ()));
    let others = EndSession { which: Which::Others, proof: Some(back.proof.clone()) };
    proof_needed(back.call(&others).await.map(|_| ()));
    let record = ReplaceRecord {
        proof: back.proof.clone(),
        record: back.record(2),
        login: None,
        entry: None,
        end_others: false,
    };
    proof_needed(back.call(&record).await.map(|_| ()));
    let mut with_entry = back.clone().new_password("a new password", 2).await;
    with_entry.entry = Some(ada.entry(2));
    proof_needed(back.call(&with_entry).await.map(|_| ()));
    let replace = back.new_password("a new password", 2).await;
    back.call(&replace).await.unwrap();
    assert!(ada.begin_login().await.is_none(), "the old password is over");
    assert!(back.log_in().await.is_some());
    let again = StartPassword { proof: back.proof.clone(), request: [1; 32] };
    proof_needed(back.call(&again).await.map(|_| ()));
}

#[tokio::test]
async fn who_has_the_code_alone_gives_the_account_no_other_code() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let mut thief = ada.clone();
    thief.take(recover(&ada, |_| {}).await.unwrap());
    let with_password = thief.new_password("the thief's password", 2).await;
    thief.code = SigningKey::from_bytes(&[9; 32]);
    let other_code = ReplaceRecord { record: thief.record(2), ..with_password.clone() };
    let outcome = thief.call(&other_code).await.map(|_| ());
    assert_eq!(outcome.unwrap_err().code, AccountErrorCode::ProofNeeded);
    thief.code = ada.code.clone();
    let other_keys =
        ReplaceRecord { record: thief.record_with(2, 2), end_others: true, ..with_password.clone() };
    let outcome = thief.call(&other_keys).await.map(|_| ());
    assert_eq!(outcome.unwrap_err().code, AccountErrorCode::ProofNeeded);
    thief.call(&with_password).await.unwrap();
}

#[tokio::test]
async fn a_stolen_session_uses_up_its_own_tries_and_not_those_of_who_comes_back_by_code() {
    let relay = TestRelay::start_with(|config| {
        let proof = Rate { burst: 2, every_s: 1000.0 };
        config.accounts.rates = Rates { proof, ..Rates::unlimited() };
    })
    .await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let stolen = ada.log_in().await.unwrap();
    let (_, request) = ProvingPassword::start("a guess");
    while stolen.call(&StartProof { request }).await.is_ok() {}
    let mut back = ada.clone();
    back.take(recover(&ada, |_| {}).await.unwrap());
    let replace = ReplaceRecord { end_others: true, ..back.new_password("a new password", 2).await };
    back.call(&replace).await.unwrap();
    assert!(stolen.call(&ListSessions {}).await.is_err());
}

#[tokio::test]
async fn only_the_code_of_the_account_and_only_once_and_here() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let stranger = Person::at(&relay.authority(), "eve").await;
    assert_eq!(recover(&stranger, |_| {}).await.err(), REFUSED, "a code of nobody");
    let key = ada.code.verifying_key().to_bytes();
    assert_eq!(recover(&stranger, |finish| finish.login_key = key).await.err(), REFUSED);
    assert_eq!(recover(&ada, |finish| finish.signature[7] ^= 1).await.err(), REFUSED);
    assert_eq!(recover(&ada, |finish| finish.state[20] ^= 1).await.err(), REFUSED);
    let elsewhere = |challenge: &Challenge| recovery_statement("relay.example", challenge);
    let started = call(&ada.authority, None, &StartRecovery {}).await.unwrap();
    let signature = ada.code.sign(&elsewhere(&started.challenge)).to_bytes();
    let wrong = FinishRecovery { state: started.state, login_key: key, signature };
    assert_eq!(call(&ada.authority, None, &wrong).await.map(|_| ()).unwrap_err().code, REFUSED.unwrap());
    let mut kept = None;
    assert!(recover(&ada, |finish| kept = Some(finish.clone())).await.is_ok());
    let replayed = call(&ada.authority, None, &kept.unwrap()).await.map(|_| ());
    assert_eq!(replayed.unwrap_err().code, REFUSED.unwrap());
    // A login's state is no challenge's.
    let login = ada.begin_login().await.unwrap();
    assert_eq!(recover(&ada, |finish| finish.state = login.state).await.err(), REFUSED);
}

#[tokio::test]
async fn a_proof_and_a_login_are_not_each_other() {
    let relay = TestRelay::start_with(|config| config.accounts.rates = Rates::unlimited()).await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let FinishProof { state, confirmation } = ada.begin_proof().await.unwrap();
    assert_eq!(finish(&ada.authority, &FinishLogin { state, confirmation }).await.err(), REFUSED);
    let FinishLogin { state, confirmation } = ada.begin_login().await.unwrap();
    let proof = ada.call(&FinishProof { state, confirmation }).await.map(|_| ());
    assert_eq!(proof.unwrap_err().code, AccountErrorCode::LoginRefused);
}

//! A relay is the same wherever it is, and nobody between passes for it.

use crate::client::{Person, call, post, which_relay};
use crate::support::{random, start_on};
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use sotto_protocol::account::{
    AccountErrorCode, AccountRef, Call, FinishRecovery, ListSessions, Lookup, StartRecovery, WhichRelay,
    directory_statement, relay_statement,
};
use sotto_protocol::{decode, encode, recovery_statement};

#[tokio::test]
async fn a_relay_that_moves_keeps_its_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let running = start_on(folder.path(), |_| {}).await;
    let old = running.addr().to_string();
    let ada = Person::registered(&old, "ada").await;
    running.shutdown().await;

    let running = start_on(folder.path(), |_| {}).await;
    let new = running.addr().to_string();
    assert_ne!(old, new);
    assert_eq!(which_relay(&new).await, ada.relay);
    let moved = Person { authority: new.clone(), ..ada.clone() };
    let mut laptop = moved.log_in().await.expect("the password is still the password");
    laptop.prove().await;
    assert_eq!(laptop.call(&ListSessions {}).await.unwrap().sessions.len(), 2);
    let entry = call(&new, None, &Lookup { who: AccountRef::Name("ada".into()) }).await.unwrap().entry;
    let statement = directory_statement(&ada.relay, 1, &entry.recovery_public, None);
    let key = VerifyingKey::from_bytes(&entry.identity_key).unwrap();
    assert!(key.verify_strict(&statement, &Signature::from_bytes(&entry.signature)).is_ok());
    running.shutdown().await;
}

#[tokio::test]
async fn what_is_signed_for_one_address_is_refused_at_another() {
    let folder = tempfile::tempdir().unwrap();
    let running = start_on(folder.path(), |_| {}).await;
    let authority = running.addr().to_string();
    let ada = Person::registered(&authority, "ada").await;
    // She typed the address of a relay in the middle, which shows her this relay's identity and passes everything on.
    let deceived = Person { authority: "relay.middle".into(), ..ada.clone() };
    let started = call(&authority, None, &StartRecovery {}).await.unwrap();
    let by_code = FinishRecovery {
        state: started.state,
        login_key: ada.code.verifying_key().to_bytes(),
        signature: ada.code.sign(&recovery_statement(&deceived.authority, &started.challenge)).to_bytes(),
    };
    assert_eq!(
        call(&authority, None, &by_code).await.err().map(|error| error.code),
        Some(AccountErrorCode::LoginRefused)
    );
    let eve = Person::at(&authority, "eve").await;
    let (login, started) = eve.password_record("a password").await;
    let registration = Person { authority: "relay.middle".into(), ..eve }.registration_with(login, &started);
    assert_eq!(
        call(&authority, None, &registration).await.err().map(|error| error.code),
        Some(AccountErrorCode::LoginRefused)
    );
    running.shutdown().await;
}

#[tokio::test]
async fn a_relay_shows_its_identity_for_the_address_by_which_it_was_reached() {
    let folder = tempfile::tempdir().unwrap();
    let running =
        start_on(folder.path(), |config| config.names = vec!["chat.example".parse().unwrap()]).await;
    let authority = running.addr().to_string();
    let nonce: [u8; 32] = random();
    let ask = async |host: &str| {
        post(&authority, WhichRelay::PATH, &[("host", host)], &encode(&WhichRelay { nonce })).await
    };
    let answer = ask("Chat.Example").await;
    let this: <WhichRelay as Call>::Answer = decode(&answer.body).unwrap();
    let signature = Signature::from_bytes(&this.signature);
    let shows = |name: &str, nonce| {
        let key = VerifyingKey::from_bytes(&this.keys.signing).unwrap();
        key.verify_strict(&relay_statement(name, nonce, &this.keys.id()), &signature).is_ok()
    };
    assert!(shows("chat.example", &nonce));
    assert!(!shows("relay.middle", &nonce) && !shows("chat.example", &[0; 32]));
    assert_eq!(ask("relay.middle").await.status, 421, "it signs for its own names alone");
    running.shutdown().await;
}

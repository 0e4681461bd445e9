//! The sealed record, the password, and what changes with them.

use crate::client::{Person, call, relay};
use crate::support::random;
use ed25519_dalek::SigningKey;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, AccountRef, AddSession, ListSessions, Lookup, PutVault, ReplaceRecord,
    VaultEntry,
};

fn record(person: &Person, version: u64) -> ReplaceRecord {
    let proof = person.proof.clone();
    ReplaceRecord { proof, record: person.record(version), login: None, entry: None, end_others: false }
}

async fn refused(person: &Person, replace: &ReplaceRecord) -> AccountError {
    person.call(replace).await.map(|_| ()).unwrap_err()
}

#[tokio::test]
async fn a_password_changes_together_with_the_record() {
    let relay = relay().await;
    let mut ada = Person::registered(&relay.authority(), "ada").await;
    let before = ada.clone();
    let phone = ada.log_in().await.unwrap();
    let old_proof = ada.proof.clone();
    let begun_before = ada.begin_login().await.unwrap();
    let replace = ada.new_password("a new password", 2).await;
    ada.call(&replace).await.unwrap();
    assert!(before.begin_login().await.is_none(), "the old password");
    let outcome = call(&ada.authority, None, &begun_before).await.map(|_| ());
    assert_eq!(outcome.unwrap_err().code, AccountErrorCode::LoginRefused, "a login that the old one began");
    let back = ada.begin_login().await.unwrap();
    assert_eq!(call(&ada.authority, None, &back).await.unwrap().record, ada.record(2));
    assert!(phone.call(&ListSessions {}).await.is_ok(), "other sessions go on, unless they are to end");
    for proof in [old_proof, phone.proof.clone()] {
        let outcome = ada.call(&AddSession { proof }).await.map(|_| ());
        assert_eq!(outcome.unwrap_err().code, AccountErrorCode::ProofNeeded, "old proofs");
    }
    ada.prove().await;
    let mut replace = ada.new_password("another password", 3).await;
    replace.end_others = true;
    ada.call(&replace).await.unwrap();
    assert!(phone.call(&ListSessions {}).await.is_err());
    assert!(ada.call(&ListSessions {}).await.is_ok());
}

#[tokio::test]
async fn a_record_is_replaced_by_the_next_version_only_and_with_a_proof_only() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let eve = Person::registered(&relay.authority(), "eve").await;
    for version in [1, 3, 100] {
        let error = refused(&ada, &record(&ada, version)).await;
        assert_eq!(error, AccountError::conflict(1), "{version}");
    }
    for proof in [Vec::new(), vec![1; 80], eve.proof.clone()] {
        let error = refused(&ada, &ReplaceRecord { proof, ..record(&ada, 2) }).await;
        assert_eq!(error.code, AccountErrorCode::ProofNeeded);
    }
    for bad in [vec![], vec![0; 50], ada.record(0), ada.record(u64::MAX)] {
        let error = refused(&ada, &ReplaceRecord { record: bad, ..record(&ada, 2) }).await;
        assert_eq!(error.code, AccountErrorCode::Malformed);
    }
    let error = refused(&ada, &ReplaceRecord { login: Some([0xff; 192]), ..record(&ada, 2) }).await;
    assert_eq!(error.code, AccountErrorCode::Malformed);
    ada.call(&record(&ada, 2)).await.unwrap();
    assert_eq!(refused(&ada, &record(&ada, 2)).await, AccountError::conflict(2));
    ada.call(&record(&ada, 3)).await.unwrap();
    assert!(ada.log_in().await.is_some(), "the password is as it was");
}

#[tokio::test]
async fn of_two_passwords_that_are_set_at_once_one_is_the_accounts() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let mut devices = Vec::new();
    for number in 0..5 {
        let mut device = ada.log_in().await.unwrap();
        let replace = device.new_password(&format!("password number {number}"), 2).await;
        devices.push((device, replace));
    }
    let outcomes =
        futures_util::future::join_all(devices.iter().map(|(device, replace)| device.call(replace))).await;
    let winners: Vec<_> = outcomes.iter().filter(|outcome| outcome.is_ok()).collect();
    assert_eq!(winners.len(), 1);
    for ((device, _), outcome) in devices.iter().zip(&outcomes) {
        match outcome {
            Ok(_) => {
                let login = device.begin_login().await.unwrap();
                let logged_in = call(&device.authority, None, &login).await.unwrap();
                assert_eq!(logged_in.record, device.record(2), "password and record belong together");
            }
            Err(error) => {
                // The one that was overtaken before its proof was looked at is told that this is worth nothing now.
                assert!(
                    matches!(error.code, AccountErrorCode::Conflict | AccountErrorCode::ProofNeeded),
                    "{error:?}"
                );
                assert!(device.begin_login().await.is_none());
            }
        }
    }
}

/// Whoever proved the old password just before it went gets no session that outlives it: neither by logging in, nor for another
/// device.
#[tokio::test]
async fn no_session_slips_past_a_password_that_changes() {
    let relay = relay().await;
    for round in 0..40 {
        let mut ada = Person::registered(&relay.authority(), &format!("ada{round}")).await;
        let logins = [ada.begin_login().await.unwrap(), ada.begin_login().await.unwrap()];
        let phone = ada.log_in().await.unwrap();
        let add = AddSession { proof: phone.proof.clone() };
        let mut replace = ada.new_password("a new password", 2).await;
        replace.end_others = true;
        let (one, other, given, changed) = tokio::join!(
            call(&ada.authority, None, &logins[0]),
            call(&ada.authority, None, &logins[1]),
            phone.call(&add),
            ada.call(&replace),
        );
        changed.unwrap();
        let logged_in = [one, other].into_iter().filter_map(|login| Some(login.ok()?.token));
        for token in logged_in.chain(given.ok().map(|given| given.token)).chain([phone.token]) {
            let listed = call(&ada.authority, Some(&token), &ListSessions {}).await.map(|_| ());
            assert_eq!(listed.unwrap_err().code, AccountErrorCode::SessionNeeded, "round {round}");
        }
        assert_eq!(ada.call(&ListSessions {}).await.unwrap().sessions.len(), 1);
    }
}

#[tokio::test]
async fn a_new_recovery_code_or_key_takes_the_place_of_the_old() {
    let relay = relay().await;
    let mut ada = Person::registered(&relay.authority(), "ada").await;
    let eve = Person::registered(&relay.authority(), "eve").await;
    ada.code = SigningKey::from_bytes(&random());
    let entry = Some(ada.entry(2));
    ada.call(&ReplaceRecord { entry, ..record(&ada, 2) }).await.unwrap();
    let lookup = Lookup { who: AccountRef::Name("ada".into()) };
    assert_eq!(call(&ada.authority, None, &lookup).await.unwrap().entry.generation, 2);
    // Somebody else's identity, or somebody else's code.
    let entry = Some(eve.entry(3));
    let error = refused(&ada, &ReplaceRecord { entry, ..record(&ada, 3) }).await;
    assert_eq!(error.code, AccountErrorCode::IdentityTaken);
    let with_eves_code = Person { code: eve.code.clone(), ..ada.clone() };
    let error = refused(&ada, &record(&with_eves_code, 3)).await;
    assert_eq!(error.code, AccountErrorCode::IdentityTaken);
    let mut entry = ada.entry(3);
    entry.signature[0] ^= 1;
    let error = refused(&ada, &ReplaceRecord { entry: Some(entry), ..record(&ada, 3) }).await;
    assert_eq!(error.code, AccountErrorCode::Malformed);
}

#[tokio::test]
async fn vault_and_door_keys_change_only_where_all_other_sessions_end() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let sibling = ada.log_in().await.unwrap();
    let with_keys = |version, keys, end_others| ReplaceRecord {
        record: ada.record_with(version, keys),
        end_others,
        ..record(&ada, version)
    };
    for (keys, end_others) in [(2, false), (3, true), (0, true)] {
        let error = refused(&ada, &with_keys(2, keys, end_others)).await;
        assert_eq!(error.code, AccountErrorCode::Malformed, "{keys}");
    }
    assert!(sibling.call(&ListSessions {}).await.is_ok());
    ada.call(&with_keys(2, 2, true)).await.unwrap();
    // The sibling writes nothing under the old keys: it has to log in, and finds the new ones.
    let entry = VaultEntry { name: [1; 32], version: 1, value: vec![1; 300] };
    let put = sibling.call(&PutVault { record: entry.clone() }).await.map(|_| ());
    assert_eq!(put.unwrap_err().code, AccountErrorCode::SessionNeeded);
    let login = sibling.begin_login().await.unwrap();
    let logged_in = call(&ada.authority, None, &login).await.unwrap();
    assert_eq!(logged_in.record, ada.record_with(2, 2));
    let put = PutVault { record: entry };
    assert!(call(&ada.authority, Some(&logged_in.token), &put).await.is_ok());
    let error = refused(&ada, &with_keys(3, 1, true)).await;
    assert_eq!(error.code, AccountErrorCode::Malformed, "back to the old keys");
    ada.call(&with_keys(3, 2, false)).await.unwrap();
}

#[tokio::test]
async fn an_entry_is_replaced_by_none_of_a_lower_generation() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    ada.call(&ReplaceRecord { entry: Some(ada.entry(3)), ..record(&ada, 2) }).await.unwrap();
    let error = refused(&ada, &ReplaceRecord { entry: Some(ada.entry(2)), ..record(&ada, 3) }).await;
    assert_eq!(error.code, AccountErrorCode::Malformed);
    ada.call(&ReplaceRecord { entry: Some(ada.entry(3)), ..record(&ada, 3) }).await.unwrap();
    let lookup = Lookup { who: AccountRef::Account(ada.account_id()) };
    assert_eq!(call(&ada.authority, None, &lookup).await.unwrap().entry.generation, 3);
}

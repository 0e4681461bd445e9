//! Sessions: listed, ended, given to other devices, and their tokens replaced.

use crate::client::{Person, call, database, relay};
use crate::support::TestRelay;
use sotto_protocol::account::{
    AccountErrorCode, AddSession, EndSession, FinishProof, ListSessions, RefreshSession, SessionToken, Which,
};

async fn lives(person: &Person, token: &SessionToken) -> bool {
    call(&person.authority, Some(token), &ListSessions {}).await.is_ok()
}

fn code<T>(outcome: Result<T, sotto_protocol::account::AccountError>) -> AccountErrorCode {
    outcome.map(|_| ()).unwrap_err().code
}

#[tokio::test]
async fn sessions_are_listed_without_their_tokens() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let phone = ada.log_in().await.unwrap();
    Person::registered(&relay.authority(), "bob").await;
    let list = ada.call(&ListSessions {}).await.unwrap().sessions;
    let mut ids: Vec<_> = list.iter().map(|info| info.session).collect();
    ids.sort();
    let mut expected = [ada.session, phone.session];
    expected.sort();
    assert_eq!(ids, expected);
    let own: Vec<_> = list.iter().filter(|info| info.is_own).map(|info| info.session).collect();
    assert_eq!(own, [ada.session]);
    assert!(list.iter().all(|info| info.created_day == info.used_day && info.created_day > 20_000));
}

#[tokio::test]
async fn a_session_ends_itself_and_others_only_with_a_proof() {
    let relay = relay().await;
    let mut ada = Person::registered(&relay.authority(), "ada").await;
    let (phone, tablet) = (ada.log_in().await.unwrap(), ada.log_in().await.unwrap());
    let eve = Person::registered(&relay.authority(), "eve").await;
    for which in [Which::One(phone.session), Which::Others] {
        let end = |proof: Option<Vec<u8>>| EndSession { which, proof };
        for proof in
            [None, Some(Vec::new()), Some(vec![9; 90]), Some(eve.proof.clone()), Some(phone.proof.clone())]
        {
            assert_eq!(code(ada.call(&end(proof)).await), AccountErrorCode::ProofNeeded);
        }
    }
    assert!(lives(&ada, &phone.token).await && lives(&ada, &tablet.token).await);
    // Eve cannot end Ada's, whatever she proves.
    let end = EndSession { which: Which::One(phone.session), proof: Some(eve.proof.clone()) };
    assert_eq!(eve.call(&end).await.unwrap().ended, 0);
    assert!(lives(&ada, &phone.token).await);

    ada.prove().await;
    let end = EndSession { which: Which::One(phone.session), proof: Some(ada.proof.clone()) };
    assert_eq!(ada.call(&end).await.unwrap().ended, 1);
    assert!(!lives(&ada, &phone.token).await && lives(&ada, &tablet.token).await);
    let another = ada.log_in().await.unwrap();
    let others = EndSession { which: Which::Others, proof: Some(ada.proof.clone()) };
    assert_eq!(ada.call(&others).await.unwrap().ended, 2);
    assert!(!lives(&ada, &tablet.token).await && !lives(&ada, &another.token).await);
    assert!(lives(&ada, &ada.token).await && lives(&eve, &eve.token).await);
    assert_eq!(ada.call(&EndSession { which: Which::Own, proof: None }).await.unwrap().ended, 1);
    assert!(!lives(&ada, &ada.token).await);
}

#[tokio::test]
async fn an_old_token_is_good_once_more_and_not_after_the_new_one_was_used() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let old = ada.token.clone();
    let new = ada.call(&RefreshSession {}).await.unwrap();
    assert_eq!(new.session, ada.session);
    assert!(lives(&ada, &new.token).await);
    assert!(!lives(&ada, &old).await, "the new one was used");

    // The answer got lost: the old one refreshes once more, and what was lost is worth nothing.
    let lost = call(&ada.authority, Some(&new.token), &RefreshSession {}).await.unwrap();
    let again = call(&ada.authority, Some(&new.token), &RefreshSession {}).await.unwrap();
    assert!(!lives(&ada, &lost.token).await);
    assert!(!lives(&ada, &new.token).await, "once");
    assert!(lives(&ada, &again.token).await);
    assert_eq!(ada.log_in().await.unwrap().call(&ListSessions {}).await.unwrap().sessions.len(), 2);
}

#[tokio::test]
async fn of_many_calls_with_an_old_token_one_succeeds() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    ada.call(&RefreshSession {}).await.unwrap();
    let all = futures_util::future::join_all((0..6).map(|_| lives(&ada, &ada.token))).await;
    assert_eq!(all.into_iter().filter(|lives| *lives).count(), 1);
}

#[tokio::test]
async fn another_device_gets_a_session_of_its_own_with_a_proof() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    assert_eq!(code(ada.call(&AddSession { proof: vec![] }).await), AccountErrorCode::ProofNeeded);
    let given = ada.call(&AddSession { proof: ada.proof.clone() }).await.unwrap();
    assert!(lives(&ada, &given.token).await);
    assert_ne!(given.session, ada.session);
}

#[tokio::test]
async fn a_proof_is_of_its_session_and_made_once() {
    let relay = relay().await;
    let mut ada = Person::registered(&relay.authority(), "ada").await;
    let phone = ada.log_in().await.unwrap();
    let eve = Person::registered(&relay.authority(), "eve").await;
    let exchange = ada.begin_proof().await.unwrap();
    assert_eq!(code(phone.call(&exchange).await), AccountErrorCode::LoginRefused, "another session");
    assert_eq!(code(eve.call(&exchange).await), AccountErrorCode::LoginRefused, "another account");
    let proven = ada.call(&exchange).await.unwrap();
    assert_eq!(proven.record, ada.record(1));
    assert_eq!(code(ada.call(&exchange).await), AccountErrorCode::LoginRefused, "replayed");
    let wrong = FinishProof { confirmation: [1; 64], ..ada.begin_proof().await.unwrap() };
    assert_eq!(code(ada.call(&wrong).await), AccountErrorCode::LoginRefused);
    ada.proof = proven.proof;
    assert_eq!(
        code(phone.call(&AddSession { proof: ada.proof.clone() }).await),
        AccountErrorCode::ProofNeeded
    );
    assert_eq!(code(eve.call(&AddSession { proof: ada.proof.clone() }).await), AccountErrorCode::ProofNeeded);
    assert!(ada.call(&AddSession { proof: ada.proof.clone() }).await.is_ok());
    let wrong_password = Person { password: "another".into(), ..ada.clone() };
    assert!(wrong_password.begin_proof().await.is_none());
}

#[tokio::test]
async fn sessions_that_nobody_uses_end_and_there_are_not_endlessly_many() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = sotto_relay::Rates::unlimited();
        config.accounts.session_idle_days = 5;
    })
    .await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let pool = database(&relay).await;
    let age = async |days: i64| {
        let aged = sqlx::query("UPDATE sessions SET used_day = used_day - $1 WHERE session_id = $2")
            .bind(days)
            .bind(ada.session.to_vec());
        aged.execute(&pool).await.unwrap();
    };
    age(4).await;
    assert!(lives(&ada, &ada.token).await, "and is as good as new by that");
    age(6).await;
    assert!(!lives(&ada, &ada.token).await);
    let first = ada.log_in().await.unwrap();
    for _ in 0..63 {
        ada.log_in().await.unwrap();
    }
    let last = ada.log_in().await.unwrap();
    assert_eq!(last.call(&ListSessions {}).await.unwrap().sessions.len(), 64);
    assert!(!lives(&ada, &first.token).await, "the one that was used least recently makes room");
}

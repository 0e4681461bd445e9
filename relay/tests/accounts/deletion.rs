//! The end of an account.

use crate::client::{Person, call, database, relay};
use crate::support::TestRelay;
use sotto_protocol::account::{
    AccountErrorCode, AccountRef, DeleteAccount, Deposit, ListSessions, Lookup, PutVault, RefreshSession,
    VaultEntry,
};
use sotto_relay::Rates;

/// Somebody with something of each kind.
async fn with_everything(relay: &TestRelay, name: &str) -> Person {
    let person = Person::registered(&relay.authority(), name).await;
    person.log_in().await.unwrap();
    let record = VaultEntry { name: [name.as_bytes()[0]; 32], version: 1, value: vec![7; 300] };
    person.call(&PutVault { record }).await.unwrap();
    let deposit = Deposit { account: person.account_id(), letter: vec![8; 5233] };
    call(&person.authority, None, &deposit).await.unwrap();
    person
}

const TABLES: [&str; 4] = ["accounts", "sessions", "vault", "inbox"];

async fn rows(relay: &TestRelay) -> Vec<i64> {
    let pool = database(relay).await;
    let mut rows = Vec::new();
    for table in TABLES {
        let count: (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&pool)
            .await
            .unwrap();
        rows.push(count.0);
    }
    rows
}

#[tokio::test]
async fn deleting_leaves_nothing_but_a_name_that_rests() {
    let relay = relay().await;
    let ada = with_everything(&relay, "ada").await;
    let bob = with_everything(&relay, "bob").await;
    assert_eq!(rows(&relay).await, [2, 4, 2, 2]);
    for proof in [Vec::new(), vec![1; 80], bob.proof.clone()] {
        let error = ada.call(&DeleteAccount { proof }).await.unwrap_err();
        assert_eq!(error.code, AccountErrorCode::ProofNeeded);
    }
    ada.call(&DeleteAccount { proof: ada.proof.clone() }).await.unwrap();
    assert_eq!(rows(&relay).await, [1, 2, 1, 1], "bob's");
    assert!(ada.call(&ListSessions {}).await.is_err());
    assert!(ada.call(&RefreshSession {}).await.is_err());
    assert!(ada.begin_login().await.is_none());
    let lookup = Lookup { who: AccountRef::Account(ada.account_id()) };
    assert_eq!(call(&ada.authority, None, &lookup).await.unwrap_err().code, AccountErrorCode::NotFound);
    assert!(bob.log_in().await.is_some());
    // The name is not to be had for a while, by anybody.
    let other = Person::new(&ada.authority, "ada");
    let error = call(&ada.authority, None, &other.registration().await).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, AccountErrorCode::NameUnavailable);
    let pool = database(&relay).await;
    sqlx::query("UPDATE resting_names SET until_day = until_day - 30").execute(&pool).await.unwrap();
    Person::registered(&ada.authority, "ada").await;
}

#[tokio::test]
async fn no_table_has_a_row_of_a_deleted_account() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = Rates::unlimited();
        config.accounts.name_rest_days = 0;
    })
    .await;
    let ada = with_everything(&relay, "ada").await;
    ada.call(&DeleteAccount { proof: ada.proof.clone() }).await.unwrap();
    assert_eq!(rows(&relay).await, [0; 4]);
    let pool = database(&relay).await;
    let resting: (i64,) =
        sqlx::query_as("SELECT count(*) FROM resting_names").fetch_one(&pool).await.unwrap();
    assert_eq!(resting.0, 0);
    // The same person again, under the same name.
    call(&ada.authority, None, &ada.registration().await).await.unwrap();
}

#[tokio::test]
async fn a_login_that_a_deletion_overtakes_leads_nowhere() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let begun = ada.begin_login().await.unwrap();
    ada.call(&DeleteAccount { proof: ada.proof.clone() }).await.unwrap();
    let error = call(&ada.authority, None, &begun).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, AccountErrorCode::LoginRefused);
    assert_eq!(rows(&relay).await, [0; 4]);
}

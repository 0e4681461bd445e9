//! The end of an account.

use crate::client::{Person, call, database, relay};
use crate::support::{TestRelay, is_on_postgres, random};
use sotto_protocol::account::{
    AccountErrorCode, AccountRef, DeleteAccount, Deposit, ListSessions, Lookup, PutVault, RefreshSession,
    VaultEntry,
};
use sotto_protocol::entry_hash;
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

/// Whatever else a table is called that belongs to accounts: it is one of these.
#[tokio::test]
async fn every_table_that_names_an_account_is_looked_into() {
    let relay = relay().await;
    let pool = database(&relay).await;
    let query = if is_on_postgres() {
        "SELECT CAST(table_name AS TEXT) FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'account'"
    } else {
        "SELECT tables.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
            WHERE tables.type = 'table' AND columns.name = 'account'"
    };
    let mut named: Vec<String> = sqlx::query_scalar(query).fetch_all(&pool).await.unwrap();
    named.push("accounts".to_owned());
    named.sort();
    let mut known = TABLES.map(str::to_owned);
    known.sort();
    assert_eq!(named, known);
}

/// In the database's file, and in the log before it.
#[tokio::test]
async fn no_file_has_a_byte_of_a_deleted_account() {
    if is_on_postgres() {
        // Its pages are the server's.
        return;
    }
    let relay = relay().await;
    let value: [u8; 300] = random();
    let ada = Person::registered(&relay.authority(), "ada").await;
    let record = VaultEntry { name: random(), version: 1, value: value.to_vec() };
    ada.call(&PutVault { record: record.clone() }).await.unwrap();
    let marks = [
        ("a vault's value", value[100..140].to_vec()),
        ("a vault record's name", record.name.to_vec()),
        ("a session's hash", entry_hash(ada.token.expose()).to_vec()),
        ("the account's id", ada.account_id().to_vec()),
        ("the code's key", ada.code.verifying_key().to_bytes().to_vec()),
    ];
    let found = || {
        let files = std::fs::read_dir(relay.data.path()).unwrap().flatten().map(|file| file.path());
        let bytes: Vec<Vec<u8>> = files.filter_map(|file| std::fs::read(file).ok()).collect();
        let is_in =
            |mark: &[u8]| bytes.iter().any(|file| file.windows(mark.len()).any(|window| window == mark));
        marks.iter().filter(|(_, mark)| is_in(mark)).map(|(what, _)| *what).collect::<Vec<_>>()
    };
    assert_eq!(found().len(), marks.len(), "they are there, and would be found");
    ada.call(&DeleteAccount { proof: ada.proof.clone() }).await.unwrap();
    assert_eq!(found(), Vec::<&str>::new());
}

const TABLES: [&str; 5] = ["accounts", "sessions", "vault", "inbox", "account_leftovers"];

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
    assert_eq!(rows(&relay).await, [2, 4, 2, 2, 0]);
    for proof in [Vec::new(), vec![1; 80], bob.proof.clone()] {
        let error = ada.call(&DeleteAccount { proof }).await.unwrap_err();
        assert_eq!(error.code, AccountErrorCode::ProofNeeded);
    }
    ada.call(&DeleteAccount { proof: ada.proof.clone() }).await.unwrap();
    assert_eq!(rows(&relay).await, [1, 2, 1, 1, 0], "bob's");
    assert!(ada.call(&ListSessions {}).await.is_err());
    assert!(ada.call(&RefreshSession {}).await.is_err());
    assert!(ada.begin_login().await.is_none());
    let lookup = Lookup { who: AccountRef::Account(ada.account_id()) };
    assert_eq!(call(&ada.authority, None, &lookup).await.unwrap_err().code, AccountErrorCode::NotFound);
    assert!(bob.log_in().await.is_some());
    // The name is not to be had for a while, by anybody.
    let other = Person::at(&ada.authority, "ada").await;
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
    assert_eq!(rows(&relay).await, [0; TABLES.len()]);
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
    assert_eq!(rows(&relay).await, [0; TABLES.len()]);
}

/// Whatever is on its way while an account is deleted, nothing of it stays.
#[tokio::test]
async fn what_is_under_way_while_an_account_goes_leaves_nothing() {
    let relay = relay().await;
    for round in 0..40 {
        let ada = Person::registered(&relay.authority(), &format!("ada{round}")).await;
        let logins = [ada.begin_login().await.unwrap(), ada.begin_login().await.unwrap()];
        let put =
            |name| PutVault { record: VaultEntry { name: [name; 32], version: 1, value: vec![7; 300] } };
        let puts = [put(1), put(2)];
        let deposit = Deposit { account: ada.account_id(), letter: vec![8; 5233] };
        let delete = DeleteAccount { proof: ada.proof.clone() };
        let (_, _, _, _, _, deleted) = tokio::join!(
            call(&ada.authority, None, &logins[0]),
            call(&ada.authority, None, &logins[1]),
            ada.call(&puts[0]),
            ada.call(&puts[1]),
            call(&ada.authority, None, &deposit),
            ada.call(&delete),
        );
        deleted.unwrap();
        assert_eq!(rows(&relay).await, [0; TABLES.len()], "round {round}");
    }
}

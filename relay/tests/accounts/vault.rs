//! The vault: versions, limits, and nobody else's.

use crate::client::{Person, relay};
use crate::support::TestRelay;
use minicbor::bytes::ByteArray;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, DeleteVault, Done, ListVault, PutVault, ReadVault, VaultEntry,
    VaultListed,
};
use sotto_protocol::limits::{VAULT_READ_MAX_BYTES, VAULT_RECORD_MAX_BYTES};
use sotto_relay::Rates;

fn entry(name: u8, version: u64, value: &[u8]) -> VaultEntry {
    VaultEntry { name: [name; 32], version, value: value.to_vec() }
}

async fn put(person: &Person, record: VaultEntry) -> Result<Done, AccountError> {
    person.call(&PutVault { record }).await
}

async fn read(person: &Person, names: &[u8]) -> Vec<VaultEntry> {
    let names = names.iter().map(|name| ByteArray::from([*name; 32])).collect();
    let entries = person.call(&ReadVault { names }).await.unwrap();
    assert!(!entries.is_cut);
    entries.records
}

async fn list(person: &Person) -> Vec<(u8, u64)> {
    let records = person.call(&ListVault {}).await.unwrap().records;
    records.iter().map(|VaultListed { name, version }| (name[0], *version)).collect()
}

#[tokio::test]
async fn version_n_is_replaced_by_n_plus_one_only() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    for version in [2, 5] {
        assert_eq!(put(&ada, entry(7, version, b"early")).await, Err(AccountError::conflict(0)));
    }
    assert_eq!(put(&ada, entry(7, 0, b"none")).await.unwrap_err().code, AccountErrorCode::Malformed);
    assert_eq!(put(&ada, entry(7, u64::MAX, b"none")).await.unwrap_err().code, AccountErrorCode::Malformed);
    put(&ada, entry(7, 1, b"one")).await.unwrap();
    for version in [1, 3] {
        assert_eq!(put(&ada, entry(7, version, b"other")).await, Err(AccountError::conflict(1)));
    }
    put(&ada, entry(7, 2, b"two")).await.unwrap();
    put(&ada, entry(3, 1, b"")).await.unwrap();
    assert_eq!(list(&ada).await, [(3, 1), (7, 2)], "sorted by name");
    assert_eq!(read(&ada, &[7, 9, 3]).await, [entry(7, 2, b"two"), entry(3, 1, b"")]);
    let delete = |version| DeleteVault { name: [7; 32], version, proof: ada.proof.clone() };
    assert_eq!(ada.call(&delete(1)).await, Err(AccountError::conflict(2)));
    ada.call(&delete(2)).await.unwrap();
    assert_eq!(ada.call(&delete(2)).await, Err(AccountError::conflict(0)));
    assert_eq!(list(&ada).await, [(3, 1)]);
}

/// A client with the session and without the password begins no record anew, which would let all its old values come back.
#[tokio::test]
async fn a_session_alone_deletes_nothing() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let eve = Person::registered(&relay.authority(), "eve").await;
    put(&ada, entry(7, 1, b"one")).await.unwrap();
    for proof in [Vec::new(), vec![5; 40], eve.proof.clone()] {
        let refused = ada.call(&DeleteVault { name: [7; 32], version: 1, proof }).await.map(|_| ());
        assert_eq!(refused.unwrap_err().code, AccountErrorCode::ProofNeeded);
    }
    assert_eq!(list(&ada).await, [(7, 1)]);
}

#[tokio::test]
async fn of_many_who_write_one_version_one_has_written_it() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    for version in [1, 2] {
        let all = (0..6_u8).map(|number| put(&ada, entry(1, version, &[number])));
        let outcomes = futures_util::future::join_all(all).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(error, AccountError::conflict(version));
        }
    }
}

#[tokio::test]
async fn each_account_has_a_vault_of_its_own() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let eve = Person::registered(&relay.authority(), "eve").await;
    put(&ada, entry(1, 1, b"ada's")).await.unwrap();
    assert!(list(&eve).await.is_empty() && read(&eve, &[1]).await.is_empty());
    let delete = DeleteVault { name: [1; 32], version: 1, proof: eve.proof.clone() };
    assert_eq!(eve.call(&delete).await, Err(AccountError::conflict(0)));
    put(&eve, entry(1, 1, b"eve's")).await.unwrap();
    assert_eq!(read(&ada, &[1]).await, [entry(1, 1, b"ada's")]);
    let phone = ada.log_in().await.unwrap();
    assert_eq!(read(&phone, &[1]).await, [entry(1, 1, b"ada's")]);
}

#[tokio::test]
async fn a_vault_has_limits_and_what_is_deleted_makes_room() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = Rates::unlimited();
        config.accounts.vault_max_records = 3;
        config.accounts.vault_max_bytes = 1000;
    })
    .await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let full = async |record| put(&ada, record).await.unwrap_err().code;
    put(&ada, entry(1, 1, &[1; 600])).await.unwrap();
    assert_eq!(full(entry(2, 1, &[1; 401])).await, AccountErrorCode::LimitExceeded);
    put(&ada, entry(2, 1, &[1; 400])).await.unwrap();
    assert_eq!(full(entry(3, 1, &[1])).await, AccountErrorCode::LimitExceeded);
    assert_eq!(full(entry(1, 2, &[1; 601])).await, AccountErrorCode::LimitExceeded);
    put(&ada, entry(1, 2, &[1; 10])).await.unwrap();
    put(&ada, entry(3, 1, &[1])).await.unwrap();
    assert_eq!(full(entry(4, 1, &[])).await, AccountErrorCode::LimitExceeded, "three records");
    ada.call(&DeleteVault { name: [2; 32], version: 1, proof: ada.proof.clone() }).await.unwrap();
    put(&ada, entry(4, 1, &[1; 989])).await.unwrap();
    assert_eq!(list(&ada).await, [(1, 2), (3, 1), (4, 1)]);
}

#[tokio::test]
async fn the_longest_record_fits_and_long_answers_are_cut() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let long = vec![5; VAULT_RECORD_MAX_BYTES];
    let count = u8::try_from(VAULT_READ_MAX_BYTES / VAULT_RECORD_MAX_BYTES + 2).unwrap();
    for name in 0..count {
        put(&ada, entry(name, 1, &long)).await.unwrap();
    }
    let too_long = entry(100, 1, &[&long[..], &[0]].concat());
    assert_eq!(put(&ada, too_long).await.unwrap_err().code, AccountErrorCode::LimitExceeded);
    let names: Vec<_> = (0..count).map(|name| ByteArray::from([name; 32])).collect();
    let entries = ada.call(&ReadVault { names: names.clone() }).await.unwrap();
    assert!(entries.is_cut && entries.records.len() == usize::from(count) - 2);
    let rest = ada.call(&ReadVault { names: names[entries.records.len()..].to_vec() }).await.unwrap();
    assert!(!rest.is_cut && rest.records.len() == 2);
    let many = ReadVault { names: vec![[0; 32].into(); 101] };
    assert_eq!(ada.call(&many).await.unwrap_err().code, AccountErrorCode::LimitExceeded);
}

//! A PostgreSQL server whose disk is full.

use crate::client::Person;
use crate::support::*;
use sotto_protocol::account::{AccountErrorCode, PutVault, VaultEntry};
use sotto_relay::Rates;
use sotto_test_services::{Postgres, SmallDisk};
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_disk_is_full_refuses_and_recovers() {
    let Some(disk) = SmallDisk::mount(24) else { return };
    let (postgres, data) = (Postgres::start().unwrap(), tempfile::tempdir().unwrap());
    let url = block_in_place(|| postgres.new_database_at(disk.path())).unwrap();
    std::fs::write(data.path().join("test-database"), url).unwrap();
    let relay = start_on(data.path(), |config| config.accounts.rates = Rates::unlimited()).await;
    let authority = relay.addr().to_string();
    let (mut client, room) = (Client::connect(&authority).await, Room::new());
    client.create(&room).await;
    client.open(&room).await;
    let ada = Person::registered(&authority, "ada").await;
    let record = |version| {
        let value = random::<60_000>().to_vec();
        PutVault { record: VaultEntry { name: [1; 32], version, value } }
    };
    let mut stored = Vec::new();
    let refused = fill(&mut client, &room, &mut stored).await;
    let error = ada.call(&record(1)).await.unwrap_err();
    assert_eq!(error.code, AccountErrorCode::StorageFull);
    assert_eq!(client.append(&room, &stored[0]).await, 1, "what is stored is still acknowledged");
    assert_eq!(client.whole_log(&room).await.len(), stored.len(), "reading goes on");

    assert!(disk.remount("size=80m"), "there is space again");
    assert_eq!(client.append(&room, &refused).await, stored.len() as u64 + 1, "no place is left out");
    stored.push(refused);
    ada.call(&record(1)).await.unwrap();
    let log = client.whole_log(&room).await;
    assert_eq!(seqs(&log), (1..=stored.len() as u64).collect::<Vec<_>>());
    assert!(log.iter().zip(&stored).all(|(read, written)| read.entry == *written));
    relay.shutdown().await;
}

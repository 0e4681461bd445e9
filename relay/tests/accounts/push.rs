//! Web push for accounts: a letter wakes the devices whose sessions asked for it.

use crate::client::{Person, call, database};
use crate::push_service::{Device, PushService, wakes};
use crate::support::{PATIENCE, TestRelay};
use sotto_protocol::account::{
    AccountErrorCode, DeleteAccount, Deposit, DropPush, EndSession, PushKey, SetPush, Which,
};
use sotto_relay::Rates;
use std::time::{Duration, Instant};

async fn relay() -> TestRelay {
    TestRelay::start_with(|config| {
        config.accounts.rates = Rates::unlimited();
        wakes(config);
    })
    .await
}

async fn send_letter(person: &Person) {
    let letter = Deposit { account: person.account_id(), letter: vec![7; 5233] };
    call(&person.authority, None, &letter).await.unwrap();
}

fn set(device: &Device, tag: u8) -> SetPush {
    SetPush { subscription: device.subscription(tag) }
}

async fn subscribed_sessions(relay: &TestRelay) -> i64 {
    let pool = database(relay).await;
    sqlx::query_scalar("SELECT count(*) FROM sessions WHERE push IS NOT NULL").fetch_one(&pool).await.unwrap()
}

#[tokio::test]
async fn a_letter_wakes_the_devices_that_asked_for_it() {
    let relay = relay().await;
    let authority = relay.authority();
    let key = call(&authority, None, &PushKey {}).await.unwrap().key;
    let mut service = PushService::start().await;
    let ada = Person::registered(&authority, "ada").await;
    let eve = Person::registered(&authority, "eve").await;
    let (first, second) = (Device::at(&service, "first"), Device::at(&service, "second"));
    ada.call(&set(&first, 1)).await.unwrap();
    eve.call(&set(&second, 2)).await.unwrap();
    send_letter(&ada).await;
    assert_eq!(first.open(&service.next().await, &key), 1);
    service.expect_silence().await;
    // Another session of the same account.
    let phone = ada.log_in().await.unwrap();
    let third = Device::at(&service, "third");
    phone.call(&set(&third, 3)).await.unwrap();
    ada.call(&set(&second, 4)).await.unwrap();
    send_letter(&ada).await;
    let (one, two) = (service.next().await, service.next().await);
    let (one, two) = if one.path.ends_with("third") { (two, one) } else { (one, two) };
    assert_eq!([second.open(&one, &key), third.open(&two, &key)], [4, 3], "in the place of the first");
    ada.call(&DropPush {}).await.unwrap();
    send_letter(&ada).await;
    assert_eq!(third.open(&service.next().await, &key), 3);
    service.expect_silence().await;
}

#[tokio::test]
async fn a_subscription_ends_with_its_session_and_its_account() {
    let relay = relay().await;
    let mut service = PushService::start().await;
    let mut ada = Person::registered(&relay.authority(), "ada").await;
    let phone = ada.log_in().await.unwrap();
    let device = Device::at(&service, "device");
    phone.call(&set(&device, 1)).await.unwrap();
    phone.call(&EndSession { which: Which::Own, proof: None }).await.unwrap();
    send_letter(&ada).await;
    service.expect_silence().await;
    ada.call(&set(&device, 1)).await.unwrap();
    assert_eq!(subscribed_sessions(&relay).await, 1);
    ada.prove().await;
    ada.call(&DeleteAccount { proof: ada.proof.clone() }).await.unwrap();
    assert_eq!(subscribed_sessions(&relay).await, 0);
}

#[tokio::test]
async fn a_device_that_its_service_does_not_know_is_forgotten() {
    let relay = relay().await;
    let mut service = PushService::start().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    ada.call(&set(&Device::at(&service, "device"), 1)).await.unwrap();
    service.answer(&["410 Gone"]);
    send_letter(&ada).await;
    service.next().await;
    let begin = Instant::now();
    while subscribed_sessions(&relay).await != 0 {
        assert!(begin.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_subscription_that_the_relay_cannot_use_is_refused() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let device = Device::of("gopher://push.example/x".to_owned());
    assert_eq!(ada.call(&set(&device, 1)).await.unwrap_err().code, AccountErrorCode::PushUnavailable);
    let long = Device::of(format!("http://push.example/{}", "x".repeat(1024)));
    assert_eq!(ada.call(&set(&long, 1)).await.unwrap_err().code, AccountErrorCode::LimitExceeded);
    let mut wrong = device.subscription(1);
    (wrong.endpoint, wrong.p256dh) = ("http://127.0.0.1:9/x".to_owned(), [4; 65]);
    let wrong = SetPush { subscription: wrong };
    assert_eq!(ada.call(&wrong).await.unwrap_err().code, AccountErrorCode::Malformed);
    let off = TestRelay::start_with(|config| config.accounts.rates = Rates::unlimited()).await;
    let ada = Person::registered(&off.authority(), "ada").await;
    assert_eq!(ada.call(&set(&device, 1)).await.unwrap_err().code, AccountErrorCode::PushUnavailable);
    assert_eq!(call(&off.authority(), None, &PushKey {}).await.unwrap_err().code, AccountErrorCode::NotFound);
    ada.call(&DropPush {}).await.unwrap();
}

#[tokio::test]
async fn the_database_does_not_join_a_device_with_its_room() {
    use crate::support::Room;
    use sotto_protocol::{Reply, Request, Subscribe};
    let relay = relay().await;
    let service = PushService::start().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let device = Device::at(&service, "device");
    ada.call(&set(&device, 1)).await.unwrap();
    let (mut client, room) = (relay.connect().await, Room::new());
    client.create(&room).await;
    client.open(&room).await;
    let subscribe = Subscribe { room: room.id, subscription: device.subscription(1) };
    assert_eq!(client.ask(Request::Subscribe(subscribe)).await, Reply::Done);
    let pool = database(&relay).await;
    let one: Vec<u8> =
        sqlx::query_scalar("SELECT subscription FROM push_subscriptions").fetch_one(&pool).await.unwrap();
    let two: Vec<u8> = sqlx::query_scalar("SELECT push FROM sessions WHERE push IS NOT NULL")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(one.len(), two.len());
    assert!(!one.windows(6).any(|part| two.windows(6).any(|other| part == other)));
}

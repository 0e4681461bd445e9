//! Clocks that jump: nothing is deleted too early, and nothing that expired comes back.

use crate::client::{Person, call};
use crate::support::*;
use ed25519_dalek::Signer as _;
use sotto_protocol::account::{
    AccountErrorCode, DeleteAccount, Deposit, EndSession, Inbox, ListSessions, StartPassword, Which,
};
use sotto_protocol::{Door, DoorId, ErrorCode, Reply, Request, SetRetention, limits, retention_statement};
use sotto_relay::{Clock, Rates};
use std::time::Duration;
use tokio::time::sleep;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Sweeps come by several times.
const A_WHILE: Duration = Duration::from_millis(400);

async fn relay_with(clock: &Clock) -> TestRelay {
    let clock = clock.clone();
    TestRelay::start_with(|config| {
        config.accounts.rates = Rates::unlimited();
        config.tuning.sweep_every = Duration::from_millis(50);
        config.tuning.clock = clock;
    })
    .await
}

/// A room whose admin has messages kept for so long, with one message in it.
async fn room_keeping(client: &mut Client, seconds: u64) -> Room {
    let (mut room, admin) = (Room::new(), signing_key());
    client.create(&room).await;
    client.open(&room).await;
    let mut commit = room.commit(&[]);
    room.hand_over(&mut commit, &[&admin]);
    client.send_commit(&mut room, commit).await;
    let statement = retention_statement(&client.authority, &client.welcome.challenge, &room.id, seconds);
    let signature = admin.sign(&statement).to_bytes();
    let set = SetRetention { room: room.id, seconds: Some(seconds), admin_key: public(&admin), signature };
    assert_eq!(client.ask(Request::SetRetention(set)).await, Reply::Done);
    client.append(&room, &entry(1, b"to be kept")).await;
    room
}

async fn is_dropped(client: &mut Client, room: &Room, seq: u64) -> bool {
    let log = client.whole_log(room).await;
    log.iter().any(|entry| entry.seq == seq && entry.dropped.is_some())
}

#[tokio::test]
async fn messages_are_not_dropped_by_a_clock_that_jumps() {
    let clock = Clock::default();
    let relay = relay_with(&clock).await;
    let mut client = relay.connect().await;
    let room = room_keeping(&mut client, 6 * 60 * 60).await;
    clock.step(DAY_MS);
    client.append(&room, &entry(1, b"of tomorrow")).await;
    sleep(A_WHILE).await;
    assert!(!is_dropped(&mut client, &room, 2).await, "a day ahead");
    clock.step(-2 * DAY_MS);
    client.append(&room, &entry(1, b"of yesterday")).await;
    sleep(A_WHILE).await;
    // Put right again, what was written while it was wrong is as old as it is.
    clock.step(DAY_MS);
    client.append(&room, &entry(1, b"of today")).await;
    sleep(A_WHILE).await;
    for seq in 2..=5 {
        assert!(!is_dropped(&mut client, &room, seq).await, "{seq}");
    }
}

#[tokio::test]
async fn a_step_that_lasts_is_followed() {
    let clock = Clock::new(Duration::from_millis(300));
    let relay = relay_with(&clock).await;
    let mut client = relay.connect().await;
    let room = room_keeping(&mut client, 6 * 60 * 60).await;
    clock.step(DAY_MS);
    let waiting = async {
        while !is_dropped(&mut client, &room, 2).await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it was right, then");
}

#[tokio::test]
async fn a_door_that_expired_stays_closed_and_one_that_did_not_is_not_lost() {
    let clock = Clock::default();
    let relay = relay_with(&clock).await;
    let (mut client, mut newcomer) = (relay.connect().await, relay.connect().await);
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let now_ms = client.welcome.now_ms;
    let doors = [DoorId::new(random()), DoorId::new(random())];
    let mut commit = room.commit(&[]);
    let expiries = [now_ms + 300, now_ms + 60 * 60 * 1000];
    let with_expiry =
        |(id, expires_at_ms): (DoorId, u64)| Door { expires_at_ms: Some(expires_at_ms), ..door(id) };
    commit.doors = doors.into_iter().zip(expiries).map(with_expiry).collect();
    client.send_commit(&mut room, commit).await;
    sleep(A_WHILE).await;
    let closed = error(ErrorCode::DoorClosed);
    for step in [0, -DAY_MS, 2 * DAY_MS, -DAY_MS] {
        clock.step(step);
        sleep(A_WHILE / 2).await;
        assert_eq!(
            newcomer.card(&room, doors[0]).await,
            closed,
            "its time has come, whatever the clock says"
        );
        let is_ahead = step > 0;
        let is_open = matches!(newcomer.card(&room, doors[1]).await, Reply::Card(_));
        assert_eq!(is_open, !is_ahead, "closed while the clock is ahead, and not for good");
    }
}

#[tokio::test]
async fn proofs_and_log_ins_last_their_minutes_and_no_longer() {
    let clock = Clock::default();
    let relay = relay_with(&clock).await;
    let mut ada = Person::registered(&relay.authority(), "ada").await;
    let (_, request) = crate::client::SettingPassword::start("another");
    let is_good = async |person: &Person| {
        let start = StartPassword { proof: person.proof.clone(), request };
        match person.call(&start).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.code, AccountErrorCode::ProofNeeded);
                false
            }
        }
    };
    ada.prove().await;
    let begun = ada.begin_login().await.unwrap();
    clock.step(-DAY_MS);
    assert!(is_good(&ada).await, "it is as old as it was");
    let mut of_today = ada.clone();
    of_today.prove().await;
    assert!(is_good(&of_today).await);
    clock.step(2 * DAY_MS);
    assert!(!is_good(&ada).await && !is_good(&of_today).await, "perhaps a day has passed");
    let error = call(&ada.authority, None, &begun).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, AccountErrorCode::LoginRefused, "perhaps a day has passed");
    let mut of_tomorrow = ada.clone();
    of_tomorrow.prove().await;
    assert!(is_good(&of_tomorrow).await, "everything goes on meanwhile");
    let begun_tomorrow = ada.begin_login().await.unwrap();
    clock.step(-DAY_MS);
    assert!(is_good(&ada).await, "no day has passed");
    assert!(!is_good(&of_tomorrow).await, "it would be good for a day");
    let error = call(&ada.authority, None, &begun_tomorrow).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, AccountErrorCode::LoginRefused);
    assert!(call(&ada.authority, None, &begun).await.is_ok());
    let again = call(&ada.authority, None, &begun).await.map(|_| ()).unwrap_err();
    assert_eq!(again.code, AccountErrorCode::LoginRefused, "once");
}

#[tokio::test]
async fn sessions_letters_and_names_outlive_a_clock_that_is_years_ahead() {
    let clock = Clock::default();
    let relay = relay_with(&clock).await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let mut bob = Person::registered(&relay.authority(), "bob").await;
    let letter = Deposit { account: ada.account_id(), letter: vec![1; limits::DIRECT_INVITE_BYTES] };
    call(&ada.authority, None, &letter).await.unwrap();
    bob.prove().await;
    bob.call(&DeleteAccount { proof: bob.proof.clone() }).await.unwrap();
    let phone = ada.log_in().await.unwrap();
    phone.call(&EndSession { which: Which::Own, proof: None }).await.unwrap();
    for step in [800 * DAY_MS, -1600 * DAY_MS, 800 * DAY_MS] {
        clock.step(step);
        assert!(ada.call(&ListSessions {}).await.is_ok(), "the session holds");
        assert!(phone.call(&ListSessions {}).await.is_err(), "an ended session stays ended");
        assert_eq!(ada.call(&Inbox {}).await.unwrap().letters.len(), 1);
        let impostor = Person::at(&relay.authority(), "bob").await;
        let taken = call(&relay.authority(), None, &impostor.registration().await).await;
        assert_eq!(taken.map(|_| ()).unwrap_err().code, AccountErrorCode::NameUnavailable, "the name rests");
    }
}

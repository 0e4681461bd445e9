//! Making rooms where guests come in by invite only.

use crate::client::{Person, Randomness, call, database};
use crate::support::{Room, TestRelay, random, start_on};
use opaque_ke::Ristretto255;
use sotto_protocol::account::{AccountErrorCode, BlindRoomToken, ReadRoomPolicy, WhichRelay};
use sotto_protocol::{CreateRoom, ErrorCode, Reply, Request, RoomToken};
use sotto_relay::{Guests, Rate, Rates};
use std::time::Duration;
use voprf::{EvaluationElement, Group as _, PoprfClient, Proof};

async fn relay_of_members() -> TestRelay {
    TestRelay::start_with(|config| {
        config.accounts.rates = Rates::unlimited();
        config.accounts.guests = Guests::Invited;
    })
    .await
}

/// A token as a client gets one: the relay sees neither nonce nor output.
async fn token(person: &Person) -> RoomToken {
    let policy = call(&person.authority, None, &ReadRoomPolicy {}).await.unwrap();
    assert!(policy.takes_token);
    let relay = call(&person.authority, None, &WhichRelay { nonce: random() }).await.unwrap();
    let nonce: [u8; 32] = random();
    let blinding = PoprfClient::<Ristretto255>::blind(&nonce, &mut Randomness).unwrap();
    let blinded = blinding.message.serialize().as_slice().try_into().unwrap();
    let answer = person.call(&BlindRoomToken { period: policy.period, blinded }).await.unwrap();
    let output = blinding
        .state
        .finalize(
            &nonce,
            &EvaluationElement::deserialize(&answer.evaluated).unwrap(),
            &Proof::deserialize(&answer.proof).unwrap(),
            Ristretto255::deserialize_elem(&relay.keys.tokens).unwrap(),
            Some(&[b"sotto/1 room token period", &policy.period.to_be_bytes()[..]].concat()),
        )
        .unwrap();
    RoomToken { period: policy.period, nonce, output: output.as_slice().try_into().unwrap() }
}

async fn create(relay: &TestRelay, room: &Room, token: Option<RoomToken>) -> Reply {
    let mut client = relay.connect().await;
    client.ask(Request::Create(CreateRoom { token, ..room.creation() })).await
}

#[tokio::test]
async fn a_room_takes_a_token_and_a_token_makes_one_room() {
    let relay = relay_of_members().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let token = token(&ada).await;
    let (room, other) = (Room::new(), Room::new());
    let refused =
        |reply: &Reply| matches!(reply, Reply::Error(error) if error.code == ErrorCode::TokenNeeded);
    assert!(refused(&create(&relay, &room, None).await), "without one");
    let mut output = token.output;
    output[0] ^= 1;
    let wrong = [
        RoomToken { output, ..token.clone() },
        RoomToken { nonce: [1; 32], ..token.clone() },
        RoomToken { period: token.period - 1, ..token.clone() },
        RoomToken { period: u32::MAX, ..token.clone() },
    ];
    for token in wrong {
        assert!(refused(&create(&relay, &room, Some(token)).await));
    }
    assert_eq!(create(&relay, &room, Some(token.clone())).await, Reply::Created);
    assert_eq!(
        create(&relay, &room, Some(token.clone())).await,
        Reply::Created,
        "asked again: the answer was lost"
    );
    assert!(refused(&create(&relay, &other, Some(token)).await), "used up");
    assert!(refused(&create(&relay, &other, None).await), "and left nothing of the other room behind");
    let another = self::token(&ada).await;
    assert_eq!(create(&relay, &other, Some(another)).await, Reply::Created);
}

#[tokio::test]
async fn tokens_that_nobody_could_use_any_more_are_forgotten() {
    let relay = relay_of_members().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    assert_eq!(create(&relay, &Room::new(), Some(token(&ada).await)).await, Reply::Created);
    let pool = database(&relay).await;
    let count = "SELECT count(*) FROM spent_room_tokens";
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&pool).await.unwrap(), 1);
    sqlx::query("UPDATE spent_room_tokens SET period = period - 2").execute(&pool).await.unwrap();
    relay.running.shutdown().await;
    // A relay looks once when it starts.
    let _running = start_on(relay.data.path(), |_| {}).await;
    for _ in 0..100 {
        if sqlx::query_scalar::<_, i64>(count).fetch_one(&pool).await.unwrap() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it is still there");
}

#[tokio::test]
async fn an_account_gets_so_many_tokens_and_only_of_now() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates =
            Rates { room_tokens: Rate { burst: 2, every_s: 1000.0 }, ..Rates::unlimited() };
    })
    .await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let policy = call(&ada.authority, None, &ReadRoomPolicy {}).await.unwrap();
    assert!(!policy.takes_token, "guests make rooms, too, unless the operator says otherwise");
    let which = call(&ada.authority, None, &WhichRelay { nonce: random() }).await.unwrap();
    let mut asked = BlindRoomToken { period: policy.period, blinded: which.keys.tokens };
    for _ in 0..2 {
        assert!(ada.call(&asked).await.is_ok(), "any element will do: it is blinded");
    }
    assert_eq!(ada.call(&asked).await.err().map(|error| error.code), Some(AccountErrorCode::TooMany));
    asked.period += 1;
    assert_eq!(ada.call(&asked).await.err().map(|error| error.code), Some(AccountErrorCode::Conflict));
    assert_eq!(create(&relay, &Room::new(), None).await, Reply::Created);
}

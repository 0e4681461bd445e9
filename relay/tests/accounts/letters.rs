//! Inboxes, the directory, and the letter boxes of devices that pair.

use crate::client::{Person, call, database, relay};
use crate::support::TestRelay;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, AccountRef, Acknowledge, Deposit, Inbox, Lookup, PostPairing,
    SetFindable, TakePairing,
};
use sotto_relay::{Rate, Rates};

fn letter(person: &Person, byte: u8) -> Deposit {
    Deposit { account: person.account_id(), letter: vec![byte; 5233] }
}

async fn letters(person: &Person) -> Vec<u8> {
    person.call(&Inbox {}).await.unwrap().letters.iter().map(|letter| letter.letter[0]).collect()
}

#[tokio::test]
async fn anybody_puts_letters_in_and_the_account_alone_takes_them_out() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let eve = Person::registered(&relay.authority(), "eve").await;
    for byte in 1..=3 {
        call(&ada.authority, None, &letter(&ada, byte)).await.unwrap();
    }
    assert_eq!(letters(&ada).await, [1, 2, 3], "the oldest first");
    assert!(letters(&eve).await.is_empty());
    let all = ada.call(&Inbox {}).await.unwrap().letters;
    let ids = |which: &[usize]| Acknowledge { ids: which.iter().map(|at| all[*at].id.into()).collect() };
    eve.call(&ids(&[0, 1, 2])).await.unwrap();
    assert_eq!(letters(&ada).await, [1, 2, 3], "not eve's to take");
    ada.call(&ids(&[0, 2])).await.unwrap();
    ada.call(&ids(&[0])).await.unwrap();
    assert_eq!(letters(&ada).await, [2]);
    let many = Acknowledge { ids: vec![[0; 16].into(); 257] };
    assert_eq!(ada.call(&many).await.unwrap_err().code, AccountErrorCode::LimitExceeded);
}

#[tokio::test]
async fn a_long_inbox_is_read_in_parts() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = Rates::unlimited();
        config.accounts.inbox_max_letters = 1000;
    })
    .await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    for number in 0..260_u32 {
        call(&ada.authority, None, &letter(&ada, (number / 4) as u8)).await.unwrap();
    }
    let first = ada.call(&Inbox {}).await.unwrap().letters;
    assert_eq!((first.len(), first[0].letter[0], first[255].letter[0]), (256, 0, 63));
    ada.call(&Acknowledge { ids: first.iter().map(|letter| letter.id.into()).collect() }).await.unwrap();
    assert_eq!(letters(&ada).await, [64; 4]);
}

#[tokio::test]
async fn an_inbox_is_bounded_and_takes_letters_of_one_length() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = Rates::unlimited();
        config.accounts.inbox_max_letters = 2;
    })
    .await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    for length in [0, 5232, 5234] {
        let deposit = Deposit { account: ada.account_id(), letter: vec![1; length] };
        let error = call(&ada.authority, None, &deposit).await.unwrap_err();
        assert_eq!(error.code, AccountErrorCode::Malformed, "{length}");
    }
    let all = (0..5).map(|byte| letter(&ada, byte)).collect::<Vec<_>>();
    let outcomes =
        futures_util::future::join_all(all.iter().map(|letter| call(&ada.authority, None, letter))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(error, AccountError::with_limit(AccountErrorCode::InboxFull, 2));
    }
    let first = ada.call(&Inbox {}).await.unwrap().letters[0].id;
    ada.call(&Acknowledge { ids: vec![first.into()] }).await.unwrap();
    call(&ada.authority, None, &letter(&ada, 9)).await.unwrap();
    let nobody = Person::at(&ada.authority, "nobody").await;
    let error = call(&ada.authority, None, &letter(&nobody, 1)).await.unwrap_err();
    assert_eq!(error.code, AccountErrorCode::NotFound);
}

#[tokio::test]
async fn an_address_that_deposits_or_looks_up_too_much_has_to_wait() {
    let few = Rate { burst: 2, every_s: 100.0 };
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = Rates { deposit: few, lookup: few, ..Rates::unlimited() };
    })
    .await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let lookup = Lookup { who: AccountRef::Name("ada".into()) };
    for _ in 0..2 {
        call(&ada.authority, None, &letter(&ada, 1)).await.unwrap();
        call(&ada.authority, None, &lookup).await.unwrap();
    }
    let deposit = call(&ada.authority, None, &letter(&ada, 1)).await.unwrap_err();
    let lookup = call(&ada.authority, None, &lookup).await.unwrap_err();
    assert_eq!([deposit.code, lookup.code], [AccountErrorCode::TooMany; 2]);
    assert_eq!(letters(&ada).await.len(), 2);
}

#[tokio::test]
async fn old_letters_are_swept_away_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let running = crate::support::start_on(folder.path(), |_| {}).await;
    let relay = TestRelay { running, data: folder };
    let ada = Person::registered(&relay.authority(), "ada").await;
    for byte in 1..=3 {
        call(&ada.authority, None, &letter(&ada, byte)).await.unwrap();
    }
    let pool = database(&relay).await;
    sqlx::query(
        "UPDATE inbox SET arrived_day = arrived_day - 100 WHERE number <> (SELECT max(number) FROM inbox)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let TestRelay { running, data } = relay;
    let addr = running.addr();
    running.shutdown().await;
    let running = crate::support::start_on(data.path(), |config| config.listen = addr).await;
    // Sweeping begins with the relay.
    let begin = std::time::Instant::now();
    while letters(&ada).await != [3] {
        assert!(begin.elapsed() < crate::support::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (count,): (i64,) =
        sqlx::query_as("SELECT inbox_letters FROM accounts").fetch_one(&pool).await.unwrap();
    assert_eq!(count, 1);
    running.shutdown().await;
}

#[tokio::test]
async fn a_name_leads_to_an_identity_if_it_wants_to() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let find = async |who: AccountRef| {
        call(&ada.authority, None, &Lookup { who }).await.map(|found| found.entry).map_err(|error| error.code)
    };
    let by_name = || AccountRef::Name("ada".into());
    assert_eq!(find(by_name()).await, Ok(ada.entry(1)));
    assert_eq!(find(AccountRef::Account(ada.account_id())).await, Ok(ada.entry(1)));
    assert_eq!(find(AccountRef::Account([9; 16])).await, Err(AccountErrorCode::NotFound));
    assert_eq!(find(AccountRef::Name("Ada".into())).await, Err(AccountErrorCode::BadName));
    ada.call(&SetFindable { is_findable: false }).await.unwrap();
    assert_eq!(find(by_name()).await, Err(AccountErrorCode::NotFound));
    assert!(find(AccountRef::Account(ada.account_id())).await.is_ok(), "members of a room know the id");
    ada.call(&SetFindable { is_findable: true }).await.unwrap();
    assert!(find(by_name()).await.is_ok());
}

#[tokio::test]
async fn a_letter_box_takes_each_message_of_a_pairing_once() {
    let relay = relay().await;
    let authority = relay.authority();
    let post = async |step, message: &[u8]| {
        let post = PostPairing { letter_box: [1; 16], step, message: message.to_vec() };
        call(&authority, None, &post).await.map(|_| ()).map_err(|error| error.code)
    };
    let take = async |letter_box, step| {
        let take = TakePairing { letter_box, step };
        call(&authority, None, &take).await.map(|taken| taken.message).map_err(|error| error.code)
    };
    assert_eq!(take([1; 16], 1).await, Err(AccountErrorCode::NotFound));
    assert_eq!(post(1, b"hello").await, Ok(()));
    assert_eq!(post(1, b"hello").await, Ok(()), "sent twice");
    assert_eq!(post(1, b"another").await, Err(AccountErrorCode::Conflict));
    assert_eq!(post(2, b"answer").await, Ok(()));
    assert_eq!(take([1; 16], 1).await, Ok(b"hello".to_vec()));
    assert_eq!(take([1; 16], 2).await, Ok(b"answer".to_vec()));
    assert_eq!(take([2; 16], 1).await, Err(AccountErrorCode::NotFound));
    assert_eq!(post(0, b"x").await, Err(AccountErrorCode::Malformed));
    assert_eq!(post(5, b"x").await, Err(AccountErrorCode::Malformed));
    assert_eq!(post(3, &[0; 16 * 1024]).await, Ok(()));
    assert_eq!(post(4, &[0; 16 * 1024 + 1]).await, Err(AccountErrorCode::LimitExceeded));
}

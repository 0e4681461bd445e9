//! What somebody learns who tries names and passwords, and how often they may try.

use crate::client::{Person, ProvingPassword, call, post, relay};
use crate::support::TestRelay;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, AccountRef, Call as _, FinishLogin, LoginStarted, Lookup, StartLogin,
    StartRegister,
};
use sotto_protocol::{decode, encode};
use sotto_relay::{AccountSettings, Rate, Rates};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_name_that_does_not_exist_is_answered_as_one_that_does() {
    let relay = relay().await;
    let authority = relay.authority();
    Person::registered(&authority, "ada").await;
    // The same blinded password for both, again and again: what lasts must last for both, what changes must change for both.
    let (_, request) = ProvingPassword::start("a guess");
    let mut times = [Vec::new(), Vec::new()];
    let mut answers: [Vec<LoginStarted>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..40 {
        for (which, name) in ["ada", "eve"].into_iter().enumerate() {
            let body = encode(&StartLogin { name: name.into(), request });
            let begin = Instant::now();
            let response = post(&authority, StartLogin::PATH, &[], &body).await;
            times[which].push(begin.elapsed());
            assert_eq!(response.status, 200);
            let mut names: Vec<_> = response.headers.keys().cloned().collect();
            names.sort();
            assert_eq!(
                names,
                [
                    "cache-control",
                    "connection",
                    "content-length",
                    "content-security-policy",
                    "content-type",
                    "cross-origin-embedder-policy",
                    "cross-origin-opener-policy",
                    "cross-origin-resource-policy",
                    "date",
                    "permissions-policy",
                    "referrer-policy",
                    "x-content-type-options"
                ]
            );
            answers[which].push(decode(&response.body).unwrap());
        }
    }
    for answers in &answers {
        let evaluated = |answer: &LoginStarted| answer.response[..32].to_vec();
        assert!(
            answers.iter().all(|answer| evaluated(answer) == evaluated(&answers[0])),
            "the same evaluation"
        );
        for pair in answers.windows(2) {
            assert_ne!(pair[0].response[32..64], pair[1].response[32..64], "another nonce");
            assert_ne!(pair[0].response[64..192], pair[1].response[64..192], "masked anew");
        }
    }
    let state_lengths: Vec<usize> = answers.concat().iter().map(|answer| answer.state.len()).collect();
    assert!(state_lengths.iter().all(|length| *length == state_lengths[0]), "{state_lengths:?}");
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let [known, unknown] = times.each_mut().map(median);
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "known {known:?}, unknown {unknown:?}");
    // Wrong ends are alike, too.
    let wrong = |answer: &LoginStarted| FinishLogin { state: answer.state.clone(), confirmation: [7; 64] };
    for answers in &answers {
        let error = call(&authority, None, &wrong(&answers[0])).await.map(|_| ()).unwrap_err();
        assert_eq!(error, AccountError::new(AccountErrorCode::LoginRefused));
    }
}

#[tokio::test]
async fn a_registration_that_takes_a_name_does_not_change_how_it_is_answered() {
    let relay = relay().await;
    let authority = relay.authority();
    let (_, request) = ProvingPassword::start("a guess");
    let start = StartLogin { name: "ada".into(), request };
    let before = call(&authority, None, &start).await.unwrap();
    Person::registered(&authority, "ada").await;
    let after = call(&authority, None, &start).await.unwrap();
    assert_eq!(before.response[..32], after.response[..32]);
}

fn few_passwords(rates: &mut Rates) {
    *rates = Rates { password: Rate { burst: 4, every_s: 2.0 }, ..Rates::unlimited() };
}

#[tokio::test]
async fn guesses_for_one_name_have_to_wait_and_nobody_is_locked_out() {
    let relay = TestRelay::start_with(|config| few_passwords(&mut config.accounts.rates)).await;
    let authority = relay.authority();
    // Beginning a registration takes one, which an attacker could use as a guess.
    let ada = Person::registered(&authority, "ada").await;
    for name in ["ada", "nobody-here"] {
        let (_, request) = ProvingPassword::start("a guess");
        let start = StartLogin { name: name.into(), request };
        let mut allowed = 0;
        let error = loop {
            match call(&authority, None, &start).await {
                Ok(_) => allowed += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.code, AccountErrorCode::TooMany);
        assert!((1..=2000).contains(&error.retry_after_ms.unwrap()), "{error:?}");
        assert!(allowed <= 5, "{name}: {allowed}");
        let register = StartRegister { name: name.into(), request: [0; 32], code: None };
        assert_eq!(call(&authority, None, &register).await.unwrap_err().code, AccountErrorCode::TooMany);
    }
    // Ada's devices are not affected, nor is anybody else.
    let mut device = ada.clone();
    device.prove().await;
    Person::registered(&authority, "bob").await;
    tokio::time::sleep(Duration::from_millis(2200)).await;
    assert!(ada.log_in().await.is_some());
}

/// A login that is begun from another address, as a proxy names it.
async fn guess_from(authority: &str, name: &str, address: &str) -> Result<(), AccountErrorCode> {
    let (_, request) = ProvingPassword::start("a guess");
    let body = encode(&StartLogin { name: name.into(), request });
    let response = post(authority, StartLogin::PATH, &[("x-forwarded-for", address)], &body).await;
    match decode::<AccountError>(&response.body) {
        Ok(error) if response.status != 200 => Err(error.code),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn addresses_that_are_invented_bring_no_more_guesses() {
    let relay = TestRelay::start_with(|config| {
        // The default, before an operator names one: behind a tunnel all clients come from this machine.
        config.accounts.trusted_proxies = AccountSettings::default().trusted_proxies;
        config.accounts.rates = Rates { password: Rate { burst: 4, every_s: 1000.0 }, ..Rates::unlimited() };
    })
    .await;
    let authority = relay.authority();
    let mut allowed = 0;
    for number in 0..20 {
        allowed += u32::from(guess_from(&authority, "ada", &format!("192.0.2.{number}")).await.is_ok());
    }
    assert_eq!(allowed, 4);
}

#[tokio::test]
async fn guesses_from_one_place_keep_nobody_elsewhere_from_logging_in() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = Rates { password: Rate { burst: 4, every_s: 1000.0 }, ..Rates::unlimited() };
    })
    .await;
    let authority = relay.authority();
    let ada = Person::registered(&authority, "ada").await;
    for _ in 0..4 {
        assert_eq!(guess_from(&authority, "ada", "192.0.2.66").await, Ok(()));
    }
    for _ in 0..20 {
        assert_eq!(guess_from(&authority, "ada", "192.0.2.66").await, Err(AccountErrorCode::TooMany));
    }
    assert!(ada.log_in().await.is_some());
}

#[tokio::test]
async fn guesses_from_everywhere_together_have_a_limit_of_their_own() {
    let relay = TestRelay::start_with(|config| {
        let (password, name) = (Rate { burst: 4, every_s: 1000.0 }, Rate { burst: 20, every_s: 1000.0 });
        config.accounts.rates = Rates { password, name, ..Rates::unlimited() };
    })
    .await;
    let authority = relay.authority();
    let ada = Person::registered(&authority, "ada").await;
    // One that has used up its own tries uses up none of the others'.
    for _ in 0..30 {
        let _ = guess_from(&authority, "ada", "192.0.2.66").await;
    }
    assert!(ada.log_in().await.is_some(), "and gives its tries back");
    let mut allowed = 0;
    for number in 0..40 {
        allowed += u32::from(guess_from(&authority, "ada", &format!("198.51.100.{number}")).await.is_ok());
    }
    // A registration began with one; the first address had four.
    assert_eq!(allowed, 15);
    assert_eq!(guess_from(&authority, "eve", "198.51.100.1").await, Ok(()), "another name");
    let mut device = ada.clone();
    device.prove().await;
}

#[tokio::test]
async fn who_knows_the_password_uses_up_no_tries() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = Rates { password: Rate { burst: 4, every_s: 1000.0 }, ..Rates::unlimited() };
    })
    .await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    for _ in 0..8 {
        assert!(ada.log_in().await.is_some());
    }
}

#[tokio::test]
async fn an_address_that_tries_many_names_has_to_wait() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.rates = Rates { login: Rate { burst: 5, every_s: 100.0 }, ..Rates::unlimited() };
    })
    .await;
    let (_, request) = ProvingPassword::start("a guess");
    let guess = async |number: u32| {
        let start = StartLogin { name: format!("name{number}"), request };
        call(&relay.authority(), None, &start).await.map(|_| ()).map_err(|error| error.code)
    };
    for number in 0..5 {
        assert_eq!(guess(number).await, Ok(()));
    }
    assert_eq!(guess(5).await, Err(AccountErrorCode::TooMany));
}

#[tokio::test]
async fn a_name_that_does_not_want_to_be_found_looks_like_none() {
    let relay = relay().await;
    let authority = relay.authority();
    let ada = Person::registered(&authority, "ada").await;
    ada.call(&sotto_protocol::account::SetFindable { is_findable: false }).await.unwrap();
    let look_up = async |name: &str| {
        let response =
            post(&authority, Lookup::PATH, &[], &encode(&Lookup { who: AccountRef::Name(name.into()) }))
                .await;
        (response.status, response.body)
    };
    assert_eq!(look_up("ada").await, look_up("nobody-here").await);
    assert_eq!(look_up("ada").await.0, 404);
}

#[tokio::test]
async fn nonsense_in_place_of_opaques_messages_is_refused() {
    let relay = relay().await;
    let authority = relay.authority();
    Person::registered(&authority, "ada").await;
    for name in ["ada", "nobody-here"] {
        // No group elements, and the one that is its own multiple.
        for byte in [0xff, 0] {
            let start = StartLogin { name: name.into(), request: [byte; 96] };
            assert_eq!(
                call(&authority, None, &start).await.map(|_| ()).unwrap_err().code,
                AccountErrorCode::Malformed
            );
            let start = StartRegister { name: name.into(), request: [byte; 32], code: None };
            assert_eq!(call(&authority, None, &start).await.unwrap_err().code, AccountErrorCode::Malformed);
        }
    }
}

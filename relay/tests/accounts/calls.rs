//! What holds for every call: who may make it, and in which form.

use crate::client::{Person, bearer, call, database, exchange, post, relay};
use crate::support::TestRelay;
use sotto_protocol::account::{
    Access, AccountError, AccountErrorCode, AccountRef, Acknowledge, AddSession, BlindRoomToken, Call,
    DeleteAccount, DeleteVault, Deposit, DropPush, EndSession, FinishLogin, FinishProof, FinishRecovery,
    Inbox, InviteCode, ListSessions, ListVault, Lookup, PostPairing, PushKey, PutVault, ReadRoomPolicy,
    ReadVault, RefreshSession, ReplaceRecord, SessionToken, SetFindable, SetPush, StartLogin, StartPassword,
    StartProof, StartRecovery, StartRegister, TakePairing, VaultEntry, Which, WhichRelay,
};
use sotto_protocol::{PushSubscription, decode, encode};
use sotto_relay::{Rate, Rates};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A call in bytes.
struct Bytes {
    path: &'static str,
    access: Access,
    body: Vec<u8>,
    max: usize,
}

fn bytes<C: Call>(call: C) -> Bytes {
    Bytes { path: C::PATH, access: C::ACCESS, body: encode(&call), max: C::MAX_BYTES }
}

fn subscription() -> PushSubscription {
    PushSubscription {
        endpoint: "https://push.example/1".into(),
        p256dh: [4; 65],
        auth: [1; 16],
        tag: [2; 16],
    }
}

/// One of each.
fn every_call() -> Vec<Bytes> {
    let (proof, state) = (vec![1; 100], vec![1; 300]);
    let person = Person::nowhere("relay.example", "ada");
    vec![
        bytes(StartRegister { name: "ada".into(), request: [1; 32], code: Some(InviteCode("A".into())) }),
        bytes(person.registration_with([1; 192], &Person::nothing_started())),
        bytes(StartLogin { name: "ada".into(), request: [1; 96] }),
        bytes(FinishLogin { state: state.clone(), confirmation: [1; 64] }),
        bytes(StartRecovery {}),
        bytes(FinishRecovery { state: state.clone(), login_key: [1; 32], signature: [1; 64] }),
        bytes(Deposit { account: [1; 16], letter: vec![1; 5233] }),
        bytes(Lookup { who: AccountRef::Account([1; 16]) }),
        bytes(PostPairing { letter_box: [1; 16], step: 1, message: vec![1; 10] }),
        bytes(TakePairing { letter_box: [1; 16], step: 2 }),
        bytes(ReadRoomPolicy {}),
        bytes(WhichRelay { nonce: [1; 32] }),
        bytes(PushKey {}),
        bytes(SetPush { subscription: subscription() }),
        bytes(DropPush {}),
        bytes(BlindRoomToken { period: 1, blinded: [1; 32] }),
        bytes(StartProof { request: [1; 96] }),
        bytes(FinishProof { state, confirmation: [1; 64] }),
        bytes(StartPassword { proof: proof.clone(), request: [1; 32] }),
        bytes(ReplaceRecord {
            proof: proof.clone(),
            record: person.record(2),
            login: Some([1; 192]),
            entry: None,
            end_others: true,
        }),
        bytes(DeleteAccount { proof: proof.clone() }),
        bytes(AddSession { proof: proof.clone() }),
        bytes(RefreshSession {}),
        bytes(ListSessions {}),
        bytes(EndSession { which: Which::Others, proof: Some(proof.clone()) }),
        bytes(ListVault {}),
        bytes(ReadVault { names: vec![[1; 32].into()] }),
        bytes(PutVault { record: VaultEntry { name: [1; 32], version: 1, value: vec![1] } }),
        bytes(DeleteVault { name: [1; 32], version: 1, proof }),
        bytes(Inbox {}),
        bytes(Acknowledge { ids: vec![[1; 16].into()] }),
        bytes(SetFindable { is_findable: true }),
    ]
}

async fn refusal(relay: &TestRelay, call: &Bytes, headers: &[(&str, &str)]) -> AccountErrorCode {
    let response = post(&relay.authority(), call.path, headers, &call.body).await;
    let error: AccountError = decode(&response.body).unwrap_or_else(|_| {
        panic!("{} with {headers:?} is answered with {} and no error", call.path, response.status)
    });
    assert_eq!(response.status, error.code.status());
    error.code
}

#[tokio::test]
async fn what_needs_a_session_is_refused_without_one() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let ended = ada.log_in().await.unwrap();
    ended.call(&EndSession { which: Which::Own, proof: None }).await.unwrap();
    let expired = ada.log_in().await.unwrap();
    let pool = database(&relay).await;
    let aged = sqlx::query("UPDATE sessions SET used_day = used_day - 100 WHERE session_id = $1")
        .bind(expired.session.to_vec())
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(aged.rows_affected(), 1);
    let mut flipped = *ada.token.expose();
    flipped[31] ^= 1;
    let good = bearer(&ada.token);
    let headers = [
        bearer(&ended.token),
        bearer(&expired.token),
        bearer(&SessionToken::new(flipped)),
        bearer(&SessionToken::new([0; 32])),
        good.replace("Bearer", "Basic"),
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        format!("{good}="),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
    ];
    for call in every_call().iter().filter(|call| call.access == Access::Session) {
        assert_eq!(refusal(&relay, call, &[]).await, AccountErrorCode::SessionNeeded, "{}", call.path);
        for header in &headers {
            let code = refusal(&relay, call, &[("authorization", header)]).await;
            assert_eq!(code, AccountErrorCode::SessionNeeded, "{} {header}", call.path);
        }
    }
    assert!(ada.call(&ListSessions {}).await.is_ok(), "the good one still is");
}

#[tokio::test]
async fn what_is_anonymous_is_refused_with_a_session() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    for call in every_call().iter().filter(|call| call.access == Access::Anonymous) {
        for token in [ada.token.clone(), SessionToken::new([3; 32])] {
            let code = refusal(&relay, call, &[("authorization", &bearer(&token))]).await;
            assert_eq!(code, AccountErrorCode::SessionNotWanted, "{}", call.path);
        }
    }
}

#[test]
fn there_is_one_of_each_call() {
    let paths: std::collections::BTreeSet<_> = every_call().iter().map(|call| call.path).collect();
    assert_eq!(paths.len(), every_call().len(), "none is there twice");
    // As the relay has them: a route that is added there is missing here until it is added, too.
    let routes = include_str!("../../src/http/mod.rs");
    let lines = routes.lines().filter(|line| line.contains(" => |accounts, ")).count();
    assert_eq!(paths.len(), lines, "every route is called");
}

#[tokio::test]
async fn with_anothers_session_nothing_of_somebodys_is_read_or_changed() {
    let relay = relay().await;
    let authority = relay.authority();
    let mut ada = Person::registered(&authority, "ada").await;
    let eve = Person::registered(&authority, "eve").await;
    let record = |value: &[u8]| VaultEntry { name: [1; 32], version: 1, value: value.to_vec() };
    ada.call(&PutVault { record: record(b"of ada") }).await.unwrap();
    let account = ada.account_id();
    call(&authority, None, &Deposit { account, letter: vec![1; 5233] }).await.unwrap();
    let begun = ada.begin_proof().await.unwrap();
    ada.prove().await;
    let letter = ada.call(&Inbox {}).await.unwrap();
    let seen = async || {
        let vault = ada.call(&ListVault {}).await.unwrap();
        let read = ada.call(&ReadVault { names: vec![[1; 32].into()] }).await.unwrap();
        let sessions = ada.call(&ListSessions {}).await.unwrap();
        let inbox = ada.call(&Inbox {}).await.unwrap();
        let who = AccountRef::Name("ada".into());
        let entry = call(&authority, None, &Lookup { who }).await.unwrap();
        format!("{vault:?} {read:?} {sessions:?} {inbox:?} {entry:?}")
    };
    let before = seen().await;
    let proof = ada.proof.clone();
    let replacement = ReplaceRecord {
        proof: proof.clone(),
        record: ada.record(2),
        login: None,
        entry: None,
        end_others: true,
    };
    let foreign = vec![
        bytes(StartProof { request: [1; 96] }),
        bytes(begun),
        bytes(StartPassword { proof: proof.clone(), request: [1; 32] }),
        bytes(replacement),
        bytes(DeleteAccount { proof: proof.clone() }),
        bytes(AddSession { proof: proof.clone() }),
        bytes(EndSession { which: Which::Others, proof: Some(proof.clone()) }),
        bytes(EndSession { which: Which::One(ada.session), proof: Some(proof.clone()) }),
        bytes(EndSession { which: Which::One(ada.session), proof: Some(eve.proof.clone()) }),
        bytes(ListVault {}),
        bytes(ReadVault { names: vec![[1; 32].into()] }),
        bytes(DeleteVault { name: [1; 32], version: 1, proof: proof.clone() }),
        bytes(PutVault { record: record(b"of eve") }),
        bytes(Inbox {}),
        bytes(Acknowledge { ids: letter.letters.iter().map(|letter| letter.id.into()).collect() }),
        bytes(SetFindable { is_findable: false }),
        bytes(ListSessions {}),
        bytes(RefreshSession {}),
        bytes(BlindRoomToken { period: 1, blinded: [1; 32] }),
        bytes(SetPush { subscription: subscription() }),
        bytes(DropPush {}),
    ];
    let all: std::collections::BTreeSet<_> = every_call()
        .into_iter()
        .filter(|call| call.access == Access::Session)
        .map(|call| call.path)
        .collect();
    assert_eq!(foreign.iter().map(|call| call.path).collect::<std::collections::BTreeSet<_>>(), all);
    let needs_proof = |path: &str| {
        [StartPassword::PATH, ReplaceRecord::PATH, DeleteAccount::PATH, AddSession::PATH].contains(&path)
    };
    for call in foreign {
        let response =
            post(&authority, call.path, &[("authorization", &bearer(&eve.token))], &call.body).await;
        if needs_proof(call.path) {
            let error: AccountError = decode(&response.body).unwrap();
            assert_eq!(error.code, AccountErrorCode::ProofNeeded, "{}", call.path);
        }
        let body = String::from_utf8_lossy(&response.body).into_owned();
        assert!(!body.contains("of ada"), "{}", call.path);
        assert_eq!(seen().await, before, "{} changed something of another", call.path);
    }
}

#[tokio::test]
async fn what_is_not_a_call_is_refused() {
    let relay = relay().await;
    let authority = relay.authority();
    for (number, call) in every_call().into_iter().enumerate() {
        // Some calls, where they are good, end a session.
        let ada = Person::registered(&authority, &format!("ada{number}")).await;
        let good = bearer(&ada.token);
        let session = if call.access == Access::Session { good.as_str() } else { "" };
        let with = |name, value| [("authorization", session), (name, value)];
        let path = call.path;
        for content_type in ["", "text/plain", "application/json", "application/x-www-form-urlencoded"] {
            let code = refusal(&relay, &call, &with("content-type", content_type)).await;
            assert_eq!(code, AccountErrorCode::Malformed, "{path} {content_type}");
        }
        for origin in ["http://evil.example", "null", "http://127.0.0.1"] {
            let code = refusal(&relay, &call, &with("origin", origin)).await;
            assert_eq!(code, AccountErrorCode::ForeignOrigin, "{path} {origin}");
        }
        let usual = [("authorization", session)];
        let mut bodies =
            vec![Vec::new(), vec![0xff], vec![0xa0; 3], b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()];
        bodies.push([&call.body[..], &[0]].concat());
        bodies.push(call.body[..call.body.len() - 1].to_vec());
        for body in bodies {
            let response = post(&authority, path, &usual, &body).await;
            let error: AccountError = decode(&response.body).unwrap();
            assert_eq!(error.code, AccountErrorCode::Malformed, "{path} {body:02x?}");
        }
        // By what is announced, and by what comes.
        let response = post(&authority, path, &usual, &vec![0; call.max + 1]).await;
        let error: AccountError = decode(&response.body).unwrap();
        assert_eq!(
            (error.code, error.limit),
            (AccountErrorCode::LimitExceeded, Some(call.max as u64)),
            "{path}"
        );
        let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", call.max + 1, "x".repeat(call.max + 1));
        let chunked = [("authorization", session), ("content-length", ""), ("transfer-encoding", "chunked")];
        let response = post(&authority, path, &chunked, chunk.as_bytes()).await;
        let error: AccountError = decode(&response.body).unwrap();
        assert_eq!(error.code, AccountErrorCode::LimitExceeded, "{path}");
        for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: {authority}\r\norigin: http://{authority}\r\nconnection: close\r\n\r\n"
            );
            let response = exchange(&authority, request.as_bytes()).await;
            assert_eq!(response.status, 405, "{method} {path}");
            assert!(response.headers.keys().all(|name| !name.starts_with("access-control")), "{path}");
        }
        // Whoever is not stopped by all that: the page's own origin, and a program.
        let response =
            post(&authority, path, &with("origin", &format!("http://{authority}")), &call.body).await;
        let error = decode::<AccountError>(&response.body).map(|error| error.code);
        assert!(
            !matches!(error, Ok(AccountErrorCode::ForeignOrigin | AccountErrorCode::SessionNotWanted)),
            "{path}"
        );
        assert!(response.headers.keys().all(|name| !name.starts_with("access-control")), "{path}");
        assert_eq!(response.headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn a_request_without_a_host_or_with_two_sessions_is_refused() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let path = ListSessions::PATH;
    let request = |headers: &str| {
        format!(
            "POST {path} HTTP/1.1\r\n{headers}content-type: application/cbor\r\ncontent-length: 1\r\nconnection: close\r\n\r\n\u{0}"
        )
    };
    let response = exchange(&relay.authority(), request("").as_bytes()).await;
    assert!(response.status == 400 || response.status == 403, "{}", response.status);
    let twice = format!("host: x\r\nauthorization: {0}\r\nauthorization: {0}\r\n", bearer(&ada.token));
    assert_eq!(exchange(&relay.authority(), request(&twice).as_bytes()).await.status, 401);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let relay = TestRelay::start_with(|config| config.tuning.body_timeout = Duration::from_millis(200)).await;
    let mut stream = tokio::net::TcpStream::connect(relay.authority()).await.unwrap();
    let path = StartRecovery::PATH;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/cbor\r\ncontent-length: 10\r\nconnection: close\r\n\r\n12345"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(crate::support::PATIENCE, read).await.expect("the relay goes on waiting");
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn an_address_that_asks_too_much_has_to_wait() {
    let few = |rates: &mut Rates| rates.calls = Rate { burst: 3, every_s: 0.5 };
    let relay = TestRelay::start_with(|config| few(&mut config.accounts.rates)).await;
    let authority = relay.authority();
    for _ in 0..3 {
        assert!(call(&authority, None, &StartRecovery {}).await.is_ok());
    }
    let response = post(&authority, StartRecovery::PATH, &[], &encode(&StartRecovery {})).await;
    let error: AccountError = decode(&response.body).unwrap();
    assert_eq!((response.status, error.code), (429, AccountErrorCode::TooMany));
    assert_eq!(response.headers["retry-after"], "1");
    tokio::time::sleep(Duration::from_millis(error.retry_after_ms.unwrap() + 50)).await;
    assert!(call(&authority, None, &StartRecovery {}).await.is_ok());
}

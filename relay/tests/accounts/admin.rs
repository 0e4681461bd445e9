//! `sotto-relay admin`, on the database of a relay that runs: what it shows, what it does, and that the relay notices.

use crate::client::*;
use crate::support::{Room, TestRelay, append, database_url, entry};
use serde_json::Value;
use sotto_protocol::account::{AccountErrorCode, InviteCode, ListSessions, PutVault, VaultEntry};
use sotto_protocol::{ErrorCode, RelayFrame, Reply};
use sotto_relay::Registration;
use std::process::{Command, Output};

/// Runs `sotto-relay admin` on the relay's folder and database.
fn run(relay: &TestRelay, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    command.arg("admin").args(words).arg("--data").arg(relay.data.path());
    if let Some(url) = database_url(relay.data.path()) {
        command.env("SOTTO_RELAY_DATABASE", url);
    }
    command.output().unwrap()
}

/// What it prints as JSON.
fn json(relay: &TestRelay, words: &[&str]) -> Value {
    let output = run(relay, &[words, &["--json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What it prints for people.
fn text(relay: &TestRelay, words: &[&str]) -> String {
    let output = run(relay, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Why it did nothing.
fn refusal(relay: &TestRelay, words: &[&str]) -> String {
    let output = run(relay, words);
    assert!(!output.status.success() && output.stdout.is_empty(), "{words:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn base16(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_shown_by_name_number_and_id_and_the_running_relay_notices_their_end() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let _second = ada.log_in().await.unwrap();
    let bob = Person::registered(&relay.authority(), "bob").await;

    let all = json(&relay, &["accounts", "list"]);
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(json(&relay, &["accounts", "list", "--after", "1"]).as_array().unwrap().len(), 1);
    let id = base16(&ada.account_id());
    let by_name = json(&relay, &["accounts", "show", "--name", "ada"]);
    assert_eq!((by_name["id"].as_str(), by_name["sessions"].as_i64()), (Some(id.as_str()), Some(2)));
    for words in [["--id", id.as_str()], ["--name", " Ada"]] {
        assert_eq!(by_name, json(&relay, &[&["accounts", "show"], &words[..]].concat()));
    }
    assert_eq!(by_name, json(&relay, &["accounts", "show", "--number", "1"]));
    let shown = text(&relay, &["accounts", "list"]);
    // An id in base16 may have these letters in it.
    assert!(shown.contains(&id) && !shown.split_whitespace().any(|word| word == "ada"), "{shown}");

    let sessions = json(&relay, &["sessions", "--name", "ada"]);
    assert_eq!(sessions.as_array().unwrap().len(), 2);
    assert_eq!(json(&relay, &["sessions"]).as_array().unwrap().len(), 3);
    let ended = json(&relay, &["accounts", "end-sessions", "--name", "ada"]);
    assert_eq!(ended["ended"], 2);
    assert_eq!(ada.call(&ListSessions {}).await.unwrap_err().code, AccountErrorCode::SessionNeeded);
    assert!(bob.call(&ListSessions {}).await.is_ok(), "another account is left alone");

    let careful = refusal(&relay, &["accounts", "delete", "--name", "bob"]);
    assert!(careful.contains("would delete account 2") && careful.contains("--yes"), "{careful}");
    assert!(bob.call(&ListSessions {}).await.is_ok());
    json(&relay, &["accounts", "delete", "--name", "bob", "--yes"]);
    assert_eq!(bob.call(&ListSessions {}).await.unwrap_err().code, AccountErrorCode::SessionNeeded);
    let gone = refusal(&relay, &["accounts", "show", "--name", "bob"]);
    assert!(gone.contains("no such account") && gone.contains("help: "), "{gone}");
    let registration = Person::at(&relay.authority(), "bob").await.registration().await;
    let again = call(&relay.authority(), None, &registration).await.map(|_| ());
    assert_eq!(again.unwrap_err().code, AccountErrorCode::NameUnavailable, "the name rests");
    for (words, why) in [
        (&["accounts", "show"][..], "no account is named"),
        (&["accounts", "show", "--name", "Not A Name"], "no name that an account can have"),
        (&["accounts", "show", "--id", "12"], "32 digits"),
    ] {
        let said = refusal(&relay, words);
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invite_codes_are_listed_by_handles_and_taken_back() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.registration = Registration::Codes;
        config.accounts.rates = sotto_relay::Rates::unlimited();
    })
    .await;
    let made = json(&relay, &["invite-codes", "create", "--uses", "3"]);
    let code = made["code"].as_str().unwrap();
    let listed = json(&relay, &["invite-codes", "list"]);
    assert_eq!((&listed[0]["handle"], listed[0]["uses_left"].as_i64()), (&made["handle"], Some(3)));
    assert!(!listed.to_string().contains(code));
    let start = async || {
        let (_, request) = SettingPassword::start("password");
        let code = Some(InviteCode(code.to_owned()));
        let start = sotto_protocol::account::StartRegister { name: "ada".into(), request, code };
        call(&relay.authority(), None, &start).await.map(|_| ()).map_err(|error| error.code)
    };
    assert_eq!(start().await, Ok(()));
    text(&relay, &["invite-codes", "revoke", code]);
    assert_eq!(start().await, Err(AccountErrorCode::BadInviteCode));
    let by_handle = json(&relay, &["invite-codes", "create"]);
    text(&relay, &["invite-codes", "revoke", by_handle["handle"].as_str().unwrap()]);
    assert_eq!(json(&relay, &["invite-codes", "list"]).as_array().unwrap().len(), 0);
    let none = refusal(&relay, &["invite-codes", "revoke", "0000000000"]);
    assert!(none.contains("no such invite code"), "{none}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_deleted_is_gone_for_those_who_are_in_it() {
    let relay = relay().await;
    let mut client = relay.connect().await;
    let (room, other) = (Room::new(), Room::new());
    for room in [&room, &other] {
        client.create(room).await;
        client.open(room).await;
        client.append(room, &entry(0, b"said")).await;
    }
    for _ in 0..2 {
        client.pushed_entry().await;
    }
    let id = base16(room.id.as_bytes());
    let shown = json(&relay, &["rooms", "show", &id]);
    assert_eq!((shown["entries"].as_i64(), shown["retention_s"].is_null()), (Some(1), true));
    assert!(refusal(&relay, &["rooms", "retention", &id, "7"]).contains("--yes"), "messages go for good");
    assert!(refusal(&relay, &["rooms", "retention", &id, "0", "--yes"]).contains("1 at least"));
    json(&relay, &["rooms", "retention", &id, "7", "--yes"]);
    json(&relay, &["rooms", "retention", &id, "30"]);
    assert!(refusal(&relay, &["rooms", "retention", &id, "7"]).contains("older than 7 days"));
    json(&relay, &["rooms", "retention", &id, "7", "--yes"]);
    assert!(text(&relay, &["rooms", "show", &id]).contains("7 days"));
    json(&relay, &["rooms", "retention", &id, "default"]);
    assert!(text(&relay, &["rooms", "show", &id]).contains("as the settings say"));

    assert!(refusal(&relay, &["rooms", "delete", &id]).contains("--yes"));
    json(&relay, &["rooms", "delete", &id, "--yes"]);
    // At once, not when the relay looks: nothing is acknowledged that went nowhere.
    let answer = client.ask(append(&room, &entry(0, b"too late"))).await;
    let refused = matches!(&answer, Reply::Error(error)
        if matches!(error.code, ErrorCode::UnknownRoom | ErrorCode::RoomNotOpen));
    assert!(refused, "{answer:?}");
    assert_eq!(client.pushed().await, RelayFrame::Gone(room.id));
    client.append(&other, &entry(0, b"goes on")).await;
    assert!(refusal(&relay, &["rooms", "show", &id]).contains("no such room"));
    assert!(refusal(&relay, &["rooms", "show", "nonsense"]).contains("32 digits"));
    let rows: (i64,) =
        sqlx::query_as("SELECT count(*) FROM entries").fetch_one(&database(&relay).await).await.unwrap();
    assert_eq!(rows.0, 2, "only the other room's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotas_hold_from_the_moment_they_are_set() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let put = async |name: u8| {
        let record = VaultEntry { name: [name; 32], version: 1, value: vec![1; 100] };
        ada.call(&PutVault { record }).await.map(|_| ()).map_err(|error| error.code)
    };
    assert_eq!(put(1).await, Ok(()));
    let set = json(&relay, &["quotas", "set", "--vault-records", "1"]);
    assert_eq!(set["vault_max_records"], 1);
    assert_eq!(put(2).await, Err(AccountErrorCode::LimitExceeded));
    json(&relay, &["quotas", "set", "--vault-records", "default", "--inbox-letters", "5"]);
    assert_eq!(put(2).await, Ok(()));
    let shown = json(&relay, &["quotas", "show"]);
    assert_eq!(shown["inbox_max_letters"], 5);
    assert!(shown["vault_max_records"].as_u64().unwrap() > 1 && shown["max_database_bytes"].is_null());

    if database_url(relay.data.path()).is_some() {
        let said = refusal(&relay, &["quotas", "set", "--database-bytes", "1000000"]);
        assert!(said.contains("PostgreSQL"), "{said}");
        return;
    }
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    json(&relay, &["quotas", "set", "--database-bytes", "600000"]);
    let full = async |client: &mut crate::support::Client| {
        for _ in 0..40 {
            if let Reply::Error(error) = client.ask(append(&room, &entry(0, &[7; 30_000]))).await {
                return Some(error.code);
            }
        }
        None
    };
    assert_eq!(full(&mut client).await, Some(ErrorCode::StorageFull));
    json(&relay, &["quotas", "set", "--database-bytes", "default"]);
    assert_eq!(full(&mut client).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stats_count_and_name_nobody() {
    let relay = relay().await;
    let ada = Person::registered(&relay.authority(), "ada").await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    client.append(&room, &entry(0, b"said")).await;
    let stats = json(&relay, &["stats"]);
    for (name, count) in [("accounts", 1), ("sessions", 1), ("rooms", 1), ("entries", 1), ("epochs", 1)] {
        assert_eq!(stats[name], count, "{name}");
    }
    assert!(stats["database_bytes"].as_i64().unwrap() > 4096);
    let shown = text(&relay, &["stats"]);
    for secret in [base16(&ada.account_id()), base16(room.id.as_bytes()), "ada".to_owned()] {
        assert!(!shown.contains(&secret) && !stats.to_string().contains(&secret));
    }
}

#[test]
fn where_there_is_no_relay_it_says_so_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    let output = command.args(["admin", "stats", "--data"]).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("there is no database"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

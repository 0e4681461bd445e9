//! Copies that are made while the relay runs, and what they are worth.

use crate::process::{Program, command};
use crate::push_service::Device;
use crate::support::*;
use sotto_protocol::{Incarnation, Reply, Request, Subscribe};
use sqlx::Connection as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

async fn incarnation(relay: &Program) -> Incarnation {
    Client::connect(&relay.authority).await.welcome.incarnation
}

/// Runs a command on a folder and its database.
pub fn upkeep(data: &Path, arguments: &[&str]) -> Output {
    let mut command = command(data, "127.0.0.1:0");
    let settings: Vec<_> = command.get_args().skip(1).map(ToOwned::to_owned).collect();
    let database = command.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned()));
    let database: Vec<_> = database.collect();
    command = std::process::Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    command.args(arguments).args(settings).envs(database).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// Puts a copy into a folder and a database that are not there yet: the address of the one, where a server keeps it.
pub fn restore(copy: &Path, back: &Path) -> Option<String> {
    let elsewhere = tempfile::tempdir().unwrap();
    let url = database_url(elsewhere.path());
    let _ = std::fs::remove_file(copy.join("test-database"));
    let mut restore = std::process::Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    restore.arg("restore").arg(copy).arg("--data").arg(back);
    if let Some(url) = &url {
        restore.env("SOTTO_RELAY_DATABASE", url);
    }
    let restored = restore.output().unwrap();
    assert!(restored.status.success(), "{}", text(&restored));
    if let Some(url) = &url {
        std::fs::write(back.join("test-database"), url).unwrap();
    }
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_running_relay_is_whole_and_comes_back_as_another_life() {
    let folders = tempfile::tempdir().unwrap();
    let [data, copy, back] = ["data", "copy", "back"].map(|name| folders.path().join(name));
    let push = ["--push-contact", "mailto:ops@example.org", "--push-hosts", "any"];
    let relay = Program::start_with(&data, &push, Stdio::null());
    let mut room = Room::new();
    let mut client = Client::connect(&relay.authority).await;
    client.create(&room).await;
    client.open(&room).await;
    for index in 0..50_u8 {
        client.append(&room, &entry(0, &[index; 100])).await;
    }
    client.commit(&mut room, &[]).await;
    let log = client.whole_log(&room).await;
    let device = Device::of("https://push.invalid/x".to_owned());
    let subscribe = Subscribe { room: room.id, subscription: device.subscription(1) };
    assert_eq!(client.ask(Request::Subscribe(subscribe)).await, Reply::Done);

    let made = upkeep(&data, &["backup", copy.to_str().unwrap()]);
    assert!(made.status.success(), "{}", text(&made));
    client.append(&room, &entry(1, b"after the copy")).await;
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(&copy).unwrap() {
        let metadata = file.unwrap().metadata().unwrap();
        let mode = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.permissions().mode() & 0o777, mode);
    }
    let again = upkeep(&data, &["backup", copy.to_str().unwrap()]);
    assert!(!again.status.success() && text(&again).contains("is there already"), "{}", text(&again));

    let occupied = upkeep(&data, &["restore", copy.to_str().unwrap()]);
    assert!(
        !occupied.status.success() && text(&occupied).contains("is there already"),
        "{}",
        text(&occupied)
    );
    // The database of the restored relay is another one, where a server keeps it.
    let url = restore(&copy, &back);

    let file = format!("sqlite://{}", back.join("relay.db").display());
    sqlx::any::install_default_drivers();
    let mut database = sqlx::AnyConnection::connect(&url.unwrap_or(file)).await.unwrap();
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM push_subscriptions").fetch_one(&mut database).await.unwrap();
    assert_eq!(count, 0, "the copy may have forgotten a cut");
    database.close().await.unwrap();

    let second = Program::start(&back);
    assert_ne!(incarnation(&second).await, incarnation(&relay).await);
    let mut client = Client::connect(&second.authority).await;
    client.open(&room).await;
    assert_eq!(client.whole_log(&room).await, log, "as it was at the copy's moment");
    client.append(&room, &entry(1, b"and on")).await;
}

#[test]
fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let folders = tempfile::tempdir().unwrap();
    let data = folders.path().join("data");
    let well = upkeep(&data, &["doctor"]);
    assert!(text(&well).contains("ok    database"), "{}", text(&well));
    assert!(upkeep(&data, &["migrate"]).status.success());
    assert!(text(&upkeep(&data, &["doctor"])).contains("of this version"));
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let open = upkeep(&data, &["doctor"]);
    assert!(!open.status.success() && text(&open).contains("chmod 700"), "{}", text(&open));
}

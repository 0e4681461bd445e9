//! Copies that are made while the relay runs, and what they are worth.

use crate::blob_client::Blob;
use crate::http::{exchange, status};
use crate::process::{Program, command};
use crate::push_service::Device;
use crate::support::*;
use sotto_protocol::{Incarnation, Reply, Request, Subscribe};
use sqlx::Connection as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};

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

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// Makes a copy of a relay that may be running.
pub fn back_up(data: &Path, copy: &Path) {
    let made = upkeep(data, &["backup", copy.to_str().unwrap()]);
    assert!(made.status.success(), "{}", text(&made));
}

/// Restores a copy into a folder and a database that are not there yet: the address of the one, where a server keeps it.
pub fn restore(copy: &Path, back: &Path) -> Option<String> {
    let (restored, url) = try_restore(copy, back, &[]);
    assert!(restored.status.success(), "{}", text(&restored));
    if let Some(url) = &url {
        std::fs::write(back.join("test-database"), url).unwrap();
    }
    url
}

/// The same, where it may fail.
pub fn try_restore(copy: &Path, back: &Path, more: &[&str]) -> (Output, Option<String>) {
    let elsewhere = tempfile::tempdir().unwrap();
    let url = database_url(elsewhere.path());
    let mut restore = std::process::Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    restore.arg("restore").arg(copy).arg("--data").arg(back).args(more);
    if let Some(url) = &url {
        restore.env("SOTTO_RELAY_DATABASE", url);
    }
    (restore.output().unwrap(), url)
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

    back_up(&data, &copy);
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

/// Somebody who writes until it is over: what was acknowledged, in order.
async fn write_on(
    authority: String,
    room: Room,
    is_over: Arc<AtomicBool>,
    counted: Arc<AtomicU64>,
) -> Vec<Vec<u8>> {
    let mut client = Client::connect(&authority).await;
    client.create(&room).await;
    client.open(&room).await;
    let mut acknowledged = Vec::new();
    while !is_over.load(Ordering::Acquire) {
        let entry = entry(0, &random::<300>());
        let read_seq = acknowledged.len() as u64;
        let seq = appended(client.ask(append_after(&room, read_seq, &entry)).await);
        assert_eq!(seq, read_seq + 1);
        acknowledged.push(entry);
        counted.store(acknowledged.len() as u64, Ordering::Release);
    }
    acknowledged
}

/// Somebody who keeps sealed files until it is over: what they are, in order.
async fn upload_on(
    authority: String,
    is_over: Arc<AtomicBool>,
    counted: Arc<AtomicU64>,
) -> Vec<(Blob, Vec<u8>)> {
    let mut uploaded = Vec::new();
    while !is_over.load(Ordering::Acquire) {
        let (blob, bytes) = (Blob::new(&authority), random::<3000>().to_vec());
        blob.upload(&bytes).await;
        uploaded.push((blob, bytes));
        counted.store(uploaded.len() as u64, Ordering::Release);
    }
    uploaded
}

/// A copy is of one moment, however much is written meanwhile: whatever was acknowledged before it began is in it, and of what
/// came while it was made there is nothing that has not all before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_made_under_load_is_of_one_moment() {
    const WRITERS: usize = 4;
    let folders = tempfile::tempdir().unwrap();
    let [data, copy, back] = ["data", "copy", "back"].map(|name| folders.path().join(name));
    let relay = Program::start(&data);
    let is_over = Arc::new(AtomicBool::new(false));
    let rooms: Vec<_> = (0..WRITERS).map(|_| Room::new()).collect();
    let counts: Vec<_> = (0..=WRITERS).map(|_| Arc::new(AtomicU64::new(0))).collect();
    let writers: Vec<_> = rooms
        .iter()
        .zip(&counts)
        .map(|(room, counted)| {
            let (authority, is_over) = (relay.authority.clone(), Arc::clone(&is_over));
            tokio::spawn(write_on(authority, room.clone(), is_over, Arc::clone(counted)))
        })
        .collect();
    let uploader =
        tokio::spawn(upload_on(relay.authority.clone(), Arc::clone(&is_over), Arc::clone(&counts[WRITERS])));
    let counted = || counts.iter().map(|count| count.load(Ordering::Acquire)).collect::<Vec<_>>();
    let deadline = Instant::now() + PATIENCE;
    while counted().iter().any(|count| *count < 20) {
        assert!(Instant::now() < deadline, "{:?}", counted());
        sleep(Duration::from_millis(10)).await;
    }
    let before = counted();
    block_in_place(|| back_up(&data, &copy));
    let after = counted();
    is_over.store(true, Ordering::Release);
    // On a busy machine one writer or another may stand still for as long as that.
    assert!(before.iter().zip(&after).any(|(before, after)| before < after), "nothing was written meanwhile");

    let mut journals = Vec::new();
    for writer in writers {
        journals.push(writer.await.unwrap());
    }
    let uploaded = uploader.await.unwrap();
    drop(relay);
    restore(&copy, &back);
    let relay = Program::start(&back);
    let mut client = Client::connect(&relay.authority).await;
    for ((room, journal), (before, after)) in rooms.iter().zip(&journals).zip(before.iter().zip(&after)) {
        client.open(room).await;
        let log = client.whole_log(room).await;
        // One more may have been stored, and not acknowledged yet.
        let is_of_its_time = (*before..=after + 1).contains(&(log.len() as u64));
        assert!(is_of_its_time, "{before} before, {after} after, {} in the copy", log.len());
        assert!(log.iter().zip(journal).all(|(read, written)| read.entry == *written));
        assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>());
    }
    for (index, (blob, bytes)) in uploaded.into_iter().enumerate() {
        let read = Blob { authority: relay.authority.clone(), ..blob }.read().await;
        if read.status == 200 {
            assert!(read.body == bytes, "another file");
        } else {
            assert_eq!(read.status, 404, "{read:?}");
            assert!(index as u64 >= before[WRITERS], "a file is lost that was there before");
        }
    }
}

#[test]
fn a_database_of_a_newer_version_is_not_touched() {
    let data = tempfile::tempdir().unwrap();
    drop(Program::start(data.path()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'later', TRUE, ''::bytea, 0)";
    let later = if is_on_postgres() { later.to_owned() } else { later.replace("''::bytea", "x'00'") };
    runtime.block_on(async {
        let mut database = database_in(data.path()).await;
        sqlx::query(sqlx::AssertSqlSafe(later)).execute(&mut database).await.unwrap();
    });
    let output = command(data.path(), "127.0.0.1:0").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output);
    assert!(message.contains("newer version") && message.contains("help: update sotto-relay"), "{message}");
}

#[tokio::test]
async fn a_proxy_that_is_not_named_is_told_once_and_the_doctor_knows_of_it() {
    let folders = tempfile::tempdir().unwrap();
    let (data, log) = (folders.path().join("data"), folders.path().join("log"));
    let doctor = || text(&upkeep(&data, &["doctor"]));
    let start =
        |more: &[&str]| Program::start_with(&data, more, Stdio::from(std::fs::File::create(&log).unwrap()));
    let ask = async |program: &Program| {
        let request =
            "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-forwarded-for: 192.0.2.9\r\n\r\n";
        assert_eq!(status(&exchange(&program.authority, request).await), 200);
    };
    let program = start(&["--trusted-proxies", "127.0.0.1"]);
    ask(&program).await;
    assert!(doctor().contains("ok    proxies"), "{}", doctor());
    drop(program);
    let program = start(&[]);
    for _ in 0..3 {
        ask(&program).await;
    }
    sleep(Duration::from_millis(200)).await;
    assert!(
        doctor().contains("BAD   proxies: requests came through a proxy that is not named"),
        "{}",
        doctor()
    );
    let said = std::fs::read_to_string(&log).unwrap();
    assert_eq!(said.matches("a proxy that is not named").count(), 1, "{said}");
    assert!(!said.contains("192.0.2.9") && !said.contains("127.0.0.1"), "{said}");
    drop(program);
    drop(start(&[]));
    assert!(doctor().contains("ok    proxies"), "{}", doctor());
}

#[test]
fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let folders = tempfile::tempdir().unwrap();
    let data = folders.path().join("data");
    let well = upkeep(&data, &["doctor"]);
    assert!(text(&well).contains("ok    database"), "{}", text(&well));
    assert!(upkeep(&data, &["migrate"]).status.success());
    assert!(text(&upkeep(&data, &["doctor"])).contains("of this version"));
    let away = ["doctor", "--database", "postgres://nobody:hunter2@127.0.0.1:1/none"];
    let away = upkeep(&data, &away);
    let is_told =
        text(&away).contains("BAD   database") && text(&away).contains("help: check that the database");
    assert!(!away.status.success() && is_told && !text(&away).contains("hunter2"), "{}", text(&away));
    if is_on_postgres() {
        let silent = upkeep(&data, &["doctor", "--nats", "nats://127.0.0.1:1"]);
        let is_told = text(&silent).contains("BAD   other relays: the NATS server does not answer");
        assert!(!silent.status.success() && is_told, "{}", text(&silent));
    }
    let twice = upkeep(&data, &["doctor", "--blobs-endpoint", "http://127.0.0.1:1"]);
    assert!(!twice.status.success() && text(&twice).contains("BAD   blobs_endpoint"), "{}", text(&twice));
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let open = upkeep(&data, &["doctor"]);
    assert!(!open.status.success() && text(&open).contains("chmod 700"), "{}", text(&open));
}

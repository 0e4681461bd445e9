//! What an operator sees of a running relay: whether it is well, what it counts, what it serves.

use crate::process::Program;
use crate::support::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn ask(authority: &str, method: &str, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

async fn get(authority: &str, path: &str) -> (u16, String) {
    let (status, _, body) = ask(authority, "GET", path).await;
    (status, body)
}

#[tokio::test]
async fn a_relay_is_alive_and_ready_and_says_so_to_no_cache() {
    let relay = TestRelay::start().await;
    let authority = relay.authority();
    assert_eq!(get(&authority, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(get(&authority, "/readyz").await, (200, "ready\n".to_owned()));
    let (_, head, _) = ask(&authority, "GET", "/readyz").await;
    assert!(head.contains("cache-control: no-store"), "{head}");
}

#[tokio::test]
async fn a_relay_whose_schema_is_not_its_own_is_alive_and_not_ready() {
    let relay = TestRelay::start().await;
    let authority = relay.authority();
    let mut database = relay.database().await;
    let rename = "ALTER TABLE _sqlx_migrations RENAME TO away";
    sqlx::query(rename).execute(&mut database).await.unwrap();
    assert_eq!(get(&authority, "/readyz").await, (503, "the database does not answer\n".to_owned()));
    assert_eq!(get(&authority, "/healthz").await.0, 200);
    sqlx::query("ALTER TABLE away RENAME TO _sqlx_migrations").execute(&mut database).await.unwrap();
    let forget = "DELETE FROM _sqlx_migrations WHERE version = 1";
    sqlx::query(forget).execute(&mut database).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    let (status, why) = get(&authority, "/readyz").await;
    assert_eq!((status, why.as_str()), (503, "the database is of another version of the relay\n"));
}

#[tokio::test]
async fn people_who_use_a_relay_find_its_license_and_its_source() {
    let about = async |source: Option<&str>| {
        let source = source.map(|url| url.parse().unwrap());
        let relay = TestRelay::start_with(|config| config.source = source).await;
        let (status, head, body) = ask(&relay.authority(), "GET", "/v1/about").await;
        assert!(status == 200 && head.contains("content-type: application/json"), "{status} {head}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let expected = |source: Value| json!({ "version": env!("CARGO_PKG_VERSION"), "license": "AGPL-3.0-or-later", "source": source });
    assert_eq!(about(None).await, expected(Value::Null), "there is nothing to say");
    let url = "https://code.example.org/our-relay";
    assert_eq!(about(Some(url)).await, expected(url.into()));
}

#[tokio::test]
async fn metrics_are_told_elsewhere_and_name_nobody() {
    let listen = Some("127.0.0.1:0".parse().unwrap());
    let relay = TestRelay::start_with(|config| config.metrics = listen).await;
    let authority = relay.authority();
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    client.append(&room, &entry(0, b"counted")).await;
    client.refusal_code(append(&room, b"")).await;
    get(&authority, "/readyz").await;

    assert_ne!(get(&authority, "/metrics").await.0, 200, "not for everybody");
    let at = relay.running.metrics_addr().unwrap().to_string();
    assert_eq!(get(&at, "/healthz").await.0, 404, "nothing else is there");
    let (status, page) = get(&at, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "sotto_ready 1",
        "sotto_connections 1",
        "sotto_rooms_followed 1",
        "sotto_room_requests_total{request=\"append\",outcome=\"ok\"} 1",
        "sotto_room_requests_total{request=\"append\",outcome=\"bad_entry\"} 1",
        "sotto_http_requests_total{route=\"/readyz\",outcome=\"ok\"} 1",
        "sotto_entries_committed_total 1",
    ] {
        assert!(page.lines().any(|known| known == line), "{line} is not in\n{page}");
    }
    let bytes = page.lines().find_map(|line| line.strip_prefix("sotto_database_bytes "));
    assert!(bytes.unwrap().parse::<u64>().unwrap() > 4096, "{page}");
    let names: BTreeSet<_> = labels(&page).map(|(name, _)| name).collect();
    assert!(
        names.iter().all(|name| ["le", "outcome", "request", "route", "version"].contains(&name.as_str()))
    );
    for (name, value) in labels(&page).filter(|(name, _)| name != "le" && name != "version") {
        let is_fixed =
            value.chars().all(|character| character.is_ascii_lowercase() || "/_{}.".contains(character));
        assert!(is_fixed || value.starts_with("/v1/"), "{name}={value}");
    }
    let id: String = room.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    for secret in [id.as_str(), "127.0.0.1", &authority] {
        assert!(!page.contains(secret), "{secret} is in\n{page}");
    }
}

/// Names and values of all labels.
fn labels(page: &str) -> impl Iterator<Item = (String, String)> {
    let braces = page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('{'));
    let labels =
        braces.filter_map(|(_, rest)| rest.rsplit_once('}')).flat_map(|(labels, _)| labels.split(','));
    labels.filter_map(|label| {
        let (name, value) = label.split_once('=')?;
        Some((name.to_owned(), value.trim_matches('"').to_owned()))
    })
}

#[tokio::test]
async fn what_is_served_is_described_and_what_is_described_is_served() {
    const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let relay = TestRelay::start().await;
    let authority = relay.authority();
    let document: Value = serde_json::from_str(&get(&authority, "/openapi.json").await.1).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for needed in
        ["/healthz", "/readyz", "/openapi.json", "/v1/about", "/v1/rooms", "/v1/account/login/start"]
    {
        assert!(paths.contains_key(needed), "{needed} is not in {:?}", paths.keys());
    }
    for (path, described) in paths {
        let place = path.replace("{id}", &"0".repeat(32));
        for method in METHODS {
            let (status, ..) = ask(&authority, method, &place).await;
            let is_described = described.get(method.to_ascii_lowercase()).is_some();
            assert_eq!(status != 405, is_described, "{method} {path}: {status}");
        }
    }
}

/// Routes are made in one place, which wants each described.
#[test]
fn no_route_is_made_without_its_description() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![sources.clone()];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path != sources.join("http/routes.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for making in [".route(", ".route_service(", ".nest("] {
                    assert!(!text.contains(making), "{}: {making} goes through `Routes`", path.display());
                }
            }
        }
    }
}

#[tokio::test]
async fn the_program_tells_metrics_where_it_is_told_to() {
    let data = tempfile::tempdir().unwrap();
    let free = format!("127.0.0.1:{}", sotto_test_services::lasting_port().unwrap());
    let program = Program::start_with(data.path(), &["--metrics", &free], Stdio::null());
    let (status, page) = get(&free, "/metrics").await;
    assert!(status == 200 && page.contains("process_resident_memory_bytes"), "{page}");
    assert_eq!(get(&program.authority, "/readyz").await.0, 200);
}

#[tokio::test]
async fn who_says_nothing_where_metrics_are_told_is_hung_up_on() {
    let listen = Some("127.0.0.1:0".parse().unwrap());
    let relay = TestRelay::start_with(|config| {
        config.metrics = listen;
        config.tuning.header_timeout = std::time::Duration::from_millis(300);
    })
    .await;
    let at = relay.running.metrics_addr().unwrap().to_string();
    for sent in ["", "GET /metrics HTTP/1.1\r\nhost: x\r\n"] {
        let mut silent = TcpStream::connect(&at).await.unwrap();
        silent.write_all(sent.as_bytes()).await.unwrap();
        let ended = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "{sent:?} is waited for");
    }
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(TcpStream::connect(&at).await.unwrap());
    }
    drop(held);
    let deadline = std::time::Instant::now() + PATIENCE;
    while get(&at, "/metrics").await.0 != 200 {
        assert!(std::time::Instant::now() < deadline, "who watches finds no place any more");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

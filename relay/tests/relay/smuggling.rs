//! Requests that two programs might read differently: through a real nginx with the settings that we ship, and straight.

use crate::http::{connect_from, exchange, read_all, status, upgrade_request};
use crate::support::*;
use sotto_protocol::account::{Call as _, StartRecovery};
use sotto_protocol::encode;
use sotto_relay::{Config, Rate};
use sotto_test_services::Nginx;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The relay behind nginx.
struct Proxied {
    relay: TestRelay,
    nginx: Nginx,
}

impl Proxied {
    async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let relay = TestRelay::start_with(change).await;
        let upstream = relay.authority();
        let nginx = Nginx::start(|port| {
            let shipped = include_str!("../../../deploy/nginx.conf");
            let mut settings = String::new();
            let (mut listens, mut passes) = (0, 0);
            for line in shipped.lines() {
                match line.trim() {
                    "listen 443 ssl;" => {
                        listens += 1;
                        settings.push_str(&format!("listen 127.0.0.1:{port};"));
                    }
                    "proxy_pass http://127.0.0.1:8080;" => {
                        passes += 1;
                        settings.push_str(&format!("proxy_pass http://{upstream};"));
                    }
                    // The tests speak in the clear.
                    tls if tls.starts_with("ssl_") || tls.starts_with("add_header Strict") => {}
                    other => settings.push_str(other),
                }
                settings.push('\n');
            }
            assert_eq!((listens, passes), (1, 1), "deploy/nginx.conf is not what it was");
            settings
        })
        .unwrap();
        Self { relay, nginx }
    }
}

fn recovery(headers: &str, host: &str) -> String {
    let body = String::from_utf8_lossy(&encode(&StartRecovery {})).into_owned();
    // An empty map: one byte, which is no UTF-8; it is put in by whoever sends.
    assert_eq!(body.chars().count(), 1);
    format!(
        "POST {} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/cbor\r\n{headers}\r\n",
        StartRecovery::PATH
    )
}

#[tokio::test]
async fn rooms_work_through_nginx() {
    let proxied = Proxied::start_with(|_| {}).await;
    let mut client = Client::connect(&proxied.nginx.authority()).await;
    let (mut room, door) = (Room::new(), sotto_protocol::DoorId::new(random()));
    client.create(&room).await;
    client.open(&room).await;
    client.commit(&mut room, &[door]).await;
    let mut large = room.commit(&[]);
    large.card = vec![7; 4 * 1024 * 1024];
    client.send_commit(&mut room, large).await;
    assert_eq!(client.append(&room, &entry(2, b"through it")).await, 3);
    assert_eq!(client.pushed_entry().await.1.seq, 1);
}

#[tokio::test]
async fn a_request_with_two_lengths_is_one_request_or_none() {
    let proxied = Proxied::start_with(|_| {}).await;
    let inner = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let chunked = format!("0\r\n\r\n{inner}");
    let (length, inner_length) = (chunked.len(), inner.len());
    for (what, headers, body) in [
        ("two lengths", format!("content-length: 0\r\ncontent-length: {inner_length}\r\n"), inner),
        (
            "the same length twice",
            format!("content-length: {inner_length}\r\ncontent-length: {inner_length}\r\n"),
            inner,
        ),
        ("a list of lengths", format!("content-length: 0, {inner_length}\r\n"), inner),
        ("a signed length", format!("content-length: +{inner_length}\r\n"), inner),
        ("a length in hex", format!("content-length: 0x{inner_length:x}\r\n"), inner),
        ("a negative length", "content-length: -1\r\n".to_owned(), inner),
        (
            "length and chunks",
            format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
            &chunked,
        ),
        (
            "chunks and length",
            format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
            &chunked,
        ),
        (
            "a blank before the colon",
            format!("content-length: {length}\r\ntransfer-encoding : chunked\r\n"),
            &chunked,
        ),
        ("another coding", format!("content-length: {length}\r\ntransfer-encoding: xchunked\r\n"), &chunked),
        (
            "two codings",
            format!("content-length: {length}\r\ntransfer-encoding: chunked, identity\r\n"),
            &chunked,
        ),
        (
            "a coding twice",
            "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n".to_owned(),
            &chunked,
        ),
        ("a tab", format!("content-length: {length}\r\ntransfer-encoding:\tchunked\r\n"), &chunked),
        ("a form feed", format!("content-length: {length}\r\ntransfer-encoding: \u{b}chunked\r\n"), &chunked),
        (
            "a folded header",
            format!("content-length: {length}\r\nx-a: b\r\n transfer-encoding: chunked\r\n"),
            &chunked,
        ),
        (
            "a bare line feed",
            format!("content-length: {length}\r\nx-a: b\ntransfer-encoding: chunked\r\n"),
            &chunked,
        ),
        (
            "a bare carriage return",
            format!("content-length: {length}\r\nx-a: b\rtransfer-encoding: chunked\r\n"),
            &chunked,
        ),
        ("a nought", format!("content-length: {length}\r\nx-a: b\0\r\n"), &chunked),
        ("an overlong chunk", "transfer-encoding: chunked\r\n".to_owned(), "fffffffffffffffff\r\n"),
        ("a chunk that lies", "transfer-encoding: chunked\r\n".to_owned(), "1\r\nabc\r\n0\r\n\r\n"),
    ] {
        for (by, authority) in [("nginx", proxied.nginx.authority()), ("straight", proxied.relay.authority())]
        {
            if by == "straight" && what == "the same length twice" {
                continue; // Which nobody can read in two ways.
            }
            let request = format!("{}{body}", recovery(&headers, &authority));
            let answer = tokio::time::timeout(Duration::from_secs(10), exchange(&authority, &request)).await;
            let answer = answer.unwrap_or_else(|_| panic!("{what}, {by}: it is waited for"));
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{what}, {by}: {answer}");
            let status = status(&answer);
            // Not one that was understood, for then the connection would stay, and what follows be another request.
            assert!(matches!(status, 400 | 413 | 501), "{what}, {by}: {answer}");
        }
    }
    Client::connect(&proxied.nginx.authority()).await.create(&Room::new()).await;
}

#[tokio::test]
async fn calls_are_counted_by_the_address_that_nginx_saw() {
    let proxied =
        Proxied::start_with(|config| config.accounts.rates.calls = Rate { burst: 3, every_s: 300.0 }).await;
    let authority = proxied.nginx.authority();
    let forged = [
        "",
        "x-forwarded-for: 192.0.2.1\r\n",
        "x-forwarded-for: 192.0.2.2, 192.0.2.3\r\n",
        "X-Forwarded-For: 192.0.2.4\r\nx-forwarded-for: 192.0.2.5\r\n",
        "x_forwarded_for: 192.0.2.6\r\n",
        "forwarded: for=192.0.2.7\r\nx-real-ip: 192.0.2.7\r\n",
        "connection: close, x-forwarded-for\r\n",
    ];
    for (from, refused_after) in [("127.0.0.2", 3), ("127.0.0.3", 3)] {
        for (index, headers) in forged.iter().enumerate() {
            let mut stream = connect_from(from, &authority).await;
            let head = recovery(&format!("connection: close\r\ncontent-length: 1\r\n{headers}"), &authority);
            stream.write_all(&[head.as_bytes(), &encode(&StartRecovery {})].concat()).await.unwrap();
            let status = status(&read_all(&mut stream).await);
            let expected = if index < refused_after { 200 } else { 429 };
            assert_eq!(status, expected, "{from}: {headers:?}");
        }
    }
}

#[tokio::test]
async fn sockets_are_counted_by_the_address_that_nginx_saw() {
    let proxied = Proxied::start_with(|config| config.limits.connections_by_address = 2).await;
    let authority = proxied.nginx.authority();
    let mut open = Vec::new();
    for from in ["127.0.0.2", "127.0.0.3"] {
        for index in 0..4 {
            let mut stream = connect_from(from, &authority).await;
            let forged = format!("x-forwarded-for: 192.0.2.{index}\r\n");
            stream.write_all(upgrade_request(&authority, &forged).as_bytes()).await.unwrap();
            let mut beginning = [0; 12];
            stream.read_exact(&mut beginning).await.unwrap();
            let expected = if index < 2 { "101" } else { "503" };
            assert_eq!(&String::from_utf8_lossy(&beginning)[9..], expected, "{from} {index}");
            open.push(stream);
        }
    }
}

#[tokio::test]
async fn an_upgrade_to_something_else_opens_no_tunnel() {
    let proxied = Proxied::start_with(|_| {}).await;
    let authority = proxied.nginx.authority();
    let h2c = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
        )
    };
    let version = upgrade_request(&authority, "").replace("version: 13", "version: 777");
    let no_key = upgrade_request(&authority, "").replace("sec-websocket-key", "x-key");
    let foreign = upgrade_request(&authority, "origin: http://evil.example\r\n");
    for (what, request) in [
        ("h2c on the socket", h2c("/v1/rooms")),
        ("h2c on a page", h2c("/")),
        ("a version that is none", version),
        ("no key", no_key),
        ("a foreign page", foreign),
    ] {
        for authority in [proxied.nginx.authority(), proxied.relay.authority()] {
            let mut stream = tokio::net::TcpStream::connect(&authority).await.unwrap();
            // What would go through a tunnel is no request for nginx, which says so in its own words.
            let through = "GET /healthz NOTHTTP\r\n\r\n";
            stream.write_all(format!("{request}{through}").as_bytes()).await.unwrap();
            let answer = read_all(&mut stream).await;
            assert!((400..=426).contains(&status(&answer)) || status(&answer) == 200, "{what}: {answer}");
            assert!(!answer.contains("HTTP/1.1 101") && !answer.contains("\r\n\r\nok\n"), "{what}: {answer}");
            assert!(!answer.to_ascii_lowercase().contains("\r\nupgrade: h2c"), "{what}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_request_has_one_host_and_a_page_one_origin() {
    let quick = |config: &mut Config| config.tuning.header_timeout = Duration::from_millis(300);
    let proxied = Proxied::start_with(quick).await;
    let straight = proxied.relay.authority();
    for (by, authority) in [("nginx", proxied.nginx.authority()), ("straight", straight.clone())] {
        let good = upgrade_request(&authority, "");
        let host = format!("host: {authority}\r\n");
        let absolute = good.replace("GET /v1/rooms", "GET http://evil.example/v1/rooms");
        for (what, request) in [
            ("two hosts", good.replace(&host, &format!("{host}host: evil.example\r\n"))),
            ("the same host twice", good.replace(&host, &format!("{host}{host}"))),
            ("no host", good.replace(&host, "")),
            ("an empty host", good.replace(&host, "host: \r\n")),
            ("another host in the request line", absolute),
        ] {
            if by == "nginx" && what == "another host in the request line" {
                // It goes on as the path alone; what is signed is the header, which the client chose.
                continue;
            }
            let answer = exchange(&authority, &request).await;
            assert_eq!(status(&answer), 400, "{what}, {by}: {answer}");
        }
        for origin in [
            "http://evil.example",
            "null",
            "",
            &format!("http://{authority}.evil.example"),
            &format!("http://evil.example/{authority}"),
            &format!("http://{authority}@evil.example"),
            &format!("http://evil.example@{authority}"),
            &format!("file://{authority}"),
            authority.as_str(),
            &format!("http://{authority}/"),
            &format!("http://{authority}\r\norigin: http://evil.example"),
            &format!("http://evil.example\r\norigin: http://{authority}"),
            "http://127.0.0.1",
            "http://localhost",
        ] {
            let request = upgrade_request(&authority, &format!("origin: {origin}\r\nconnection: close\r\n"));
            let answer = exchange(&authority, &request).await;
            assert_eq!(status(&answer), 403, "{origin:?}, {by}: {answer}");
        }
        for origin in [format!("http://{authority}"), format!("https://{}", authority.to_uppercase())] {
            assert!(Client::try_connect(&authority, &[("origin", &origin)]).await.is_ok(), "{origin} {by}");
        }
    }
}

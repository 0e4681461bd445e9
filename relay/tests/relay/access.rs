//! Opening rooms: who can, and what a signature is good for.

use crate::http::{status, upgrade_request};
use crate::support::*;
use sotto_protocol::{
    Direction, ErrorCode, OpenRoom, PageRequest, Reply, Request, RoomAccess, WireError, limits,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_room_opens_only_to_its_key_on_this_connection() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let mut room = Room::new();
    client.create(&room).await;
    room.commit(&[]); // Never sent: the relay does not know epoch 1.
    let other = relay.connect().await;
    let elsewhere = Client::try_connect(&relay.authority(), &[("host", "other.example")]).await.unwrap();
    let stranger = Room { id: room.id, ..Room::new() };
    let open = |room: &Room, epoch, signature| Request::Open(OpenRoom { room: room.id, epoch, signature });

    for (what, request, expected) in [
        ("another key", open(&room, 0, stranger.open_signature(&client, 0)), ErrorCode::BadSignature),
        ("another challenge", open(&room, 0, room.open_signature(&other, 0)), ErrorCode::BadSignature),
        ("another relay", open(&room, 0, room.open_signature(&elsewhere, 0)), ErrorCode::BadSignature),
        ("a future epoch", open(&room, 1, room.open_signature(&client, 1)), ErrorCode::BadSignature),
        ("no epoch at all", open(&room, u64::MAX, [0; 64]), ErrorCode::BadSignature),
        ("no such room", open(&Room::new(), 0, [0; 64]), ErrorCode::UnknownRoom),
        ("not opened yet", append(&room, &entry(0, b"")), ErrorCode::RoomNotOpen),
        (
            "not opened yet",
            Request::Page(PageRequest {
                room: room.id,
                from: 0,
                direction: Direction::Forward,
                limit: 1,
                handshakes_only: false,
            }),
            ErrorCode::RoomNotOpen,
        ),
    ] {
        assert_eq!(client.refusal_code(request).await, expected, "{what}");
    }
    assert_eq!(client.open_at(&room, 0).await.access, RoomAccess::Full);
}

#[tokio::test]
async fn the_name_in_the_request_is_what_is_signed() {
    let relay = TestRelay::start().await;
    let host = ("host", "Chat.Example:443");
    let mut client = Client::try_connect(&relay.authority(), &[host]).await.unwrap();
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
}

#[tokio::test]
async fn a_connection_opens_so_many_rooms() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    for _ in 0..limits::OPEN_ROOMS_PER_CONNECTION_MAX {
        let room = Room::new();
        client.create(&room).await;
        client.open(&room).await;
    }
    let one_more = Room::new();
    client.create(&one_more).await;
    let limit = limits::OPEN_ROOMS_PER_CONNECTION_MAX as u64;
    let expected = Reply::Error(WireError::with_limit(ErrorCode::LimitExceeded, limit));
    assert_eq!(client.try_open(&one_more, 0).await, expected);
}

#[tokio::test]
async fn whoever_comes_by_another_name_is_sent_away() {
    let names = ["Chat.example", "chat.example:8443"].map(|name| name.parse().unwrap());
    let relay = TestRelay::start_with(|config| config.names = names.to_vec()).await;
    let authority = relay.authority();
    let status_of = async |request: String| {
        let mut stream = TcpStream::connect(&authority).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut beginning = [0; "HTTP/1.1 200".len()];
        stream.read_exact(&mut beginning).await.unwrap();
        status(std::str::from_utf8(&beginning).unwrap())
    };
    for (host, is_named) in [
        ("chat.example", true),
        ("CHAT.EXAMPLE:8443", true),
        ("chat.example:80", false),
        ("evil.example", false),
        ("chat.example.evil.example", false),
        (authority.as_str(), false),
    ] {
        let expected = |good: u16| if is_named { good } else { 421 };
        assert_eq!(status_of(upgrade_request(host, "")).await, expected(101), "{host}");
        let get = |path| format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        assert_eq!(status_of(get("/openapi.json")).await, expected(200), "{host}");
        assert_eq!(status_of(get("/v1/blobs/AAAAAAAAAAAAAAAAAAAAAA")).await, expected(404), "{host}");
        assert_eq!(status_of(get("/healthz")).await, 200, "whoever keeps watch knows no name");
    }
    let twice =
        "GET /openapi.json HTTP/1.1\r\nhost: chat.example\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    assert!(matches!(status_of(twice.to_owned()).await, 400 | 421));
}

#[tokio::test]
async fn a_page_of_another_site_cannot_connect() {
    let relay = TestRelay::start().await;
    let authority = relay.authority();
    let own = format!("http://{authority}");
    assert!(Client::try_connect(&authority, &[("origin", &own)]).await.is_ok());
    for origin in ["http://evil.example", "null"] {
        match Client::try_connect(&authority, &[("origin", origin)]).await.err() {
            Some(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                assert_eq!(response.status(), 403);
                let body = String::from_utf8(response.into_body().unwrap()).unwrap();
                assert!(body.contains("another site"), "{body}");
            }
            other => panic!("{other:?}"),
        }
    }
}

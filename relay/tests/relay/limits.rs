//! What one address, and one connection, may do: accepted up to the limit, refused past it with what to do, and nobody else is
//! touched. Other addresses are played by a proxy's header: a proxy on this machine is named.

use crate::http::{exchange, status, upgrade_request};
use crate::support::*;
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_protocol::{
    ClientFrame, DoorId, ErrorCode, OpenRoom, RelayFrame, Reply, Request, WireError, encode,
};
use sotto_relay::{Config, Limits, Rate};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{self, Message};

async fn from(relay: &TestRelay, address: &str) -> Client {
    Client::try_connect(&relay.authority(), &[("x-forwarded-for", address)]).await.unwrap()
}

/// So many at once, and another one in 300 s.
fn few(burst: u32) -> Rate {
    Rate { burst, every_s: 300.0 }
}

fn assert_slow_down(error: &WireError, what: &str) {
    assert_eq!(error.code, ErrorCode::SlowDown, "{what}");
    let wait_ms = error.retry_after_ms.unwrap();
    assert!((200_000..=300_001).contains(&wait_ms), "{what}: {wait_ms}");
}

#[tokio::test]
async fn what_an_address_does_is_counted_over_its_connections_and_not_over_others() {
    let relay = TestRelay::start_with(|config| {
        let limits = Limits { rooms: few(2), opens: few(3), cards: few(2), joins: few(1), ..config.limits };
        config.limits = limits;
    })
    .await;
    let (mut one, mut other) = (from(&relay, "192.0.2.1").await, from(&relay, "192.0.2.1").await);
    let mut neighbour = from(&relay, "192.0.2.2").await;
    let (mut room, door) = (Room::new(), DoorId::new(random()));
    one.create(&room).await;
    other.create(&Room::new()).await;
    assert_slow_down(&one.refusal(Request::Create(Room::new().creation())).await, "a third room");
    neighbour.create(&Room::new()).await;

    one.open(&room).await;
    one.commit(&mut room, &[door]).await; // Opens it again.
    other.open(&room).await;
    let signature = room.open_signature(&one, 1);
    let open = Request::Open(OpenRoom { room: room.id, epoch: 1, signature });
    assert_slow_down(&one.refusal(open).await, "a fourth opening");
    neighbour.open(&room).await;
    assert_eq!(one.append(&room, &entry(1, b"what is open stays open")).await, 2);

    for client in [&mut one, &mut other] {
        assert!(matches!(client.card(&room, door).await, Reply::Card(_)));
    }
    match other.card(&room, door).await {
        Reply::Error(error) => assert_slow_down(&error, "a third card"),
        reply => panic!("{reply:?}"),
    }
    assert!(matches!(neighbour.card(&room, door).await, Reply::Card(_)));

    let join = |client: &Client, epoch| {
        let mut commit = room.clone().commit(&[door]);
        room.join(client, epoch, door, &mut commit);
        Request::AppendHandshake(commit)
    };
    assert!(matches!(other.ask(join(&other, 1)).await, Reply::Appended(_)));
    let again = join(&one, 1);
    assert_slow_down(&one.refusal(again).await, "a second join");
    let late = join(&neighbour, 1);
    assert_eq!(neighbour.refusal_code(late).await, ErrorCode::BadSignature, "judged, and not counted out");
}

/// A school class comes in by one link from one address, at one moment, and everybody loses as many races as can be lost: each time all
/// who are not in yet have looked at the card and sent a join when one of them wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_people_join_by_one_link_from_one_address_at_once() {
    const PEOPLE: usize = 60;
    let relay = TestRelay::start_with(|config| config.limits = Limits::default()).await;
    let (mut room, door) = (Room::new(), DoorId::new(random()));
    let mut host = from(&relay, "192.0.2.9").await;
    host.create(&room).await;
    host.open(&room).await;
    host.commit(&mut room, &[door]).await;
    let mut outside = Vec::new();
    for _ in 0..PEOPLE {
        outside.push(from(&relay, "192.0.2.1").await);
    }
    while !outside.is_empty() {
        for client in &mut outside {
            let card = client.card(&room, door).await;
            assert!(matches!(card, Reply::Card(_)), "{card:?}");
        }
        let epoch = room.epoch();
        let mut next = None;
        for client in outside.iter_mut().rev() {
            let mut as_it_was = room.clone();
            let mut commit = as_it_was.commit(&[door]);
            room.join(client, epoch, door, &mut commit);
            match client.ask(Request::AppendHandshake(commit)).await {
                Reply::Appended(seq) if next.is_none() => {
                    as_it_was.last_handshake_seq = seq;
                    next = Some(as_it_was);
                }
                // The card's join key is not the current one any more.
                reply => assert_eq!(reply, Reply::Error(ErrorCode::BadSignature.into())),
            }
        }
        outside.pop();
        room = next.unwrap();
    }
    host.open(&room).await;
}

#[tokio::test]
async fn a_network_of_ipv6_counts_as_one_address() {
    let relay = TestRelay::start_with(|config| config.limits.rooms = few(1)).await;
    from(&relay, "2001:db8::1").await.create(&Room::new()).await;
    let refused = from(&relay, "2001:db8::ffff").await.refusal(Request::Create(Room::new().creation())).await;
    assert_slow_down(&refused, "the same network");
    from(&relay, "2001:db8:0:1::1").await.create(&Room::new()).await;
}

#[tokio::test]
async fn a_connection_asks_so_often_and_then_waits() {
    let relay =
        TestRelay::start_with(|config| config.limits.requests = Rate { burst: 5, every_s: 0.2 }).await;
    let mut client = relay.connect().await;
    let room = Room::new();
    for _ in 0..5 {
        client.create(&room).await;
    }
    let begin = Instant::now();
    let refused = client.refusal(Request::Create(room.creation())).await;
    assert_eq!(refused.code, ErrorCode::SlowDown);
    tokio::time::sleep(Duration::from_millis(refused.retry_after_ms.unwrap())).await;
    client.create(&room).await;
    assert!(begin.elapsed() < Duration::from_secs(2));
    relay.connect().await.create(&room).await;
}

#[tokio::test]
async fn who_does_not_listen_is_hung_up_on() {
    let relay = TestRelay::start_with(|config| config.limits.requests = few(1)).await;
    let mut client = relay.connect().await;
    let frame = encode(&ClientFrame { request: 1, body: Request::Create(Room::new().creation()) });
    for _ in 0..1002 {
        client.socket.feed(Message::binary(frame.clone())).await.unwrap();
    }
    client.socket.flush().await.unwrap();
    assert_eq!(close_code(&mut client).await, 1008);
}

/// What is pushed to somebody who was hung up on, and who does not answer the close, is no reason to go round in circles for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_after_a_goodbye_is_not_waited_for() {
    let relay = TestRelay::start_with(|config| config.limits.requests = few(20)).await;
    let (room, mut writer) = (Room::new(), relay.connect().await);
    writer.create(&room).await;
    writer.open(&room).await;
    let mut noisy = relay.connect().await;
    noisy.open(&room).await;
    let frame = encode(&ClientFrame { request: 1, body: Request::Create(Room::new().creation()) });
    for _ in 0..1100 {
        noisy.socket.feed(Message::binary(frame.clone())).await.unwrap();
    }
    noisy.socket.flush().await.unwrap();
    let tungstenite_stream = noisy.socket.get_mut();
    let MaybeTlsStream::Plain(stream) = tungstenite_stream else { panic!("there is no TLS") };
    let ended = async {
        let mut bytes = [0; 16 * 1024];
        while let Ok(1..) = stream.read(&mut bytes).await {}
    };
    let writing = async {
        for _ in 0..15 {
            writer.append(&room, &entry(0, &[7; 100])).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ((), ended) = tokio::join!(writing, tokio::time::timeout(PATIENCE, ended));
    ended.expect("it is let go, though it never answers");
}

/// The code with which the relay hangs up, whatever comes before.
async fn close_code(client: &mut Client) -> u16 {
    let close = async {
        loop {
            match client.socket.next().await {
                Some(Ok(Message::Close(close))) => return u16::from(close.unwrap().code),
                Some(Ok(_)) => {}
                other => panic!("expected a close, got {other:?}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, close).await.expect("it stays open")
}

#[tokio::test]
async fn who_sends_too_much_is_read_more_slowly_and_loses_nothing() {
    const ENTRIES: u64 = 12;
    for by_address in [false, true] {
        let relay = TestRelay::start_with(|config| {
            let rate = Rate::per_second(200_000, 200_000.0);
            let limit =
                if by_address { &mut config.limits.bytes_by_address } else { &mut config.limits.bytes };
            *limit = rate;
            // A wait is no silence of the peer's.
            config.tuning.ping_after = Duration::from_millis(100);
            config.tuning.drop_after = Duration::from_millis(1500);
        })
        .await;
        let room = Room::new();
        let mut client = relay.connect().await;
        client.create(&room).await;
        client.open(&room).await;
        let begin = Instant::now();
        let mut requests = Vec::new();
        for _ in 0..ENTRIES {
            requests.push(client.send(append(&room, &entry(0, &[7; 60_000]))).await);
        }
        for (request, seq) in requests.into_iter().zip(1..) {
            assert_eq!(client.reply_to(request).await, Reply::Appended(seq));
        }
        // 720,000 bytes, of which 200,000 pass at once.
        let took = begin.elapsed();
        assert!((Duration::from_millis(2400)..Duration::from_secs(10)).contains(&took), "{took:?}");
    }
}

async fn refused_upgrade(relay: &TestRelay, address: &str) -> (u16, String, String) {
    match Client::try_connect(&relay.authority(), &[("x-forwarded-for", address)]).await.err() {
        Some(tungstenite::Error::Http(response)) => {
            let retry = response.headers()["retry-after"].to_str().unwrap().to_owned();
            let status = response.status().as_u16();
            (status, retry, String::from_utf8(response.into_body().unwrap()).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections_through_a_proxy() {
    let relay = TestRelay::start_with(|config| config.limits.connections_by_address = 3).await;
    let mut connected = Vec::new();
    for _ in 0..3 {
        connected.push(from(&relay, "192.0.2.1").await);
    }
    let (status, retry_after, words) = refused_upgrade(&relay, "192.0.2.1").await;
    assert_eq!((status, retry_after.as_str()), (503, "60"));
    assert!(words.contains("Close some"), "{words}");
    from(&relay, "192.0.2.2").await.create(&Room::new()).await;
    drop(connected.pop());
    let deadline = Instant::now() + PATIENCE;
    while Client::try_connect(&relay.authority(), &[("x-forwarded-for", "192.0.2.1")]).await.is_err() {
        assert!(Instant::now() < deadline, "a place that became free stays taken");
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections_without_one_whatever_it_does_with_them() {
    let relay = TestRelay::start_with(|config| {
        config.accounts.trusted_proxies = Vec::new();
        config.limits.connections_by_address = 3;
    })
    .await;
    let authority = relay.authority();
    let socket = relay.connect().await;
    let silent =
        [TcpStream::connect(&authority).await.unwrap(), TcpStream::connect(&authority).await.unwrap()];
    for stream in &silent {
        stream.set_nodelay(true).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    // A header that names somebody else is not believed.
    let request = upgrade_request(&authority, "x-forwarded-for: 192.0.2.9\r\n");
    let answer = exchange(&authority, &request).await;
    assert_eq!(status(&answer), 503, "{answer}");
    assert!(answer.contains("retry-after: 60") && answer.contains("Close some"), "{answer}");
    let from_elsewhere = crate::http::connect_from("127.0.0.2", &authority).await;
    let mut from_elsewhere = from_elsewhere;
    from_elsewhere.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert_eq!(status(&crate::http::read_all(&mut from_elsewhere).await), 200);
    drop(silent);
    drop(socket);
    let deadline = Instant::now() + PATIENCE;
    while Client::try_connect(&authority, &[]).await.is_err() {
        assert!(Instant::now() < deadline, "a place that became free stays taken");
    }
}

#[tokio::test]
async fn the_relay_has_so_many_connections() {
    let relay = TestRelay::start_with(|config| config.limits.connections = 4).await;
    let connected = [
        from(&relay, "192.0.2.1").await,
        from(&relay, "192.0.2.2").await,
        from(&relay, "192.0.2.3").await,
        from(&relay, "192.0.2.4").await,
    ];
    let answer = exchange(&relay.authority(), "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(status(&answer) == 503 && answer.contains("Try again in a minute"), "{answer}");
    for mut client in connected {
        client.create(&Room::new()).await;
    }
}

#[tokio::test]
async fn an_address_begins_so_many_sockets() {
    let relay = TestRelay::start_with(|config| config.limits.sockets = few(2)).await;
    for _ in 0..2 {
        drop(from(&relay, "192.0.2.1").await);
    }
    let (status, retry, words) = refused_upgrade(&relay, "192.0.2.1").await;
    assert!(status == 429 && words.contains("too often"), "{status} {words}");
    assert!(
        (200..=300).contains(&retry.parse::<u32>().unwrap()),
        "as long as it lasts, and no longer: {retry}"
    );
    drop(from(&relay, "192.0.2.2").await);
}

#[tokio::test]
async fn a_household_behind_one_address_meets_no_limit() {
    let usual = |config: &mut Config| config.limits = Limits::default();
    let relay = TestRelay::start_with(usual).await;
    let rooms: Vec<Room> = (0..30).map(|_| Room::new()).collect();
    let mut owner = relay.connect().await;
    for room in &rooms {
        owner.create(room).await;
    }
    // Twenty devices come back twice, and each opens everything, and says something.
    for round in 1..=2_u64 {
        let mut devices = Vec::new();
        for _ in 0..20 {
            devices.push(relay.connect().await);
        }
        for device in &mut devices {
            for room in &rooms {
                device.open(room).await;
            }
        }
        for (index, device) in devices.iter_mut().enumerate() {
            let seq = (round - 1) * 20 + index as u64 + 1;
            assert_eq!(device.append(&rooms[0], &entry(0, b"hello")).await, seq);
        }
    }
}

fn impatient(config: &mut Config) {
    config.tuning.ping_after = Duration::from_millis(100);
    config.tuning.first_frame_timeout = Duration::from_millis(200);
    config.tuning.unopened_timeout = Duration::from_millis(600);
    config.tuning.frame_timeout = Duration::from_millis(300);
}

#[tokio::test]
async fn who_opens_nothing_has_to_leave_and_who_follows_a_room_may_stay() {
    let relay = TestRelay::start_with(impatient).await;
    let begin = Instant::now();
    let mut silent = relay.connect().await;
    assert_eq!(close_code(&mut silent).await, 4001);
    assert!(begin.elapsed() < Duration::from_millis(550), "it asked for nothing at all");
    let room = Room::new();
    let mut useless = relay.connect().await;
    useless.create(&room).await;
    let begin = Instant::now();
    let mut follower = relay.connect().await;
    follower.open(&room).await;
    assert_eq!(close_code(&mut useless).await, 4001);
    assert!(begin.elapsed() > Duration::from_millis(500));
    let more = tokio::time::sleep(Duration::from_millis(1000));
    tokio::pin!(more);
    loop {
        tokio::select! {
            message = follower.socket.next() => {
                assert!(message.unwrap().unwrap().is_ping());
            }
            () = &mut more => break,
        }
    }
    assert_eq!(follower.append(&room, &entry(0, b"still here")).await, 1);
}

#[tokio::test]
async fn a_frame_that_never_ends_is_hung_up_on() {
    let relay = TestRelay::start_with(impatient).await;
    let room = Room::new();
    let mut client = relay.connect().await;
    client.create(&room).await;
    client.open(&room).await;
    let (_, mut follower) = (client.append(&room, &entry(0, b"")).await, relay.connect().await);
    follower.open(&room).await;
    // A frame of 1,000 bytes, of which one comes in a while; pings in between would be no progress either.
    let mut stream = follower.socket.into_inner();
    stream.write_all(&[0x82, 0xfe, 0x03, 0xe8, 1, 2, 3, 4]).await.unwrap();
    let begin = Instant::now();
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match tokio::time::timeout(Duration::from_millis(20), stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(count)) => received.extend_from_slice(&buffer[..count]),
            Err(_) => drop(stream.write_all(&[0]).await),
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "it is waited for");
    }
    let close = [0x88, 2, 0x0f, 0xa2]; // 4002
    assert!(received.windows(4).any(|window| window == close), "{received:02x?}");
    assert!(begin.elapsed() >= Duration::from_millis(300));
    // The same in fragments with pings between them: it stays one message.
    let mut again = relay.connect().await;
    again.open(&room).await;
    let mut stream = again.socket.into_inner();
    stream.write_all(&[0x02, 0x81, 0, 0, 0, 0, 7]).await.unwrap();
    let begin = Instant::now();
    loop {
        match tokio::time::timeout(Duration::from_millis(20), stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(_)) => {}
            Err(_) => drop(stream.write_all(&[0x89, 0x80, 0, 0, 0, 0, 0x00, 0x81, 0, 0, 0, 0, 7]).await),
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "it is waited for");
    }
    assert_eq!(client.append(&room, &entry(0, b"as ever")).await, 2);
}

#[tokio::test]
async fn a_large_frame_over_a_slow_line_has_time() {
    let relay = TestRelay::start_with(impatient).await;
    let (mut room, mut client) = (Room::new(), relay.connect().await);
    client.create(&room).await;
    client.open(&room).await;
    let mut commit = room.commit(&[]);
    commit.card = vec![7; 100_000];
    let payload = encode(&ClientFrame { request: 9, body: Request::AppendHandshake(commit) });
    let mut stream = client.socket.into_inner();
    let length = (payload.len() as u64).to_be_bytes();
    stream.write_all(&[&[0x82, 0xff][..], &length, &[0; 4]].concat()).await.unwrap();
    let begin = Instant::now();
    for piece in payload.chunks(5_000) {
        stream.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begin.elapsed() > Duration::from_millis(600), "slower than a frame of nothing may be");
    let expected = encode(&RelayFrame::Reply(9, Reply::Appended(1)));
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    while !received.windows(expected.len()).any(|window| window == expected) {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(read > 0, "it was hung up on");
        received.extend_from_slice(&buffer[..read]);
    }
}

#[tokio::test]
async fn a_request_that_trickles_or_grows_is_hung_up_on() {
    let relay =
        TestRelay::start_with(|config| config.tuning.header_timeout = Duration::from_millis(300)).await;
    let authority = relay.authority();
    for beginning in ["", "GET / HTTP/1.1\r\nhost: x\r\nx-", "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /"] {
        let mut stream = TcpStream::connect(&authority).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let begin = Instant::now();
        let mut buffer = [0; 65_536];
        loop {
            match tokio::time::timeout(Duration::from_millis(20), stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(_)) => {}
                Err(_) if beginning.is_empty() => {}
                Err(_) => drop(stream.write_all(b"a").await),
            }
            assert!(begin.elapsed() < Duration::from_secs(5), "{beginning:?} is waited for");
        }
    }
    let long_header = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "a".repeat(20_000));
    let many_headers = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-a: b\r\n".repeat(500));
    let long_path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000));
    for (what, request) in [("header", long_header), ("headers", many_headers), ("path", long_path)] {
        let answer = exchange(&authority, &request).await;
        let status = status(&answer);
        assert!(matches!(status, 400 | 414 | 431), "{what}: {status}");
    }
    relay.connect().await.create(&Room::new()).await;
}

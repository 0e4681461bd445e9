//! Web push in rooms: who is woken, when, and by what the relay posts.

use crate::process::Program;
use crate::push_service::{Device, EVERY, PushService, wakes};
use crate::support::*;
use sotto_protocol::account::{Call as _, PushKey, PushKeyGiven};
use sotto_protocol::{
    DoorId, ErrorCode, Reply, Request, Subscribe, Unsubscribe, WireError, decode, encode, limits,
};
use sqlx::Connection as _;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

fn subscribe(room: &Room, device: &Device, tag: u8) -> Request {
    Request::Subscribe(Subscribe { room: room.id, subscription: device.subscription(tag) })
}

fn unsubscribe(room: &Room, tag: u8) -> Request {
    Request::Unsubscribe(Unsubscribe { room: room.id, tag: [tag; 16] })
}

/// The key by which push services know the relay.
async fn key_of(authority: &str) -> [u8; 65] {
    let body = encode(&PushKey {});
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/cbor\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        PushKey::PATH,
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    decode::<PushKeyGiven>(&answer[end + 4..]).unwrap().key
}

async fn subscriptions(relay: &TestRelay) -> i64 {
    let mut database = relay.database().await;
    sqlx::query_scalar("SELECT count(*) FROM push_subscriptions").fetch_one(&mut database).await.unwrap()
}

async fn expect_subscriptions(relay: &TestRelay, expected: i64) {
    let begin = Instant::now();
    while subscriptions(relay).await != expected {
        assert!(begin.elapsed() < PATIENCE, "{expected} are expected");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A relay that wakes, a room that is open at it, a push service, and a device that is subscribed with tag 1.
pub async fn begin() -> (TestRelay, Client, Room, PushService, Device) {
    let relay = TestRelay::start_with(wakes).await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let service = PushService::start().await;
    let device = Device::at(&service, "device");
    assert_eq!(client.ask(subscribe(&room, &device, 1)).await, Reply::Done);
    (relay, client, room, service, device)
}

#[tokio::test]
async fn a_message_wakes_a_device_and_a_handshake_does_not() {
    let (relay, mut client, mut room, mut service, device) = begin().await;
    let key = key_of(&relay.authority()).await;
    client.append(&room, &entry(0, b"hello")).await;
    assert_eq!(device.open(&service.next().await, &key), 1);
    client.commit(&mut room, &[DoorId::new([1; 16])]).await;
    service.expect_silence().await;
    client.append(&room, &entry(1, b"a subscription outlives an epoch")).await;
    assert_eq!(device.open(&service.next().await, &key), 1);
    assert_eq!(service.connections(), 1, "the connection is kept for the next message");
}

#[tokio::test]
async fn an_entry_that_is_sent_again_wakes_nobody() {
    let (_relay, mut client, room, mut service, _device) = begin().await;
    let entry = entry(0, b"hello");
    client.append(&room, &entry).await;
    service.next().await;
    service.expect_silence().await;
    client.append(&room, &entry).await;
    service.expect_silence().await;
}

#[tokio::test]
async fn what_comes_meanwhile_is_one_more_wake_up() {
    // Longer than a busy machine takes for what is sent meanwhile.
    let every = EVERY * 6;
    let relay = TestRelay::start_with(|config| {
        wakes(config);
        config.push.every = every;
    })
    .await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let mut service = PushService::start().await;
    let device = Device::at(&service, "device");
    assert_eq!(client.ask(subscribe(&room, &device, 1)).await, Reply::Done);
    client.append(&room, &entry(0, b"first")).await;
    let first = service.next().await;
    let mut requests = Vec::new();
    for _ in 0..20 {
        requests.push(client.send(append(&room, &entry(0, b"more"))).await);
    }
    for request in requests {
        appended(client.reply_to(request).await);
    }
    let second = service.next().await;
    assert!(second.at - first.at >= every / 2, "{:?}", second.at - first.at);
    tokio::time::sleep(every).await;
    service.expect_silence().await;
    assert_eq!(first.headers["topic"], second.headers["topic"], "the later one replaces what still waits");
    assert_ne!(first.body, second.body);
}

#[tokio::test]
async fn each_room_of_a_device_has_a_topic_of_its_own() {
    let (_relay, mut client, room, mut service, device) = begin().await;
    let other = Room::new();
    client.create(&other).await;
    client.open(&other).await;
    assert_eq!(client.ask(subscribe(&other, &device, 1)).await, Reply::Done);
    client.append(&room, &entry(0, b"hello")).await;
    client.append(&other, &entry(0, b"hello")).await;
    let (one, two) = (service.next().await, service.next().await);
    assert_ne!(one.headers["topic"], two.headers["topic"]);
}

#[tokio::test]
async fn a_cut_ends_what_was_subscribed_before_it() {
    let (relay, mut client, mut room, mut service, device) = begin().await;
    let mut cut = room.commit(&[]);
    cut.cut = Some(true);
    client.send_commit(&mut room, cut).await;
    assert_eq!(subscriptions(&relay).await, 0);
    client.append(&room, &entry(1, b"without them")).await;
    service.expect_silence().await;
    let mut removed = relay.connect().await;
    removed.open_at(&room, 0).await;
    assert_eq!(removed.refusal_code(subscribe(&room, &device, 2)).await, ErrorCode::RoomNotOpen);
    assert_eq!(client.ask(subscribe(&room, &device, 3)).await, Reply::Done);
    client.append(&room, &entry(1, b"with those who are there")).await;
    service.next().await;
}

#[tokio::test]
async fn a_cut_stops_what_is_under_way() {
    let (_relay, mut client, mut room, mut service, _device) = begin().await;
    service.answer(&["503 Busy\r\nretry-after: 1"]);
    client.append(&room, &entry(0, b"hello")).await;
    service.next().await;
    let mut cut = room.commit(&[]);
    cut.cut = Some(true);
    client.send_commit(&mut room, cut).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    service.expect_silence().await;
}

#[tokio::test]
async fn whoever_came_by_a_voided_join_is_woken_no_more() {
    let (relay, mut client, mut room, mut service, device) = begin().await;
    let door = DoorId::new([7; 16]);
    client.commit(&mut room, &[door]).await;
    let mut guest = relay.connect().await;
    let mut join = room.commit(&[]);
    room.join(&guest, 1, door, &mut join);
    let joined = join.entry.clone();
    let seq = guest.send_commit(&mut room, join).await;
    assert_eq!(guest.ask(subscribe(&room, &device, 2)).await, Reply::Done);
    assert_eq!(subscriptions(&relay).await, 2);
    let rewind = room.rewind(1, (seq, &joined), None);
    let rewind_seq = appended(client.ask(Request::Rewind(rewind)).await);
    room.go_back(1, rewind_seq);
    client.open(&room).await;
    assert_eq!(subscriptions(&relay).await, 1);
    client.append(&room, &entry(1, b"hello")).await;
    service.next().await;
    service.expect_silence().await;
}

#[tokio::test]
async fn a_subscription_that_is_not_renewed_ends() {
    let relay = TestRelay::start_with(|config| {
        wakes(config);
        config.tuning.sweep_every = Duration::from_millis(700);
    })
    .await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let mut service = PushService::start().await;
    let device = Device::at(&service, "device");
    let age = async |days: u32| {
        let mut database = relay.database().await;
        let age = format!("UPDATE push_subscriptions SET until_day = until_day - {days}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(age)).execute(&mut database).await.unwrap();
    };
    assert_eq!(client.ask(subscribe(&room, &device, 1)).await, Reply::Done);
    age(limits::PUSH_DAYS).await;
    assert_eq!(client.ask(subscribe(&room, &device, 1)).await, Reply::Done, "renewed");
    age(limits::PUSH_DAYS).await;
    client.append(&room, &entry(0, b"on the last day")).await;
    service.next().await;
    age(1).await;
    client.append(&room, &entry(0, b"too late")).await;
    service.expect_silence().await;
    expect_subscriptions(&relay, 0).await;
}

#[tokio::test]
async fn a_device_that_its_service_does_not_know_is_forgotten() {
    for gone in ["404 Not Found", "410 Gone"] {
        let (relay, mut client, room, mut service, _device) = begin().await;
        service.answer(&[gone]);
        client.append(&room, &entry(0, b"hello")).await;
        service.next().await;
        expect_subscriptions(&relay, 0).await;
        client.append(&room, &entry(0, b"hello")).await;
        service.expect_silence().await;
    }
}

#[tokio::test]
async fn a_service_that_is_busy_is_asked_again_when_it_says() {
    let (relay, mut client, room, mut service, device) = begin().await;
    let key = key_of(&relay.authority()).await;
    service.answer(&["429 Too Many Requests\r\nretry-after: 1", "500 Broken", "503 Away"]);
    client.append(&room, &entry(0, b"hello")).await;
    let mut times = Vec::new();
    for _ in 0..4 {
        let message = service.next().await;
        assert_eq!(device.open(&message, &key), 1);
        times.push(message.at);
    }
    assert!(times[1] - times[0] >= Duration::from_secs(1));
    assert!(times[2] - times[1] >= Duration::from_millis(100), "the pauses grow");
    assert!(times[3] - times[2] >= Duration::from_millis(200), "the pauses grow");
    service.expect_silence().await;
    assert_eq!(subscriptions(&relay).await, 1);
}

#[tokio::test]
async fn a_service_that_refuses_or_leads_elsewhere_is_not_asked_again() {
    let elsewhere = PushService::start().await;
    let location: &'static str =
        format!("307 Elsewhere\r\nlocation: http://{}/inside", elsewhere.authority).leak();
    for answer in [location, "301 Moved\r\nlocation: /there", "400 Bad", "403 No", "413 Long"] {
        let (relay, mut client, room, mut service, _device) = begin().await;
        service.answer(&[answer]);
        client.append(&room, &entry(0, b"hello")).await;
        service.next().await;
        service.expect_silence().await;
        assert_eq!(subscriptions(&relay).await, 1);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn who_does_not_want_to_be_woken_any_more_is_not() {
    let (relay, mut client, room, mut service, device) = begin().await;
    let second = Device::at(&service, "second");
    assert_eq!(client.ask(subscribe(&room, &second, 2)).await, Reply::Done);
    assert_eq!(client.ask(subscribe(&room, &second, 3)).await, Reply::Done, "the same endpoint once more");
    for tag in [1, 9, 1] {
        assert_eq!(client.ask(unsubscribe(&room, tag)).await, Reply::Done, "{tag}");
    }
    client.append(&room, &entry(0, b"hello")).await;
    assert!(service.next().await.path.ends_with("second"));
    service.expect_silence().await;
    for tag in [2, 3] {
        assert_eq!(client.ask(unsubscribe(&room, tag)).await, Reply::Done);
    }
    assert_eq!(client.ask(subscribe(&room, &second, 1)).await, Reply::Done);
    assert_eq!(client.ask(subscribe(&room, &device, 1)).await, Reply::Done, "in its place");
    assert_eq!(subscriptions(&relay).await, 1);
    client.append(&room, &entry(0, b"hello")).await;
    assert!(service.next().await.path.ends_with("device"));
    service.expect_silence().await;
}

#[tokio::test]
async fn only_who_is_in_the_room_now_subscribes() {
    let (relay, mut client, mut room, service, device) = begin().await;
    client.commit(&mut room, &[]).await;
    let mut stranger = relay.connect().await;
    for request in [subscribe(&room, &device, 2), unsubscribe(&room, 1)] {
        assert_eq!(stranger.refusal_code(request).await, ErrorCode::RoomNotOpen);
    }
    stranger.open_at(&room, 0).await;
    assert_eq!(stranger.refusal_code(subscribe(&room, &device, 2)).await, ErrorCode::RoomNotOpen);
    assert_eq!(stranger.ask(unsubscribe(&room, 1)).await, Reply::Done, "to leave takes less");
    let mut wrong = device.subscription(2);
    wrong.p256dh = [4; 65];
    let wrong = Request::Subscribe(Subscribe { room: room.id, subscription: wrong });
    assert_eq!(client.refusal_code(wrong).await, ErrorCode::MalformedFrame);
    let long = Device::at(&service, &"x".repeat(limits::PUSH_ENDPOINT_MAX_BYTES));
    let expected = WireError::with_limit(ErrorCode::LimitExceeded, limits::PUSH_ENDPOINT_MAX_BYTES as u64);
    assert_eq!(client.refusal(subscribe(&room, &long, 2)).await, expected);
}

#[tokio::test]
async fn a_room_has_so_many_subscriptions() {
    let (relay, mut client, room, _service, device) = begin().await;
    let most = limits::PUSH_SUBSCRIPTIONS_MAX;
    let mut database = relay.database().await;
    let mut transaction = database.begin().await.unwrap();
    for number in 2..=most {
        let id = [&[7; 8][..], &number.to_be_bytes()].concat();
        sqlx::query(
            "INSERT INTO push_subscriptions (room, subscription_id, began_seq, until_day, subscription)
                SELECT room, $1, began_seq, until_day, subscription FROM push_subscriptions LIMIT 1",
        )
        .bind(id)
        .execute(&mut *transaction)
        .await
        .unwrap();
    }
    transaction.commit().await.unwrap();
    assert_eq!(subscriptions(&relay).await, most as i64);
    let expected = WireError::with_limit(ErrorCode::LimitExceeded, most as u64);
    assert_eq!(client.refusal(subscribe(&room, &device, 2)).await, expected);
    assert_eq!(client.ask(subscribe(&room, &device, 1)).await, Reply::Done, "renewing takes no place");
    assert_eq!(client.ask(unsubscribe(&room, 1)).await, Reply::Done);
    assert_eq!(client.ask(subscribe(&room, &device, 2)).await, Reply::Done);
}

#[tokio::test]
async fn a_connection_makes_so_many_subscriptions() {
    let (relay, mut client, room, _service, device) = begin().await;
    let nowhere = Device::of("nonsense".to_owned());
    let mut requests = Vec::new();
    for _ in 0..limits::OPEN_ROOMS_PER_CONNECTION_MAX + 20 {
        requests.push(client.send(subscribe(&room, &nowhere, 1)).await);
    }
    let mut is_slowed = false;
    for request in requests {
        match client.reply_to(request).await {
            Reply::Error(error) if error.code == ErrorCode::SlowDown => {
                is_slowed = error.retry_after_ms > Some(0);
            }
            reply => assert_eq!(reply, crate::support::error(ErrorCode::PushUnavailable)),
        }
    }
    assert!(is_slowed);
    let mut other = relay.connect().await;
    other.open(&room).await;
    assert_eq!(other.ask(subscribe(&room, &device, 2)).await, Reply::Done);
}

#[tokio::test]
async fn a_relay_without_a_contact_wakes_nobody() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let device = Device::of("https://fcm.googleapis.com/fcm/send/x".to_owned());
    for request in [subscribe(&room, &device, 1), unsubscribe(&room, 1)] {
        assert_eq!(client.refusal_code(request).await, ErrorCode::PushUnavailable);
    }
}

#[tokio::test]
async fn the_relay_takes_no_endpoint_inside_a_network_or_of_an_unknown_service() {
    let relay = TestRelay::start_with(|config| {
        wakes(config);
        config.push.reaches_private = false;
        config.push.hosts = sotto_relay::PushHosts::default();
    })
    .await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    for endpoint in [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://push.example/x",
        "https://localhost/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "nonsense",
    ] {
        let device = Device::of(endpoint.to_owned());
        let code = client.refusal_code(subscribe(&room, &device, 1)).await;
        assert_eq!(code, ErrorCode::PushUnavailable, "{endpoint}");
    }
    let device = Device::of("https://fcm.googleapis.com/fcm/send/x".to_owned());
    assert_eq!(client.ask(subscribe(&room, &device, 1)).await, Reply::Done);
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_connected_to() {
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let relay = TestRelay::start_with(|config| {
        wakes(config);
        config.push.reaches_private = false;
        config.push.hosts = format!("localhost:{port}").parse().unwrap();
    })
    .await;
    let mut client = relay.connect().await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    let device = Device::of(format!("https://localhost:{port}/x"));
    assert_eq!(client.ask(subscribe(&room, &device, 1)).await, Reply::Done, "the operator named it");
    client.append(&room, &entry(0, b"hello")).await;
    let connected = tokio::time::timeout(Duration::from_secs(1), inside.accept()).await;
    assert!(connected.is_err(), "the relay connects to itself");
}

#[tokio::test]
async fn a_restart_keeps_subscriptions_and_the_key() {
    let (TestRelay { running, data }, _client, room, mut service, device) = begin().await;
    let key = key_of(&running.addr().to_string()).await;
    running.shutdown().await;
    let relay = TestRelay { running: start_on(data.path(), wakes).await, data };
    assert_eq!(key_of(&relay.authority()).await, key);
    let mut client = relay.connect().await;
    client.open(&room).await;
    client.append(&room, &entry(0, b"hello")).await;
    assert_eq!(device.open(&service.next().await, &key), 1);
}

#[tokio::test]
async fn a_service_that_never_answers_slows_nobody() {
    let (relay, mut client, room, mut service, _device) = begin().await;
    let mut other = client_of(&relay, &room).await;
    for tag in 2..60 {
        if tag % 8 == 0 {
            other = client_of(&relay, &room).await;
        }
        let device = Device::at(&service, &format!("device-{tag}"));
        assert_eq!(other.ask(subscribe(&room, &device, tag)).await, Reply::Done);
    }
    service.fall_silent();
    let begin = Instant::now();
    for _ in 0..100 {
        client.append(&room, &entry(0, b"hello")).await;
    }
    let took = begin.elapsed();
    service.next().await;
    // One that waited for the service would wait for 10 s.
    assert!(took < Duration::from_secs(8), "{took:?}");
    // Neither does it slow stopping.
    let begin = Instant::now();
    relay.running.shutdown().await;
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn the_database_does_not_join_the_rooms_of_a_device() {
    let (relay, mut client, room, _service, device) = begin().await;
    let other = Room::new();
    client.create(&other).await;
    client.open(&other).await;
    assert_eq!(client.ask(subscribe(&other, &device, 1)).await, Reply::Done);
    let mut database = relay.database().await;
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT room, subscription_id, subscription FROM push_subscriptions")
            .fetch_all(&mut database)
            .await
            .unwrap();
    let [(one, one_id, one_sealed), (two, two_id, two_sealed)] = &rows[..] else { panic!("{}", rows.len()) };
    assert!(one != two && one_id != two_id && one_sealed.len() == two_sealed.len());
    let (one, two) = ([&one_id[..], one_sealed].concat(), [&two_id[..], two_sealed].concat());
    assert!(!one.windows(6).any(|part| two.windows(6).any(|other| part == other)));
    let subscription = device.subscription(1);
    let secrets = [
        ("endpoint", subscription.endpoint.as_bytes()),
        ("key", &subscription.p256dh[..]),
        ("secret", &subscription.auth[..]),
        ("tag", &subscription.tag[..]),
    ];
    for (name, secret) in secrets {
        assert!(
            ![&one, &two].iter().any(|row| row.windows(secret.len()).any(|part| part == secret)),
            "{name}"
        );
    }
    drop(room);
}

#[tokio::test]
async fn of_many_relays_the_one_that_wrote_wakes() {
    let (relay, mut client, room, mut service, device) = begin().await;
    if database_url(relay.data.path()).is_none() {
        return;
    }
    let key = key_of(&relay.authority()).await;
    let second = start_on(relay.data.path(), wakes).await;
    let authority = second.addr().to_string();
    assert_eq!(key_of(&authority).await, key, "they share the secrets");
    let mut other = Client::connect(&authority).await;
    other.open(&room).await;
    other.append(&room, &entry(0, b"hello")).await;
    assert_eq!(client.pushed_entry().await.1.seq, 1);
    assert_eq!(device.open(&service.next().await, &key), 1);
    service.expect_silence().await;
}

#[tokio::test]
async fn the_log_tells_nothing_of_who_is_woken() {
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let hosts = format!("localhost:{port},nowhere.invalid");
    let settings = ["--log", "trace", "--push-contact", "mailto:ops@example.org", "--push-hosts", &hosts];
    let program = Program::start_with(data.path(), &settings, std::fs::File::create(&log).unwrap().into());
    let mut client = Client::connect(&program.authority).await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    for (tag, endpoint) in
        [(1, format!("https://localhost:{port}/who")), (2, "https://nowhere.invalid/who".to_owned())]
    {
        let device = Device::of(endpoint);
        assert_eq!(client.ask(subscribe(&room, &device, tag)).await, Reply::Done);
    }
    let refused = Device::of("https://refused.example/who".to_owned());
    assert_eq!(client.refusal_code(subscribe(&room, &refused, 3)).await, ErrorCode::PushUnavailable);
    client.append(&room, &entry(0, b"hello")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(program);
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("serving"), "{log}");
    for secret in
        ["who", "localhost", "invalid", "refused.example", "mailto", "vapid", "Bearer", &format!(":{port}")]
    {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

/// Another connection that has the room open.
async fn client_of(relay: &TestRelay, room: &Room) -> Client {
    let mut client = relay.connect().await;
    client.open(room).await;
    client
}

#[tokio::test]
async fn one_connection_does_not_have_all_subscriptions_of_a_room() {
    let (relay, mut client, room, service, _device) = begin().await;
    let most = limits::PUSH_SUBSCRIPTIONS_OF_CONNECTION_MAX;
    let ask = async |client: &mut Client, tag: usize| {
        let device = Device::at(&service, &format!("device-{tag}"));
        client.ask(subscribe(&room, &device, tag as u8)).await
    };
    // Its own device has one already.
    for tag in 2..=most {
        assert_eq!(ask(&mut client, tag).await, Reply::Done);
    }
    let expected = WireError::with_limit(ErrorCode::LimitExceeded, most as u64);
    assert_eq!(ask(&mut client, most + 1).await, Reply::Error(expected));
    assert_eq!(ask(&mut client, 2).await, Reply::Done, "renewed");
    assert_eq!(ask(&mut client_of(&relay, &room).await, most + 1).await, Reply::Done);
}

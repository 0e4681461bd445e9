//! The relay learns nothing: after a real conversation, neither its files nor its log nor anything on the wire holds what was
//! said, who said it, what the room is called, or how to get in. The same search finds a marker that was sent in the clear.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_protocol::{ClientFrame, CreateRoom, RelayFrame, Reply, Request, RoomId, decode, encode};
use sotto_tests::{person::Person, relay::Relay, wiretap::Wiretap};
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// What must not be found, each with a name for the report. 32 bytes, as long as a public key.
const MARKER: &[u8; 32] = b"planted in the clear to be found";

fn find(haystacks: &[(String, Vec<u8>)], needles: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, bytes) in haystacks {
        for (name, needle) in needles {
            if bytes.windows(needle.len()).any(|window| window == needle) {
                found.push(format!("{name} in {place}"));
            }
        }
    }
    found
}

/// Text in the forms in which it could turn up.
fn forms(name: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        (name.to_owned(), bytes.to_vec()),
        (format!("{name} in hexadecimal"), hex.clone().into_bytes()),
        (format!("{name} in upper-case hexadecimal"), hex.to_uppercase().into_bytes()),
        (format!("{name} in base64"), URL_SAFE_NO_PAD.encode(bytes).into_bytes()),
        (
            format!("{name} as Debug prints bytes"),
            format!("{bytes:?}").trim_matches(['[', ']']).as_bytes().to_vec(),
        ),
    ]
}

/// Makes a room whose keys are the marker: they go over the wire and into the database as they are.
async fn plant(address: &str) {
    let url = format!("{}{}", address.replace("http", "ws"), sotto_protocol::ROOM_SOCKET_PATH);
    let (mut socket, _) = connect_async(url).await.unwrap();
    let create = CreateRoom {
        room: RoomId::new([7; 16]),
        access_key: *MARKER,
        join_key: *MARKER,
        token: None,
        admin_key: *MARKER,
    };
    let frame = encode(&ClientFrame { request: 1, body: Request::Create(create) });
    socket.send(Message::Binary(frame.into())).await.unwrap();
    loop {
        if let Message::Binary(bytes) = socket.next().await.unwrap().unwrap()
            && let Ok(RelayFrame::Reply(1, reply)) = decode(&bytes)
        {
            assert_eq!(reply, Reply::Created);
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relay_learns_nothing_and_the_search_would_notice() {
    let mut relay = Relay::start();
    let tap = Wiretap::before(relay.port());
    let (ada, bob) =
        (Person::new("Ada Lovelace", &tap.address()), Person::new("Robert Byron", &tap.address()));
    ada.creates("Rose garden behind the wall");
    let link = ada.invites("Rose");
    bob.joins(&link);
    let texts: Vec<String> = (0..4).map(|round| format!("secret number {round} is told to nobody")).collect();
    for text in &texts {
        ada.says("Rose", text);
        bob.says("Rose", &text.replace("secret", "answer"));
    }
    assert_eq!(ada.texts("Rose").len(), 8);
    plant(&tap.address()).await;

    let mut needles = Vec::new();
    for text in &texts {
        needles.extend(forms("a message", text.as_bytes()));
        needles.extend(forms("an answer", text.replace("secret", "answer").as_bytes()));
    }
    needles.extend(forms("the room's name", b"Rose garden behind the wall"));
    needles.extend(forms("a display name", b"Ada Lovelace"));
    needles.extend(forms("a display name", b"Robert Byron"));
    let fragment = link.split('#').nth(1).unwrap();
    let payload = URL_SAFE_NO_PAD.decode(fragment).unwrap();
    // version, room id (which the relay has), then the secret.
    needles.extend(forms("the link's secret", &payload[17..49]));
    needles.extend(forms("half of the link's secret", &payload[17..33]));
    needles.push(("the link's fragment".into(), fragment.as_bytes().to_vec()));

    // Once while it runs, with its write-ahead log, and once when it has stopped.
    let mut places = relay.files();
    relay.stop();
    places.extend(relay.files());
    places.extend(tap.captured());
    places.push(("the log".into(), relay.log_text().into_bytes()));
    assert_eq!(find(&places, &needles), Vec::<String>::new());

    // The room id is known to the relay, but not to its log.
    let log = [("the log".to_owned(), relay.log_text().into_bytes())];
    assert_eq!(find(&log, &forms("the room id", &payload[1..17])), Vec::<String>::new());

    // The same search finds what is there in the clear: in the files, and in a frame under its mask.
    let found = find(&places, &[("marker".into(), MARKER.to_vec())]);
    assert!(found.iter().any(|place| place.contains("relay.db")), "{found:?}");
    assert!(found.iter().any(|place| place.contains("payloads of stream")), "{found:?}");
    // And in the log: the relay does log.
    assert!(!find(&log, &[("level".into(), b"INFO".to_vec())]).is_empty(), "the log is empty");
}

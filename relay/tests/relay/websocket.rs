//! WebSocket by hand: the cases of the Autobahn test suite (sections 1 to 7 and 9; 10 is in them, and 12 and 13 are about an extension that the relay
//! does not have), each on a connection of its own.
//!
//! The suite's client expects its messages back. This relay answers any message that it cannot read with an error, text as well: so each
//! whole message brings one such answer, and each violation its close.

use crate::http::upgrade_request;
use crate::support::*;
use sotto_protocol::{ErrorCode, RelayFrame, Reply, decode, limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

/// What the relay says to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// A message was whole, and is none of the protocol.
    Malformed,
    /// A message was longer than it may be.
    TooLarge,
    Pong(Vec<u8>),
    Close(u16),
    /// Nothing more, and the connection is closed.
    End,
}
use Said::{Close, End, Malformed, Pong, TooLarge};

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short if short < 126 => bytes.push(0x80 | short as u8),
        medium if medium < 65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

fn text(payload: &[u8]) -> Vec<u8> {
    frame(0x81, payload)
}

fn binary(payload: &[u8]) -> Vec<u8> {
    frame(0x82, payload)
}

fn ping(payload: &[u8]) -> Vec<u8> {
    frame(0x89, payload)
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes()[..], reason].concat())
}

fn all(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.concat()
}

/// A connection after its upgrade and the relay's first frame.
async fn connect(authority: &str) -> TcpStream {
    let mut stream = TcpStream::connect(authority).await.unwrap();
    stream.write_all(upgrade_request(authority, "").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    let (_, welcome) = read_frame(&mut stream).await.unwrap();
    assert!(matches!(decode(&welcome).unwrap(), RelayFrame::Welcome(_)));
    stream
}

/// First byte and payload of a frame; none where the connection ends.
async fn read_frame(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let length = match stream.read_u8().await.ok()? {
        126 => usize::from(stream.read_u16().await.ok()?),
        127 => usize::try_from(stream.read_u64().await.ok()?).unwrap(),
        // A server masks nothing.
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.ok()?;
    Some((first, payload))
}

async fn said(stream: &mut TcpStream) -> Said {
    let read = tokio::time::timeout(PATIENCE, read_frame(stream)).await.expect("it says nothing");
    let Some((first, payload)) = read else { return End };
    match first {
        0x82 => match decode(&payload).unwrap() {
            RelayFrame::Reply(_, Reply::Error(error)) => match error.code {
                ErrorCode::MalformedFrame => Malformed,
                ErrorCode::FrameTooLarge => TooLarge,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        },
        0x8a => Pong(payload),
        0x88 => Close(u16::from_be_bytes(payload.try_into().expect("a code and no words"))),
        other => panic!("a frame that begins with {other:#x}"),
    }
}

/// Sends bytes, so many at once, and reads all that the relay says to them.
async fn check(authority: &str, what: &str, bytes: &[u8], step: usize, expected: &[Said]) {
    let mut stream = connect(authority).await;
    stream.set_nodelay(true).unwrap();
    for chunk in bytes.chunks(step) {
        // It may have been closed before all was sent.
        if stream.write_all(chunk).await.is_err() {
            break;
        }
    }
    let mut heard = Vec::new();
    let is_closed = expected.contains(&End);
    while (is_closed || heard.len() < expected.len()) && heard.last() != Some(&End) {
        heard.push(said(&mut stream).await);
    }
    // A close may overtake answers that are due: what was asked before it is asked again on the next connection.
    let expected: Vec<_> =
        expected.iter().filter(|said| !is_closed || **said != Malformed).cloned().collect();
    heard.retain(|said| !is_closed || *said != Malformed);
    assert_eq!(heard, expected, "{what}, {step} bytes at a time");
    // What is open after it goes on.
    if !is_closed {
        stream.write_all(&all(&[ping(b"still there"), close(1000, b"")])).await.unwrap();
        let rest = [said(&mut stream).await, said(&mut stream).await, said(&mut stream).await];
        assert_eq!(rest, [Pong(b"still there".to_vec()), Close(1000), End], "after {what}");
    }
}

async fn check_all(cases: &[(&str, Vec<u8>, Vec<Said>)]) {
    let relay = TestRelay::start().await;
    for (what, bytes, expected) in cases {
        check(&relay.authority(), what, bytes, usize::MAX, expected).await;
        if bytes.len() < 1000 {
            check(&relay.authority(), what, bytes, 1, expected).await;
        }
    }
}

#[tokio::test]
async fn messages_of_any_length_are_whole_messages() {
    let mut cases = Vec::new();
    for length in [0, 125, 126, 127, 128, 65_535, 65_536] {
        cases.push(("1.1, a text", text(&vec![b'*'; length]), vec![Malformed]));
        cases.push(("1.2, a message", binary(&vec![0xfe; length]), vec![Malformed]));
    }
    check_all(&cases).await;
    let relay = TestRelay::start().await;
    let long = binary(&vec![0xfe; 65_536]);
    check(&relay.authority(), "1.2.8, chopped", &long, 997, &[Malformed]).await;
}

#[tokio::test]
async fn pings_are_answered_with_what_they_hold_and_pongs_with_nothing() {
    let pong = |payload: &[u8]| Pong(payload.to_vec());
    let ten: Vec<_> = (0..10_u8).map(|n| vec![b'p', n]).collect();
    check_all(&[
        ("2.1", ping(b""), vec![pong(b"")]),
        ("2.2", ping(b"Hello, world!"), vec![pong(b"Hello, world!")]),
        ("2.3, no text", ping(&[0, 0xff, 0xfe, 0xfd, 0]), vec![pong(&[0, 0xff, 0xfe, 0xfd, 0])]),
        ("2.4, as long as may be", ping(&[0xfe; 125]), vec![pong(&[0xfe; 125])]),
        ("2.5, too long", ping(&[0xfe; 126]), vec![Close(1002), End]),
        ("2.7, a pong that nobody asked for", frame(0x8a, b""), vec![]),
        ("2.8", frame(0x8a, b"unsolicited"), vec![]),
        ("2.9", all(&[frame(0x8a, b"unsolicited"), ping(b"x")]), vec![pong(b"x")]),
        (
            "2.10, ten at once",
            ten.iter().flat_map(|payload| ping(payload)).collect(),
            ten.iter().map(|payload| pong(payload)).collect(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn reserved_bits_and_opcodes_are_violations() {
    let mut cases = Vec::new();
    for bits in 1..=7_u8 {
        cases.push(("3, reserved bits on a text", frame(0x81 | bits << 4, b"x"), vec![Close(1002), End]));
        let late = all(&[binary(b"x"), frame(0x82 | bits << 4, b"x"), ping(b"")]);
        cases.push(("3, after a message", late, vec![Malformed, Close(1002), End]));
        cases.push(("3, on a ping", frame(0x89 | bits << 4, b""), vec![Close(1002), End]));
        cases.push(("3, on a close", frame(0x88 | bits << 4, b""), vec![Close(1002), End]));
    }
    for opcode in (3..=7).chain(11..=15) {
        cases.push(("4, a reserved opcode", frame(0x80 | opcode, b""), vec![Close(1002), End]));
        let late = all(&[text(b"x"), frame(0x80 | opcode, b"x"), ping(b"")]);
        cases.push(("4, after a message", late, vec![Malformed, Close(1002), End]));
    }
    check_all(&cases).await;
}

#[tokio::test]
async fn fragments_make_a_message_with_control_frames_between_them_and_nothing_else() {
    let broken = vec![Close(1002), End];
    check_all(&[
        ("5.1, a ping in fragments", all(&[frame(0x09, b"a"), frame(0x80, b"b")]), broken.clone()),
        ("5.2, a pong in fragments", all(&[frame(0x0a, b"a"), frame(0x80, b"b")]), broken.clone()),
        ("5.3", all(&[frame(0x01, b"a"), frame(0x80, b"b")]), vec![Malformed]),
        (
            "5.6, a ping between",
            all(&[frame(0x01, b"a"), ping(b"p"), frame(0x80, b"b")]),
            vec![Pong(b"p".to_vec()), Malformed],
        ),
        ("5.9, a continuation of nothing", all(&[frame(0x80, b"a"), text(b"b")]), broken.clone()),
        ("5.12, one that goes on", all(&[frame(0x00, b"a"), text(b"b")]), broken.clone()),
        (
            "5.15, one after a message",
            all(&[frame(0x01, b"a"), frame(0x80, b"b"), frame(0x00, b"c")]),
            vec![Malformed, Close(1002), End],
        ),
        ("5.18, a message in a message", all(&[frame(0x01, b"a"), frame(0x81, b"b")]), broken.clone()),
        (
            "5.19, pings between many",
            all(&[
                frame(0x02, b"1"),
                frame(0x00, b"2"),
                ping(b"p1"),
                frame(0x00, b"3"),
                frame(0x00, b""),
                ping(b"p2"),
                frame(0x80, b"5"),
            ]),
            vec![Pong(b"p1".to_vec()), Pong(b"p2".to_vec()), Malformed],
        ),
        (
            "6.1, all fragments empty",
            all(&[frame(0x01, b""), frame(0x00, b""), frame(0x80, b"")]),
            vec![Malformed],
        ),
    ])
    .await;
}

/// Text is no part of this protocol: it is answered in the same way whatever is in it, and never looked at.
#[tokio::test]
async fn text_is_refused_be_it_utf_8_or_not() {
    let texts: [&[u8]; 8] = [
        "κόσμε".as_bytes(),
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
        b"\xf4\x90\x80\x80",
        b"\x80",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xef\xbf\xbf",
        b"\xfe\xfe\xff\xff",
    ];
    let mut cases = Vec::new();
    for payload in texts {
        let (before, after) = payload.split_at(payload.len() / 2);
        cases.push(("6", text(payload), vec![Malformed]));
        cases.push(("6, in fragments", all(&[frame(0x01, before), frame(0x80, after)]), vec![Malformed]));
    }
    check_all(&cases).await;
}

#[tokio::test]
async fn a_close_is_answered_by_what_it_says() {
    let (good, broken) = (vec![Close(1000), End], vec![Close(1002), End]);
    let mut cases = vec![
        ("7.1.1", all(&[text(b"x"), close(1000, b"")]), vec![Malformed, Close(1000), End]),
        ("7.1.2, twice", all(&[close(1000, b""), close(1000, b"")]), good.clone()),
        ("7.1.3, a ping after it", all(&[close(1000, b""), ping(b"")]), good.clone()),
        ("7.1.4, a message after it", all(&[close(1000, b""), text(b"x")]), good.clone()),
        ("7.1.5, in a message", all(&[frame(0x01, b"a"), close(1000, b""), frame(0x80, b"b")]), good.clone()),
        ("7.3.1, empty", frame(0x88, b""), good.clone()),
        ("7.3.2, half a code", frame(0x88, b"a"), broken.clone()),
        ("7.3.3", close(1000, b""), good.clone()),
        ("7.3.4", close(1000, b"Hello World!"), good.clone()),
        ("7.3.5, as long as may be", close(1000, &[b'*'; 123]), good.clone()),
        ("7.3.6, too long", close(1000, &[b'*'; 124]), broken.clone()),
        ("7.5.1, a reason that is no UTF-8", close(1000, b"\xce\xba\xed\xa0\x80"), vec![Close(1007), End]),
        ("5, in fragments", frame(0x08, &[3, 0xe8]), broken.clone()),
    ];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        cases.push(("7.7, a code that may be sent", close(code, b""), good.clone()));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        cases.push(("7.9, a code that may not", close(code, b""), broken.clone()));
    }
    check_all(&cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_messages_are_bounded_however_they_are_cut() {
    const MIB: usize = 1024 * 1024;
    let relay = TestRelay::start().await;
    let authority = relay.authority();
    let over = |length: usize| if length > limits::FRAME_MAX_BYTES { TooLarge } else { Malformed };
    for length in [64 * 1024, 256 * 1024, MIB, 4 * MIB, 8 * MIB, 16 * MIB] {
        let payload = vec![0xff; length];
        check(&authority, "9.2, one frame", &binary(&payload), usize::MAX, &[over(length)]).await;
        check(&authority, "9.1, a text", &text(&payload), usize::MAX, &[Malformed]).await;
    }
    for part in [64, 4096, 65_536] {
        let payload = vec![0xff; MIB / 4];
        let chunks: Vec<_> = payload.chunks(part).collect();
        let last = chunks.len() - 1;
        let frames = chunks.iter().enumerate().flat_map(|(index, chunk)| {
            let opcode = if index == 0 { 0x02 } else { 0x00 };
            frame(opcode | if index == last { 0x80 } else { 0 }, chunk)
        });
        let bytes: Vec<u8> = frames.collect();
        check(&authority, "9.4, in fragments", &bytes, usize::MAX, &[over(payload.len())]).await;
        check(&authority, "9.6, chopped", &bytes, 997, &[over(payload.len())]).await;
    }
    let announced = [&[0x82, 0xff][..], &(u64::MAX >> 1).to_be_bytes(), &MASK].concat();
    check(&authority, "a length beyond all bounds", &announced, usize::MAX, &[Close(1009), End]).await;
    check(&authority, "not masked", &[0x82, 0x00], usize::MAX, &[Close(1002), End]).await;
}

//! Frames that are wrong: at random but the same in every run, oversized, and against RFC 6455. The relay answers each, or hangs
//! up, and goes on serving.

use crate::credentials::one_of_each;
use crate::support::*;
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_protocol::{
    AppendHandshake, ClientFrame, Direction, Door, DoorId, ErrorCode, Handover, HistoryRequest, PageRequest,
    Published, RelayFrame, RepairEpoch, Reply, Request, WireError, decode, encode, limits,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

/// The same numbers in every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// A frame that is wrong somewhere: noise, noise behind a good beginning, or a good frame that was changed.
fn wrong_frame(chance: &mut Chance, good: &[Request], number: u32) -> Vec<u8> {
    let one_of = |chance: &mut Chance| {
        encode(&ClientFrame { request: number, body: good[chance.below(good.len())].clone() })
    };
    let mut bytes = one_of(chance);
    match chance.below(7) {
        0 => {
            let length = chance.below(200);
            return chance.bytes(length);
        }
        1 => {
            let code = chance.below(18) as u8;
            let length = chance.below(100);
            return [vec![0xa2, 0x00, 0x01, 0x01, 0x82, code], chance.bytes(length)].concat();
        }
        2 => bytes.truncate(chance.below(bytes.len())),
        3 => {
            let length = 1 + chance.below(20);
            bytes.extend(chance.bytes(length));
        }
        4 => {
            // A piece of another one in the middle.
            let other = one_of(chance);
            let (from, at) = (chance.below(other.len()), chance.below(bytes.len()));
            bytes.splice(at.., other[from..].iter().copied());
        }
        _ => {
            for _ in 0..=chance.below(4) {
                let at = chance.below(bytes.len());
                bytes[at] = chance.next() as u8;
            }
        }
    }
    bytes
}

#[tokio::test]
async fn ten_thousand_malformed_frames_are_each_answered_and_harm_nobody() {
    const FRAMES: usize = 10_000;
    const AT_ONCE: usize = 50;
    let seed = 0x50_77_0a_1b_2c_3d_4e_5f;
    let mut chance = Chance(seed);
    let relay = TestRelay::start().await;
    let mut bystander = relay.connect().await;
    let kept = Room::new();
    bystander.create(&kept).await;
    bystander.open(&kept).await;
    let mut sent = 0;
    while sent < FRAMES {
        let mut client = relay.connect().await;
        let mut room = Room::new();
        client.create(&room).await;
        client.open(&room).await;
        for _ in 0..3 {
            client.commit(&mut room, &[]).await;
        }
        let good = one_of_each(&client, &room);
        let readable = encode(&ClientFrame { request: u32::MAX, body: good[0].clone() });
        for _ in 0..20 {
            let mut frames = Vec::new();
            for number in 0..AT_ONCE {
                let frame = wrong_frame(&mut chance, &good, 1000 + number as u32);
                frames.push(frame.clone());
                client.socket.feed(Message::binary(frame)).await.unwrap();
            }
            // One that can be read, for after many that cannot the relay hangs up.
            client.socket.feed(Message::binary(readable.clone())).await.unwrap();
            client.socket.flush().await.unwrap();
            let mut answers = 0;
            while answers < AT_ONCE + 1 {
                match client.read().await {
                    RelayFrame::Reply(number, Reply::Error(error)) => {
                        let frame = || {
                            frames
                                .get((number as usize).wrapping_sub(1000))
                                .map(|frame| decode::<ClientFrame>(frame))
                        };
                        assert_ne!(error.code, ErrorCode::Internal, "seed {seed:x}: {:?}", frame());
                        answers += 1;
                    }
                    RelayFrame::Reply(..) => answers += 1,
                    _ => {}
                }
            }
            sent += AT_ONCE;
        }
    }
    assert_eq!(bystander.append(&kept, &entry(0, b"as ever")).await, 1);
    assert_eq!(bystander.pushed_entry().await.1.seq, 1);
}

#[tokio::test]
async fn noise_under_the_frames_harms_nobody() {
    let mut chance = Chance(7);
    let relay = TestRelay::start().await;
    let mut bystander = relay.connect().await;
    for _ in 0..300 {
        let mut stream = relay.connect().await.socket.into_inner();
        let length = 1 + chance.below(3000);
        let mut noise = chance.bytes(length);
        if chance.below(2) == 0 {
            // A frame that may stand here, so that what follows is looked at.
            noise.splice(0..0, [0x82, 0x81, 0, 0, 0, 0, 7]);
        }
        let _ = stream.write_all(&noise).await;
        let mut buffer = [0; 512];
        let _ = tokio::time::timeout(std::time::Duration::from_millis(5), stream.read(&mut buffer)).await;
    }
    bystander.create(&Room::new()).await;
}

#[tokio::test]
async fn what_the_rfc_forbids_or_is_far_too_long_is_hung_up_on() {
    let relay = TestRelay::start().await;
    let mask = [0; 4];
    let long = |first: u8, length: u64| [&[first, 0xff][..], &length.to_be_bytes(), &mask].concat();
    for (what, bytes, code) in [
        ("a ping of 126 bytes", [&[0x89, 0xfe, 0, 126][..], &mask, &[0; 126]].concat(), 1002),
        ("a ping in fragments", vec![0x09, 0x80, 0, 0, 0, 0], 1002),
        ("a close in fragments", vec![0x08, 0x80, 0, 0, 0, 0], 1002),
        ("a continuation of nothing", vec![0x80, 0x80, 0, 0, 0, 0], 1002),
        ("two messages at once", vec![0x02, 0x80, 0, 0, 0, 0, 0x82, 0x80, 0, 0, 0, 0], 1002),
        ("an extension", vec![0xc2, 0x80, 0, 0, 0, 0], 1002),
        ("an unknown kind", vec![0x83, 0x80, 0, 0, 0, 0], 1002),
        ("no mask", vec![0x82, 0x01, 7], 1002),
        ("a message of 65 MiB", long(0x82, 65 << 20), 1009),
        ("a text of 65 MiB", long(0x81, 65 << 20), 1009),
        ("as long as can be said", long(0x82, u64::MAX >> 1), 1009),
        ("longer than can be said", long(0x82, u64::MAX), 1002),
        ("65 MiB in two fragments", [vec![0x02, 0x81, 0, 0, 0, 0, 7], long(0x80, 65 << 20)].concat(), 1009),
    ] {
        let mut client = relay.connect().await;
        let stream = client.socket.get_mut();
        stream.write_all(&bytes).await.unwrap();
        let close = loop {
            match client.socket.next().await {
                Some(Ok(Message::Close(close))) => break close,
                Some(Ok(_)) => {}
                other => panic!("{what}: expected a close, got {other:?}"),
            }
        };
        assert_eq!(u16::from(close.unwrap().code), code, "{what}");
    }
}

#[tokio::test]
async fn a_message_in_many_fragments_is_one_message() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let bytes = encode(&ClientFrame { request: 5, body: Request::Create(Room::new().creation()) });
    let mut raw = Vec::new();
    for (index, byte) in bytes.iter().enumerate() {
        let first = if index == 0 { 0x02 } else { 0x00 };
        raw.extend([first, 0x81, 0, 0, 0, 0, *byte]);
        raw.extend([0x89, 0x80, 0, 0, 0, 0]); // A ping in between.
    }
    raw.extend([0x80, 0x80, 0, 0, 0, 0]);
    client.socket.get_mut().write_all(&raw).await.unwrap();
    assert_eq!(client.read().await, RelayFrame::Reply(5, Reply::Created));
}

#[tokio::test]
async fn lists_and_numbers_past_their_limits_are_named() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    client.commit(&mut room, &[]).await;
    let doors = |count: usize| -> Vec<Door> { (0..count).map(|_| door(DoorId::new(random()))).collect() };
    let wraps = |count: usize| {
        (0..count).map(|_| sotto_protocol::CapsuleWrap { tag: random(), ..capsule_wrap(0, "") }).collect()
    };
    let keys = |count: usize| (0..count).map(|_| random::<32>().into()).collect::<Vec<_>>();
    let plain = || published(&[], b"card");
    let long_wrap = Door { wrap: vec![0; limits::DOOR_WRAP_MAX_BYTES + 1], ..door(DoorId::new(random())) };
    for (what, published, limit) in [
        ("doors", Published { doors: doors(2 * limits::DOORS_MAX), ..plain() }, limits::DOORS_MAX),
        ("a wrap", Published { doors: vec![long_wrap], ..plain() }, limits::DOOR_WRAP_MAX_BYTES),
        (
            "capsule wraps",
            Published {
                capsule: Some(vec![1]),
                capsule_wraps: Some(wraps(2 * limits::CAPSULE_WRAPS_MAX)),
                ..plain()
            },
            limits::CAPSULE_WRAPS_MAX,
        ),
    ] {
        let expected = WireError::with_limit(ErrorCode::LimitExceeded, limit as u64);
        let Published { card, doors, capsule, capsule_wraps } = published.clone();
        let commit = room.clone().commit(&[]);
        let commit = AppendHandshake { card, doors, capsule, capsule_wraps, ..commit };
        let last_handshake_seq = room.last_handshake_seq;
        let published = Some(published);
        let repair = RepairEpoch { room: room.id, epoch: 1, published, history: None, last_handshake_seq };
        for request in [Request::AppendHandshake(commit), Request::Repair(repair)] {
            assert_eq!(client.refusal(request).await, expected, "{what}");
        }
    }
    let mut commit = room.clone().commit(&[]);
    let handover = room.handover(&commit, &room.admin, &[&room.admin]);
    commit.handover = Some(Handover { keys: keys(limits::ADMIN_KEYS_MAX + 1), ..handover });
    let expected = WireError::with_limit(ErrorCode::LimitExceeded, limits::ADMIN_KEYS_MAX as u64);
    assert_eq!(client.refusal(Request::AppendHandshake(commit)).await, expected, "room-admin keys");
    for limit in [0, limits::PAGE_MAX_ENTRIES + 1, u32::MAX] {
        let direction = Direction::Forward;
        let page = PageRequest { room: room.id, from: 0, direction, limit, handshakes_only: false };
        assert_eq!(client.refusal_code(Request::Page(page)).await, ErrorCode::LimitExceeded);
    }
    for limit in [0, limits::HISTORY_MAX_EPOCHS + 1, u32::MAX] {
        let history = HistoryRequest { room: room.id, before: u64::MAX, limit, tag: None };
        assert_eq!(client.refusal_code(Request::History(history)).await, ErrorCode::LimitExceeded);
    }
}

#[tokio::test]
async fn what_a_frame_announces_takes_no_memory_and_no_stack() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    // A handshake whose list of doors is announced with 2^64 - 1 of them, and one with bytes of 2^63.
    let begin = [0xa2, 0x00, 0x09, 0x01, 0x82, 0x03, 0x81, 0xa1];
    let endless = [&begin[..], &[0x06, 0x9b], &[0xff; 8]].concat();
    let long_bytes = [&begin[..], &[0x02, 0x5b, 0x7f], &[0xff; 7]].concat();
    // A field that nobody knows, a million arrays deep.
    let deep = [&begin[..], &[0x18, 0x63], &vec![0x81; 1_000_000]].concat();
    let indefinite = [&begin[..], &[0x18, 0x63], &vec![0x9f; 1_000_000]].concat();
    for (what, bytes) in
        [("doors", endless), ("bytes", long_bytes), ("depth", deep), ("depth without end", indefinite)]
    {
        assert!(decode::<ClientFrame>(&bytes).is_err());
        client.socket.send(Message::binary(bytes)).await.unwrap();
        let malformed = Reply::Error(ErrorCode::MalformedFrame.into());
        assert_eq!(client.read().await, RelayFrame::Reply(9, malformed), "{what}");
    }
    client.create(&Room::new()).await;
}

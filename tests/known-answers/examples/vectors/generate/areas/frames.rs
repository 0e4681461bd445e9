//! The room socket: every request, every reply, and what comes unasked.

use super::{Area, Change, EPOCH, NOW_MS, ROOM, Reader, Refused, With, diagnostic, hex};
use serde_json::{Value, json};
use sotto_protocol::restore::{Behind, GoOn, Outline, OutlineEntry, Replay, Replayed, WentOn};
use sotto_protocol::{
    Append, AppendHandshake, AppendRewind, CapsuleWrap, CardReply, CardRequest, Challenge, ClientFrame,
    ConfirmJoin, CreateRoom, DeleteRoom, Direction, Door, DoorId, DropWraps, Dropped, EntryKind, ErrorCode,
    Handover, Held, HeldRequest, HistoryReply, HistoryRequest, Incarnation, JoinAuthority, LogEntry,
    OpenRoom, OpenedRoom, Page, PageRequest, PastEpoch, Published, PushSubscription, RelayFrame, RepairEpoch,
    Reply, Request, Retention, RoomAccess, RoomToken, SetRetention, Status, StatusRequest, Subscribe,
    Unsubscribe, Welcome, WireError, WriteStatus, decode, encode, push_payload, read_push_payload,
};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("client-frame", |_, bytes| {
        let frame: ClientFrame = decode(bytes)?;
        Ok(json!({ "shows": diagnostic(&encode(&frame)) }))
    }),
    ("relay-frame", |_, bytes| {
        let frame: RelayFrame = decode(bytes)?;
        Ok(json!({ "shows": diagnostic(&encode(&frame)) }))
    }),
    ("push payload", read_payload),
];

const DOOR: DoorId = DoorId::new([0x66; 16]);
const TAG: [u8; 16] = [0x0e; 16];
const SIGNATURE: [u8; 64] = [0x99; 64];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("frames", "Encodings; The room socket; Push");
    for (name, body) in requests() {
        let frame = encode(&ClientFrame { request: 1, body });
        area.read(name, "client-frame", json!({}), &frame, json!({ "shows": diagnostic(&frame) }));
        area.refuse_changed(name, Change::Cut(1), "the last byte is missing");
    }
    for (name, frame) in relay_frames() {
        let frame = encode(&frame);
        area.read(name, "relay-frame", json!({}), &frame, json!({ "shows": diagnostic(&frame) }));
        area.refuse_changed(name, Change::Cut(1), "the last byte is missing");
    }
    errors(&mut area);
    as_readers_take_them(&mut area);
    bad(&mut area);
    payload(&mut area);
    area
}

fn doors() -> Vec<Door> {
    let bare = Door { id: DOOR, wrap: b"wrap".to_vec(), expires_at_ms: None, key: [0x0d; 32] };
    vec![bare.clone(), Door { id: DoorId::new([0x67; 16]), expires_at_ms: Some(NOW_MS), ..bare }]
}

fn wraps() -> Vec<CapsuleWrap> {
    let wrap = |tag, owner| CapsuleWrap { tag, wrap: b"wrap".to_vec(), owner };
    vec![wrap(TAG, None), wrap([0x0f; 16], Some([0x12; 32]))]
}

fn published() -> Published {
    Published {
        card: b"card".to_vec(),
        doors: doors(),
        capsule: Some(b"capsule".to_vec()),
        capsule_wraps: Some(wraps()),
    }
}

fn handover() -> Handover {
    Handover { keys: vec![[0x02; 32].into(), [0x03; 32].into()], signer: [0x02; 32], signature: SIGNATURE }
}

fn subscription() -> PushSubscription {
    let endpoint = "https://push.example/x".to_owned();
    PushSubscription { endpoint, p256dh: [0x04; 65], auth: [0x05; 16], tag: TAG }
}

fn handshake() -> AppendHandshake {
    AppendHandshake {
        room: ROOM,
        last_handshake_seq: 0,
        entry: b"entry".to_vec(),
        access_key: [0x01; 32],
        join_key: [0x02; 32],
        card: b"card".to_vec(),
        doors: doors(),
        join: None,
        capsule: None,
        capsule_wraps: None,
        history: None,
        handover: None,
        cut: None,
    }
}

fn outline() -> Outline {
    let line = |kind, registered| OutlineEntry { kind, hash: [0x16; 32], registered };
    let entries = vec![
        line(EntryKind::Message, None),
        line(EntryKind::Handshake, Some([0x17; 32])),
        line(EntryKind::Join, Some([0x17; 32])),
        line(EntryKind::Rewind, None),
    ];
    Outline { room: ROOM, after: 5, entries }
}

fn requests() -> Vec<(&'static str, Request)> {
    let (room, signature, epoch) = (ROOM, SIGNATURE, EPOCH);
    let create = |token| {
        let (access_key, join_key, admin_key) = ([0x01; 32], [0x02; 32], [0x03; 32]);
        Request::Create(CreateRoom { room, access_key, join_key, token, admin_key })
    };
    let token = RoomToken { period: 656, nonce: [0x06; 32], output: [0x07; 64] };
    let join = Some(JoinAuthority { door: DOOR, signature });
    let whole = AppendHandshake {
        capsule: Some(b"capsule".to_vec()),
        capsule_wraps: Some(wraps()),
        history: Some(b"link".to_vec()),
        handover: Some(handover()),
        cut: Some(true),
        ..handshake()
    };
    let page = |direction, from| {
        Request::Page(PageRequest { room, from, direction, limit: 500, handshakes_only: false })
    };
    let confirm = |admin_key| Request::Confirm(ConfirmJoin { room, seq: 7, signature, admin_key });
    let repair = |published, history| {
        Request::Repair(RepairEpoch { room, epoch, published, history, last_handshake_seq: 7 })
    };
    let held = |door, tag| Request::Held(HeldRequest { room, door, tag });
    let history = |tag| Request::History(HistoryRequest { room, before: epoch, limit: 100, tag });
    let retain =
        |seconds| Request::SetRetention(SetRetention { room, seconds, admin_key: [0x02; 32], signature });
    let replay = |what| Request::Replay(Replay { room, seq: 6, what });
    let rewind = AppendRewind { room, rewind: b"rewind".to_vec(), published: published() };
    vec![
        ("Create", create(None)),
        ("Create with a room token", create(Some(token))),
        ("Open", Request::Open(OpenRoom { room, epoch, signature })),
        ("Append", Request::Append(Append { room, entry: b"entry".to_vec(), read_seq: 8 })),
        ("AppendHandshake", Request::AppendHandshake(handshake())),
        ("AppendHandshake with everything", Request::AppendHandshake(whole)),
        ("AppendHandshake of a joiner", Request::AppendHandshake(AppendHandshake { join, ..handshake() })),
        ("Page forward", page(Direction::Forward, 0)),
        ("Page backward, from the newest", page(Direction::Backward, u64::MAX)),
        ("Card", Request::Card(CardRequest { room, door: DOOR, signature })),
        (
            "Rewind",
            Request::Rewind(AppendRewind { room, rewind: b"rewind".to_vec(), published: published() }),
        ),
        ("Confirm", confirm(None)),
        ("Confirm by an admin", confirm(Some([0x02; 32].into()))),
        ("Repair of everything", repair(Some(published()), Some(b"link".to_vec()))),
        ("Repair of the history link", repair(None, Some(b"link".to_vec()))),
        ("Held, all of it", held(None, None)),
        ("Held, one's own door", held(Some(DOOR), None)),
        ("Held, one's own tag", held(None, Some(TAG))),
        ("History, links alone", history(None)),
        ("History of a tag", history(Some(TAG))),
        (
            "DropWraps",
            Request::DropWraps(DropWraps { room, tag: TAG, before: 9, owner: [0x12; 32], signature }),
        ),
        ("WriteStatus", Request::WriteStatus(WriteStatus { room, key: [0x0d; 32], value: [0x0c; 256] })),
        ("Statuses", Request::Statuses(StatusRequest { room })),
        ("DeleteRoom", Request::DeleteRoom(DeleteRoom { room, admin_key: [0x02; 32], signature })),
        ("SetRetention", retain(Some(86_400))),
        ("SetRetention to the operator's", retain(None)),
        ("Subscribe", Request::Subscribe(Subscribe { room, subscription: subscription() })),
        ("Unsubscribe", Request::Unsubscribe(Unsubscribe { room, tag: TAG })),
        ("JoinTurn", Request::JoinTurn(CardRequest { room, door: DOOR, signature })),
        ("Outline", Request::Outline(outline())),
        ("Replay of messages", replay(Replayed::Messages(vec![b"entry".to_vec().into(), Vec::new().into()]))),
        ("Replay of a handshake", replay(Replayed::Handshake(handshake()))),
        ("Replay of a rewind", replay(Replayed::Rewind(rewind))),
        (
            "GoOn",
            Request::GoOn(GoOn {
                room,
                seq: 5,
                hash: [0x16; 32],
                admin_key: [0x02; 32],
                admin_keys: vec![[0x02; 32].into(), [0x03; 32].into()],
                signature,
            }),
        ),
    ]
}

fn relay_frames() -> Vec<(&'static str, RelayFrame)> {
    let reply = |reply| RelayFrame::Reply(1, reply);
    let message = LogEntry::message(9, b"entry".to_vec());
    let handshake = LogEntry { kind: EntryKind::Handshake, access_key: Some([0x01; 32]), ..message.clone() };
    let rewind = LogEntry { kind: EntryKind::Rewind, ..message.clone() };
    let join = LogEntry { kind: EntryKind::Join, ..handshake.clone() };
    let dropped = LogEntry { dropped: Some([0x15; 32]), ..LogEntry::message(9, Vec::new()) };
    let opened = |access, retention| {
        let room = OpenedRoom {
            access,
            epoch: EPOCH,
            head_seq: 9,
            last_handshake_seq: 7,
            retention,
            safe_seq: None,
            behind: None,
            went_on: None,
        };
        reply(Reply::Opened(Box::new(room)))
    };
    let restored = |behind, went_on| {
        reply(Reply::Opened(Box::new(OpenedRoom {
            access: RoomAccess::Full,
            epoch: EPOCH,
            head_seq: 5,
            last_handshake_seq: 3,
            retention: None,
            safe_seq: Some(4),
            behind,
            went_on,
        })))
    };
    let behind = Behind { seq: 9, hash: [0x16; 32], head_hash: [0x17; 32], is_outlined: true };
    let went_on = WentOn {
        seq: 5,
        hash: [0x17; 32],
        incarnation: Incarnation::new([0x18; 16]),
        admin_key: [0x02; 32],
        signature: SIGNATURE,
    };
    let dropping = Retention {
        operator_s: Some(31_536_000),
        room_s: Some(86_400),
        dropped: Some(Dropped { up_to_seq: 6, aged_s: 86_400 }),
    };
    let page = |entries, more| reply(Reply::Page(Page { entries, more }));
    let held = |published: Option<Published>, door_wrap, capsule_wrap, history| {
        let admin_keys = published.is_some().then(|| vec![[0x02; 32].into(), [0x03; 32].into()]);
        reply(Reply::Held(Held { epoch: EPOCH, history, published, door_wrap, capsule_wrap, admin_keys }))
    };
    let past = PastEpoch {
        epoch: 2,
        capsule: Some(b"capsule".to_vec()),
        wrap: Some(b"wrap".to_vec()),
        link: Some(b"link".to_vec()),
    };
    let bare = PastEpoch { epoch: 1, capsule: None, wrap: None, link: None };
    let card = CardReply {
        epoch: EPOCH,
        last_handshake_seq: 7,
        card: b"card".to_vec(),
        wrap: b"wrap".to_vec(),
        turn_ms: None,
    };
    let turn = CardReply { turn_ms: Some(5000), ..card.clone() };
    let status = Status { register: [0x13; 16], value: [0x0c; 256] };
    let welcome = Welcome {
        version: 1,
        challenge: Challenge::new([0x77; 32]),
        incarnation: Incarnation::new([0x0b; 16]),
        now_ms: NOW_MS,
    };
    vec![
        ("Opened, of a room that has lost entries", restored(Some(behind), None)),
        ("Opened, of a room that went on without", restored(None, Some(went_on))),
        ("Welcome", RelayFrame::Welcome(welcome)),
        ("Created", reply(Reply::Created)),
        ("Opened", opened(RoomAccess::Full, Some(Retention::default()))),
        ("Opened, where bodies are dropped", opened(RoomAccess::Full, Some(dropping))),
        ("Opened for handshakes", opened(RoomAccess::Handshakes, None)),
        ("Appended", reply(Reply::Appended(9))),
        (
            "Page of all kinds",
            page(vec![message.clone(), handshake.clone(), rewind.clone(), join.clone()], true),
        ),
        ("Page with a dropped body", page(vec![dropped], false)),
        ("Page of nothing", page(Vec::new(), false)),
        ("Card", reply(Reply::Card(card))),
        ("Card, for a turn", reply(Reply::Card(turn))),
        ("Done", reply(Reply::Done)),
        ("Held with everything", held(Some(published()), None, None, Some(b"link".to_vec()))),
        ("Held with one's own door's wrap", held(None, Some(b"wrap".to_vec()), None, None)),
        ("Held with one's own capsule wrap", held(None, None, Some(b"wrap".to_vec()), None)),
        ("History", reply(Reply::History(HistoryReply { epochs: vec![past, bare], more: true }))),
        ("Statuses", reply(Reply::Statuses(vec![status]))),
        ("Entry: a message", RelayFrame::Entry(ROOM, message)),
        ("Entry: a handshake", RelayFrame::Entry(ROOM, handshake)),
        ("Entry: a rewind", RelayFrame::Entry(ROOM, rewind)),
        ("Entry: a join", RelayFrame::Entry(ROOM, join)),
        ("Behind", RelayFrame::Behind(ROOM)),
        ("Status", RelayFrame::Status(ROOM, status)),
        ("Gone", RelayFrame::Gone(ROOM)),
    ]
    .into_iter()
    // A request and a reply have the same name.
    .map(|(name, frame)| (if name == "Card" { "Card, the reply" } else { name }, frame))
    .map(|(name, frame)| (if name == "History" { "History, the reply" } else { name }, frame))
    .map(|(name, frame)| (if name == "Statuses" { "Statuses, the reply" } else { name }, frame))
    .collect()
}

fn errors(area: &mut Area) {
    let reply = |error| encode(&RelayFrame::Reply(1, Reply::Error(error)));
    // Every code there is: what decodes.
    let codes =
        (0..=255_u8).filter_map(|code| decode::<ErrorCode>(&encode(&code)).ok().map(|found| (code, found)));
    for (number, code) in codes {
        let frame = reply(WireError::new(code));
        let gives = json!({ "shows": diagnostic(&frame) });
        area.read(&format!("Error {number}: {code:?}"), "relay-frame", json!({}), &frame, gives);
    }
    for (name, error) in [
        ("Error with a limit", WireError::with_limit(ErrorCode::LimitExceeded, 1024)),
        ("Error with a delay", WireError::with_delay(ErrorCode::StorageFull, 500)),
    ] {
        let frame = reply(error);
        area.read(name, "relay-frame", json!({}), &frame, json!({ "shows": diagnostic(&frame) }));
    }
    let mut unknown = reply(WireError::new(ErrorCode::Conflict));
    let last = unknown.len() - 1;
    unknown.splice(last.., [0x18, 0x63]);
    area.refuse_bytes("Error with a limit", &unknown, "a code that is not known");
}

/// What writers do not write and readers take.
fn as_readers_take_them(area: &mut Area) {
    let frame = encode(&ClientFrame {
        request: 1,
        body: Request::Append(Append { room: ROOM, entry: b"entry".to_vec(), read_seq: 8 }),
    });
    let gives = json!({ "shows": diagnostic(&frame) });
    // a2 00 01 01 82 02 81 a3 00 50 … 01 45 … 02 08
    let (head, fields) = frame.split_at(8);
    assert_eq!((head[7], fields[0]), (0xa3, 0x00));
    let (room, entry) = fields.split_at(18);
    let later = [&head[..7], &[0xa4], fields, &[0x09, 0x65], b"later"].concat();
    area.read("a key of a later version is skipped", "client-frame", json!({}), &later, gives);
    for (other, why) in [
        ([head, entry, room].concat(), "keys that do not ascend"),
        ([&head[..7], &[0xa4], room, room, entry].concat(), "a key twice"),
        ([&head[..7], &[0xbf], fields, &[0xff]].concat(), "a map of indefinite length"),
        (
            [&head[..7], &[0xa4], fields, &[0x09, 0x18, 0x05]].concat(),
            "a longer integer, behind a key of a later version",
        ),
        ([&head[..7], &[0xa4], fields, &[0x09, 0xf9, 0x3e, 0x00]].concat(), "a floating-point number"),
        ([&head[..7], &[0xa4], fields, &[0x09, 0xc1, 0x00]].concat(), "a tag"),
        ([&head[..7], &[0xa4], fields, &[0x09, 0x61, 0xff]].concat(), "a text that is no UTF-8"),
        ([&head[..7], &[0xa4], fields, &[0x09], &[0x81; 20], &[0x00]].concat(), "more than 16 levels"),
    ] {
        area.refuse_bytes("Append", &other, why);
    }
    let create = encode(&ClientFrame {
        request: 1,
        body: Request::Create(CreateRoom {
            room: ROOM,
            access_key: [1; 32],
            join_key: [2; 32],
            token: None,
            admin_key: [3; 32],
        }),
    });
    let before_the_last = create.len() - 35;
    let null =
        [&create[..7], &[0xa5], &create[8..before_the_last], &[0x03, 0xf6], &create[before_the_last..]]
            .concat();
    area.refuse_bytes("Append", &null, "null for a field that is absent");
}

fn bad(area: &mut Area) {
    const APPEND: &str = "Append";
    area.refuse_changed(APPEND, Change::Append(&[0]), "a byte follows");
    area.refuse_changed(APPEND, Change::Xor(5, 0x02 ^ 0x17), "a request that is not known");
    area.refuse_bytes(APPEND, b"", "nothing");
    area.refuse_bytes(APPEND, &[0xf6], "null");
    area.refuse_bytes(APPEND, &[0xa1, 0x00, 0x01], "a frame without its request");
    let frame = |fields: &[u8]| [&[0xa2, 0x00, 0x01, 0x01, 0x82, 0x02, 0x81], fields].concat();
    let room = [&[0x00, 0x50][..], ROOM.as_bytes()].concat();
    area.refuse_bytes(APPEND, &frame(&[&[0xa1][..], &room].concat()), "required keys are missing");
    let short = [&[0xa3, 0x00, 0x4f][..], &ROOM.as_bytes()[..15], &[0x01, 0x41, 0x00, 0x02, 0x08]].concat();
    area.refuse_bytes(APPEND, &frame(&short), "a room id of 15 bytes");
    let text = [&[0xa3][..], &room, &[0x01, 0x61, b'x', 0x02, 0x08]].concat();
    area.refuse_bytes(APPEND, &frame(&text), "a text in place of bytes");
    let null = [&[0xa3][..], &room, &[0x01, 0xf6, 0x02, 0x08]].concat();
    area.refuse_bytes(APPEND, &frame(&null), "null for a required field");
    let direction = requests().into_iter().find(|(name, _)| *name == "Page forward").unwrap().1;
    let mut page = encode(&ClientFrame { request: 1, body: direction });
    let at = page.windows(2).position(|window| window == [0x02, 0x00]).unwrap();
    page[at + 1] = 0x02;
    area.refuse_bytes("Page forward", &page, "a direction that is not known");
    // An entry has its bytes or a dropped hash, and only messages are dropped.
    let entry = |kind, entry: &[u8], dropped| {
        let entry = LogEntry { kind, dropped, ..LogEntry::message(9, entry.to_vec()) };
        encode(&RelayFrame::Entry(ROOM, entry))
    };
    let hash = Some([0x15; 32]);
    for (bytes, why) in [
        (entry(EntryKind::Message, b"entry", hash), "an entry with its bytes and a dropped hash"),
        (entry(EntryKind::Message, b"", None), "an entry with neither"),
        (entry(EntryKind::Handshake, b"", hash), "a handshake that was dropped"),
        (entry(EntryKind::Rewind, b"", hash), "a rewind that was dropped"),
    ] {
        area.refuse_bytes("Entry: a message", &bytes, why);
    }
}

fn read_payload(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let tag = read_push_payload(bytes).ok_or_else(|| Refused("payload".to_owned()))?;
    Ok(json!({ "tag": hex(tag) }))
}

fn payload(area: &mut Area) {
    const NAME: &str = "a push payload";
    area.read(NAME, "push payload", json!({}), &push_payload(&TAG), json!({ "tag": hex(TAG) }));
    area.refuse_changed(NAME, Change::Xor(0, 3), "a later version");
    area.refuse_changed(NAME, Change::Cut(1), "the last byte is missing");
    area.refuse_changed(NAME, Change::Append(&[0]), "a byte follows");
}

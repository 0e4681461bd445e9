//! Golden bytes of every frame between relay and clients, of the entry header, the chain and what is signed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

#[path = "support/golden.rs"]
mod golden;

use sotto_protocol::{
    Append, AppendHandshake, CapsuleWrap, CardReply, CardRequest, Chain, Challenge, ClientFrame, CreateRoom,
    Direction, Door, DoorId, EntryHeader, EntryId, EntryKind, ErrorCode, Incarnation, JoinAuthority,
    LogEntry, OpenRoom, OpenedRoom, Page, PageRequest, RelayFrame, Reply, Request, RoomAccess, RoomId,
    Welcome, WireError, decode, encode, entry_hash, join_statement, open_statement,
};

const ROOM: RoomId = RoomId::new([0x01; 16]);
const DOOR: DoorId = DoorId::new([0x02; 16]);

fn check_request(format: &str, body: Request) {
    let frame = ClientFrame { request: 1_000_000, body };
    golden::check(format, &encode(&frame));
    assert_eq!(decode(&golden::read(format)), Ok(frame), "{format} is read as it was meant");
}

fn check_frame(format: &str, frame: RelayFrame) {
    golden::check(format, &encode(&frame));
    assert_eq!(decode(&golden::read(format)), Ok(frame), "{format} is read as it was meant");
}

#[test]
fn what_clients_send_is_what_it_was() {
    let join = Some(JoinAuthority { door: DOOR, signature: [0x08; 64] });
    let append = |join| AppendHandshake {
        room: ROOM,
        last_handshake_seq: 300,
        entry: vec![0x03; 41],
        access_key: [0x04; 32],
        join_key: [0x05; 32],
        card: vec![0x06; 70],
        doors: vec![Door { id: DOOR, wrap: vec![0x07; 40], expires_at_ms: None }],
        join,
        capsule: None,
        capsule_wraps: None,
        history: None,
        admin_keys: None,
        cut: None,
    };
    let page =
        |direction| PageRequest { room: ROOM, from: u64::MAX, direction, limit: 500, handshakes_only: true };
    check_request(
        "create.v1",
        Request::Create(CreateRoom { room: ROOM, access_key: [4; 32], join_key: [5; 32] }),
    );
    check_request("open.v1", Request::Open(OpenRoom { room: ROOM, epoch: 70_000, signature: [9; 64] }));
    check_request("append.v1", Request::Append(Append { room: ROOM, entry: vec![3; 41] }));
    check_request("append-commit.v1", Request::AppendHandshake(append(None)));
    let whole = AppendHandshake {
        doors: vec![Door { id: DOOR, wrap: vec![0x07; 40], expires_at_ms: Some(1_800_000_000_000) }],
        capsule: Some(vec![0x0d; 70]),
        capsule_wraps: Some(vec![CapsuleWrap { tag: [0x0e; 16], wrap: vec![0x0f; 40] }]),
        history: Some(vec![0x10; 70]),
        admin_keys: Some(vec![[0x11; 32].into()]),
        cut: Some(true),
        ..append(None)
    };
    check_request("append-whole.v1", Request::AppendHandshake(whole));
    check_request("append-join.v1", Request::AppendHandshake(append(join)));
    check_request("page-forward.v1", Request::Page(page(Direction::Forward)));
    check_request("page-backward.v1", Request::Page(page(Direction::Backward)));
    check_request("card.v1", Request::Card(CardRequest { room: ROOM, door: DOOR }));
}

#[test]
fn what_relays_send_is_what_it_was() {
    let reply = |reply| RelayFrame::Reply(1_000_000, reply);
    let entry = |kind, access_key| LogEntry { seq: 25, kind, entry: vec![3; 41], access_key };
    let opened = |access| OpenedRoom { access, epoch: 7, head_seq: 25, last_handshake_seq: 24 };
    let welcome = Welcome {
        version: 1,
        challenge: Challenge::new([0x0a; 32]),
        incarnation: Incarnation::new([0x0b; 16]),
        now_ms: 1_700_000_000_000,
    };
    let page = Page { entries: vec![entry(EntryKind::Message, None)], more: true };
    let card = CardReply { epoch: 7, last_handshake_seq: 24, card: vec![6; 70], wrap: vec![7; 40] };
    check_frame("welcome.v1", RelayFrame::Welcome(welcome));
    check_frame("entry-message.v1", RelayFrame::Entry(ROOM, entry(EntryKind::Message, None)));
    check_frame("entry-handshake.v1", RelayFrame::Entry(ROOM, entry(EntryKind::Handshake, Some([4; 32]))));
    check_frame("behind.v1", RelayFrame::Behind(ROOM));
    check_frame("created.v1", reply(Reply::Created));
    check_frame("opened-full.v1", reply(Reply::Opened(opened(RoomAccess::Full))));
    check_frame("opened-handshakes.v1", reply(Reply::Opened(opened(RoomAccess::Handshakes))));
    check_frame("appended.v1", reply(Reply::Appended(25)));
    check_frame("page-reply.v1", reply(Reply::Page(page)));
    check_frame("card-reply.v1", reply(Reply::Card(card)));
    let error = |code, limit, retry_after_ms| reply(Reply::Error(WireError { code, limit, retry_after_ms }));
    check_frame("error.v1", error(ErrorCode::Conflict, None, None));
    check_frame("error-with-limit.v1", error(ErrorCode::LimitExceeded, Some(1024), None));
    check_frame("error-with-delay.v1", error(ErrorCode::StorageFull, None, Some(500)));
}

#[test]
fn header_chain_and_statements_are_what_they_were() {
    let header = EntryHeader { epoch: 70_000, id: EntryId::new([0x0c; 16]) };
    golden::check("entry-header.v1", &header.to_bytes());
    let chain = Chain::start(&ROOM);
    golden::check("chain-start.v1", &encode(&chain));
    let next = chain.then(1, EntryKind::Handshake, &entry_hash(b"entry"));
    golden::check("chain-next.v1", &encode(&next));
    let challenge = Challenge::new([0x0a; 32]);
    golden::check("open-statement.v1", &open_statement("Relay.example:8443", &challenge, &ROOM, 7));
    let statement = join_statement("relay.example", &challenge, &ROOM, 7, &DOOR, b"entry");
    golden::check("join-statement.v1", &statement);
}

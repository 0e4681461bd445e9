//! Golden bytes of every frame between relay and clients, of the entry header, the chain and what is signed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

#[path = "support/golden.rs"]
mod golden;

use sotto_protocol::{
    Append, AppendHandshake, AppendRewind, CapsuleWrap, CardReply, CardRequest, Chain, Challenge,
    ClientFrame, ConfirmJoin, CreateRoom, DeleteRoom, Direction, Door, DoorId, DropWraps, Dropped,
    EntryHeader, EntryId, EntryKind, ErrorCode, Handover, Held, HeldRequest, HistoryReply, HistoryRequest,
    Incarnation, JoinAuthority, LogEntry, OpenRoom, OpenedRoom, Page, PageRequest, PastEpoch, Published,
    PushSubscription, RelayFrame, RepairEpoch, Reply, Request, Retention, Rewind, RewindAuthority,
    RoomAccess, RoomId, RoomToken, SetRetention, Status, StatusRequest, Subscribe, Unsubscribe, Welcome,
    WireError, WriteStatus, confirm_statement, decode, delete_statement, drop_statement, encode, entry_hash,
    join_statement, open_statement, push_payload, retention_statement,
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
        doors: vec![Door { id: DOOR, wrap: vec![0x07; 40], expires_at_ms: None, key: [0x08; 32] }],
        join,
        capsule: None,
        capsule_wraps: None,
        history: None,
        handover: None,
        cut: None,
    };
    let page =
        |direction| PageRequest { room: ROOM, from: u64::MAX, direction, limit: 500, handshakes_only: true };
    check_request(
        "create.v1",
        Request::Create(CreateRoom {
            room: ROOM,
            access_key: [4; 32],
            join_key: [5; 32],
            token: None,
            admin_key: [6; 32],
        }),
    );
    let token = RoomToken { period: 688, nonce: [6; 32], output: [7; 64] };
    check_request(
        "create-with-token.v1",
        Request::Create(CreateRoom {
            room: ROOM,
            access_key: [4; 32],
            join_key: [5; 32],
            token: Some(token),
            admin_key: [6; 32],
        }),
    );
    check_request("open.v1", Request::Open(OpenRoom { room: ROOM, epoch: 70_000, signature: [9; 64] }));
    check_request("append.v1", Request::Append(Append { room: ROOM, entry: vec![3; 41], read_seq: 1_000 }));
    check_request("append-commit.v1", Request::AppendHandshake(append(None)));
    let whole = AppendHandshake {
        doors: vec![Door {
            id: DOOR,
            wrap: vec![0x07; 40],
            expires_at_ms: Some(1_800_000_000_000),
            key: [0x08; 32],
        }],
        capsule: Some(vec![0x0d; 70]),
        capsule_wraps: Some(vec![CapsuleWrap { tag: [0x0e; 16], wrap: vec![0x0f; 40], owner: None }]),
        history: Some(vec![0x10; 70]),
        handover: Some(Handover { keys: vec![[0x11; 32].into()], signer: [0x13; 32], signature: [0x14; 64] }),
        cut: Some(true),
        ..append(None)
    };
    check_request("append-whole.v1", Request::AppendHandshake(whole));
    check_request("append-join.v1", Request::AppendHandshake(append(join)));
    check_request("page-forward.v1", Request::Page(page(Direction::Forward)));
    check_request("page-backward.v1", Request::Page(page(Direction::Backward)));
    let card = CardRequest { room: ROOM, door: DOOR, signature: [0x09; 64] };
    check_request("card.v1", Request::Card(card.clone()));
    check_request("join-turn.v1", Request::JoinTurn(card));
}

fn published() -> Published {
    Published {
        card: vec![0x06; 70],
        doors: vec![Door { id: DOOR, wrap: vec![0x07; 40], expires_at_ms: None, key: [0x08; 32] }],
        capsule: Some(vec![0x0d; 70]),
        capsule_wraps: Some(vec![CapsuleWrap {
            tag: [0x0e; 16],
            wrap: vec![0x0f; 40],
            owner: Some([0x12; 32]),
        }]),
    }
}

#[test]
fn what_clients_send_about_epochs_and_rooms_is_what_it_was() {
    let (room, signature) = (ROOM, [9; 64]);
    check_request(
        "rewind-room.v1",
        Request::Rewind(AppendRewind { room, rewind: vec![3; 41], published: published() }),
    );
    check_request("confirm.v1", Request::Confirm(ConfirmJoin { room, seq: 25, signature, admin_key: None }));
    let admin_key = Some([0x2b; 32].into());
    check_request(
        "confirm-by-admin.v1",
        Request::Confirm(ConfirmJoin { room, seq: 25, signature, admin_key }),
    );
    let repair = |published, history| {
        Request::Repair(RepairEpoch { room, epoch: 7, published, history, last_handshake_seq: 24 })
    };
    check_request("repair-all.v1", repair(Some(published()), Some(vec![0x10; 70])));
    check_request("repair-history.v1", repair(None, Some(vec![0x10; 70])));
    check_request("held.v1", Request::Held(HeldRequest { room, door: None, tag: None }));
    check_request("held-own.v1", Request::Held(HeldRequest { room, door: None, tag: Some([0x0e; 16]) }));
    let history = |tag| Request::History(HistoryRequest { room, before: u64::MAX, limit: 100, tag });
    check_request("history.v1", history(None));
    check_request("history-of-tag.v1", history(Some([0x0e; 16])));
    check_request(
        "drop-wraps.v1",
        Request::DropWraps(DropWraps { room, tag: [0x0e; 16], before: 7, owner: [0x12; 32], signature }),
    );
    check_request(
        "write-status.v1",
        Request::WriteStatus(WriteStatus { room, key: [0x0d; 32], value: [0x0e; 256] }),
    );
    check_request("statuses.v1", Request::Statuses(StatusRequest { room }));
    let admin_key = [0x11; 32];
    check_request("delete-room.v1", Request::DeleteRoom(DeleteRoom { room, admin_key, signature }));
    let retain = |seconds| Request::SetRetention(SetRetention { room, seconds, admin_key, signature });
    check_request("set-retention.v1", retain(Some(86_400)));
    check_request("unset-retention.v1", retain(None));
    let (endpoint, tag) = ("https://push.example/device".to_owned(), [0x0e; 16]);
    let subscription = PushSubscription { endpoint, p256dh: [0x04; 65], auth: [0x05; 16], tag };
    check_request("subscribe.v1", Request::Subscribe(Subscribe { room, subscription }));
    check_request("unsubscribe.v1", Request::Unsubscribe(Unsubscribe { room, tag }));
}

#[test]
fn what_relays_send_is_what_it_was() {
    let reply = |reply| RelayFrame::Reply(1_000_000, reply);
    let entry = |kind, access_key| LogEntry { kind, access_key, ..LogEntry::message(25, vec![3; 41]) };
    let opened = |access, retention| OpenedRoom {
        access,
        epoch: 7,
        head_seq: 25,
        last_handshake_seq: 24,
        retention,
        safe_seq: None,
        behind: None,
        went_on: None,
    };
    let dropped = Some(Dropped { up_to_seq: 20, aged_s: 86_400 });
    let retention = Retention { operator_s: Some(31_536_000), room_s: Some(86_400), dropped };
    let welcome = Welcome {
        version: 1,
        challenge: Challenge::new([0x0a; 32]),
        incarnation: Incarnation::new([0x0b; 16]),
        now_ms: 1_700_000_000_000,
    };
    let page = Page { entries: vec![entry(EntryKind::Message, None)], more: true };
    let card =
        CardReply { epoch: 7, last_handshake_seq: 24, card: vec![6; 70], wrap: vec![7; 40], turn_ms: None };
    check_frame("welcome.v1", RelayFrame::Welcome(welcome));
    check_frame("entry-message.v1", RelayFrame::Entry(ROOM, entry(EntryKind::Message, None)));
    check_frame("entry-handshake.v1", RelayFrame::Entry(ROOM, entry(EntryKind::Handshake, Some([4; 32]))));
    check_frame("entry-rewind.v1", RelayFrame::Entry(ROOM, entry(EntryKind::Rewind, None)));
    let dropped = LogEntry { dropped: Some([0x15; 32]), ..LogEntry::message(25, Vec::new()) };
    check_frame("page-dropped.v1", reply(Reply::Page(Page { entries: vec![dropped], more: false })));
    check_frame("behind.v1", RelayFrame::Behind(ROOM));
    let status = Status { register: [0x13; 16], value: [0x14; 256] };
    check_frame("status.v1", RelayFrame::Status(ROOM, status));
    check_frame("gone.v1", RelayFrame::Gone(ROOM));
    check_frame("done.v1", reply(Reply::Done));
    let held = |published, door_wrap, capsule_wrap| {
        reply(Reply::Held(Held {
            epoch: 7,
            history: Some(vec![0x10; 70]),
            published,
            door_wrap,
            capsule_wrap,
            admin_keys: Some(vec![[0x11; 32].into()]),
        }))
    };
    check_frame("held-reply.v1", held(Some(published()), None, None));
    check_frame("held-own-reply.v1", held(None, Some(vec![7; 40]), Some(vec![0x0f; 40])));
    let past = PastEpoch {
        epoch: 6,
        capsule: Some(vec![0x0d; 70]),
        wrap: Some(vec![0x0f; 40]),
        link: Some(vec![0x10; 70]),
    };
    let bare = PastEpoch { epoch: 5, capsule: None, wrap: None, link: None };
    check_frame(
        "history-reply.v1",
        reply(Reply::History(HistoryReply { epochs: vec![past, bare], more: true })),
    );
    check_frame("statuses-reply.v1", reply(Reply::Statuses(vec![status])));
    check_frame("created.v1", reply(Reply::Created));
    check_frame("opened-full.v1", reply(Reply::Opened(Box::new(opened(RoomAccess::Full, Some(retention))))));
    let for_ever = Retention::default();
    check_frame(
        "opened-undropped.v1",
        reply(Reply::Opened(Box::new(opened(RoomAccess::Full, Some(for_ever))))),
    );
    check_frame("opened-handshakes.v1", reply(Reply::Opened(Box::new(opened(RoomAccess::Handshakes, None)))));
    check_frame("appended.v1", reply(Reply::Appended(25)));
    check_frame("page-reply.v1", reply(Reply::Page(page)));
    check_frame("card-reply.v1", reply(Reply::Card(card.clone())));
    let in_turn = CardReply { turn_ms: Some(4_000), ..card };
    check_frame("card-in-turn.v1", reply(Reply::Card(in_turn)));
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
    golden::check("delete-statement.v1", &delete_statement("relay.example", &challenge, &ROOM));
    golden::check("retention-statement.v1", &retention_statement("relay.example", &challenge, &ROOM, 86_400));
    golden::check("drop-statement.v1", &drop_statement("relay.example", &challenge, &ROOM, &[0x0e; 16], 7));
    golden::check("confirm-statement.v1", &confirm_statement(&ROOM, 25, &entry_hash(b"entry")));
    let rewind = Rewind {
        bad_seq: 25,
        epoch: 7,
        bad_entry: entry_hash(b"entry"),
        access_key: [4; 32],
        published_hash: entry_hash(b"card"),
        left_out: None,
        authority: RewindAuthority::Admin([0x11; 32].into()),
        signature: [9; 64],
    };
    golden::check("push-payload.v1", &push_payload(&[0x0e; 16]));
    golden::check("rewind-entry.v1", &encode(&rewind));
    golden::check("rewind-statement.v1", &rewind.statement(&ROOM));
}

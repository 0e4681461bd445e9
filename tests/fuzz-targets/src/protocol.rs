//! What relay and clients say to each other, and the clear header of an entry.

use crate::survives;
use sotto_protocol::{
    CapsuleWrap, Challenge, ClientFrame, Door, DoorId, Dropped, EntryHeader, EntryKind, Held, HistoryReply,
    Incarnation, LogEntry, OpenedRoom, Page, PastEpoch, Published, RelayFrame, Reply, Retention, RoomAccess,
    RoomId, Status, Welcome, WireError,
};

/// A frame from a client, and the rewind in it, which the relay reads, too.
pub fn client_frame(input: &[u8]) {
    let rewind = match sotto_protocol::decode::<ClientFrame>(input) {
        Ok(ClientFrame { body: sotto_protocol::Request::Rewind(append), .. }) => Some(append.rewind),
        _ => None,
    };
    survives::<ClientFrame>(input);
    if let Some(rewind) = rewind {
        survives::<sotto_protocol::Rewind>(&rewind);
    }
}

/// A frame from a relay.
pub fn relay_frame(input: &[u8]) {
    survives::<RelayFrame>(input);
}

/// Header and ciphertext of an entry.
pub fn entry_header(input: &[u8]) {
    if let Ok((header, sealed)) = EntryHeader::split(input) {
        assert_eq!([header.to_bytes().as_slice(), sealed].concat(), input);
    }
}

/// One relay frame of each kind, and each kind of reply.
pub fn relay_frames() -> Vec<RelayFrame> {
    let room = RoomId::new([1; 16]);
    let welcome = Welcome {
        version: 1,
        challenge: Challenge::new([2; 32]),
        incarnation: Incarnation::new([3; 16]),
        now_ms: 4,
    };
    let entry = LogEntry {
        kind: EntryKind::Handshake,
        access_key: Some([7; 32]),
        ..LogEntry::message(5, vec![6; 50])
    };
    let dropped = LogEntry { dropped: Some([7; 32]), ..LogEntry::message(6, Vec::new()) };
    let opened = OpenedRoom {
        access: RoomAccess::Full,
        epoch: 1,
        head_seq: 2,
        last_handshake_seq: 1,
        retention: Some(Retention {
            operator_s: Some(86_400),
            room_s: Some(3_600),
            dropped: Some(Dropped { up_to_seq: 1, aged_s: 3_600 }),
        }),
        safe_seq: Some(4),
        behind: None,
        went_on: None,
    };
    let error = WireError {
        code: sotto_protocol::ErrorCode::LimitExceeded,
        limit: Some(1024),
        retry_after_ms: Some(500),
    };
    let card = sotto_protocol::CardReply {
        epoch: 1,
        last_handshake_seq: 1,
        card: vec![8; 40],
        wrap: vec![9; 40],
        turn_ms: Some(4_000),
    };
    let held = Held {
        epoch: 1,
        history: Some(vec![6; 40]),
        published: Some(published()),
        door_wrap: Some(vec![1; 40]),
        capsule_wrap: Some(vec![2; 40]),
        admin_keys: Some(vec![[14; 32].into()]),
    };
    let past =
        PastEpoch { epoch: 1, capsule: Some(vec![3; 40]), wrap: Some(vec![4; 40]), link: Some(vec![5; 40]) };
    let status = Status { register: [1; 16], value: [2; 256] };
    let replies = [
        Reply::Created,
        Reply::Opened(Box::new(opened)),
        Reply::Appended(9),
        Reply::Page(Page { entries: vec![entry.clone(), dropped], more: true }),
        Reply::Card(card),
        Reply::Error(error),
        Reply::Done,
        Reply::Held(held),
        Reply::History(HistoryReply { epochs: vec![past], more: false }),
        Reply::Statuses(vec![status]),
    ];
    let mut frames =
        vec![RelayFrame::Welcome(welcome), RelayFrame::Entry(room, entry), RelayFrame::Behind(room)];
    frames.extend([RelayFrame::Status(room, status), RelayFrame::Gone(room)]);
    frames.extend(replies.into_iter().map(|reply| RelayFrame::Reply(7, reply)));
    frames
}

fn published() -> Published {
    Published {
        card: vec![7; 40],
        doors: vec![Door {
            id: DoorId::new([2; 16]),
            wrap: vec![8; 40],
            expires_at_ms: Some(9),
            key: [6; 32],
        }],
        capsule: Some(vec![10; 40]),
        capsule_wraps: Some(vec![CapsuleWrap { tag: [11; 16], wrap: vec![12; 40], owner: Some([13; 32]) }]),
    }
}

/// One client frame of each kind.
pub fn client_frames() -> Vec<ClientFrame> {
    use sotto_protocol::{
        Append, AppendHandshake, AppendRewind, CardRequest, ConfirmJoin, CreateRoom, DeleteRoom, Direction,
        DropWraps, Handover, HeldRequest, HistoryRequest, JoinAuthority, OpenRoom, PageRequest,
        PushSubscription, RepairEpoch, Request, SetRetention, StatusRequest, Subscribe, Unsubscribe,
        WriteStatus,
    };
    let (room, door) = (RoomId::new([1; 16]), DoorId::new([2; 16]));
    let handshake = AppendHandshake {
        room,
        last_handshake_seq: 3,
        entry: vec![4; 50],
        access_key: [5; 32],
        join_key: [6; 32],
        card: vec![7; 40],
        doors: vec![Door { id: door, wrap: vec![8; 40], expires_at_ms: Some(9), key: [6; 32] }],
        join: Some(JoinAuthority { door, signature: [9; 64] }),
        capsule: Some(vec![10; 40]),
        capsule_wraps: Some(vec![CapsuleWrap { tag: [11; 16], wrap: vec![12; 40], owner: None }]),
        history: Some(vec![13; 40]),
        handover: Some(Handover { keys: vec![[14; 32].into()], signer: [15; 32], signature: [16; 64] }),
        cut: Some(true),
    };
    let page = PageRequest {
        room,
        from: u64::MAX,
        direction: Direction::Backward,
        limit: 500,
        handshakes_only: false,
    };
    let signature = [4; 64];
    let endpoint = "https://push.example/device".to_owned();
    let subscription = PushSubscription { endpoint, p256dh: [4; 65], auth: [5; 16], tag: [14; 16] };
    let bodies = [
        Request::Create(CreateRoom {
            room,
            access_key: [1; 32],
            join_key: [2; 32],
            token: None,
            admin_key: [3; 32],
        }),
        Request::Open(OpenRoom { room, epoch: 3, signature: [4; 64] }),
        Request::Append(Append { room, entry: vec![5; 50], read_seq: 3 }),
        Request::AppendHandshake(handshake),
        Request::Page(page),
        Request::Card(CardRequest { room, door, signature }),
        Request::JoinTurn(CardRequest { room, door, signature }),
        Request::Rewind(AppendRewind { room, rewind: vec![1; 50], published: published() }),
        Request::Confirm(ConfirmJoin { room, seq: 3, signature, admin_key: Some([14; 32].into()) }),
        Request::Repair(RepairEpoch {
            room,
            epoch: 3,
            published: Some(published()),
            history: Some(vec![5; 40]),
            last_handshake_seq: 3,
        }),
        Request::Held(HeldRequest { room, door: Some(door), tag: Some([11; 16]) }),
        Request::History(HistoryRequest { room, before: u64::MAX, limit: 100, tag: Some([11; 16]) }),
        Request::DropWraps(DropWraps { room, tag: [11; 16], before: 7, owner: [12; 32], signature }),
        Request::WriteStatus(WriteStatus { room, key: [1; 32], value: [2; 256] }),
        Request::Statuses(StatusRequest { room }),
        Request::DeleteRoom(DeleteRoom { room, admin_key: [14; 32], signature }),
        Request::SetRetention(SetRetention { room, seconds: Some(86_400), admin_key: [14; 32], signature }),
        Request::Subscribe(Subscribe { room, subscription }),
        Request::Unsubscribe(Unsubscribe { room, tag: [14; 16] }),
    ];
    bodies.into_iter().zip(1..).map(|(body, request)| ClientFrame { request, body }).collect()
}

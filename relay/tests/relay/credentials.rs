//! Every request of the room socket, by everybody who may not make it. A request without a row here does not compile, or fails
//! the test that asks for one.

use crate::support::*;
use ed25519_dalek::{Signer as _, SigningKey};
use sotto_protocol::restore::{GoOn, Outline, Replay, Replayed, go_on_statement};
use sotto_protocol::{
    CapsuleWrap, ConfirmJoin, CreateRoom, DeleteRoom, Direction, DoorId, DropWraps, EntryKind, ErrorCode,
    HeldRequest, HistoryRequest, OpenRoom, PageRequest, PushSubscription, RepairEpoch, Reply, Request,
    SetRetention, StatusRequest, Subscribe, Unsubscribe, WriteStatus, delete_statement, drop_statement,
    open_statement, retention_statement,
};
use std::collections::BTreeSet;

const REQUESTS: usize = 22;

/// A number for each. Whoever adds a request adds a number here, and then a row to the table.
fn number(request: &Request) -> usize {
    match request {
        Request::Create(_) => 0,
        Request::Open(_) => 1,
        Request::Append(_) => 2,
        Request::AppendHandshake(_) => 3,
        Request::Page(_) => 4,
        Request::Card(_) => 5,
        Request::Rewind(_) => 6,
        Request::Confirm(_) => 7,
        Request::Repair(_) => 8,
        Request::Held(_) => 9,
        Request::History(_) => 10,
        Request::DropWraps(_) => 11,
        Request::WriteStatus(_) => 12,
        Request::Statuses(_) => 13,
        Request::DeleteRoom(_) => 14,
        Request::SetRetention(_) => 15,
        Request::Subscribe(_) => 16,
        Request::Unsubscribe(_) => 17,
        Request::JoinTurn(_) => 18,
        Request::Outline(_) => 19,
        Request::Replay(_) => 20,
        Request::GoOn(_) => 21,
    }
}

/// What somebody has to show, right or not.
struct Holder<'c> {
    client: &'c Client,
    /// In place of the room's access key, join key, and keys of owners and admins.
    access: SigningKey,
    join: SigningKey,
    admin: SigningKey,
    /// In place of a door that is open.
    door: DoorId,
}

/// The room as it is: in epoch 3, entered through a door that was not confirmed, with a message in it.
struct Fixture {
    room: Room,
    join_seq: u64,
    join_entry: Vec<u8>,
}

type Ask = fn(&Holder, &Fixture) -> Request;

fn create(holder: &Holder, fixture: &Fixture) -> Request {
    let (access_key, join_key) = (public(&holder.access), public(&holder.join));
    Request::Create(CreateRoom {
        room: fixture.room.id,
        access_key,
        join_key,
        token: None,
        admin_key: access_key,
    })
}

fn open(holder: &Holder, fixture: &Fixture) -> Request {
    let (client, room, epoch) = (holder.client, fixture.room.id, fixture.room.epoch());
    let statement = open_statement(&client.authority, &client.welcome.challenge, &room, epoch);
    Request::Open(OpenRoom { room, epoch, signature: holder.access.sign(&statement).to_bytes() })
}

fn append_message(_: &Holder, fixture: &Fixture) -> Request {
    append(&fixture.room, &entry(fixture.room.epoch(), b"not theirs"))
}

fn commit(_: &Holder, fixture: &Fixture) -> Request {
    Request::AppendHandshake(fixture.room.clone().commit(&[]))
}

fn join(holder: &Holder, fixture: &Fixture) -> Request {
    let mut room = fixture.room.clone();
    let epoch = room.epoch();
    let mut commit = room.commit(&[]);
    room.join[epoch as usize] = holder.join.clone();
    room.join(holder.client, epoch, holder.door, &mut commit);
    Request::AppendHandshake(commit)
}

fn page(_: &Holder, fixture: &Fixture) -> Request {
    let (room, direction) = (fixture.room.id, Direction::Forward);
    Request::Page(PageRequest { room, from: 0, direction, limit: 500, handshakes_only: false })
}

fn card(holder: &Holder, fixture: &Fixture) -> Request {
    holder.client.card_request(fixture.room.id, holder.door)
}

fn join_turn(holder: &Holder, fixture: &Fixture) -> Request {
    holder.client.turn_request(fixture.room.id, holder.door)
}

fn rewind_by_access(holder: &Holder, fixture: &Fixture) -> Request {
    let mut room = fixture.room.clone();
    room.access[2] = holder.access.clone();
    Request::Rewind(room.rewind(2, (fixture.join_seq, &fixture.join_entry), None))
}

fn rewind_by_admin(holder: &Holder, fixture: &Fixture) -> Request {
    let bad = (fixture.join_seq, &fixture.join_entry[..]);
    Request::Rewind(fixture.room.rewind(2, bad, Some(&holder.admin)))
}

fn confirm(holder: &Holder, fixture: &Fixture) -> Request {
    let mut room = fixture.room.clone();
    room.access[2] = holder.access.clone();
    let ConfirmJoin { room, seq, signature, admin_key } =
        room.confirm(2, fixture.join_seq, &fixture.join_entry);
    Request::Confirm(ConfirmJoin { room, seq, signature, admin_key })
}

fn repair(_: &Holder, fixture: &Fixture) -> Request {
    let published = Some(published(&[], b"another card"));
    let (room, epoch) = (fixture.room.id, fixture.room.epoch());
    let last_handshake_seq = fixture.room.last_handshake_seq;
    Request::Repair(RepairEpoch {
        room,
        epoch,
        published,
        history: Some(b"link".to_vec()),
        last_handshake_seq,
    })
}

fn held(_: &Holder, fixture: &Fixture) -> Request {
    Request::Held(HeldRequest { room: fixture.room.id, door: None, tag: None })
}

fn history(_: &Holder, fixture: &Fixture) -> Request {
    Request::History(HistoryRequest { room: fixture.room.id, before: 9, limit: 9, tag: Some([1; 16]) })
}

fn drop_wraps(holder: &Holder, fixture: &Fixture) -> Request {
    let (client, room, tag) = (holder.client, fixture.room.id, [1; 16]);
    let statement = drop_statement(&client.authority, &client.welcome.challenge, &room, &tag, 9);
    let (owner, signature) = (public(&holder.admin), holder.admin.sign(&statement).to_bytes());
    Request::DropWraps(DropWraps { room, tag, before: 9, owner, signature })
}

fn write_status(_: &Holder, fixture: &Fixture) -> Request {
    Request::WriteStatus(WriteStatus { room: fixture.room.id, key: [1; 32], value: [1; 256] })
}

fn statuses(_: &Holder, fixture: &Fixture) -> Request {
    Request::Statuses(StatusRequest { room: fixture.room.id })
}

fn delete(holder: &Holder, fixture: &Fixture) -> Request {
    let (client, room) = (holder.client, fixture.room.id);
    let statement = delete_statement(&client.authority, &client.welcome.challenge, &room);
    let (admin_key, signature) = (public(&holder.admin), holder.admin.sign(&statement).to_bytes());
    Request::DeleteRoom(DeleteRoom { room, admin_key, signature })
}

fn retain(holder: &Holder, fixture: &Fixture) -> Request {
    let (client, room) = (holder.client, fixture.room.id);
    let statement = retention_statement(&client.authority, &client.welcome.challenge, &room, 3600);
    let (admin_key, signature) = (public(&holder.admin), holder.admin.sign(&statement).to_bytes());
    Request::SetRetention(SetRetention { room, seconds: Some(3600), admin_key, signature })
}

fn subscribe(_: &Holder, fixture: &Fixture) -> Request {
    let endpoint = "https://push.example/device".to_owned();
    let subscription = PushSubscription { endpoint, p256dh: [4; 65], auth: [5; 16], tag: [6; 16] };
    Request::Subscribe(Subscribe { room: fixture.room.id, subscription })
}

fn unsubscribe(_: &Holder, fixture: &Fixture) -> Request {
    Request::Unsubscribe(Unsubscribe { room: fixture.room.id, tag: [6; 16] })
}

fn outline(_: &Holder, fixture: &Fixture) -> Request {
    Request::Outline(Outline { room: fixture.room.id, after: 5, entries: Vec::new() })
}

fn replay(_: &Holder, fixture: &Fixture) -> Request {
    let what = Replayed::Messages(vec![entry(3, b"brought back").into()]);
    Request::Replay(Replay { room: fixture.room.id, seq: 6, what })
}

fn go_on(holder: &Holder, fixture: &Fixture) -> Request {
    let (room, admin_key) = (fixture.room.id, public(&holder.admin));
    let statement = go_on_statement(&room, &holder.client.welcome.incarnation, 5, &[0; 32]);
    let signature = holder.admin.sign(&statement).to_bytes();
    Request::GoOn(GoOn {
        room,
        seq: 5,
        hash: [0; 32],
        admin_key,
        admin_keys: vec![admin_key.into()],
        signature,
    })
}

/// A frame of each kind, on a room that is in epoch 3: right in form, and mostly in nothing else.
#[allow(dead_code, reason = "not every test binary has malformed frames")]
pub fn one_of_each(client: &Client, room: &Room) -> Vec<Request> {
    let keys = [signing_key(), room.join[3].clone(), signing_key()];
    let [access, join, admin] = keys;
    let holder = Holder { client, access, join, admin, door: DoorId::new(random()) };
    let fixture = Fixture { room: room.clone(), join_seq: 3, join_entry: entry(2, b"") };
    table().into_iter().map(|(_, ask, _)| ask(&holder, &fixture)).collect()
}

/// What somebody gets.
#[derive(Debug, Clone, Copy)]
enum Gets {
    Refused(ErrorCode),
    /// Handshakes and rewinds, from the first of these places to the last, and nothing else.
    Handshakes(&'static [u64]),
}

/// Without a row's credentials; with wrong ones; with those of the epoch before; with another room's; with those of a member who
/// was removed.
fn table() -> Vec<(&'static str, Ask, [Gets; 5])> {
    use ErrorCode::{BadSignature, Conflict, DoorClosed, PushUnavailable, RoomExists, RoomNotOpen};
    use Gets::{Handshakes, Refused};
    let all = |code| [Refused(code); 5];
    // The room has to be open, in whatever way; then the key of the epoch before, and no other one, is asked for. Who was removed
    // is not told how that was judged.
    let by_key = [RoomNotOpen, RoomNotOpen, BadSignature, RoomNotOpen, RoomNotOpen].map(Refused);
    vec![
        // Nothing is missing in any room of this relay, and who asks learns nothing else.
        ("Outline", outline, all(Conflict)),
        ("Replay", replay, all(Conflict)),
        ("GoOn", go_on, all(Conflict)),
        ("Create", create, all(RoomExists)),
        ("Open", open, all(BadSignature)),
        ("Append", append_message, all(RoomNotOpen)),
        ("AppendHandshake by a member", commit, all(RoomNotOpen)),
        ("AppendHandshake by a joiner", join, all(BadSignature)),
        (
            "Page",
            page,
            [
                Refused(RoomNotOpen),
                Refused(RoomNotOpen),
                Handshakes(&[4]),
                Refused(RoomNotOpen),
                Handshakes(&[3]),
            ],
        ),
        ("Card", card, all(DoorClosed)),
        ("JoinTurn", join_turn, all(DoorClosed)),
        ("Rewind by the epoch before", rewind_by_access, by_key),
        ("Rewind by an admin", rewind_by_admin, by_key),
        ("Confirm", confirm, by_key),
        ("Repair", repair, all(RoomNotOpen)),
        ("Held", held, all(RoomNotOpen)),
        ("History", history, all(RoomNotOpen)),
        ("DropWraps", drop_wraps, all(RoomNotOpen)),
        ("WriteStatus", write_status, all(RoomNotOpen)),
        ("Statuses", statuses, all(RoomNotOpen)),
        ("DeleteRoom", delete, all(RoomNotOpen)),
        ("SetRetention", retain, all(RoomNotOpen)),
        ("Subscribe", subscribe, all(RoomNotOpen)),
        // The room has to be open, in whatever way; this relay has nobody to wake.
        (
            "Unsubscribe",
            unsubscribe,
            [RoomNotOpen, RoomNotOpen, PushUnavailable, RoomNotOpen, PushUnavailable].map(Refused),
        ),
    ]
}

#[tokio::test]
async fn nobody_does_anything_without_the_credentials_for_it() {
    let relay = TestRelay::start().await;
    let mut alice = relay.connect().await;
    let (mut room, mut foreign_room) = (Room::new(), Room::new());
    let [admin, removed_admin, foreign_admin] = [signing_key(), signing_key(), signing_key()];
    let [door, old_door, removed_door, foreign_door] = [(); 4].map(|()| DoorId::new(random()));
    for (room, key, door) in
        [(&mut room, &removed_admin, removed_door), (&mut foreign_room, &foreign_admin, foreign_door)]
    {
        alice.create(room).await;
        alice.open(room).await;
        let mut commit = room.commit(&[door]);
        room.hand_over(&mut commit, &[key]);
        alice.send_commit(room, commit).await; // 1
    }
    alice.append(&room, &entry(1, b"read by who is removed")).await; // 2
    let mut cut = room.commit(&[old_door]);
    cut.cut = Some(true);
    room.hand_over(&mut cut, &[&admin]);
    cut.capsule = Some(b"capsule".to_vec());
    cut.capsule_wraps = Some(vec![CapsuleWrap { owner: Some(public(&admin)), ..capsule_wrap(1, "wrap") }]);
    alice.send_commit(&mut room, cut).await; // 3
    let mut newcomer = relay.connect().await;
    let mut next = room.clone();
    let mut join = next.commit(&[door]);
    room.join(&newcomer, 2, old_door, &mut join);
    let join_entry = join.entry.clone();
    room = next;
    let join_seq = newcomer.send_commit(&mut room, join).await; // 4
    alice.open(&room).await;
    assert_eq!(alice.append(&room, &entry(3, b"nobody else's")).await, 5);
    let before = alice.whole_log(&room).await;
    let fixture = Fixture { room, join_seq, join_entry };
    let room = &fixture.room;

    let stranger = Room::new();
    let asked: BTreeSet<usize> = {
        let client = relay.connect().await;
        let [access, join, admin] = [signing_key(), signing_key(), signing_key()];
        let holder = Holder { client: &client, access, join, admin, door };
        table().iter().map(|(_, ask, _)| number(&ask(&holder, &fixture))).collect()
    };
    assert_eq!(asked, (0..REQUESTS).collect(), "every request has a row");

    let mut wrong = Vec::new();
    for (what, ask, expected) in table() {
        for (who, expected) in ["without", "wrong", "expired", "foreign", "removed"].into_iter().zip(expected)
        {
            let mut client = relay.connect().await;
            let unknown = DoorId::new(random());
            let nothing = |door| (signing_key(), signing_key(), signing_key(), door);
            let (access, join, admin, door) = match who {
                "without" => nothing(unknown),
                "wrong" => {
                    let signature = stranger.open_signature(&client, 0);
                    let try_open = Request::Open(OpenRoom { room: room.id, epoch: room.epoch(), signature });
                    assert_eq!(client.refusal_code(try_open).await, ErrorCode::BadSignature);
                    nothing(unknown)
                }
                "expired" => {
                    client.open_at(room, 2).await;
                    // Who was there knows the next epoch's door as well, if that one lasts.
                    let is_join = what == "AppendHandshake by a joiner";
                    let known = if is_join { door } else { old_door };
                    // Of the key that was current then; where that very key is asked for, of the one before it.
                    let asks_for_it = matches!(what, "Rewind by the epoch before" | "Confirm");
                    let epoch = if asks_for_it { 1 } else { 2 };
                    (room.access[epoch].clone(), room.join[2].clone(), removed_admin.clone(), known)
                }
                "foreign" => {
                    client.open(&foreign_room).await;
                    let epoch = foreign_room.epoch() as usize;
                    let keys = (foreign_room.access[epoch].clone(), foreign_room.join[epoch].clone());
                    (keys.0, keys.1, foreign_admin.clone(), foreign_door)
                }
                _ => {
                    client.open_at(room, 1).await;
                    (room.access[1].clone(), room.join[1].clone(), removed_admin.clone(), removed_door)
                }
            };
            let request = ask(&Holder { client: &client, access, join, admin, door }, &fixture);
            let reply = client.ask(request).await;
            let is_as_expected = match (&reply, expected) {
                (Reply::Error(error), Gets::Refused(code)) => error.code == code,
                (Reply::Page(page), Gets::Handshakes(places)) => {
                    page.entries.iter().all(|entry| entry.kind != EntryKind::Message)
                        && seqs(&page.entries) == places
                }
                _ => false,
            };
            if !is_as_expected {
                wrong.push(format!("{what}, {who}: expected {expected:?}, got {reply:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(alice.whole_log(room).await, before, "nothing of it was done");
    assert!(matches!(alice.card(room, door).await, Reply::Card(_)));
    assert_eq!(alice.append(room, &entry(3, b"as ever")).await, 6);
}

#[tokio::test]
async fn a_signature_is_good_on_its_connection_alone() {
    let relay = TestRelay::start().await;
    let (mut alice, admin, door) = (relay.connect().await, signing_key(), DoorId::new(random()));
    let mut room = Room::new();
    alice.create(&room).await;
    alice.open(&room).await;
    let mut first = room.commit(&[door]);
    room.hand_over(&mut first, &[&admin]);
    first.capsule = Some(b"capsule".to_vec());
    first.capsule_wraps = Some(vec![CapsuleWrap { owner: Some(public(&admin)), ..capsule_wrap(1, "wrap") }]);
    alice.send_commit(&mut room, first).await;
    let fixture = Fixture { room, join_seq: 0, join_entry: Vec::new() };
    let room = &fixture.room;
    let signed: [(&str, Ask); 5] = [
        ("Open", open),
        ("join", join),
        ("DropWraps", drop_wraps),
        ("SetRetention", retain),
        ("DeleteRoom", delete),
    ];
    let by = |client: &Client, ask: Ask| {
        let (access, join, admin) = (room.access[1].clone(), room.join[1].clone(), admin.clone());
        ask(&Holder { client, access, join, admin, door }, &fixture)
    };
    let other = relay.connect().await;
    let gone = relay.connect().await;
    let elsewhere = [("host", "other.example")];
    let elsewhere = Client::try_connect(&relay.authority(), &elsewhere).await.unwrap();
    let other_relay = TestRelay::start().await;
    let there = other_relay.connect().await;
    // What was signed for a connection that has ended, as somebody who recorded it would send it again.
    let recorded: Vec<Request> = signed.iter().map(|(_, ask)| by(&gone, *ask)).collect();
    drop(gone);
    for (index, (what, ask)) in signed.into_iter().enumerate() {
        let mut client = relay.connect().await;
        client.open(room).await;
        let mut forged = by(&client, ask);
        // The right name and the wrong challenge, and the other way round.
        let mut mixed = Client::try_connect(&relay.authority(), &[]).await.unwrap();
        mixed.authority.clone_from(&client.authority);
        for (where_from, request) in [
            ("another connection", by(&other, ask)),
            ("a connection that has ended", recorded[index].clone()),
            ("this relay by another name", by(&elsewhere, ask)),
            ("another relay", by(&there, ask)),
            ("the right name, another challenge", by(&mixed, ask)),
        ] {
            assert_eq!(client.refusal_code(request).await, ErrorCode::BadSignature, "{what}: {where_from}");
        }
        flip_signature(&mut forged);
        assert_eq!(client.refusal_code(forged).await, ErrorCode::BadSignature, "{what}: a flipped bit");
    }
    // The right ones, in this order, for the last one ends the room.
    for (what, ask) in [signed[0], signed[2], signed[3], signed[4]] {
        let mut client = relay.connect().await;
        client.open(room).await;
        let right = by(&client, ask);
        let reply = client.ask(right).await;
        assert!(matches!(reply, Reply::Opened(_) | Reply::Done), "{what}: {reply:?}");
    }
}

fn flip_signature(request: &mut Request) {
    let signature = match request {
        Request::Open(open) => &mut open.signature,
        Request::AppendHandshake(append) => &mut append.join.as_mut().unwrap().signature,
        Request::DropWraps(drop) => &mut drop.signature,
        Request::SetRetention(set) => &mut set.signature,
        Request::DeleteRoom(delete) => &mut delete.signature,
        other => panic!("{other:?} has no signature"),
    };
    signature[40] ^= 1;
}

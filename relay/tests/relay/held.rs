//! What the relay holds for epochs: kept with the handshake, looked at, put right, read later, dropped.

use crate::support::*;
use ed25519_dalek::{Signer as _, SigningKey};
use sotto_protocol::{
    AppendHandshake, CapsuleWrap, DoorId, DropWraps, ErrorCode, Held, HeldRequest, HistoryReply,
    HistoryRequest, PastEpoch, Published, RepairEpoch, Reply, Request, WireError, drop_statement, limits,
};

/// A commit that brings everything there is.
fn full_commit(room: &mut Room, doors: &[DoorId], owner: &SigningKey) -> AppendHandshake {
    let mut commit = room.commit(doors);
    let epoch = room.epoch();
    commit.capsule = Some(format!("capsule of {epoch}").into_bytes());
    let mine = CapsuleWrap { owner: Some(public(owner)), ..capsule_wrap(1, &format!("mine of {epoch}")) };
    commit.capsule_wraps = Some(vec![mine, capsule_wrap(2, &format!("hers of {epoch}"))]);
    commit.history = Some(format!("link to {}", epoch - 1).into_bytes());
    commit
}

fn published_by(commit: AppendHandshake) -> Published {
    let AppendHandshake { card, doors, capsule, capsule_wraps, .. } = commit;
    Published { card, doors, capsule, capsule_wraps }
}

fn all_of(room: &Room) -> Request {
    Request::Held(HeldRequest { room: room.id, door: None, tag: None })
}

fn history(room: &Room, before: u64, limit: u32, tag: Option<u8>) -> Request {
    Request::History(HistoryRequest { room: room.id, before, limit, tag: tag.map(|tag| [tag; 16]) })
}

fn past(epoch: u64, whose: Option<&str>, has_link: bool) -> PastEpoch {
    PastEpoch {
        epoch,
        capsule: whose.map(|_| format!("capsule of {epoch}").into_bytes()),
        wrap: whose.map(|whose| format!("{whose} of {epoch}").into_bytes()),
        link: has_link.then(|| format!("link to {epoch}").into_bytes()),
    }
}

async fn epochs(client: &mut Client, request: Request) -> (Vec<PastEpoch>, bool) {
    match client.ask(request).await {
        Reply::History(HistoryReply { epochs, more }) => (epochs, more),
        other => panic!("expected history, got {other:?}"),
    }
}

#[tokio::test]
async fn what_comes_with_a_handshake_is_held_as_it_came() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let (mut room, owner) = (Room::new(), signing_key());
    client.create(&room).await;
    client.open(&room).await;
    let nothing = Held {
        epoch: 0,
        history: None,
        published: None,
        door_wrap: None,
        capsule_wrap: None,
        admin_keys: Some(vec![public(&room.admin).into()]),
    };
    assert_eq!(client.ask(all_of(&room)).await, Reply::Held(nothing.clone()));
    let doors = [DoorId::new([1; 16]), DoorId::new([2; 16])];
    let mut commit = full_commit(&mut room, &doors, &owner);
    commit.doors[1].expires_at_ms = Some(u64::MAX / 4);
    client.send_commit(&mut room, commit.clone()).await;

    let held = Held {
        epoch: 1,
        history: Some(b"link to 0".to_vec()),
        published: Some(published_by(commit.clone())),
        ..nothing
    };
    assert_eq!(client.ask(all_of(&room)).await, Reply::Held(held.clone()));
    let nothing = Held { published: None, admin_keys: None, ..held.clone() };
    let ask = |door, tag| Request::Held(HeldRequest { room: room.id, door, tag });
    let with_door = Held { door_wrap: Some(commit.doors[1].wrap.clone()), ..nothing.clone() };
    assert_eq!(client.ask(ask(Some(doors[1]), None)).await, Reply::Held(with_door));
    let with_tag = Held { capsule_wrap: Some(b"hers of 1".to_vec()), ..nothing.clone() };
    assert_eq!(client.ask(ask(None, Some([2; 16]))).await, Reply::Held(with_tag));
    assert_eq!(client.ask(ask(Some(DoorId::new([7; 16])), None)).await, Reply::Held(nothing));
    let both = client.ask(ask(Some(doors[1]), Some([2; 16]))).await;
    assert_eq!(
        both,
        error(ErrorCode::MalformedFrame),
        "that these are one account's is no business of the relay's"
    );

    // Nobody else may look.
    let mut other = relay.connect().await;
    assert_eq!(other.ask(all_of(&room)).await, error(ErrorCode::RoomNotOpen), "not opened");
    other.open_at(&room, 0).await;
    assert_eq!(other.ask(all_of(&room)).await, error(ErrorCode::RoomNotOpen), "an earlier epoch");
    let another = Room::new();
    other.create(&another).await;
    other.open(&another).await;
    assert_eq!(other.ask(history(&room, 9, 9, None)).await, error(ErrorCode::RoomNotOpen), "another room's");
    client.commit(&mut room, &[]).await;
    let held = client.ask(all_of(&room)).await;
    let expected = Published { card: b"card of epoch 2".to_vec(), ..published(&[], b"") };
    assert!(matches!(held, Reply::Held(Held { epoch: 2, history: None, published: Some(held), .. })
        if held == expected));
}

#[tokio::test]
async fn past_epochs_are_read_by_tag_and_by_link() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let (mut room, owner) = (Room::new(), signing_key());
    client.create(&room).await;
    client.open(&room).await;
    for _ in 1..=5 {
        let mut commit = full_commit(&mut room, &[], &owner);
        if room.epoch() == 3 {
            (commit.capsule, commit.capsule_wraps, commit.history) = (None, None, None);
        }
        client.send_commit(&mut room, commit).await;
    }
    let ask = |before, limit, tag| history(&room, before, limit, tag);
    let expected = vec![
        past(5, Some("mine"), false),
        past(4, Some("mine"), true),
        past(3, None, true),
        past(2, Some("mine"), false),
        past(1, Some("mine"), true),
        past(0, None, true),
    ];
    assert_eq!(epochs(&mut client, ask(u64::MAX, 100, Some(1))).await, (expected.clone(), false));
    assert_eq!(epochs(&mut client, ask(4, 2, Some(1))).await, (expected[2..4].to_vec(), true));
    assert_eq!(epochs(&mut client, ask(0, 2, Some(1))).await, (vec![], false));
    let links = vec![past(2, None, false), past(1, None, true), past(0, None, true)];
    assert_eq!(epochs(&mut client, ask(3, 100, None)).await, (links.clone(), false), "links alone");
    assert_eq!(epochs(&mut client, ask(3, 100, Some(7))).await, (links, false), "nobody's tag");
    for limit in [0, limits::HISTORY_MAX_EPOCHS + 1] {
        let expected = WireError::with_limit(ErrorCode::LimitExceeded, u64::from(limits::HISTORY_MAX_EPOCHS));
        assert_eq!(client.refusal(ask(9, limit, None)).await, expected);
    }

    // What was voided is not to be read.
    let bad = room.clone().commit(&[]);
    let before = room.clone();
    let mut commit = full_commit(&mut room, &[], &owner);
    commit.entry = bad.entry.clone();
    client.send_commit(&mut room, commit).await;
    let rewind = Request::Rewind(before.rewind(5, (6, &bad.entry), Some(&SigningKey::from_bytes(&[8; 32]))));
    assert_eq!(client.ask(rewind).await, error(ErrorCode::BadSignature), "no admin");
}

#[tokio::test]
async fn a_rewind_takes_capsules_and_links_of_voided_epochs_with_it() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let (mut room, owner, admin) = (Room::new(), signing_key(), signing_key());
    client.create(&room).await;
    client.open(&room).await;
    let mut bad = Vec::new();
    for _ in 1..=2 {
        let mut commit = full_commit(&mut room, &[], &owner);
        room.hand_over(&mut commit, &[&admin]);
        bad.clone_from(&commit.entry);
        client.send_commit(&mut room, commit).await;
    }
    let mut with = published(&[], b"card after the rewind");
    with.capsule = Some(b"capsule of 1, again".to_vec());
    with.capsule_wraps = Some(vec![capsule_wrap(1, "mine of 1, again")]);
    let rewind = room.rewind_with(1, (2, &bad), Some(&admin), with);
    assert_eq!(client.ask(Request::Rewind(rewind)).await, Reply::Appended(3));
    room.go_back(1, 3);
    client.open(&room).await;
    let again = PastEpoch {
        epoch: 1,
        capsule: Some(b"capsule of 1, again".to_vec()),
        wrap: Some(b"mine of 1, again".to_vec()),
        link: None,
    };
    let expected = vec![again, past(0, None, true)];
    assert_eq!(epochs(&mut client, history(&room, u64::MAX, 100, Some(1))).await, (expected, false));
    client.commit(&mut room, &[]).await;
    let (found, _) = epochs(&mut client, history(&room, u64::MAX, 1, Some(1))).await;
    assert_eq!(found, [past(2, None, false)], "nothing of the voided epoch 2");
}

#[tokio::test]
async fn whoever_is_in_the_epoch_repairs_it() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let (mut room, owner, door) = (Room::new(), signing_key(), DoorId::new(random()));
    client.create(&room).await;
    client.open(&room).await;
    client.commit(&mut room, &[DoorId::new(random())]).await;
    let good = published_by(full_commit(&mut room.clone(), &[door], &owner));
    let repair = |epoch, published: Option<&Published>, history: Option<&[u8]>| {
        Request::Repair(RepairEpoch {
            room: room.id,
            epoch,
            published: published.cloned(),
            history: history.map(<[u8]>::to_vec),
            last_handshake_seq: room.last_handshake_seq,
        })
    };
    let mut other = relay.connect().await;
    let all = || repair(1, Some(&good), None);
    assert_eq!(other.ask(all()).await, error(ErrorCode::RoomNotOpen), "not opened");
    other.open_at(&room, 0).await;
    assert_eq!(other.ask(all()).await, error(ErrorCode::RoomNotOpen), "an earlier epoch");
    assert_eq!(other.ask(repair(0, Some(&good), None)).await, error(ErrorCode::StaleEpoch));
    assert_eq!(
        client.ask(repair(0, Some(&good), None)).await,
        error(ErrorCode::StaleEpoch),
        "made for another"
    );
    let bad = Published { doors: vec![], capsule: None, ..good.clone() };
    assert_eq!(
        client.ask(repair(1, Some(&bad), None)).await,
        error(ErrorCode::MalformedFrame),
        "wraps of nothing"
    );

    assert_eq!(client.ask(all()).await, Reply::Done);
    assert_eq!(client.ask(repair(1, None, Some(b"link to 0"))).await, Reply::Done);
    let Reply::Held(held) = client.ask(all_of(&room)).await else { panic!("nothing is held") };
    assert_eq!((held.published, held.history), (Some(good.clone()), Some(b"link to 0".to_vec())));
    assert!(matches!(other.card(&room, door).await, Reply::Card(card) if card.card == good.card));
    let (found, _) = epochs(&mut client, history(&room, 1, 1, None)).await;
    assert_eq!(found, [past(0, None, true)], "what a joiner could not make");
}

/// A rewind may bring the very epoch back for which a repair was made, with other doors: those that it closed stay closed.
#[tokio::test]
async fn a_repair_from_before_a_rewind_is_stale() {
    let relay = TestRelay::start().await;
    let (mut client, admin) = (relay.connect().await, signing_key());
    let (mut room, door) = (Room::new(), DoorId::new(random()));
    client.create(&room).await;
    client.open(&room).await;
    let mut first = room.commit(&[door]);
    room.hand_over(&mut first, &[&admin]);
    client.send_commit(&mut room, first).await; // 1
    let repair = |room: &Room| {
        let published = Some(published(&[door], b"card of the repair"));
        let last_handshake_seq = room.last_handshake_seq;
        Request::Repair(RepairEpoch { room: room.id, epoch: 1, published, history: None, last_handshake_seq })
    };
    let late = repair(&room);
    let mut gone_on = room.clone();
    let bad = gone_on.commit(&[]);
    let entry = bad.entry.clone();
    client.send_commit(&mut gone_on, bad).await; // 2
    let rewind = room.rewind_with(1, (2, &entry), Some(&admin), published(&[], b"card of the rewind"));
    assert_eq!(client.ask(Request::Rewind(rewind)).await, Reply::Appended(3));
    room.last_handshake_seq = 3;
    client.open(&room).await;
    assert_eq!(client.ask(late).await, error(ErrorCode::StaleEpoch));
    assert_eq!(client.card(&room, door).await, error(ErrorCode::DoorClosed), "as the rewind left it");
    assert_eq!(client.ask(repair(&room)).await, Reply::Done, "who knows of the rewind repairs");
    assert!(matches!(client.card(&room, door).await, Reply::Card(_)));
}

#[tokio::test]
async fn an_account_has_its_own_wraps_dropped() {
    let relay = TestRelay::start().await;
    let mut client = relay.connect().await;
    let (mut room, owner) = (Room::new(), signing_key());
    client.create(&room).await;
    client.open(&room).await;
    for _ in 1..=3 {
        let commit = full_commit(&mut room, &[], &owner);
        client.send_commit(&mut room, commit).await;
    }
    let drop = |by: &Client, key: &SigningKey, tag: u8| {
        let challenge = &by.welcome.challenge;
        let statement = drop_statement(&by.authority, challenge, &room.id, &[tag; 16], 3);
        let signature = key.sign(&statement).to_bytes();
        DropWraps { room: room.id, tag: [tag; 16], before: 3, owner: public(key), signature }
    };
    let mut other = relay.connect().await;
    let theirs = drop(&other, &owner, 1);
    assert_eq!(other.ask(Request::DropWraps(theirs.clone())).await, error(ErrorCode::RoomNotOpen));
    other.open_at(&room, 2).await;
    assert_eq!(other.ask(Request::DropWraps(theirs.clone())).await, error(ErrorCode::RoomNotOpen));
    assert_eq!(
        client.ask(Request::DropWraps(theirs)).await,
        error(ErrorCode::BadSignature),
        "another challenge"
    );
    let mut wider = drop(&client, &owner, 1);
    wider.before = 4;
    assert_eq!(
        client.ask(Request::DropWraps(wider)).await,
        error(ErrorCode::BadSignature),
        "more than signed"
    );
    for (key, tag) in [(&signing_key(), 1), (&owner, 2)] {
        let request = Request::DropWraps(drop(&client, key, tag));
        assert_eq!(client.ask(request).await, Reply::Done, "of which there is nothing");
    }
    let (found, _) = epochs(&mut client, history(&room, 3, 100, Some(1))).await;
    assert_eq!(found[0], past(2, Some("mine"), true), "another's key drops nothing");
    let request = Request::DropWraps(drop(&client, &owner, 1));
    assert_eq!(client.ask(request).await, Reply::Done);
    let (found, _) = epochs(&mut client, history(&room, 4, 100, Some(1))).await;
    let rest = [past(3, Some("mine"), false), past(2, None, true), past(1, None, true), past(0, None, true)];
    assert_eq!(found, rest);
    let (found, _) = epochs(&mut client, history(&room, 3, 1, Some(2))).await;
    assert_eq!(found, [past(2, Some("hers"), true)], "the other's are there");
}

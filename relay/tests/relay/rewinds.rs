//! Wedge and repair: what voids a handshake, and who may.

use crate::support::*;
use sotto_protocol::{DoorId, EntryKind, ErrorCode, Reply, Request, RoomAccess, limits};

/// A room in epoch 1 with a door and an admin, and somebody who came in through the door at 2.
struct Joined {
    alice: Client,
    newcomer: Client,
    room: Room,
    door: DoorId,
    admin: ed25519_dalek::SigningKey,
    /// Who made the room, and has handed it over.
    first_admin: ed25519_dalek::SigningKey,
    join: Vec<u8>,
}

async fn joined(relay: &TestRelay) -> Joined {
    let mut alice = relay.connect().await;
    let (mut room, door, admin) = (Room::new(), DoorId::new(random()), signing_key());
    alice.create(&room).await;
    alice.open(&room).await;
    let first_admin = room.admin.clone();
    let mut commit = room.commit(&[door]);
    room.hand_over(&mut commit, &[&admin]);
    alice.send_commit(&mut room, commit).await;
    let mut newcomer = relay.connect().await;
    let mut commit = room.commit(&[door]);
    room.join(&newcomer, 1, door, &mut commit);
    let join = commit.entry.clone();
    assert_eq!(newcomer.send_commit(&mut room, commit).await, 2);
    assert_eq!(alice.pushed_entry().await.1.seq, 1);
    assert_eq!(alice.pushed_entry().await.1.kind, EntryKind::Join, "the log tells joins from commits");
    Joined { alice, newcomer, room, door, admin, first_admin, join }
}

#[tokio::test]
async fn a_join_is_voided_and_the_epoch_before_goes_on() {
    let relay = TestRelay::start().await;
    let Joined { mut alice, mut newcomer, mut room, door, join, .. } = joined(&relay).await;
    assert_eq!(newcomer.append(&room, &entry(2, b"hello")).await, 3);
    assert_eq!(newcomer.pushed_entry().await.1.seq, 3);
    let of_voided = room.clone();
    let rewind = room.rewind(1, (2, &join), None);
    assert_eq!(alice.ask(Request::Rewind(rewind.clone())).await, Reply::Appended(4));
    room.go_back(1, 4);
    for client in [&mut alice, &mut newcomer] {
        let (_, entry) = client.pushed_entry().await;
        assert_eq!((entry.seq, entry.kind, &entry.entry), (4, EntryKind::Rewind, &rewind.rewind));
    }
    let opened = alice.open(&room).await;
    assert_eq!((opened.access, opened.epoch, opened.head_seq), (RoomAccess::Full, 1, 4));
    assert_eq!(opened.last_handshake_seq, 4, "the next handshake knows of the rewind");
    assert_eq!(alice.card(&room, door).await, error(ErrorCode::DoorClosed), "what the rewind brings is kept");
    assert_eq!(alice.ask(Request::Rewind(rewind)).await, Reply::Appended(4), "sent again");

    // The voided epoch: its key opens the log up to the rewind, also when another epoch has its number.
    assert_eq!(newcomer.refusal_code(append(&room, &entry(2, b""))).await, ErrorCode::RoomNotOpen);
    assert_eq!(newcomer.refusal_code(append(&room, &entry(1, b""))).await, ErrorCode::RoomNotOpen);
    let mut without = room.clone().commit(&[]);
    without.last_handshake_seq = 1;
    assert_eq!(alice.refusal_code(Request::AppendHandshake(without)).await, ErrorCode::Conflict);
    assert_eq!(alice.commit(&mut room, &[door]).await, 5);
    assert_eq!(alice.append(&room, &entry(2, b"without them")).await, 6);
    newcomer.expect_silence().await;
    let mut back = relay.connect().await;
    let opened = back.open_at(&of_voided, 2).await;
    assert_eq!((opened.access, opened.epoch, opened.head_seq), (RoomAccess::Handshakes, 1, 4));
    assert_eq!(seqs(&back.whole_log(&room).await), [4]);
    assert_eq!(seqs(&newcomer.whole_log(&room).await), [4]);
    back.expect_silence().await;

    // Everything stays in its place, with its own key.
    let log = alice.whole_log(&room).await;
    assert_eq!(seqs(&log), [1, 2, 3, 4, 5, 6]);
    assert_eq!(log[1].access_key, Some(of_voided.access_key(2)));
    assert_eq!(log[4].access_key, Some(room.access_key(2)));
}

#[tokio::test]
async fn a_confirmed_join_is_voided_by_an_admin_alone() {
    let relay = TestRelay::start().await;
    let Joined { mut alice, mut newcomer, room, admin, join, .. } = joined(&relay).await;
    let confirm = room.confirm(1, 2, &join);
    let mut unproven = relay.connect().await;
    assert_eq!(unproven.ask(Request::Confirm(confirm.clone())).await, error(ErrorCode::RoomNotOpen));
    for (what, confirm, expected) in [
        ("by the joiner", room.confirm(2, 2, &join), ErrorCode::BadSignature),
        ("by an earlier epoch", room.confirm(0, 2, &join), ErrorCode::BadSignature),
        ("of another entry", room.confirm(1, 2, b"other"), ErrorCode::BadSignature),
        ("of a member's commit", room.confirm(0, 1, &join), ErrorCode::Conflict),
        ("of nothing", room.confirm(1, 9, &join), ErrorCode::Conflict),
    ] {
        assert_eq!(newcomer.ask(Request::Confirm(confirm)).await, error(expected), "{what}");
    }
    assert_eq!(alice.ask(Request::Confirm(confirm.clone())).await, Reply::Done);
    assert_eq!(alice.ask(Request::Confirm(confirm)).await, Reply::Done, "sent again");
    let rewind = |by| Request::Rewind(room.rewind(1, (2, &join), by));
    assert_eq!(alice.ask(rewind(None)).await, error(ErrorCode::BadSignature));
    assert_eq!(alice.ask(rewind(Some(&admin))).await, Reply::Appended(3));
}

#[tokio::test]
async fn a_rewind_needs_its_key_its_handshake_and_an_open_room() {
    let relay = TestRelay::start().await;
    let Joined { mut alice, mut newcomer, room, admin, first_admin, join, .. } = joined(&relay).await;
    let first = newcomer.page(&room, 0, sotto_protocol::Direction::Forward, 1).await.entries[0].entry.clone();
    let good = room.rewind(1, (2, &join), None);
    let mut unproven = relay.connect().await;
    assert_eq!(unproven.ask(Request::Rewind(good.clone())).await, error(ErrorCode::RoomNotOpen));

    let stranger = Room { id: room.id, ..Room::new() };
    let mut third = stranger.clone();
    third.commit(&[]);
    let mut other_room = good.clone();
    other_room.room = Room::new().id;
    let mut other_card = good.clone();
    other_card.published.card.push(1);
    let mut no_rewind = good.clone();
    no_rewind.rewind.pop();
    let mut bad_shape = good.clone();
    bad_shape.published.doors = [1, 2, 3].map(|n| door(DoorId::new([n; 16]))).to_vec();
    for (what, rewind, expected) in [
        ("a room that is not open", other_room, ErrorCode::RoomNotOpen),
        ("another card than signed", other_card, ErrorCode::BadEntry),
        ("no rewind", no_rewind, ErrorCode::BadEntry),
        ("doors of a wrong shape", bad_shape, ErrorCode::MalformedFrame),
        ("by the joiner", room.rewind(2, (2, &join), None), ErrorCode::Conflict),
        ("by keys of one's own", third.rewind(1, (2, &join), None), ErrorCode::BadSignature),
        ("by no admin", room.rewind(1, (2, &join), Some(&signing_key())), ErrorCode::BadSignature),
        ("of another entry", room.rewind(1, (2, b"other"), None), ErrorCode::Conflict),
        ("of a member's commit", room.rewind(0, (1, &first), None), ErrorCode::BadSignature),
        ("by an admin of later", room.rewind(0, (1, &first), Some(&admin)), ErrorCode::BadSignature),
        ("by an admin of before", room.rewind(0, (1, &first), Some(&first_admin)), ErrorCode::BadSignature),
        ("of nothing", room.rewind(1, (7, &join), None), ErrorCode::Conflict),
    ] {
        assert_eq!(newcomer.ask(Request::Rewind(rewind)).await, error(expected), "{what}");
    }
    let mut forged = good.clone();
    let place = forged.rewind.len() - 1;
    forged.rewind[place] ^= 1;
    assert_eq!(alice.ask(Request::Rewind(forged)).await, error(ErrorCode::BadSignature), "a flipped bit");
    assert_eq!(alice.ask(Request::Rewind(good)).await, Reply::Appended(3), "nothing of that left a trace");
    let again = room.rewind(1, (2, &join), Some(&admin));
    assert_eq!(alice.ask(Request::Rewind(again)).await, error(ErrorCode::Conflict), "voided already");
}

#[tokio::test]
async fn an_admin_voids_a_members_commit_and_all_that_came_after_it() {
    let relay = TestRelay::start().await;
    let Joined { mut alice, mut newcomer, mut room, admin, join, .. } = joined(&relay).await;
    assert_eq!(newcomer.ask(Request::Confirm(room.confirm(1, 2, &join))).await, Reply::Done);
    let mut before = room.clone();
    let mut cut = room.commit(&[]);
    cut.cut = Some(true);
    room.hand_over(&mut cut, &[&admin]);
    let bad = cut.entry.clone();
    newcomer.send_commit(&mut room, cut).await; // 3: cuts everybody else
    newcomer.commit(&mut room, &[]).await; // 4
    newcomer.append(&room, &entry(4, b"mine, all mine")).await; // 5
    alice.open_at(&before, 2).await;
    assert_eq!(seqs(&alice.whole_log(&room).await), [3], "she is cut");
    let rewind = before.rewind(2, (3, &bad), None);
    assert_eq!(
        alice.ask(Request::Rewind(rewind)).await,
        error(ErrorCode::RoomNotOpen),
        "not with the access key"
    );
    let rewind = before.rewind(2, (3, &bad), Some(&admin));
    assert_eq!(alice.ask(Request::Rewind(rewind)).await, Reply::Appended(6));
    before.go_back(2, 6);
    let opened = alice.open(&before).await;
    assert_eq!(
        (opened.access, opened.epoch, opened.head_seq),
        (RoomAccess::Full, 2, 6),
        "a voided cut cuts nobody"
    );
    assert_eq!(alice.append(&before, &entry(2, b"on we go")).await, 7);
    assert_eq!(seqs(&alice.whole_log(&before).await), [1, 2, 3, 4, 5, 6, 7]);
    for epoch in [3, 4] {
        let mut voided = relay.connect().await;
        assert_eq!(voided.open_at(&room, epoch).await.head_seq, 6);
        assert_eq!(voided.refusal_code(append(&room, &entry(epoch, b""))).await, ErrorCode::RoomNotOpen);
    }
}

#[tokio::test]
async fn an_admin_who_was_removed_does_not_undo_that() {
    let relay = TestRelay::start().await;
    let Joined { mut alice, mut newcomer, mut room, admin, join, door, .. } = joined(&relay).await;
    assert_eq!(newcomer.ask(Request::Confirm(room.confirm(1, 2, &join))).await, Reply::Done);
    let before = room.clone();
    let mut harmless = room.commit(&[door]);
    let owner = signing_key();
    harmless.handover = Some(room.handover(&harmless, &admin, &[&owner, &admin]));
    let third = harmless.entry.clone();
    newcomer.send_commit(&mut room, harmless).await; // 3
    let with_both = room.clone();
    let mut cut = room.commit(&[door]);
    cut.cut = Some(true);
    cut.handover = Some(room.handover(&cut, &owner, &[&owner]));
    let fourth = cut.entry.clone();
    newcomer.send_commit(&mut room, cut).await; // 4: removes the first admin
    alice.open_at(&before, 2).await;
    for rewind in
        [before.rewind(2, (3, &third), Some(&admin)), with_both.rewind(3, (4, &fourth), Some(&admin))]
    {
        assert_eq!(alice.ask(Request::Rewind(rewind)).await, error(ErrorCode::RoomNotOpen));
    }
    let rewind = with_both.rewind(3, (4, &fourth), Some(&owner));
    assert_eq!(newcomer.ask(Request::Rewind(rewind)).await, Reply::Appended(5), "the other admin may");
}

#[tokio::test]
async fn who_came_in_unconfirmed_takes_rewinding_from_nobody() {
    let relay = TestRelay::start().await;
    let Joined { mut alice, mut newcomer, mut room, admin, join, .. } = joined(&relay).await;
    let (before, own) = (room.clone(), signing_key());
    let mut cut = room.clone().commit(&[]);
    cut.cut = Some(true);
    let cut = Request::AppendHandshake(cut);
    assert_eq!(newcomer.ask(cut).await, error(ErrorCode::JoinUnconfirmed), "nobody is cut");
    let mut theirs = room.clone().commit(&[]);
    theirs.handover = Some(room.handover(&theirs, &admin, &[&own]));
    let theirs = Request::AppendHandshake(theirs);
    assert_eq!(newcomer.ask(theirs).await, error(ErrorCode::JoinUnconfirmed), "nor does anybody hand over");
    newcomer.commit(&mut room, &[]).await; // 3
    let by_admin = Request::Rewind(before.rewind(1, (2, &join), Some(&admin)));
    assert_eq!(alice.ask(by_admin).await, Reply::Appended(4), "the admin of before still can");
    assert_eq!(alice.open_at(&before, 1).await.access, RoomAccess::Full);

    let Joined { mut alice, mut newcomer, mut room, join, .. } = joined(&relay).await;
    let before = room.clone();
    newcomer.commit(&mut room, &[]).await; // 3
    let by_access = Request::Rewind(before.rewind(1, (2, &join), None));
    assert_eq!(alice.ask(by_access).await, Reply::Appended(4), "any member can");
    assert_eq!(alice.open_at(&before, 1).await.access, RoomAccess::Full);
}

/// A plain member puts something into the log that nobody can follow, cuts everybody off with it, and wants it to stay.
#[tokio::test]
async fn who_is_no_admin_takes_rewinding_from_nobody() {
    let relay = TestRelay::start().await;
    let Joined { mut alice, mut newcomer, mut room, admin, join, .. } = joined(&relay).await;
    assert_eq!(alice.ask(Request::Confirm(room.confirm(1, 2, &join))).await, Reply::Done);
    let (before, own) = (room.clone(), signing_key());
    let mut garbage = room.commit(&[]);
    garbage.cut = Some(true);
    let bad = garbage.entry.clone();
    let mut forged = garbage.clone();
    forged.handover = Some(room.handover(&garbage, &own, &[&own]));
    let mut changed = garbage.clone();
    changed.handover = Some(room.handover(&garbage, &admin, &[&admin]));
    changed.handover.as_mut().unwrap().keys = vec![public(&own).into()];
    let mut of_another = garbage.clone();
    of_another.handover = Some(room.handover(&before.clone().commit(&[]), &admin, &[&own]));
    let mut nobodys = garbage.clone();
    nobodys.handover = Some(room.handover(&garbage, &admin, &[&admin]));
    nobodys.handover.as_mut().unwrap().keys.clear();
    for (what, commit, code) in [
        ("by a key of their own", forged, ErrorCode::BadSignature),
        ("with other keys than an admin signed", changed, ErrorCode::BadSignature),
        ("that an admin signed for another handshake", of_another, ErrorCode::BadSignature),
        ("to nobody", nobodys, ErrorCode::MalformedFrame),
    ] {
        assert_eq!(newcomer.ask(Request::AppendHandshake(commit)).await, error(code), "{what}");
    }
    newcomer.send_commit(&mut room, garbage).await; // 3
    let repair = sotto_protocol::RepairEpoch {
        room: room.id,
        epoch: 3,
        published: Some(published(&[], b"theirs")),
        history: None,
        last_handshake_seq: 3,
    };
    newcomer.open_at(&room, 3).await;
    assert_eq!(newcomer.ask(Request::Repair(repair)).await, Reply::Done);
    alice.open_at(&before, 2).await;
    let rewind = Request::Rewind(before.rewind(2, (3, &bad), Some(&admin)));
    assert_eq!(alice.ask(rewind).await, Reply::Appended(4), "the admin still can");
}

/// More than one rewind voids: an admin goes back in steps, to epochs that nobody has followed and then to the members' own.
#[tokio::test]
async fn an_admin_voids_any_number_of_handshakes_in_steps() {
    let relay = TestRelay::start().await;
    let Joined { mut alice, mut newcomer, mut room, admin, join, .. } = joined(&relay).await;
    assert_eq!(alice.ask(Request::Confirm(room.confirm(1, 2, &join))).await, Reply::Done);
    let before = room.clone();
    let mut bad = Vec::new();
    for _ in 0..limits::REWIND_MAX_EPOCHS + 2 {
        let garbage = room.commit(&[]);
        bad.push(garbage.entry.clone());
        newcomer.send_commit(&mut room, garbage).await; // 3 to 1004
    }
    alice.open_at(&before, 2).await;
    let at_once = Request::Rewind(before.rewind(2, (3, &bad[0]), Some(&admin)));
    assert_eq!(alice.refusal_code(at_once).await, ErrorCode::LimitExceeded);
    // The access key of an epoch that nobody is in stands in the log beside the handshake that began it.
    let step = Request::Rewind(room.rewind(4, (5, &bad[2]), Some(&admin)));
    assert_eq!(alice.ask(step).await, Reply::Appended(1005));
    let at_last = Request::Rewind(before.rewind(2, (3, &bad[0]), Some(&admin)));
    assert_eq!(alice.ask(at_last).await, Reply::Appended(1006));
    assert_eq!(alice.open_at(&before, 2).await.access, RoomAccess::Full);
}

/// The door through which the bad handshake came, and no other, is closed with it.
#[tokio::test]
async fn a_rewind_leaves_out_only_the_door_through_which_the_join_came() {
    let relay = TestRelay::start().await;
    let Joined { mut alice, mut room, door, join, .. } = joined(&relay).await;
    let without = |left_out: Option<DoorId>| {
        Request::Rewind(room.rewind_leaving_out(1, (2, &join), left_out, published(&[], b"card")))
    };
    let another = Some(DoorId::new([9; 16]));
    assert_eq!(alice.ask(without(another)).await, error(ErrorCode::Conflict));
    assert_eq!(alice.ask(without(Some(door))).await, Reply::Appended(3));
    room.go_back(1, 3);
    alice.open(&room).await;

    let Joined { mut alice, room, door, join, .. } = joined(&relay).await;
    assert_eq!(alice.ask(Request::Confirm(room.confirm(1, 2, &join))).await, Reply::Done);
    let mut database = relay.database().await;
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM epochs WHERE door_id IS NOT NULL")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(kept, 0, "of a join that is confirmed or voided the relay does not keep the door");
    let late = room.rewind_leaving_out(1, (2, &join), Some(door), published(&[], b"card"));
    assert_eq!(alice.ask(Request::Rewind(late)).await, error(ErrorCode::Conflict));
}

/// Whoever was there before a join could void it, and with it their own removal that came after it. So whoever removes has every
/// join confirmed first.
#[tokio::test]
async fn who_was_removed_does_not_undo_that_by_voiding_a_join_of_before() {
    let relay = TestRelay::start().await;
    for by_admin in [false, true] {
        let Joined { mut alice, mut newcomer, mut room, admin, join, .. } = joined(&relay).await;
        let removed = room.clone();
        let mut carol = relay.connect().await;
        carol.open_at(&removed, 1).await;
        let mut cut = room.clone().commit(&[]);
        cut.cut = Some(true);
        let early = newcomer.ask(Request::AppendHandshake(cut)).await;
        assert_eq!(early, error(ErrorCode::JoinUnconfirmed));
        let confirm = if by_admin { room.confirm_by(&admin, 2, &join) } else { room.confirm(1, 2, &join) };
        assert_eq!(alice.ask(Request::Confirm(confirm)).await, Reply::Done);
        let mut cut = room.commit(&[]);
        cut.cut = Some(true);
        newcomer.send_commit(&mut room, cut).await; // 3: removes Carol
        newcomer.append(&room, &entry(3, b"not for Carol")).await; // 4
        let undo = removed.rewind(1, (2, &join), None);
        assert_eq!(carol.ask(Request::Rewind(undo)).await, error(ErrorCode::RoomNotOpen));
        let mut back = relay.connect().await;
        assert_eq!(back.open_at(&removed, 1).await.head_seq, 3);
        assert_eq!(seqs(&back.whole_log(&room).await), [2, 3], "and reads nothing since");
        assert_eq!(newcomer.append(&room, &entry(3, b"on we go")).await, 5);
    }
}

#[tokio::test]
async fn a_join_is_confirmed_by_an_admin_who_was_there_before_it() {
    let relay = TestRelay::start().await;
    let Joined { mut newcomer, mut room, admin, join, .. } = joined(&relay).await;
    let own = signing_key();
    let next = room.clone().commit(&[]);
    newcomer.send_commit(&mut room, next).await; // 3
    let mut forged = room.confirm_by(&admin, 2, &join);
    forged.signature[3] ^= 1;
    for (what, confirm) in [
        ("by a key that does not count", room.confirm_by(&own, 2, &join)),
        ("by nobody's key", room.confirm_by(&signing_key(), 2, &join)),
        ("of another entry", room.confirm_by(&admin, 2, b"other")),
        ("a flipped bit", forged),
    ] {
        assert_eq!(newcomer.ask(Request::Confirm(confirm)).await, error(ErrorCode::BadSignature), "{what}");
    }
    assert_eq!(newcomer.ask(Request::Confirm(room.confirm_by(&admin, 2, &join))).await, Reply::Done);
}

#[tokio::test]
async fn of_many_rewinds_of_one_handshake_exactly_one_comes() {
    let relay = TestRelay::start().await;
    let Joined { mut alice, mut newcomer, mut room, join, .. } = joined(&relay).await;
    let mut members = [relay.connect().await, relay.connect().await, relay.connect().await];
    let mut requests = [0; 3];
    for (index, (member, request)) in members.iter_mut().zip(&mut requests).enumerate() {
        member.open_at(&room, 1).await;
        // Each has the card of its own making: here, another capsule.
        let mut own = published(&[], b"card after the rewind");
        own.capsule = Some(vec![index as u8; 40]);
        let rewind = room.rewind_with(1, (2, &join), None, own);
        *request = member.send(Request::Rewind(rewind)).await;
    }
    let commit = room.clone().commit(&[]);
    let racing = newcomer.send(Request::AppendHandshake(commit)).await;
    let mut places = Vec::new();
    for (member, request) in members.iter_mut().zip(requests) {
        match member.reply_to(request).await {
            Reply::Appended(seq) => places.push(seq),
            other => assert_eq!(other, error(ErrorCode::Conflict)),
        }
    }
    assert_eq!(places.len(), 1, "{places:?}");
    let commit = newcomer.reply_to(racing).await;
    let is_before = commit == Reply::Appended(3);
    assert!(is_before || commit == error(ErrorCode::RoomNotOpen), "its epoch is voided: {commit:?}");
    room.go_back(1, places[0]);
    let opened = alice.open(&room).await;
    assert_eq!((opened.epoch, opened.head_seq), (1, places[0]), "nothing came after it");
    assert_eq!(places[0], if is_before { 4 } else { 3 });
}

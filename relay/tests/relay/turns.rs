//! Turns to join: newcomers one by one, members at any time.

use crate::support::*;
use sotto_protocol::{AppendHandshake, CardReply, DoorId, ErrorCode, RelayFrame, Reply, Request, WireError};
use std::time::{Duration, Instant};

async fn room_with_door(relay: &TestRelay) -> (Client, Room, DoorId) {
    let (mut alice, mut room, door) = (relay.connect().await, Room::new(), DoorId::new(random()));
    alice.create(&room).await;
    alice.open(&room).await;
    alice.commit(&mut room, &[door]).await;
    (alice, room, door)
}

/// A join through that door, and the room after it.
fn join(newcomer: &Client, room: &Room, door: DoorId) -> (AppendHandshake, Room) {
    let mut next = room.clone();
    let mut join = next.commit(&[door]);
    room.join(newcomer, room.epoch(), door, &mut join);
    (join, next)
}

async fn come_in(newcomer: &mut Client, room: &mut Room, door: DoorId) {
    let (join, next) = join(newcomer, room, door);
    let seq = appended(newcomer.ask(Request::AppendHandshake(join)).await);
    *room = Room { last_handshake_seq: seq, ..next };
}

fn turn_of(reply: Reply) -> (CardReply, Option<Duration>) {
    let Reply::Card(card) = reply else { panic!("{reply:?}") };
    let lasts = card.turn_ms.map(Duration::from_millis);
    (card, lasts)
}

async fn expect_turn(newcomer: &mut Client, room: &Room, door: DoorId) -> Duration {
    let (card, lasts) = turn_of(newcomer.ask(newcomer.turn_request(room.id, door)).await);
    assert_eq!((card.epoch, card.last_handshake_seq), (room.epoch(), room.last_handshake_seq));
    lasts.expect("it is nobody else's turn")
}

/// Whether an answer to that request is there within a moment.
async fn is_answered_soon(client: &mut Client, request: u32) -> bool {
    let soon = tokio::time::timeout(Duration::from_millis(300), client.read()).await;
    matches!(soon, Ok(RelayFrame::Reply(number, _)) if number == request)
}

#[tokio::test]
async fn newcomers_come_in_one_by_one_in_the_order_in_which_they_asked() {
    let relay = TestRelay::start().await;
    let (_alice, mut room, door) = room_with_door(&relay).await;
    let mut first = relay.connect().await;
    let lasts = expect_turn(&mut first, &room, door).await;
    assert!(lasts > Duration::from_secs(3) && lasts <= Duration::from_secs(4), "{lasts:?}");
    let mut others = Vec::new();
    for _ in 0..8 {
        let mut other = relay.connect().await;
        let request = other.send(other.turn_request(room.id, door)).await;
        // It is in the line when the next one comes.
        tokio::time::sleep(Duration::from_millis(30)).await;
        others.push((other, request));
    }
    let (second, request) = &mut others[0];
    assert!(!is_answered_soon(second, *request).await);

    // Who asks for no turn waits for the end of this one.
    let mut hasty = relay.connect().await;
    let (early, _) = join(&hasty, &room, door);
    let refused = hasty.refusal(Request::AppendHandshake(early.clone())).await;
    assert_eq!(refused.code, ErrorCode::NotYourTurn);
    assert!(refused.code.is_passing() && refused.retry_after_ms.is_some_and(|wait| wait <= 4_000));
    assert!(turn_of(hasty.card(&room, door).await).1.is_none(), "everybody may look");

    let (sent, next) = join(&first, &room, door);
    let again = Request::AppendHandshake(sent.clone());
    let seq = appended(first.ask(Request::AppendHandshake(sent)).await);
    room = Room { last_handshake_seq: seq, ..next };
    for (other, request) in &mut others {
        let (card, lasts) = turn_of(other.reply_to(*request).await);
        assert_eq!(
            (card.epoch, card.last_handshake_seq),
            (room.epoch(), room.last_handshake_seq),
            "as it is now"
        );
        assert!(lasts.is_some());
        let answer = first.ask(again.clone()).await;
        assert_eq!(answer, Reply::Appended(seq), "what is in the log is so in anybody's turn");
        come_in(other, &mut room, door).await;
    }
    let refused = hasty.refusal_code(Request::AppendHandshake(early)).await;
    assert_eq!(refused, ErrorCode::BadSignature, "the epoch of that card is over");
    come_in(&mut hasty, &mut room, door).await;
}

#[tokio::test]
async fn a_member_commits_at_any_time_and_whose_turn_it_is_looks_again() {
    let relay = TestRelay::start().await;
    let (mut alice, mut room, door) = room_with_door(&relay).await;
    let (mut newcomer, mut other) = (relay.connect().await, relay.connect().await);
    let lasts = expect_turn(&mut newcomer, &room, door).await;
    let (late, _) = join(&newcomer, &room, door);
    let mut removal = room.commit(&[door]);
    removal.cut = Some(true);
    alice.send_commit(&mut room, removal).await;
    let refused = newcomer.refusal_code(Request::AppendHandshake(late)).await;
    assert_eq!(refused, ErrorCode::BadSignature);
    let waiting = other.send(other.turn_request(room.id, door)).await;
    assert!(!is_answered_soon(&mut other, waiting).await);
    let left = expect_turn(&mut newcomer, &room, door).await;
    assert!(left < lasts, "its turn goes on, and is no longer for that");
    come_in(&mut newcomer, &mut room, door).await;
    assert!(turn_of(other.reply_to(waiting).await).1.is_some());
}

#[tokio::test]
async fn a_turn_ends_by_itself_and_with_its_connection() {
    let relay = TestRelay::start().await;
    let (_alice, mut room, door) = room_with_door(&relay).await;
    let mut gone = relay.connect().await;
    expect_turn(&mut gone, &room, door).await;
    let mut idle = relay.connect().await;
    let request = idle.send(idle.turn_request(room.id, door)).await;
    assert!(!is_answered_soon(&mut idle, request).await);
    let began = Instant::now();
    drop(gone);
    let lasts = turn_of(idle.reply_to(request).await).1.expect("a turn");
    assert!(began.elapsed() < Duration::from_secs(2), "the turn went with the connection");
    let mut hasty = relay.connect().await;
    let (early, _) = join(&hasty, &room, door);
    assert_eq!(hasty.refusal_code(Request::AppendHandshake(early)).await, ErrorCode::NotYourTurn);
    tokio::time::sleep(lasts).await;
    come_in(&mut hasty, &mut room, door).await;
    // Two turns from that address came to nothing: it gets none for a while, and comes in as it did without.
    let (_, none) = turn_of(idle.ask(idle.turn_request(room.id, door)).await);
    assert_eq!(none, None);
    come_in(&mut idle, &mut room, door).await;
}

#[tokio::test]
async fn only_who_holds_the_doors_secret_gets_a_turn() {
    let relay = TestRelay::start().await;
    let (_alice, mut room, door) = room_with_door(&relay).await;
    let (mut stranger, mut newcomer) = (relay.connect().await, relay.connect().await);
    for _ in 0..20 {
        let Request::JoinTurn(mut request) = stranger.turn_request(room.id, door) else { panic!("no turn") };
        request.signature[0] ^= 1;
        let refused = stranger.refusal(Request::JoinTurn(request)).await;
        assert_eq!(refused, WireError::from(ErrorCode::DoorClosed));
        let closed = stranger.turn_request(room.id, DoorId::new(random()));
        assert_eq!(stranger.refusal_code(closed).await, ErrorCode::DoorClosed);
    }
    let unknown = stranger.turn_request(Room::new().id, door);
    assert_eq!(stranger.refusal_code(unknown).await, ErrorCode::UnknownRoom);
    expect_turn(&mut newcomer, &room, door).await;
    come_in(&mut newcomer, &mut room, door).await;
}

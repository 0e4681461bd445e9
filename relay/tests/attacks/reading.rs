//! What reading can be made to cost.

use crate::instrument::*;
use crate::support::*;
use futures_util::future::join_all;
use sotto_protocol::{Direction, ErrorCode, HistoryRequest, OpenRoom, PageRequest, Reply, Request, RoomId};
use sqlx::AnyConnection;

const MIB: u64 = 1024 * 1024;

/// Puts so many epochs into a room, all of the same number and voided one after the other, as rewinds leave them.
async fn void_epochs(database: &mut AnyConnection, room: &RoomId, count: i64) {
    let sql = "WITH RECURSIVE n (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM n WHERE n < $2)
        INSERT INTO epochs (room, began_seq, epoch, access_key, join_key, by_door, is_confirmed, is_cut, voided_seq, admin_keys)
        SELECT r.number, 2 * n.n, 1, e.access_key, e.join_key, 1, 0, 1, 2 * n.n + 1, e.admin_keys
        FROM rooms r JOIN epochs e ON e.room = r.number AND e.epoch = 0, n WHERE r.room_id = $1";
    let put = sqlx::query(sql).bind(room.as_bytes().to_vec()).bind(count).execute(database).await.unwrap();
    assert_eq!(put.rows_affected(), count as u64);
}

/// Opening a room by a signature that proves nothing cost the square of the epochs that were voided in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_a_room_of_many_voided_epochs_is_no_work() {
    let scene = Scene::new();
    let (_member, room) = scene.member().await;
    void_epochs(&mut database_in(scene.data.path()).await, &room.id, 20_000).await;
    let mut strangers = Vec::new();
    for _ in 0..4 {
        strangers.push(scene.connect().await);
    }
    let measured = scene
        .attack(async {
            join_all(strangers.iter_mut().map(async |stranger| {
                let open = |epoch| Request::Open(OpenRoom { room: room.id, epoch, signature: [7; 64] });
                for_a_while(async || {
                    for answer in flood(stranger, (0..60).map(|n| open(n % 3))).await {
                        assert_eq!(answer, error(ErrorCode::BadSignature));
                    }
                })
                .await;
            }))
            .await;
        })
        .await;
    measured.assert_bounded("openings of many voided epochs", 40 * MIB);
}

/// A page of the longest entries was 2 GiB on its way from the database, though it holds 1 MiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_history_of_megabytes_are_read_by_the_piece() {
    let scene = Scene::new();
    let (mut client, mut room) = scene.member().await;
    for _ in 0..20 {
        let mut commit = room.commit(&[]);
        commit.entry = entry(room.epoch() - 1, &vec![7; 3 << 20]);
        commit.history = Some(vec![8; 2 << 20]);
        client.send_commit(&mut room, commit).await;
    }
    let page = |from, direction, handshakes_only| {
        Request::Page(PageRequest { room: room.id, from, direction, limit: 500, handshakes_only })
    };
    let history =
        || Request::History(HistoryRequest { room: room.id, before: u64::MAX, limit: 100, tag: None });
    let measured = scene
        .attack(async {
            for_a_while(async || {
                let requests = [
                    page(0, Direction::Forward, false),
                    page(u64::MAX, Direction::Backward, false),
                    page(0, Direction::Forward, true),
                    history(),
                ];
                for answer in flood(&mut client, requests).await {
                    match answer {
                        Reply::Page(page) => assert_eq!((page.entries.len(), page.more), (1, true)),
                        Reply::History(history) => {
                            assert_eq!((history.epochs.len(), history.more), (1, true))
                        }
                        other => panic!("{other:?}"),
                    }
                }
            })
            .await;
        })
        .await;
    measured.assert_bounded("pages of megabytes", 64 * MIB);
}

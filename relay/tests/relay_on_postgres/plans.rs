//! How PostgreSQL finds rows: by an index, also by plans that it made while there were few and has kept since.

use crate::support::*;
use ed25519_dalek::Signer as _;
use sotto_protocol::{DeleteRoom, Direction, ErrorCode, OpenRoom, Request, delete_statement};

/// Tables that grow with what people do.
const GROWING: [&str; 11] = [
    "rooms",
    "entries",
    "epochs",
    "doors",
    "cards",
    "capsules",
    "capsule_wraps",
    "history_links",
    "registers",
    "handshake_hashes",
    "deleted_rooms",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_table_that_grows_is_read_from_one_end_to_the_other() {
    let data = tempfile::tempdir().unwrap();
    // What makes the tables reads them from one end to the other, for their indexes.
    start_on(data.path(), |_| {}).await.shutdown().await;
    let mut database = database_in(data.path()).await;
    sqlx::query("SELECT pg_stat_reset()").execute(&mut database).await.unwrap();
    let relay = start_on(data.path(), |_| {}).await;
    let authority = relay.addr().to_string();
    let mut rooms = Vec::new();
    for _ in 0..12 {
        let (mut client, mut room) = (Client::connect(&authority).await, Room::new());
        client.create(&room).await;
        client.open(&room).await;
        let door = sotto_protocol::DoorId::new(random());
        client.commit(&mut room, &[door]).await;
        client.card(&room, door).await;
        client.open(&room).await;
        rooms.push((client, room));
    }
    // Transactions of one room and of many, of one message and of many, often enough for plans that are kept.
    for round in 0..30 {
        let mut requests = Vec::new();
        for (client, room) in &mut rooms {
            for _ in 0..(round % 4) * 5 + 1 {
                requests.push(client.send(append(room, &entry(1, &random::<100>()))).await);
            }
        }
        let mut requests = requests.into_iter();
        for (client, _) in &mut rooms {
            for request in requests.by_ref().take((round % 4) * 5 + 1) {
                assert!(matches!(client.reply_to(request).await, sotto_protocol::Reply::Appended(_)));
            }
        }
    }
    for (client, room) in &mut rooms {
        for _ in 0..10 {
            client.page(room, u64::MAX, Direction::Backward, 50).await;
            client.page(room, 3, Direction::Forward, 50).await;
            client.open(room).await;
        }
    }
    // Requests without any proof, and requests of members, signed by any key.
    for (client, room) in &mut rooms {
        let mut stranger = Client::connect(&authority).await;
        let own = signing_key();
        for epoch in 0..8 {
            let open = Request::Open(OpenRoom { room: room.id, epoch: epoch % 3, signature: [7; 64] });
            assert_eq!(stranger.ask(open).await, error(ErrorCode::BadSignature));
            let door = sotto_protocol::DoorId::new(random());
            assert_eq!(stranger.card(room, door).await, error(ErrorCode::DoorClosed));
            let delete = DeleteRoom {
                room: room.id,
                admin_key: public(&own),
                signature: own
                    .sign(&delete_statement(&client.authority, &client.welcome.challenge, &room.id))
                    .to_bytes(),
            };
            assert_eq!(client.ask(Request::DeleteRoom(delete)).await, error(ErrorCode::BadSignature));
            let confirm = Request::Confirm(room.confirm(0, 1, b"of no join"));
            assert_eq!(client.ask(confirm).await, error(ErrorCode::Conflict));
            let rewind = Request::Rewind(room.rewind(0, (1, b"of another"), Some(&own)));
            assert_eq!(client.ask(rewind).await, error(ErrorCode::Conflict));
        }
    }
    // With the relay, its connections end, and tell what they have counted.
    relay.shutdown().await;
    sqlx::query("SELECT pg_stat_clear_snapshot()").execute(&mut database).await.unwrap();
    let query = "SELECT CAST(relname AS TEXT), CAST(seq_scan AS BIGINT), CAST(coalesce(idx_scan, 0) AS BIGINT) \
        FROM pg_stat_user_tables";
    let counted: Vec<(String, i64, i64)> = sqlx::query_as(query).fetch_all(&mut database).await.unwrap();
    let of = |table: &str| counted.iter().find(|(name, ..)| name == table).unwrap();
    assert!(of("entries").2 > 100, "the server has counted: {counted:?}");
    let whole: Vec<_> = GROWING.into_iter().map(of).filter(|(_, whole, _)| *whole > 0).collect();
    assert!(whole.is_empty(), "read from one end to the other: {whole:?}");
}

//! A relay that was restored from an older copy: clients that are ahead append again what is missing.

use crate::process::Program;
use crate::support::*;
use crate::upkeep::{back_up, restore};
use sotto_protocol::{Reply, Request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_appended_again_in_its_place() {
    let folders = tempfile::tempdir().unwrap();
    let [data, copy, back] = ["data", "copy", "back"].map(|name| folders.path().join(name));
    let mut room = Room::new();
    let relay = Program::start(&data);
    let mut client = Client::connect(&relay.authority).await;
    client.create(&room).await;
    client.open(&room).await;
    client.commit(&mut room, &[]).await; // 1
    client.append(&room, &entry(1, b"in the copy")).await; // 2
    back_up(&data, &copy);
    client.append(&room, &entry(1, b"lost")).await; // 3
    let commit = room.commit(&[]);
    client.send_commit(&mut room, commit.clone()).await; // 4
    client.append(&room, &entry(2, b"lost, too")).await; // 5
    let whole = client.whole_log(&room).await;
    drop(relay);

    restore(&copy, &back);
    let relay = Program::start(&back);
    let (mut alice, mut bob) =
        (Client::connect(&relay.authority).await, Client::connect(&relay.authority).await);
    // Both are ahead, and neither knows of the other.
    for client in [&mut alice, &mut bob] {
        client.open_at(&room, 1).await;
        for missing in &whole[2..] {
            let request = match missing.seq {
                4 => Request::AppendHandshake(commit.clone()),
                _ => append(&room, &missing.entry),
            };
            assert_eq!(client.ask(request).await, Reply::Appended(missing.seq), "in its old place");
            client.open_at(&room, if missing.seq < 4 { 1 } else { 2 }).await;
        }
        assert_eq!(client.whole_log(&room).await, whole);
    }
}

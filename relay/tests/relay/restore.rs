//! A relay that was restored from an older copy: clients that are ahead append again what is missing.

use crate::support::*;
use sotto_protocol::{Reply, Request};
use std::path::Path;

fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let (file, to) = (file.as_ref().unwrap(), to.join(file.as_ref().unwrap().file_name()));
        if file.file_type().unwrap().is_dir() {
            // There may be one from the copy before.
            std::fs::create_dir_all(&to).unwrap();
            copy(&file.path(), &to);
        } else {
            std::fs::copy(file.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_missing_is_appended_again_in_its_place() {
    let (data, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut room = Room::new();
    let relay = start_on(data.path(), |_| {}).await;
    let mut client = Client::connect(&relay.addr().to_string()).await;
    client.create(&room).await;
    client.open(&room).await;
    client.commit(&mut room, &[]).await; // 1
    client.append(&room, &entry(1, b"in the copy")).await; // 2
    relay.shutdown().await;
    copy(data.path(), backup.path());

    let relay = start_on(data.path(), |_| {}).await;
    let mut client = Client::connect(&relay.addr().to_string()).await;
    client.open(&room).await;
    client.append(&room, &entry(1, b"lost")).await; // 3
    let commit = room.commit(&[]);
    client.send_commit(&mut room, commit.clone()).await; // 4
    client.append(&room, &entry(2, b"lost, too")).await; // 5
    let whole = client.whole_log(&room).await;
    relay.shutdown().await;

    let relay = start_on(backup.path(), |_| {}).await;
    let (mut alice, mut bob) =
        (Client::connect(&relay.addr().to_string()).await, Client::connect(&relay.addr().to_string()).await);
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

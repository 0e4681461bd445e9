//! What files may take of the place, for how long, and what their own times tell.

use crate::blob_client::*;
use crate::blobs::relay_with;
use crate::support::*;
use std::time::Duration;

const KIB: usize = 1024;

#[tokio::test]
async fn the_times_of_files_say_no_more_than_a_day() {
    use std::os::unix::fs::MetadataExt as _;
    const DAY_S: i64 = 24 * 60 * 60;
    let relay = relay_with(|config| {
        config.blobs.sweep_every = Duration::from_millis(100);
        config.blobs.forgotten_after = Duration::from_secs(1);
    })
    .await;
    let (kept, deleted) = (Blob::new(&relay.authority()), Blob::new(&relay.authority()));
    let bytes = content(300 * KIB);
    for blob in [&kept, &deleted] {
        blob.upload(&bytes).await;
        assert!(blob.read().await.body == bytes);
    }
    assert_eq!(deleted.delete().await.status, 204);
    let now_s = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
    let next_midnight = (now_s / DAY_S + 1) * DAY_S;
    let mut pieces = 0;
    for shelf in std::fs::read_dir(relay.data.path().join("blobs")).unwrap() {
        let shelf = shelf.unwrap().path();
        let files =
            shelf.is_dir().then(|| std::fs::read_dir(&shelf).unwrap().map(|file| file.unwrap().path()));
        let files: Vec<_> = files.into_iter().flatten().collect();
        for file in &files {
            pieces += 1;
            let times = std::fs::metadata(file).unwrap();
            assert_eq!((times.mtime(), times.mtime_nsec()), (next_midnight, 0), "{}", file.display());
            assert_eq!((times.atime(), times.atime_nsec()), (next_midnight, 0), "{}", file.display());
            assert_eq!(std::fs::metadata(&shelf).unwrap().mtime(), next_midnight);
        }
    }
    assert_eq!(pieces, 3);
    // What is swept goes by them, and takes nothing that was written today.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(kept.read().await.body == bytes);
}

#[tokio::test]
async fn one_address_does_not_fill_the_place_and_nobody_fills_it_for_ever() {
    let relay = relay_with(|config| {
        config.blobs.quota_bytes = 80_000;
        config.blobs.by_address.uploads_per_day = u32::MAX;
        // A file of before, that was to have no end.
        config.blobs.max_days = None;
    })
    .await;
    let from = async |address: &str, length: u64, days: &str| {
        let blob = Blob::new(&relay.authority());
        let more =
            format!("x-forwarded-for: {address}\r\nupload-length: {length}\r\n{days}{}", blob.token_header());
        let answer = ask(&blob.authority, "PUT", &blob.path(), &more, b"").await;
        if answer.status == 201 {
            assert_eq!(blob.append(0, &vec![7; length as usize]).await.status, 204);
        }
        answer
    };
    let first = from("192.0.2.1", 5000, "").await;
    assert_eq!((first.status, first.header("upload-keep-days")), (201, None));
    // One address, then its network.
    assert_eq!(from("192.0.2.1", 4500, "").await.status, 507, "an eighth of what is free");
    assert_eq!(from("192.0.2.1", 4000, "").await.status, 201);
    assert_eq!(from("192.0.2.2", 8000, "").await.status, 201);
    assert_eq!(from("192.0.2.3", 5000, "").await.status, 507, "the network has its part");
    // A client elsewhere is not affected. Many together fill it; then it is for a short time.
    let mut free = 80_000 - 17_000;
    for number in 1.. {
        if free < 20_000 {
            break;
        }
        let long = from(&format!("198.51.{number}.1"), free / 8, "upload-keep-days: 3000\r\n").await;
        assert_eq!((long.status, long.header("upload-keep-days")), (201, Some("3000")), "{number}");
        free -= free / 8;
    }
    let scarce = from("203.0.113.1", 1500, "upload-keep-days: 3000\r\n").await;
    assert_eq!((scarce.status, scarce.header("upload-keep-days")), (201, Some("14")));
    let scarce = from("203.0.114.1", 1500, "").await;
    assert_eq!((scarce.status, scarce.header("upload-keep-days")), (201, Some("14")));
    let TestRelay { running, data } = relay;
    running.shutdown().await;
    let relay =
        TestRelay { running: start_on(data.path(), |config| config.blobs.max_days = Some(180)).await, data };
    let mut database = relay.database().await;
    for tries in 0.. {
        let endless: i64 = sqlx::query_scalar("SELECT count(*) FROM blobs WHERE until_day = 0")
            .fetch_one(&mut database)
            .await
            .unwrap();
        if endless == 0 {
            break;
        }
        assert!(tries < 200, "{endless} have no end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

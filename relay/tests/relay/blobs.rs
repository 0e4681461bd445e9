//! Sealed files at the relay: nothing is lost that was acknowledged, nothing is read that is not whole, and bad input is told.

use crate::blob_client::*;
use crate::process::Program;
use crate::support::*;
use sotto_protocol::blob::BlobErrorCode as Code;
use sotto_relay::Config;
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

const KIB: usize = 1024;

async fn relay() -> TestRelay {
    relay_with(|_| {}).await
}

pub async fn relay_with(change: impl FnOnce(&mut Config)) -> TestRelay {
    TestRelay::start_with(|config| {
        config.blobs.piece_bytes = 128 * KIB;
        config.blobs.keep_free_bytes = 0;
        config.blobs.by_address.requests = 1_000_000;
        change(config);
    })
    .await
}

/// Files of blobs in a data folder.
fn pieces_in(data: &Path) -> usize {
    let shelves = std::fs::read_dir(data.join("blobs")).unwrap().map(|shelf| shelf.unwrap().path());
    shelves.filter(|shelf| shelf.is_dir()).map(|shelf| std::fs::read_dir(shelf).unwrap().count()).sum()
}

async fn progress_reaches(blob: &Blob, offset: u64) {
    for _ in 0..400 {
        if blob.progress().await.offset() == offset {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{offset} was not reached: {:?}", blob.progress().await);
}

#[tokio::test]
async fn a_file_is_uploaded_and_read_and_is_never_taken_for_a_page() {
    let relay = relay().await;
    let blob = Blob::new(&relay.authority());
    let bytes = content(300 * KIB + 7);
    blob.upload(&bytes).await;
    let read = blob.read().await;
    assert_eq!(read.status, 200);
    assert!(read.body == bytes);
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-disposition", "attachment"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "private, max-age=31536000, immutable"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(read.header(name), Some(value), "{name}");
    }
    assert_eq!(read.header("access-control-allow-origin"), None);
    let looked = blob.look().await;
    assert_eq!((looked.status, looked.body.len()), (200, 0));
    assert_eq!(looked.header("content-length"), Some(bytes.len().to_string().as_str()));
    let known = format!("if-none-match: {}\r\n", read.header("etag").unwrap());
    assert_eq!(blob.read_with(&known).await.status, 304);
}

#[tokio::test]
async fn a_file_grows_segment_by_segment_and_is_read_only_when_it_is_whole() {
    let relay = relay().await;
    let blob = Blob::new(&relay.authority());
    let bytes = content(500 * KIB + 3);
    let length = bytes.len() as u64;
    let made = blob.create_for(length, Some(30)).await;
    assert_eq!((made.status, made.offset(), made.header("upload-keep-days")), (201, 0, Some("30")));
    let again = blob.create_for(length, Some(30)).await;
    assert_eq!((again.status, again.offset()), (200, 0), "an answer may get lost");
    assert_eq!(blob.create_for(length, Some(31)).await.code(), Code::IdTaken);
    assert_eq!(blob.create(length + 1).await.code(), Code::IdTaken);
    let mut offset = 0;
    for part in bytes.chunks(150 * KIB) {
        assert_eq!(blob.read().await.code(), Code::NotFound);
        assert_eq!(blob.look().await.status, 404);
        offset += part.len() as u64;
        let sent = blob.append(offset - part.len() as u64, part).await;
        assert_eq!((sent.status, sent.offset()), (204, offset));
        let progress = blob.progress().await;
        assert_eq!((progress.status, progress.offset()), (200, offset));
        assert_eq!(progress.header("upload-length"), Some(length.to_string().as_str()));
    }
    assert!(blob.read().await.body == bytes);
    assert_eq!(blob.append(length, b"").await.status, 204, "the end may be said twice");
    assert_eq!(blob.append(length, b"x").await.code(), Code::LimitExceeded);
    assert_eq!(blob.create_for(length, Some(30)).await.offset(), length);
}

#[tokio::test]
async fn a_segment_elsewhere_is_refused_with_where_it_must_begin() {
    let relay = relay().await;
    let blob = Blob::new(&relay.authority());
    let bytes = content(300 * KIB);
    blob.create(bytes.len() as u64).await;
    blob.append(0, &bytes[..100 * KIB]).await;
    for offset in [0, 1, 99 * KIB as u64, 101 * KIB as u64, u64::MAX] {
        let refused = blob.append(offset, b"").await;
        assert_eq!((refused.code(), refused.offset()), (Code::WrongOffset, 100 * KIB as u64));
        assert_eq!(refused.error().offset, Some(100 * KIB as u64));
    }
    let stranger = Blob { token: Blob::new("").token, ..blob.clone() };
    assert_eq!(stranger.append(100 * KIB as u64, b"").await.code(), Code::TokenRefused);
    assert_eq!(stranger.delete().await.code(), Code::TokenRefused);
    assert_eq!(stranger.progress().await.status, 403);
    assert_eq!(stranger.create(bytes.len() as u64).await.code(), Code::IdTaken);
    let short = blob.append(100 * KIB as u64, &bytes[..10]).await;
    assert_eq!((short.code(), short.error().limit), (Code::SegmentTooShort, Some(64 * 1024)));
    let long = answer(blob.begin_segment(100 * KIB as u64, 201 * KIB, b"").await).await;
    assert_eq!((long.code(), long.offset()), (Code::LimitExceeded, 100 * KIB as u64));
    // Nothing of that changed anything.
    assert_eq!(blob.append(100 * KIB as u64, &bytes[100 * KIB..]).await.status, 204);
    assert!(blob.read().await.body == bytes);
}

#[tokio::test]
async fn what_came_before_a_cut_is_kept_and_the_rest_goes_on_from_there() {
    let relay = relay().await;
    let blob = Blob::new(&relay.authority());
    let bytes = content(400 * KIB);
    blob.create(bytes.len() as u64).await;
    let stream = blob.begin_segment(0, bytes.len(), &bytes[..200 * KIB + 1]).await;
    drop(stream);
    progress_reaches(&blob, 200 * KIB as u64 + 1).await;
    // Too little to be worth a piece.
    drop(blob.begin_segment(200 * KIB as u64 + 1, 100 * KIB, &bytes[..9]).await);
    // Without a length said before, and more than fits: what was not durable is not kept, and nothing is taken for whole.
    let more = format!("transfer-encoding: chunked\r\n{}", blob.segment_headers(200 * KIB as u64 + 1));
    let mut body = format!("{:x}\r\n", 200 * KIB).into_bytes();
    body.extend_from_slice(&content(200 * KIB));
    body.extend_from_slice(b"\r\n0\r\n\r\n");
    let refused = ask(&blob.authority, "PATCH", &blob.path(), &more, &body).await;
    assert_eq!(refused.code(), Code::LimitExceeded);
    let at = usize::try_from(blob.progress().await.offset()).unwrap();
    assert!(blob.read().await.code() == Code::NotFound && at < bytes.len());
    let blob_again = Blob::new(&blob.authority);
    blob_again.upload(&bytes).await;
    assert!(blob_again.read().await.body == bytes);
}

#[tokio::test]
async fn a_silent_upload_is_ended_and_a_slow_one_is_not() {
    let relay = relay_with(|config| config.blobs.silence = Duration::from_millis(400)).await;
    let blob = Blob::new(&relay.authority());
    let bytes = content(200 * KIB);
    blob.create(bytes.len() as u64).await;
    let mut slow = blob.begin_segment(0, bytes.len(), &bytes[..90 * KIB]).await;
    for byte in &bytes[90 * KIB..90 * KIB + 8] {
        tokio::time::sleep(Duration::from_millis(100)).await;
        slow.write_all(&[*byte]).await.unwrap();
    }
    let ended = answer(slow).await;
    assert_eq!((ended.code(), ended.offset()), (Code::Interrupted, 90 * KIB as u64 + 8));
    assert_eq!(blob.append(ended.offset(), &bytes[90 * KIB + 8..]).await.status, 204);
    assert!(blob.read().await.body == bytes);
}

#[tokio::test]
async fn an_upload_that_trickles_is_ended_and_what_came_is_kept() {
    let relay = relay_with(|config| {
        config.blobs.silence = Duration::from_millis(400);
        config.blobs.slowest_bytes_per_s = 100_000;
    })
    .await;
    let blob = Blob::new(&relay.authority());
    let bytes = content(400 * KIB);
    blob.create(bytes.len() as u64).await;
    // Never silent for long, and slower than anybody.
    let mut slow = blob.begin_segment(0, bytes.len(), &bytes[..90 * KIB]).await;
    let began = std::time::Instant::now();
    let mut sent = 90 * KIB;
    while began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if slow.write_all(&bytes[sent..sent + 10]).await.is_err() {
            break;
        }
        sent += 10;
        if blob.progress().await.offset() > 0 {
            break;
        }
    }
    assert!(began.elapsed() < PATIENCE, "it goes on for ever");
    let ended = answer(slow).await;
    assert_eq!(ended.code(), Code::Interrupted);
    let kept = usize::try_from(ended.offset()).unwrap();
    assert!((90 * KIB..=sent).contains(&kept), "{kept} of {sent}");
    assert_eq!(blob.append(ended.offset(), &bytes[kept..]).await.status, 204);
    assert!(blob.read().await.body == bytes);
}

#[tokio::test]
async fn of_two_uploads_at_once_one_goes_on_and_the_other_is_told() {
    let relay = relay().await;
    let blob = Blob::new(&relay.authority());
    let bytes = content(300 * KIB);
    blob.create(bytes.len() as u64).await;
    let (first, second) = tokio::join!(blob.append(0, &bytes), blob.append(0, &bytes));
    let done = [&first, &second].iter().filter(|answer| answer.status == 204).count();
    assert!(done <= 1, "{first:?} {second:?}");
    let offset = usize::try_from(blob.progress().await.offset()).unwrap();
    if done == 0 {
        assert_eq!(blob.append(offset as u64, &bytes[offset..]).await.status, 204);
    }
    assert!(blob.read().await.body == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_of_a_file_survives_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = Program::start(data.path());
    let mut blob = Blob::new(&relay.authority);
    let bytes = content(20 * 1024 * KIB);
    assert_eq!(blob.create(bytes.len() as u64).await.status, 201);
    let mut acknowledged = 0;
    let mut known = 0;
    for round in 0..4 {
        if round > 0 {
            relay = Program::start(data.path());
            blob.authority = relay.authority.clone();
            known = blob.progress().await.offset();
            assert!(known >= acknowledged, "{known} {acknowledged}");
        }
        let from = usize::try_from(known).unwrap();
        let whole = (from + 1024 * KIB).min(bytes.len());
        let sent = blob.append(known, &bytes[from..whole]).await;
        assert_eq!(sent.status, 204, "{sent:?}");
        acknowledged = sent.offset();
        // Killed in the middle of the next one.
        let to = (whole + 5 * 1024 * KIB).min(bytes.len());
        let stream = blob.begin_segment(acknowledged, bytes.len() - whole, &bytes[whole..to]).await;
        relay.child.kill().unwrap();
        relay.child.wait().unwrap();
        drop(stream);
    }
    let relay = Program::start(data.path());
    blob.authority = relay.authority.clone();
    let offset = blob.progress().await.offset();
    assert!(offset >= acknowledged);
    let from = usize::try_from(offset).unwrap();
    if from < bytes.len() {
        assert_eq!(blob.append(offset, &bytes[from..]).await.status, 204);
    }
    assert!(blob.read().await.body == bytes);
}

#[tokio::test]
async fn any_part_of_a_file_is_read() {
    let relay = relay().await;
    let blob = Blob::new(&relay.authority());
    let bytes = content(400 * KIB);
    blob.upload(&bytes).await;
    let last = bytes.len() - 1;
    for (range, from, to) in [
        ("0-0".to_owned(), 0, 1),
        ("0-".to_owned(), 0, bytes.len()),
        (format!("{last}-"), last, bytes.len()),
        ("-1".to_owned(), last, bytes.len()),
        ("-999999999".to_owned(), 0, bytes.len()),
        ("131071-131072".to_owned(), 131_071, 131_073),
        ("131072-262143".to_owned(), 131_072, 262_144),
        ("100000-300000".to_owned(), 100_000, 300_001),
        ("5-99999999999999999999999".to_owned(), 5, bytes.len()),
    ] {
        let read = blob.read_with(&format!("range: bytes={range}\r\n")).await;
        assert_eq!(read.status, 206, "{range}");
        assert!(read.body == bytes[from..to], "{range}");
        let expected = format!("bytes {from}-{}/{}", to - 1, bytes.len());
        assert_eq!(read.header("content-range"), Some(expected.as_str()));
    }
    for range in ["bytes=1-2,4-5", "bytes=2-1", "bytes=x", "lines=1-2", "bytes=-"] {
        let read = blob.read_with(&format!("range: {range}\r\n")).await;
        assert!(read.status == 200 && read.body == bytes, "{range}");
    }
    for range in [format!("bytes={}-", bytes.len()), "bytes=-0".to_owned()] {
        let refused = blob.read_with(&format!("range: {range}\r\n")).await;
        assert_eq!(refused.code(), Code::NoSuchRange);
        assert_eq!(refused.header("content-range"), Some(format!("bytes */{}", bytes.len()).as_str()));
    }
    let tag = blob.look().await.header("etag").unwrap().to_owned();
    assert_eq!(blob.read_with(&format!("range: bytes=0-9\r\nif-range: {tag}\r\n")).await.status, 206);
    assert_eq!(blob.read_with("range: bytes=0-9\r\nif-range: \"other\"\r\n").await.status, 200);
}

#[tokio::test]
async fn what_a_relay_does_not_take_is_refused_before_it_comes() {
    let relay = relay_with(|config| {
        config.blobs.max_bytes = 1000;
        config.blobs.quota_bytes = 2500;
        config.blobs.max_days = Some(7);
        config.blobs.by_address.free_parts = None;
    })
    .await;
    let blob = || Blob::new(&relay.authority());
    let large = blob().create(1001).await;
    assert_eq!((large.code(), large.error().limit), (Code::LimitExceeded, Some(1000)));
    assert_eq!(blob().create(0).await.code(), Code::Malformed);
    assert_eq!(blob().create_for(9, Some(0)).await.code(), Code::LimitExceeded);
    assert_eq!(blob().create_for(9, Some(4000)).await.code(), Code::LimitExceeded);
    let (first, second) = (blob(), blob());
    assert_eq!(first.create(1000).await.header("upload-keep-days"), Some("7"));
    assert_eq!(second.create_for(1000, Some(3660)).await.header("upload-keep-days"), Some("7"));
    // What is announced takes nothing from anybody: only what comes counts.
    let (third, fourth) = (blob(), blob());
    assert_eq!(third.create(1000).await.status, 201);
    assert_eq!(fourth.create(501).await.status, 201);
    for blob in [&first, &second] {
        assert_eq!(blob.append(0, &[7; 1000]).await.status, 204);
    }
    let full = blob().create(501).await;
    assert_eq!(full.code(), Code::StorageFull);
    assert!(full.header("retry-after").is_some());
    let full = fourth.append(0, &[7; 501]).await;
    assert_eq!((full.code(), full.offset()), (Code::StorageFull, 0), "one byte too much");
    let last = blob();
    last.upload(&[7; 500]).await;
    assert_eq!(third.append(0, &[7; 1000]).await.code(), Code::StorageFull, "used to the last byte");
    assert_eq!(second.delete().await.status, 204);
    assert_eq!(third.append(0, &[7; 1000]).await.status, 204, "and what is deleted can be used again");
    assert!(third.read().await.body == [7; 1000]);
    let closed = relay_with(|config| config.blobs.place = sotto_relay::BlobPlace::Off).await;
    assert_eq!(Blob::new(&closed.authority()).create(9).await.code(), Code::Closed);
}

/// What is left of the disk belongs to messages.
#[tokio::test]
async fn files_leave_space_for_messages() {
    let relay = relay_with(|config| config.blobs.keep_free_bytes = u64::MAX / 2).await;
    let blob = Blob::new(&relay.authority());
    assert_eq!(blob.create(1000).await.status, 201);
    let full = blob.append(0, &[7; 1000]).await;
    assert_eq!((full.code(), full.offset()), (Code::StorageFull, 0));
    let (mut client, room) = (relay.connect().await, Room::new());
    client.create(&room).await;
    client.open(&room).await;
    assert_eq!(client.append(&room, &entry(0, b"and so they have some")).await, 1);
}

#[tokio::test]
async fn an_address_uploads_no_more_than_it_may() {
    let relay = relay_with(|config| {
        config.blobs.by_address.uploads_per_day = 4;
        config.blobs.by_address.bytes_per_day = 1000;
        config.blobs.by_address.unfinished = 2;
    })
    .await;
    let blob = || Blob::new(&relay.authority());
    assert_eq!(blob().create(1001).await.code(), Code::LimitExceeded);
    let (first, second) = (blob(), blob());
    first.create(100).await;
    second.create(100).await;
    let third = blob().create(100).await;
    assert_eq!((third.code(), third.error().limit), (Code::TooManyUnfinished, Some(2)));
    assert_eq!(first.append(0, &content(100)).await.status, 204);
    let bytes = blob().create(801).await;
    assert_eq!(bytes.code(), Code::TooMany);
    assert!(bytes.error().retry_after_ms.is_some() && bytes.header("retry-after").is_some());
    assert_eq!(blob().create(100).await.status, 201);
    second.delete().await;
    assert_eq!(blob().create(100).await.status, 201);
    first.delete().await;
    let count = blob();
    assert_eq!(count.create(1).await.code(), Code::TooManyUnfinished);
    // Whom a trusted proxy names is another one.
    let more = format!("x-forwarded-for: 192.0.2.7\r\nupload-length: 9\r\n{}", count.token_header());
    assert_eq!(ask(&count.authority, "PUT", &count.path(), &more, b"").await.status, 201);
}

#[tokio::test]
async fn an_address_reads_no_more_at_once_than_it_may() {
    let relay = relay_with(|config| {
        config.blobs.piece_bytes = 4 * 1024 * KIB;
        config.blobs.by_address.downloads = 1;
    })
    .await;
    let blob = Blob::new(&relay.authority());
    // More than the sockets between them hold.
    let bytes = content(24 * 1024 * KIB);
    blob.upload(&bytes).await;
    let held = send(&blob.authority, "GET", &blob.path(), "", b"").await;
    held.readable().await.unwrap();
    let refused = blob.read_with("range: bytes=0-0\r\n").await;
    assert_eq!(refused.code(), Code::TooMany);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(blob.look().await.status, 200);
    drop(held);
    for _ in 0..200 {
        if blob.read_with("range: bytes=0-0\r\n").await.status == 206 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(blob.read().await.body == bytes);
}

#[tokio::test]
async fn the_same_creation_twice_at_once_counts_once() {
    let relay = relay_with(|config| {
        config.blobs.by_address.uploads_per_day = 3;
        config.blobs.by_address.bytes_per_day = 300;
        config.blobs.by_address.unfinished = 2;
    })
    .await;
    for _ in 0..2 {
        let blob = Blob::new(&relay.authority());
        let (first, second) = tokio::join!(blob.create(100), blob.create(100));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201]);
    }
    let third = Blob::new(&relay.authority());
    assert_eq!(third.create(100).await.code(), Code::TooManyUnfinished);
}

#[tokio::test]
async fn a_file_is_gone_when_its_time_is_over_or_its_uploader_says_so() {
    let relay = relay_with(|config| {
        config.blobs.sweep_every = Duration::from_millis(100);
        config.blobs.forgotten_after = Duration::from_secs(3600);
    })
    .await;
    let bytes = content(300 * KIB);
    let [kept, deleted, expired, given_up] = [(); 4].map(|()| Blob::new(&relay.authority()));
    for blob in [&kept, &deleted, &expired] {
        blob.upload(&bytes).await;
    }
    given_up.create(500_000).await;
    given_up.append(0, &bytes).await;
    assert_eq!(deleted.delete().await.status, 204);
    assert_eq!(deleted.read().await.code(), Code::NotFound);
    assert_eq!(deleted.delete().await.code(), Code::NotFound);
    let mut database = relay.database().await;
    let hash: [u8; 32] = {
        use base64::Engine as _;
        use sha2::Digest as _;
        let id = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&expired.id).unwrap();
        sha2::Sha256::digest(id).into()
    };
    let unfinished = "UPDATE blobs SET until_day = 1 WHERE offset_bytes < length_bytes";
    sqlx::query(unfinished).execute(&mut database).await.unwrap();
    let old = "UPDATE blobs SET until_day = 1 WHERE id_hash = $1";
    sqlx::query(old).bind(&hash[..]).execute(&mut database).await.unwrap();
    std::fs::create_dir_all(relay.data.path().join("blobs/ab")).unwrap();
    let stray = relay.data.path().join("blobs/ab/ab000000000000000000000000000000");
    std::fs::write(&stray, b"nobody's").unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(7200);
    std::fs::File::options().write(true).open(&stray).unwrap().set_modified(long_ago).unwrap();
    for _ in 0..200 {
        if !stray.exists() && pieces_in(relay.data.path()) == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!stray.exists());
    assert_eq!(expired.read().await.code(), Code::NotFound);
    assert_eq!(given_up.progress().await.status, 404);
    assert!(kept.read().await.body == bytes);
    let used: i64 =
        sqlx::query_scalar("SELECT used_bytes FROM blob_usage").fetch_one(&mut database).await.unwrap();
    assert_eq!(used, bytes.len() as i64);
}

#[tokio::test]
async fn a_path_that_is_no_id_reaches_no_file() {
    let relay = relay().await;
    let good = Blob::new(&relay.authority());
    good.upload(&content(100)).await;
    let long = "A".repeat(8000);
    for id in [
        "..",
        "%2e%2e",
        "%2e%2e%2f%2e%2e%2frelay.db",
        "..%2frelay.secrets",
        "%00",
        "AAAAAAAAAAAAAAAAAAAAA%00",
        "AAAAAAAAAAAAAAAAAAAAAB",
        "AAAAAAAAAAAAAAAAAAAA==",
        "%ff%fe",
        "owner",
        long.as_str(),
        &format!("{}=", good.id),
        &format!("%{:02x}{}", good.id.as_bytes()[0], &good.id[1..]),
    ] {
        let path = format!("/v1/blobs/{id}");
        let more = format!("upload-length: 9\r\nupload-offset: 0\r\n{}", good.token_header());
        for method in ["PUT", "PATCH", "GET", "DELETE"] {
            let refused = ask(&good.authority, method, &path, &more, b"").await;
            assert_eq!(refused.code(), Code::Malformed, "{method} {id}");
        }
        assert_eq!(ask(&good.authority, "HEAD", &path, "", b"").await.status, 400, "{id}");
    }
    for path in ["/v1/blobs/", "/v1/blobs", "/v1/blobs/../../etc/passwd", "/v1/blobs/a/b", "/v1/blobs//"] {
        let refused = ask(&good.authority, "GET", path, "", b"").await;
        assert!(
            (400..500).contains(&refused.status) || !refused.head.contains("octet-stream"),
            "{refused:?}"
        );
    }
    for method in ["POST", "OPTIONS", "TRACE"] {
        assert_eq!(ask(&good.authority, method, &good.path(), "", b"").await.status, 405, "{method}");
    }
}

#[tokio::test]
async fn headers_that_are_missing_doubled_or_no_numbers_are_refused() {
    let relay = relay().await;
    let blob = Blob::new(&relay.authority());
    let token = blob.token_header();
    for (headers, code) in [
        (token.clone(), Code::Malformed),
        ("upload-length: 9\r\n".to_owned(), Code::TokenRefused),
        (format!("upload-length: 9\r\nupload-length: 9\r\n{token}"), Code::Malformed),
        (format!("upload-length: 9\r\n{token}{token}"), Code::Malformed),
        ("upload-length: 9\r\nupload-token: AAAA\r\n".to_owned(), Code::Malformed),
        (format!("upload-length: -9\r\n{token}"), Code::Malformed),
        (format!("upload-length: +9\r\n{token}"), Code::Malformed),
        (format!("upload-length: 0x9\r\n{token}"), Code::Malformed),
        (format!("upload-length: 99999999999999999999999\r\n{token}"), Code::Malformed),
        (format!("upload-length: 18446744073709551615\r\n{token}"), Code::LimitExceeded),
        (format!("upload-length: 9\r\nupload-keep-days: x\r\n{token}"), Code::Malformed),
        (format!("upload-length: 9\r\nauthorization: Bearer AAAA\r\n{token}"), Code::SessionNotWanted),
        (format!("upload-length: 9\r\norigin: https://evil.example\r\n{token}"), Code::ForeignOrigin),
        (format!("upload-length: 9\r\norigin: null\r\n{token}"), Code::ForeignOrigin),
    ] {
        let refused = ask(&blob.authority, "PUT", &blob.path(), &headers, b"").await;
        assert_eq!(refused.code(), code, "{headers}");
    }
    assert_eq!(blob.progress().await.status, 404, "nothing of that made a blob");
    blob.create(9).await;
    let untyped = format!("upload-offset: 0\r\n{token}");
    assert_eq!(ask(&blob.authority, "PATCH", &blob.path(), &untyped, b"").await.code(), Code::Malformed);
    let joined = format!("authorization: Bearer AAAA\r\n{}", blob.segment_headers(0));
    let refused = ask(&blob.authority, "PATCH", &blob.path(), &joined, b"123456789").await;
    assert_eq!(refused.code(), Code::SessionNotWanted);
    for headers in ["authorization: Bearer AAAA\r\n", "origin: https://evil.example\r\n"] {
        assert_eq!(blob.read_with(headers).await.status, 403);
    }
    let own = format!("origin: http://{}\r\n{}", blob.authority, blob.segment_headers(0));
    assert_eq!(ask(&blob.authority, "PATCH", &blob.path(), &own, b"123456789").await.status, 204);
}

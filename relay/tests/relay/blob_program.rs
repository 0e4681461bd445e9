//! The relay as a program, with sealed files: what it needs, what it says, and where it keeps them.

use crate::blob_client::*;
use crate::process::{Program, command};
use crate::upkeep::{restore, upkeep};
use sotto_protocol::blob::BlobErrorCode as Code;
use sotto_test_services::S3;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;

const MIB: usize = 1024 * 1024;

fn resident_kib(relay: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", relay.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_needs_little_memory() {
    const LENGTH: usize = 256 * MIB;
    let data = tempfile::tempdir().unwrap();
    let relay = Program::start(data.path());
    let small = Blob::new(&relay.authority);
    small.upload(&content(MIB)).await;
    assert_eq!(small.read().await.body.len(), MIB);
    let before = resident_kib(&relay);
    let blob = Blob::new(&relay.authority);
    let bytes = vec![7; LENGTH];
    blob.upload(&bytes).await;
    assert!(blob.read().await.body == bytes);
    let grown = resident_kib(&relay).saturating_sub(before);
    assert!(grown < 48 * 1024, "grew by {grown} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_file_is_in_the_log() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = Program::start_with(data.path(), &["--log", "trace"], Stdio::piped());
    let blob = Blob::new(&relay.authority);
    blob.upload(b"a text that would be noticed").await;
    blob.read().await;
    blob.append(5, b"").await;
    blob.delete().await;
    Blob::new(&relay.authority).read().await;
    let mut stderr = relay.child.stderr.take().unwrap();
    relay.child.kill().unwrap();
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    assert!(log.contains("serving"), "{log}");
    for secret in [blob.id.as_str(), &blob.token, "noticed", "/v1/blobs", "127.0.0.1"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_holds_files_and_gives_them_back() {
    let folders = tempfile::tempdir().unwrap();
    let [data, copy, back] = ["data", "copy", "back"].map(|name| folders.path().join(name));
    let relay = Program::start(&data);
    let (mut whole, mut begun) = (Blob::new(&relay.authority), Blob::new(&relay.authority));
    let bytes = content(5 * MIB);
    whole.upload(&bytes).await;
    begun.create(bytes.len() as u64).await;
    begun.append(0, &bytes[..MIB]).await;
    let made = upkeep(&data, &["backup", copy.to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");
    let later = Blob::new(&relay.authority);
    later.upload(&bytes[..MIB]).await;
    drop(relay);
    restore(&copy, &back);
    let relay = Program::start(&back);
    for blob in [&mut whole, &mut begun] {
        blob.authority = relay.authority.clone();
    }
    assert!(whole.read().await.body == bytes);
    assert_eq!(begun.append(MIB as u64, &bytes[MIB..]).await.status, 204);
    assert!(begun.read().await.body == bytes);
    let later = Blob { authority: relay.authority.clone(), ..later };
    assert_eq!(later.read().await.code(), Code::NotFound);
    let examined = upkeep(&back, &["doctor"]);
    let text = String::from_utf8_lossy(&examined.stdout).into_owned();
    assert!(text.contains("ok    files: the folder can be written"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_another_database_is_refused_and_the_doctor_says_so() {
    let folders = tempfile::tempdir().unwrap();
    let data = folders.path().join("data");
    drop(Program::start(&data));
    let doctor = || String::from_utf8_lossy(&upkeep(&data, &["doctor"]).stdout).into_owned();
    assert!(doctor().contains("ok    files: the folder can be written"), "{}", doctor());
    std::fs::write(data.join("blobs/owner"), [7; 16]).unwrap();
    assert!(doctor().contains("belongs to another database"), "{}", doctor());
    let refused = command(&data, "127.0.0.1:0").output().unwrap();
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("belongs to another database"), "{text}");
}

/// A relay that keeps files in a bucket.
fn start_on_bucket(data: &Path, s3: &S3, bucket: &str) -> Program {
    let mut command = command(data, "127.0.0.1:0");
    command.args(["--blobs", &format!("s3://{bucket}/files")]).envs(s3.environment());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let authority = line.trim().strip_prefix("Sotto relay is ready: http://").unwrap().to_owned();
    Program { child, authority }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_keeps_files_and_any_relay_goes_on_with_an_upload() {
    let (mut s3, data) = (S3::start().unwrap(), tempfile::tempdir().unwrap());
    s3.make_bucket("sotto").unwrap();
    let relay = start_on_bucket(data.path(), &s3, "sotto");
    let mut blob = Blob::new(&relay.authority);
    let bytes = content(10 * MIB + 5);
    blob.create(bytes.len() as u64).await;
    let stream = blob.begin_segment(0, bytes.len(), &bytes[..6 * MIB]).await;
    drop(stream);
    for _ in 0..400 {
        if blob.progress().await.offset() == 6 * MIB as u64 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(blob.progress().await.offset(), 6 * MIB as u64);
    drop(relay);
    let relay = start_on_bucket(data.path(), &s3, "sotto");
    blob.authority = relay.authority.clone();
    assert_eq!(blob.append(6 * MIB as u64, &bytes[6 * MIB..]).await.status, 204);
    assert!(blob.read().await.body == bytes);
    let part = blob.read_with(&format!("range: bytes={}-{}\r\n", 4 * MIB - 1, 8 * MIB)).await;
    assert!(part.status == 206 && part.body == bytes[4 * MIB - 1..=8 * MIB]);
    assert!(!data.path().join("blobs").exists(), "nothing is on the disk");
    let deleted = Blob::new(&relay.authority);
    deleted.upload(&bytes[..MIB]).await;
    assert_eq!((deleted.delete().await.status, deleted.read().await.status), (204, 404));

    // Another database does not sweep what is not its own.
    let other = tempfile::tempdir().unwrap();
    let mut refused = command(other.path(), "127.0.0.1:0");
    refused.args(["--blobs", "s3://sotto/files"]).envs(s3.environment());
    let refused = tokio::task::spawn_blocking(move || refused.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("belongs to another database"), "{text}");

    s3.stop();
    let away = Blob::new(&relay.authority);
    assert_eq!(away.create(100).await.status, 201);
    let failed = away.append(0, &content(100)).await;
    assert_eq!((failed.code(), failed.error().offset), (Code::Overloaded, Some(0)));
}

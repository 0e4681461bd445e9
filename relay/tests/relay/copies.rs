//! Copies that are not whole: found out and named, never restored; and restores that did not end.

use crate::blob_client::Blob;
use crate::process::{Program, command};
use crate::support::*;
use crate::upkeep::{back_up, restore, text, try_restore, upkeep};
use serde_json::Value;
use sotto_test_services::SmallDisk;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

const PIECE_BYTES: usize = 3000;

/// A relay's data with a room, an account's secrets and a sealed file; and a copy of it.
struct Origin {
    folder: tempfile::TempDir,
    blob: Blob,
}

impl Origin {
    async fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let relay = Program::start(&folder.path().join("data"));
        let (mut room, mut client) = (Room::new(), Client::connect(&relay.authority).await);
        client.create(&room).await;
        client.open(&room).await;
        client.append(&room, &entry(0, &[7; 20_000])).await;
        client.commit(&mut room, &[]).await;
        let blob = Blob::new(&relay.authority);
        blob.upload(&random::<PIECE_BYTES>()).await;
        let origin = Self { folder, blob };
        tokio::task::block_in_place(|| back_up(&origin.data(), &origin.copy()));
        origin
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("copy")
    }

    /// Another copy of the copy, to be harmed.
    fn to_be_harmed(&self, name: &str) -> PathBuf {
        let to = self.folder.path().join(name);
        let done = std::process::Command::new("cp").arg("-a").arg(self.copy()).arg(&to).status().unwrap();
        assert!(done.success());
        to
    }
}

/// All files of a folder, by their paths in it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(next) = ahead.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ahead.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn piece_in(copy: &Path) -> String {
    files(copy).into_iter().find(|file| file.starts_with("blobs/") && file != "blobs/owner").unwrap()
}

fn change_manifest(copy: &Path, change: impl FnOnce(&mut Value)) {
    let path = copy.join("manifest.json");
    let mut manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(path, manifest.to_string()).unwrap();
}

/// Makes the manifest say what is there now.
fn agree(copy: &Path, file: &str) {
    use sha2::Digest as _;
    let bytes = fs::read(copy.join(file)).unwrap();
    let hash: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    change_manifest(copy, |manifest| {
        manifest["files"][file] = serde_json::json!({ "bytes": bytes.len(), "sha256": hash });
    });
}

fn forget(copy: &Path, file: &str) {
    fs::remove_file(copy.join(file)).unwrap();
    change_manifest(copy, |manifest| {
        manifest["files"].as_object_mut().unwrap().remove(file).unwrap();
    });
}

fn flip_a_bit(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn verify(copy: &Path) -> Output {
    upkeep(&tempfile::tempdir().unwrap().path().join("none"), &["backup", "--verify", copy.to_str().unwrap()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_not_made_inside_of_what_is_copied() {
    let origin = Origin::make().await;
    let (data, outside) = (origin.data(), origin.folder.path());
    // The folder of sealed files may be on another disk.
    let sealed = outside.join("sealed");
    fs::rename(data.join("blobs"), &sealed).unwrap();
    std::os::unix::fs::symlink(&sealed, data.join("blobs")).unwrap();
    std::os::unix::fs::symlink(&data, outside.join("link")).unwrap();
    let before = (files(&data), files(&sealed));
    for inside in [
        data.join("copy"),
        data.join("deep/er/copy"),
        data.join("blobs/copy"),
        sealed.join("ab/copy"),
        outside.join("link/copy"),
        outside.join("none/../data/copy"),
    ] {
        let refused = upkeep(&data, &["backup", inside.to_str().unwrap()]);
        let text = text(&refused);
        assert!(
            !refused.status.success() && text.contains("is in the data folder"),
            "{}: {text}",
            inside.display()
        );
        assert!(text.contains("help: name a folder elsewhere"), "{text}");
        assert!(!inside.exists());
    }
    assert_eq!((files(&data), files(&sealed)), before);
    back_up(&data, &outside.join("data-copy"));
}

type Harm = (&'static str, fn(&Path), &'static str);

/// What can happen to any copy.
const HARMS: &[Harm] = &[
    ("no manifest", |copy| fs::remove_file(copy.join("manifest.json")).unwrap(), "it has no manifest.json"),
    (
        "half a manifest",
        |copy| {
            let path = copy.join("manifest.json");
            let text = fs::read(&path).unwrap();
            fs::write(path, &text[..text.len() / 2]).unwrap();
        },
        "manifest.json cannot be read",
    ),
    ("a later form", |copy| change_manifest(copy, |manifest| manifest["format"] = 2.into()), "format 2"),
    (
        "a path that leads out",
        |copy| {
            change_manifest(copy, |manifest| {
                manifest["files"]["blobs/../../../etc/passwd"] = manifest["files"]["relay.secrets"].clone();
            })
        },
        "not a file of a copy",
    ),
    ("no secrets", |copy| fs::remove_file(copy.join("relay.secrets")).unwrap(), "relay.secrets is missing"),
    ("no secrets, nor a word of them", |copy| forget(copy, "relay.secrets"), "does not name relay.secrets"),
    ("changed secrets", |copy| flip_a_bit(&copy.join("relay.secrets")), "relay.secrets has changed"),
    (
        "secrets that are none",
        |copy| {
            fs::write(copy.join("relay.secrets"), b"nonsense").unwrap();
            agree(copy, "relay.secrets");
        },
        "relay.secrets is not a file of secrets",
    ),
    ("a changed piece", |copy| flip_a_bit(&copy.join(piece_in(copy))), "has changed since it was copied"),
    (
        "a shorter piece",
        |copy| fs::write(copy.join(piece_in(copy)), b"x").unwrap(),
        "has 1 bytes instead of 3000",
    ),
    ("no piece", |copy| fs::remove_file(copy.join(piece_in(copy))).unwrap(), " is missing"),
    (
        "a file more",
        |copy| fs::write(copy.join("blobs/more"), b"").unwrap(),
        "blobs/more does not belong to it",
    ),
    (
        "a name that steers terminals",
        |copy| fs::write(copy.join("a\u{1b}[2Jb"), b"").unwrap(),
        "a\\u{1b}[2Jb does not belong to it",
    ),
    (
        "a link in the place of a file",
        |copy| {
            let (file, elsewhere) = (copy.join("relay.secrets"), copy.with_extension("elsewhere"));
            fs::rename(&file, &elsewhere).unwrap();
            std::os::unix::fs::symlink(elsewhere, file).unwrap();
        },
        "relay.secrets cannot be read: it is not a regular file",
    ),
    (
        "a link in the place of a folder",
        |copy| {
            let (folder, elsewhere) = (copy.join("blobs"), copy.with_extension("elsewhere"));
            fs::rename(&folder, &elsewhere).unwrap();
            std::os::unix::fs::symlink(elsewhere, folder).unwrap();
        },
        "blobs/owner is missing",
    ),
];

/// What can happen to a copy whose database can be read without a server.
const HARMS_OF_SQLITE: &[Harm] = &[
    ("no database", |copy| fs::remove_file(copy.join("relay.db")).unwrap(), "relay.db is missing"),
    (
        "an empty database",
        |copy| fs::write(copy.join("relay.db"), b"").unwrap(),
        "relay.db has 0 bytes instead of",
    ),
    (
        "a changed database",
        |copy| flip_a_bit(&copy.join("relay.db")),
        "relay.db has changed since it was copied",
    ),
    (
        "an empty database that the manifest agrees with",
        |copy| {
            fs::write(copy.join("relay.db"), b"").unwrap();
            agree(copy, "relay.db");
        },
        "the database is damaged",
    ),
    (
        "half a database that the manifest agrees with",
        |copy| {
            let bytes = fs::read(copy.join("relay.db")).unwrap();
            fs::write(copy.join("relay.db"), &bytes[..bytes.len() / 2]).unwrap();
            agree(copy, "relay.db");
        },
        "the database is damaged",
    ),
    (
        "a piece of which the manifest knows nothing",
        |copy| forget(copy, &piece_in(copy)),
        "a piece of a sealed file that the database names, is missing",
    ),
    (
        "sealed files of another database",
        |copy| {
            fs::write(copy.join("blobs/owner"), [7; 16]).unwrap();
            agree(copy, "blobs/owner");
        },
        "the sealed files belong to another database",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_not_whole_is_named_and_not_restored() {
    let origin = Origin::make().await;
    let whole = verify(&origin.copy());
    assert!(whole.status.success() && text(&whole).contains("is a whole copy"), "{}", text(&whole));
    assert_eq!(
        files(&origin.copy()),
        files(&origin.to_be_harmed("untouched")),
        "and verifying leaves nothing in it"
    );
    let of_sqlite = if is_on_postgres() { &[] } else { HARMS_OF_SQLITE };
    for (what, harm, expected) in HARMS.iter().chain(of_sqlite) {
        let bad = origin.to_be_harmed(what);
        harm(&bad);
        let back = origin.folder.path().join("back");
        let outputs = [verify(&bad), try_restore(&bad, &back, &[]).0];
        for output in outputs {
            let said = text(&output);
            assert!(
                !output.status.success() && said.contains(expected) && said.contains("help: "),
                "{what}: {said}"
            );
        }
        assert!(!back.exists(), "{what}: nothing is left");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_another_relay_are_found_out() {
    if is_on_postgres() {
        return; // Only its server could tell.
    }
    let (origin, other) = (Origin::make().await, Origin::make().await);
    let bad = origin.to_be_harmed("bad");
    fs::copy(other.copy().join("relay.secrets"), bad.join("relay.secrets")).unwrap();
    agree(&bad, "relay.secrets");
    let said = text(&verify(&bad));
    assert!(said.contains("relay.secrets belongs to another database"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_relay_has_lost_keeps_nobody_from_copying_the_rest() {
    let origin = Origin::make().await;
    fs::remove_file(origin.data().join(piece_in(&origin.copy()))).unwrap();
    let (second, back) = (origin.folder.path().join("second"), origin.folder.path().join("back"));
    let made = upkeep(&origin.data(), &["backup", second.to_str().unwrap()]);
    assert!(made.status.success() && text(&made).contains("has lost 1 pieces"), "{}", text(&made));
    let whole = verify(&second);
    assert!(
        whole.status.success() && text(&whole).contains("has lost 1 pieces of sealed files"),
        "{}",
        text(&whole)
    );
    restore(&second, &back);
    let relay = Program::start(&back);
    let read = Blob { authority: relay.authority.clone(), ..origin.blob.clone() }.read().await;
    assert_eq!(read.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_without_any_sealed_file_is_not_made_where_the_database_names_some() {
    let origin = Origin::make().await;
    let [second, away] = ["second", "away"].map(|name| origin.folder.path().join(name));
    fs::rename(origin.data().join("blobs"), &away).unwrap();
    let made = upkeep(&origin.data(), &["backup", second.to_str().unwrap()]);
    assert!(
        !made.status.success() && text(&made).contains("their folder `blobs` is not there"),
        "{}",
        text(&made)
    );
    assert!(!second.exists());
    fs::rename(&away, origin.data().join("blobs")).unwrap();
    // An empty folder is as good as none.
    fs::create_dir(&second).unwrap();
    let made = upkeep(&origin.data(), &["backup", second.to_str().unwrap()]);
    assert!(made.status.success() && verify(&second).status.success(), "{}", text(&made));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_secrets_are_not_made_anew() {
    let origin = Origin::make().await;
    fs::remove_file(origin.data().join("relay.secrets")).unwrap();
    let checked = upkeep(&origin.data(), &["config", "check"]);
    if !is_on_postgres() {
        assert!(
            !checked.status.success() && text(&checked).contains("belongs to secrets that were"),
            "{}",
            text(&checked)
        );
    }
    let served = upkeep(&origin.data(), &["serve"]);
    assert!(
        !served.status.success() && text(&served).contains("belongs to secrets that were"),
        "{}",
        text(&served)
    );
    assert!(!origin.data().join("relay.secrets").exists(), "nothing stands in the way of the right file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_that_are_elsewhere_are_copied_and_restored_as_well() {
    let origin = Origin::make().await;
    let [elsewhere, second, back] =
        ["elsewhere", "second", "back"].map(|name| origin.folder.path().join(name));
    let secrets = origin.data().join("relay.secrets");
    let original = fs::read(&secrets).unwrap();
    fs::rename(&secrets, &elsewhere).unwrap();
    let missing = upkeep(&origin.data(), &["backup", second.to_str().unwrap()]);
    assert!(
        !missing.status.success() && text(&missing).contains("there are no secrets at"),
        "{}",
        text(&missing)
    );
    assert!(!second.exists());
    let by = ["--secrets", elsewhere.to_str().unwrap()];
    let made = upkeep(&origin.data(), &["backup", second.to_str().unwrap(), by[0], by[1]]);
    assert!(made.status.success(), "{}", text(&made));
    fs::write(&elsewhere, b"other").unwrap();
    let run = || try_restore(&second, &back, &by).0;
    let other = run();
    assert!(!other.status.success() && text(&other).contains("holds other secrets"), "{}", text(&other));
    assert!(!back.exists() && fs::read(&elsewhere).unwrap() == b"other");
    fs::remove_file(&elsewhere).unwrap();
    let restored = run();
    assert!(restored.status.success(), "{}", text(&restored));
    assert!(fs::read(&elsewhere).unwrap() == original && !back.join("relay.secrets").exists());
}

/// On a disk that is too small neither a copy nor a restore leaves anything; and with space, both are done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_leaves_neither_a_copy_nor_a_restored_relay() {
    let Some(disk) = SmallDisk::mount(2) else { return };
    let origin = Origin::make().await;
    let full = disk.path().join("ballast");
    let (copy, back) = (disk.path().join("copy"), disk.path().join("back"));
    // A dump is packed.
    let too_small = if is_on_postgres() { [0, 4, 8, 16, 24] } else { [0, 16, 64, 128, 200] };
    for free_kib in too_small {
        let file = fs::File::create(&full).unwrap();
        // Real bytes: a disk of memory has holes for free.
        let bytes = vec![7; (2 * 1024 - free_kib) * 1024];
        let _ = std::io::Write::write_all(&mut &file, &bytes);
        let made = upkeep(&origin.data(), &["backup", copy.to_str().unwrap()]);
        let restored = try_restore(&origin.copy(), &back, &[]).0;
        for output in [made, restored] {
            assert!(!output.status.success(), "{free_kib} KiB: {}", text(&output));
        }
        assert_eq!(files(disk.path()), ["ballast"], "{free_kib} KiB");
    }
    fs::remove_file(&full).unwrap();
    back_up(&origin.data(), &copy);
    assert!(verify(&copy).status.success());
}

/// Whatever a restore had done when it was killed, nothing takes the folder for a relay's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_was_cut_off_is_no_relay() {
    let origin = Origin::make().await;
    let data = origin.data();
    fs::create_dir(data.join("restore-unfinished")).unwrap();
    let copy = origin.folder.path().join("second");
    let served = command(&data, "127.0.0.1:0").output().unwrap();
    let outputs = [
        served,
        upkeep(&data, &["migrate"]),
        upkeep(&data, &["doctor"]),
        upkeep(&data, &["config", "check"]),
        upkeep(&data, &["admin", "stats"]),
        upkeep(&data, &["backup", copy.to_str().unwrap()]),
    ];
    for output in outputs {
        let said = text(&output);
        assert!(
            !output.status.success() && said.contains("has not ended") && said.contains("help: "),
            "{said}"
        );
    }
    assert!(!copy.exists());
}

/// What a backup leaves that was killed has neither the name of a copy nor a manifest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_killed_left_nothing_that_passes_for_a_copy() {
    let origin = Origin::make().await;
    let place = origin.folder.path().join("place");
    for wait_ms in [0, 5, 10, 20, 40, 80] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
        command.arg("backup").arg(place.join("copy")).arg("--data").arg(origin.data());
        if let Some(url) = database_url(&origin.data()) {
            command.env("SOTTO_RELAY_DATABASE", url);
        }
        let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        let Ok(left) = fs::read_dir(&place) else { continue };
        for left in left {
            let left = left.unwrap().path();
            // What has a manifest was whole before it was killed.
            assert_eq!(
                verify(&left).status.success(),
                left.join("manifest.json").exists(),
                "{}",
                left.display()
            );
            assert!(!left.ends_with("copy") || verify(&left).status.success());
        }
        let _ = fs::remove_dir_all(&place);
    }
}

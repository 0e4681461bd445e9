//! The program: what it prints, and how it fails.

use crate::process::{Program, command};
use crate::support::*;
use sotto_protocol::Reply;
use std::process::{Command, Output};
use tokio_tungstenite::MaybeTlsStream;

fn failure(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(stdout.is_empty());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn it_stops_on_a_signal_with_success() {
    let data = tempfile::tempdir().unwrap();
    for signal in ["INT", "TERM"] {
        let mut program = Program::start(data.path());
        let pid = program.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        assert_eq!(program.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn it_says_its_license_and_where_its_source_is() {
    let program = || Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    let said = |command: &mut Command| String::from_utf8(command.output().unwrap().stdout).unwrap();
    let version = said(program().arg("--version"));
    let first = concat!("sotto-relay ", env!("CARGO_PKG_VERSION"), "\n");
    assert!(version.starts_with(first), "{version}");
    let source = option_env!("SOTTO_SOURCE_URL").filter(|url| !url.is_empty()).unwrap_or("ask the person");
    for part in ["AGPL-3.0-or-later", "no warranty", source, "--source-url"] {
        assert!(version.contains(part), "{part} is missing from:\n{version}");
    }
    assert_eq!(said(program().arg("-V")), first);

    let url = "https://code.example.org/our-relay";
    let shown = said(program().args(["config", "show", "--source-url", url]));
    assert!(shown.contains(&format!("source_url = {url}")), "{shown}");
    let mut refused = program();
    refused.args(["config", "check", "--source-url", "https://me:secret@code.example.org/x"]);
    let refused = refused.output().unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && why.contains("without a user name"), "{why}");
}

#[test]
fn it_says_what_is_wrong_and_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let running = Program::start(data.path());

    let other = tempfile::tempdir().unwrap();
    let message = failure(command(other.path(), &running.authority));
    assert!(
        message.contains("error: cannot listen on") && message.contains("help: another program"),
        "{message}"
    );

    let message = failure(command(data.path(), "127.0.0.1:0"));
    assert!(message.contains("error: another relay uses"), "{message}");
    assert!(message.contains("help: stop the other relay"), "{message}");

    let file = other.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let message = failure(command(&file.join("data"), "127.0.0.1:0"));
    assert!(message.contains("error: cannot write") && message.contains("--data"), "{message}");

    let garbage = tempfile::tempdir().unwrap();
    std::fs::write(garbage.path().join("relay.db"), vec![b'x'; 8192]).unwrap();
    let message = failure(command(garbage.path(), "127.0.0.1:0"));
    assert!(message.contains("error: ") && message.contains("restore a backup"), "{message}");
}

#[tokio::test]
async fn its_log_tells_nothing_about_anybody() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let quota = ["--log", "trace", "--max-database-bytes", "300000"];
    let mut program = Program::start_with(data.path(), &quota, file.into());
    let mut client = Client::connect(&program.authority).await;
    let room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    while let Reply::Appended(_) = client.ask(append(&room, &entry(0, &[b'm'; 20_000]))).await {}
    client.refusal_code(append(&room, b"")).await;
    let MaybeTlsStream::Plain(stream) = client.socket.get_ref() else { panic!() };
    let port = format!(":{}", stream.local_addr().unwrap().port());
    assert!(Command::new("kill").arg(program.child.id().to_string()).status().unwrap().success());
    program.child.wait().unwrap();
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("the disk is full") && log.contains("stopped"), "{log}");
    let room_id: String = room.id.as_bytes().iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    for secret in ["127.0.0.1", &port, &room_id, "mmm", "RoomId", "SELECT", "INSERT"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[test]
fn wrong_use_is_explained() {
    let relay = || Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    let wrong = relay().args(["serve", "--listen", "nonsense"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let help = relay().args(["serve", "--help"]).output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    for option in ["--listen", "--data", "--max-database-bytes", "127.0.0.1:8080", "./data"] {
        assert!(text.contains(option), "{text}");
    }
}

/// The program with these words, nothing of the caller's environment that it would take for settings, and these variables.
fn relay_with(words: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SOTTO_RELAY_")) {
        command.env_remove(name);
    }
    let output = command.args(words).envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), text)
}

#[test]
fn the_command_line_comes_before_the_environment_and_that_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:1\"\nregistration = \"closed\"\nmax_retention_days = 5\n")
        .unwrap();
    let file = file.to_str().unwrap();
    let environment = [("SOTTO_RELAY_LISTEN", "127.0.0.1:2"), ("SOTTO_RELAY_REGISTRATION", "codes")];
    let show = ["config", "show", "--config", file];
    let (is_good, shown) = relay_with(&[&show[..], &["--listen", "127.0.0.1:3"]].concat(), &environment);
    assert!(is_good, "{shown}");
    for line in [
        "listen = 127.0.0.1:3    # command line",
        "registration = codes    # environment",
        "max_retention_days = 5    # settings file",
        "guests = open    # built in",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
    let named_by_environment = [&environment[..], &[("SOTTO_RELAY_CONFIG", file)]].concat();
    let (_, shown) = relay_with(&["config", "show"], &named_by_environment);
    assert!(
        shown.contains("listen = 127.0.0.1:2    # environment") && shown.contains("max_retention_days = 5"),
        "{shown}"
    );
    // What is served with is the same.
    let data = folder.path().join("data");
    let words = ["serve", "--config", file, "--data", data.to_str().unwrap()];
    let mut child = Command::new(env!("CARGO_BIN_EXE_sotto-relay"))
        .args(words)
        .env("SOTTO_RELAY_LISTEN", "127.0.0.1:0")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("Sotto relay is ready: http://127.0.0.1:") && !line.contains(":1\n"), "{line}");
}

#[test]
fn a_password_is_never_shown() {
    let secret = [
        ("SOTTO_RELAY_DATABASE", "postgres://sotto:hunter2@db.invalid/sotto"),
        ("SOTTO_RELAY_NATS", "nats://u:hunter2@n"),
    ];
    for words in [["config", "show"], ["config", "check"]] {
        let (is_good, text) = relay_with(&words, &secret);
        assert!(is_good && !text.contains("hunter2"), "{text}");
    }
    let (is_good, text) = relay_with(&["serve", "--help"], &secret);
    assert!(is_good && !text.contains("hunter2"), "{text}");
}

#[test]
fn settings_that_contradict_each_other_are_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.pem");
    std::fs::write(&garbage, "no certificate").unwrap();
    for good in [&[][..], &["--max-connections", "5"], &["--blobs", "off", "--blobs-quota-bytes", "1"]] {
        let checked = relay_with(&[&["config", "check"], good].concat(), &[]);
        assert_eq!(checked, (true, "the settings are good\n".to_owned()), "{good:?}");
    }
    for (words, what) in [
        (vec!["--nats", "nats://127.0.0.1:1"], "nats: a NATS server is set"),
        (vec!["--database", "postgres://u@h/d", "--max-database-bytes", "300000"], "max_database_bytes: "),
        (vec!["--blobs-endpoint", "http://127.0.0.1:1"], "blobs_endpoint: "),
        (vec!["--max-blob-bytes", "5000", "--blobs-quota-bytes", "4000"], "max_blob_bytes: "),
        (vec!["--push-hosts", "any"], "push_hosts: "),
        (vec!["--metrics", "127.0.0.1:8080"], "metrics: "),
        (vec!["--timeouts", "silence=10"], "timeouts: "),
        (vec!["--tls-certificate", garbage.to_str().unwrap()], "tls_certificate: "),
    ] {
        let (is_good, text) = relay_with(&[&["config", "check"], &words[..]].concat(), &[]);
        let is_told = text.starts_with(&format!("BAD   {what}")) && text.contains("\n      help: ");
        assert!(!is_good && is_told && !text.contains("are good"), "{words:?}: {text}");
    }
}

/// What keeps the relay from starting, by setting: a value that is wrong by itself, or names something that cannot be used.
const WRONG: &[(&str, &[&str])] = &[
    ("source_url", &["nonsense", "ftp://code.example.org/", "https://me:secret@code.example.org/"]),
    ("listen", &["nonsense", "127.0.0.1", "127.0.0.1:70000"]),
    ("tls_certificate", &["nowhere.pem", "garbage"]),
    ("tls_key", &["nowhere.pem", "garbage"]),
    ("metrics", &["nonsense", "127.0.0.1:1"]),
    ("names", &["https://chat.example"]),
    ("data", &["file", "file/data", "unfinished", "no-database"]),
    (
        "database",
        &[
            "nonsense",
            "",
            "mysql://host/name",
            "postgres://",
            "postgres://host:port/name",
            "postgres://host/name?sslmode=perhaps",
            "postgres://127.0.0.1:1/name?sslrootcert=nowhere.pem",
        ],
    ),
    ("nats", &["", "http://host", "nats://", "nats://host:port"]),
    ("max_database_bytes", &["much", "4096"]),
    ("registration", &["perhaps"]),
    ("guests", &["perhaps"]),
    ("session_days", &["-1"]),
    ("secrets", &["garbage", "nowhere/relay.secrets", "."]),
    ("trusted_proxies", &["proxy.example"]),
    ("limits", &["some"]),
    ("max_connections", &["many"]),
    ("connections_per_address", &["many"]),
    ("rooms_per_day", &["many"]),
    ("accounts_per_day", &["many"]),
    ("rates", &["logins"]),
    ("timeouts", &["never"]),
    ("max_header_bytes", &["1"]),
    ("slow_reader_bytes", &["1"]),
    ("waiting_bytes", &["many"]),
    ("max_inbox_letters", &["many"]),
    ("inbox_days", &["many"]),
    ("max_vault_records", &["many"]),
    ("max_vault_bytes", &["many"]),
    ("name_rest_days", &["many"]),
    ("max_retention_days", &["many"]),
    ("push_contact", &["nobody"]),
    ("push_hosts", &["https://"]),
    ("blobs", &["nonsense", "s3://", "s3://a b"]),
    ("blobs_endpoint", &["nonsense", "ftp://host"]),
    ("blobs_quota_bytes", &["many"]),
    ("max_blob_bytes", &["many"]),
    ("max_blob_days", &["many"]),
    ("blob_free_parts", &["0", "many"]),
    ("blob_uploads_per_day", &["many"]),
    ("blob_bytes_per_day", &["many"]),
    ("blob_unfinished", &["many"]),
    ("log", &["loud"]),
    ("log_format", &["verse"]),
    // Any text is a list of names.
    ("reserved_names", &[]),
];

#[test]
fn what_keeps_the_relay_from_starting_is_found_by_config_check_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("file"), b"").unwrap();
    std::fs::write(path("garbage"), b"garbage").unwrap();
    std::fs::create_dir_all(path("unfinished/restore-unfinished")).unwrap();
    std::fs::create_dir(path("no-database")).unwrap();
    std::fs::write(path("no-database/relay.db"), vec![b'x'; 8192]).unwrap();

    let run = |command: &[&str], words: &[String]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SOTTO_RELAY_")) {
            program.env_remove(name);
        }
        let mut child = program
            .current_dir(folder.path())
            .env("AWS_REGION", "us-east-1")
            .args(command)
            .args(words)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // One that starts goes on for ever.
        for _ in 0..600 {
            if let Some(status) = child.try_wait().unwrap() {
                return Some(status.success());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        None
    };
    let (_, example) = relay_with(&["config", "example"], &[]);
    let settings: Vec<_> = example
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(" = "))
        .map(|(key, _)| key)
        .filter(|key| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .collect();
    for setting in &settings {
        assert!(WRONG.iter().any(|(known, _)| known == setting), "what is wrong for {setting}?");
    }
    assert_eq!(run(&["config", "check"], &["--data=good".to_owned()]), Some(true));
    assert!(!path("good").exists(), "looking makes nothing");
    for (setting, values) in WRONG {
        assert!(settings.contains(setting), "{setting} is no setting any more");
        for value in *values {
            let mut words = vec![format!("--{}={value}", setting.replace('_', "-"))];
            if *setting != "data" {
                words.push("--data=good".to_owned());
            }
            match *setting {
                "listen" => {}
                "metrics" => words.push("--listen=127.0.0.1:1".to_owned()),
                _ => words.push("--listen=127.0.0.1:0".to_owned()),
            }
            if *setting == "blobs_endpoint" {
                words.push("--blobs=s3://bucket".to_owned());
            }
            assert_eq!(run(&["config", "check"], &words), Some(false), "config check {words:?}");
            assert_eq!(run(&["serve"], &words), Some(false), "serve {words:?}");
        }
    }
    std::fs::write(path("relay.toml"), "lisen = 1\n").unwrap();
    for file in ["relay.toml", "nowhere.toml"] {
        let words = ["--config".to_owned(), file.to_owned()];
        assert_eq!(run(&["config", "check"], &words), Some(false), "{file}");
        assert_eq!(run(&["serve"], &words), Some(false), "{file}");
    }
}

/// Secrets and files that belong to another database are found before a relay starts on them.
#[test]
fn config_check_sees_what_belongs_to_another_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["one", "other"] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
        program.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(path(name));
        drop(Program::start_command(&mut program));
    }
    let check = || relay_with(&["config", "check", "--data", path("one").to_str().unwrap()], &[]);
    assert!(check().0, "{}", check().1);
    for (file, expected) in
        [("relay.secrets", "belong to other secrets"), ("blobs/owner", "belongs to another database")]
    {
        let (own, others) = (path("one").join(file), path("other").join(file));
        let before = std::fs::read(&own).unwrap();
        std::fs::copy(others, &own).unwrap();
        let (is_good, said) = check();
        assert!(!is_good && said.contains(expected), "{file}: {said}");
        std::fs::write(own, before).unwrap();
    }
}

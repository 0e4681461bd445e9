//! How the terminal client behaves where something is in the way: ids, exit codes, long histories, proxies, closed outputs.

use sotto_tests::{
    person::{Person, objects, text_of},
    relay::Relay,
    wait_until,
};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Stdio,
};

fn two_in_a_room(relay: &Relay) -> (Person, Person, String) {
    let (ada, bob) = (Person::new("Ada", &relay.address()), Person::new("Bob", &relay.address()));
    ada.creates("Garden");
    let link = ada.invites("Garden");
    bob.joins(&link);
    (ada, bob, link)
}

fn ids(person: &Person) -> Vec<(String, String)> {
    let rooms = objects(&person.does(&["rooms", "list", "--json"]));
    rooms.iter().map(|room| (text_of(room, "name"), text_of(room, "id"))).collect()
}

#[test]
fn a_message_to_an_id_goes_to_the_room_of_that_id_whatever_others_are_called() {
    let relay = Relay::start();
    let (ada, bob, _) = two_in_a_room(&relay);
    let (_, garden) = ids(&bob).remove(0);
    let mallory = Person::new("Mallory", &relay.address());
    mallory.creates(&garden);
    let (_, trap) = ids(&mallory).remove(0);
    bob.joins(&mallory.invites(&trap));
    bob.says(&garden, "for the Garden only");
    bob.says(&garden[..8], "and this");
    assert_eq!(ada.texts("Garden"), ["for the Garden only", "and this"]);
    assert!(mallory.texts(&trap).is_empty());
    // The list tells the two apart.
    let listed = bob.does(&["rooms"]);
    assert!(listed.contains(&format!("{}  {garden}#{}", &trap[..8], &trap[..8])), "{listed}");
}

#[test]
fn people_of_one_name_are_told_apart_where_they_speak() {
    let relay = Relay::start();
    let (ada, bob, link) = two_in_a_room(&relay);
    let other = Person::new("Ada", &relay.address());
    other.joins(&link);
    ada.says("Garden", "it is me");
    other.says("Garden", "send the money here");
    let lines = bob.does(&["history", "Garden"]);
    let speakers: Vec<&str> = lines
        .lines()
        .filter(|line| line.contains("it is me") || line.contains("money"))
        .filter_map(|line| line.split("  ").nth(1))
        .collect();
    assert!(speakers.len() == 2 && speakers[0] != speakers[1], "{lines}");
    assert!(speakers.iter().all(|speaker| speaker.starts_with("Ada#")), "{lines}");
    let tags: Vec<String> = bob
        .history("Garden")
        .iter()
        .filter(|item| item["kind"] == "text")
        .map(|item| text_of(item, "sender_tag"))
        .collect();
    assert!(tags.len() == 2 && tags[0] != tags[1], "{tags:?}");
}

#[test]
fn a_long_history_is_printed_whole_and_nothing_is_claimed_of_none() {
    let relay = Relay::start();
    let (ada, _, _) = two_in_a_room(&relay);
    // More than is in memory at once: each line break makes nothing but a longer message, so these are many sends.
    let sender =
        |n: usize| ada.command(&["send", "Garden", &format!("m{n}"), "--wait", "60"]).spawn().unwrap();
    for batch in 0..65 {
        for mut child in (0..8).map(|n| sender(batch * 8 + n)).collect::<Vec<_>>() {
            assert!(child.wait().unwrap().success());
        }
    }
    let texts = ada.texts("Garden");
    assert_eq!(texts.len(), 520);
    let newest = ada.does(&["history", "Garden", "--json", "-n", "3"]);
    let newest: Vec<String> = objects(&newest).iter().map(|item| text_of(item, "text")).collect();
    assert_eq!(newest, texts[517..]);
    let none = ada.runs(&["history", "Garden", "-n", "0"]);
    assert_eq!((none.code, none.stdout.as_str(), none.stderr.as_str()), (0, "", ""));
}

#[test]
fn a_room_that_another_process_joins_is_heard_without_other_traffic() {
    let relay = Relay::start();
    let (ada, bob, _) = two_in_a_room(&relay);
    let listener = bob.listens();
    ada.says("Garden", "ready?");
    listener.hears("ready?");
    ada.creates("Kitchen");
    bob.joins(&ada.invites("Kitchen"));
    ada.says("Kitchen", "do you hear me");
    listener.hears("do you hear me");
}

#[test]
fn what_answers_in_place_of_a_relay_is_named() {
    let cases = [
        (
            "HTTP/1.1 301 Moved Permanently\r\nLocation: https://chat.example.org/\r\n",
            "redirects to https://chat.example.org",
            "--relay https://chat.example.org",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", "a web page answers", "log in first"),
        ("HTTP/1.1 426 Upgrade Required\r\n", "takes no WebSocket connections", "reverse proxy"),
        ("HTTP/1.1 502 Bad Gateway\r\n", "the relay behind it does not", "operator"),
        ("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n", "takes no more connections", "in 7 s"),
        ("HTTP/1.1 404 Not Found\r\n", "is no relay that this client knows", "Check the address"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "is no relay", "Check the address"),
    ];
    for (head, message, help) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // The whole request is read first, so that nothing is cut off with the answer.
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
                    request.push(byte[0]);
                }
                let _ = stream
                    .write_all(format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes());
            }
        });
        let ran = Person::new("Ada", &address).runs(&["rooms", "create", "Shut"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains(message) && ran.stderr.contains(help), "{head:?}: {}", ran.stderr);
    }
}

#[test]
fn plain_http_to_a_public_host_is_refused_unless_it_is_asked_for() {
    let ada = Person::new("Ada", "http://chat.example.org");
    let ran = ada.runs(&["rooms", "create", "Garden"]);
    assert!(ran.code == 1 && ran.stderr.contains("not encrypted on the way"), "{ran:?}");
    let ran = ada.runs(&["rooms", "--allow-http"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_join_that_fails_changes_no_default_relay() {
    let (home, other) = (Relay::start(), Relay::start());
    let (ada, _, _) = two_in_a_room(&home);
    let (_, _, link) = two_in_a_room(&other);
    let run = |args: &[&str]| {
        let output = ada.command(args).env_remove("SOTTO_RELAY").output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    // One letter of the secret is wrong: there is no such door.
    let mut broken = link.into_bytes();
    let at = broken.len() - 30;
    broken[at] = if broken[at] == b'A' { b'B' } else { b'A' };
    let (code, _) = run(&["join", std::str::from_utf8(&broken).unwrap(), "--as", "Ada"]);
    assert_eq!(code, Some(1));
    let (code, listed) = run(&["rooms"]);
    assert!(code == Some(0) && listed.contains("Garden"), "{listed}");
}

#[test]
fn outputs_that_cannot_be_written_change_no_exit_code() {
    let mut relay = Relay::start();
    let (ada, bob, _) = two_in_a_room(&relay);
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let code = |args: &[&str]| bob.command(args).stderr(full()).status().unwrap().code();
    assert_eq!(code(&["send", "Nowhere", "x"]), Some(1));
    assert_eq!(code(&["rooms", "create", "Kitchen"]), Some(0));
    let mut listener = bob.command(&["listen", "--json"]).stderr(full()).spawn().unwrap();
    let mut heard = listener.stdout.take().unwrap();
    relay.stop();
    relay.start_again();
    ada.says("Garden", "after the restart");
    let mut text = String::new();
    let mut bytes = [0; 4096];
    wait_until("the listener has heard it", || {
        let count = heard.read(&mut bytes).unwrap();
        text += &String::from_utf8_lossy(&bytes[..count]);
        text.contains("after the restart")
    });
    listener.kill().unwrap();
    listener.wait().unwrap();
    let ran = bob.command(&["history", "Garden"]).stdout(full()).output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
}

#[test]
fn no_line_of_a_message_looks_like_anothers() {
    let relay = Relay::start();
    let (ada, bob, _) = two_in_a_room(&relay);
    let forged = "16:14  Bob  I agree to everything";
    ada.says("Garden", &format!("ok{}{forged}", " ".repeat(26)));
    ada.says("Garden", &format!("first\r\n{forged}\u{2028}{forged}\u{85}{forged}"));
    let output = bob.command(&["history", "Garden"]).env("COLUMNS", "40").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("I agree") && text.lines().all(|line| line.chars().count() <= 42), "{text}");
    let said = text.lines().filter(|line| line.trim_start().starts_with("16:14"));
    assert!(said.clone().count() >= 4 && said.into_iter().all(|line| line.starts_with("       ")), "{text}");
    let json = bob.does(&["history", "Garden", "--json"]);
    assert_eq!(json.split(['\n', '\u{2028}', '\u{85}']).count(), json.lines().count(), "a line an object");
}

#[test]
fn what_send_could_not_send_it_kept_and_says_so() {
    let mut relay = Relay::start();
    let (ada, bob, _) = two_in_a_room(&relay);
    let copy = tempfile::tempdir().unwrap();
    let (copy, old) = (copy.path().join("copy"), copy.path().join("old"));
    let upkeep = |args: &[&std::ffi::OsStr]| {
        assert!(
            std::process::Command::new(sotto_tests::program("sotto-relay"))
                .args(args)
                .status()
                .unwrap()
                .success()
        );
    };
    let (data, word) = (relay.data(), std::ffi::OsStr::new);
    upkeep(&[word("backup"), copy.as_os_str(), word("--data"), data.as_os_str()]);
    ada.says("Garden", "later than the copy");
    assert_eq!(bob.texts("Garden").len(), 1);
    relay.stop();
    upkeep(&[word("restore"), copy.as_os_str(), word("--data"), old.as_os_str()]);
    let whole = data.with_extension("whole");
    std::fs::rename(&data, &whole).unwrap();
    std::fs::rename(&old, &data).unwrap();
    relay.start_again();
    let ran = bob.runs(&["send", "Garden", "only once"]);
    assert!(ran.code == 3 && ran.stderr.contains("It is kept"), "{ran:?}");
    relay.stop();
    std::fs::rename(&data, &old).unwrap();
    std::fs::rename(&whole, &data).unwrap();
    relay.start_again();
    bob.says("Garden", "and more");
    assert_eq!(ada.texts("Garden"), ["later than the copy", "only once", "and more"]);
    // The alarm stays until a person has read it.
    assert!(bob.runs(&["rooms"]).stderr.contains("warning"));
    assert!(bob.does(&["alarms"]).contains("the relay has lost"));
    bob.does(&["alarms", "--put-aside"]);
    assert!(!bob.runs(&["rooms"]).stderr.contains("warning"));
}

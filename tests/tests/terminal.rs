//! Stories of people in terminals.

use sotto_test_services::{Dice, FaultyLine};
use sotto_tests::{
    person::{Person, text_of},
    relay::Relay,
    wait_until,
};
use std::{process::Stdio, time::Duration};

fn two_in_a_room(relay: &Relay) -> (Person, Person, String) {
    let (ada, bob) = (Person::new("Ada", &relay.address()), Person::new("Bob", &relay.address()));
    ada.creates("Garden");
    let link = ada.invites("Garden");
    bob.joins(&link);
    (ada, bob, link)
}

#[test]
fn two_people_talk() {
    let relay = Relay::start();
    let (ada, bob, link) = two_in_a_room(&relay);
    assert!(link.starts_with(&format!("{}/join#", relay.address())));
    ada.says("Garden", "hello");
    assert_eq!(bob.runs_with_input(&["send", "gar", "-"], "two\nlines\n").code, 0);
    for person in [&ada, &bob] {
        assert_eq!(person.texts("Garden"), ["hello", "two\nlines"]);
        assert_eq!(person.members("Garden"), ["Ada", "Bob"]);
    }
    let history = bob.history("Garden");
    assert_eq!(history, ada.history("Garden").iter().map(|item| swap_mine(item.clone())).collect::<Vec<_>>());
    for item in history.iter().filter(|item| item["kind"] == "text") {
        assert_eq!(text_of(item, "id").len(), 32);
        assert!(item["seq"].as_u64().unwrap() > 0);
        assert!(text_of(item, "sent_at").ends_with('Z'));
    }
    let plain = bob.does(&["history", "Garden"]);
    assert!(plain.contains("  Ada  hello\n"), "{plain}");
    assert!(plain.contains("  Bob  two\n       lines"), "continued lines are indented: {plain}");
}

fn swap_mine(mut item: serde_json::Value) -> serde_json::Value {
    item["is_mine"] = (!item["is_mine"].as_bool().unwrap()).into();
    item
}

#[test]
fn whoever_listens_hears_at_once_and_through_a_restart_of_the_relay() {
    let mut relay = Relay::start();
    let (ada, bob, link) = two_in_a_room(&relay);
    let listener = bob.listens();
    ada.says("Garden", "one");
    listener.hears("one");
    let cy = Person::new("Cy", &relay.address());
    cy.joins(&link);
    cy.says("Garden", "I am here too");
    listener.hears("I am here too");
    assert!(listener.joined().contains(&"Cy".to_owned()));

    relay.stop();
    relay.start_again();
    ada.says("Garden", "two");
    listener.hears("two");
    assert_eq!(listener.texts(), ["one", "I am here too", "two"]);
}

#[test]
fn many_processes_of_one_profile_are_safe() {
    let relay = Relay::start();
    let (ada, bob, _) = two_in_a_room(&relay);
    let listeners = [ada.listens(), ada.listens(), bob.listens()];
    // What another process of the profile has read before a listener is up is not new to it: so all have to be up first.
    wait_until("every listener is up", || {
        bob.says("Garden", "are you there?");
        listeners.iter().all(|listener| !listener.texts().is_empty())
    });
    let heard_by = |listener: &sotto_tests::person::Listener| {
        let mut heard = listener.texts();
        heard.retain(|text| text.starts_with("message"));
        heard.sort();
        heard
    };
    let senders: Vec<_> = (0..12)
        .map(|index| {
            let person = if index % 2 == 0 { &ada } else { &bob };
            person.command(&["send", "Garden", &format!("message {index}")]).spawn().unwrap()
        })
        .collect();
    for sender in senders {
        let output = sender.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut expected: Vec<String> = (0..12).map(|index| format!("message {index}")).collect();
    expected.sort();
    for listener in &listeners {
        wait_until("everything is heard", || heard_by(listener).len() >= 12);
        let heard = heard_by(listener);
        assert_eq!(heard, expected, "each message is heard once");
    }
    assert_eq!(ada.texts("Garden"), bob.texts("Garden"));
}

#[test]
fn a_message_waits_for_a_relay_that_is_down_and_goes_once() {
    let mut relay = Relay::start();
    let (ada, bob, _) = two_in_a_room(&relay);
    relay.stop();
    let ran = ada.runs(&["send", "Garden", "patient", "--wait", "1"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("not sent yet") && ran.stderr.contains("help: It is kept"), "{}", ran.stderr);
    assert!(ada.runs(&["history", "Garden"]).stderr.contains("1 of your messages wait"));
    relay.start_again();
    ada.says("Garden", "and another");
    assert_eq!(bob.texts("Garden"), ["patient", "and another"]);

    // Down in the middle: the sender waits, the relay comes back, the message goes out.
    relay.kill();
    let sender =
        ada.command(&["send", "Garden", "through", "--wait", "50"]).stdin(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    relay.start_again();
    assert!(sender.wait_with_output().unwrap().status.success());
    assert_eq!(bob.texts("Garden"), ["patient", "and another", "through"]);
}

#[test]
fn a_bad_line_loses_and_doubles_no_message() {
    let relay = Relay::start();
    let dice = Dice::from_environment("SOTTO_LINE_SEED");
    let line = FaultyLine::to(&format!("127.0.0.1:{}", relay.port()), dice).unwrap();
    line.set_good(true);
    let address = format!("http://{}", line.authority());
    let (ada, bob) = (Person::new("Ada", &address), Person::new("Bob", &address));
    ada.creates("Garden");
    bob.joins(&ada.invites("Garden"));
    // From here on of ten frames one is delayed, cut in the middle or delivered twice.
    line.set_good(false);
    let listener = bob.listens();
    let sent: Vec<String> = (0..24).map(|index| format!("message {index}")).collect();
    for (index, text) in sent.iter().enumerate() {
        let sender = if index % 3 == 0 { &bob } else { &ada };
        sender.does(&["send", "Garden", text, "--wait", "50"]);
    }
    let heard = || {
        let mut heard = listener.texts();
        heard.sort();
        heard
    };
    let mut expected = sent.clone();
    expected.sort();
    wait_until("everything is heard", || heard().len() >= sent.len());
    assert_eq!(heard(), expected, "each message is heard once");
    line.set_good(true);
    for person in [&ada, &bob] {
        assert_eq!(person.texts("Garden"), sent);
    }
    assert!(line.faults().iter().sum::<u64>() > 10, "{:?}", line.faults());
}

#[test]
fn kill_9_of_the_relay_during_a_stream_of_sends_loses_and_doubles_nothing() {
    let mut relay = Relay::start();
    let (ada, bob, _) = two_in_a_room(&relay);
    let mut sent = Vec::new();
    for round in 0..20 {
        let senders: Vec<_> = (0..3)
            .map(|index| {
                let text = format!("{round}.{index}");
                let person = if index == 1 { &bob } else { &ada };
                let sender = person.command(&["send", "Garden", &text, "--wait", "50"]).spawn().unwrap();
                sent.push(text);
                sender
            })
            .collect();
        // At another moment in each round.
        std::thread::sleep(Duration::from_millis(10 + 9 * round));
        relay.kill();
        relay.start_again();
        for sender in senders {
            let output = sender.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    sent.sort();
    for person in [&ada, &bob] {
        let mut texts = person.texts("Garden");
        texts.sort();
        assert_eq!(texts, sent, "every acknowledged message is there, once");
    }
}

#[test]
fn bad_input_says_what_to_do() {
    let mut relay = Relay::start();
    let (ada, _, link) = two_in_a_room(&relay);
    let cy = Person::new("Cy", &relay.address());

    let check = |ran: sotto_tests::person::Ran, code: i32, error: &str, help: &str| {
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stderr.contains(&format!("error: {error}")), "{ran:?}");
        assert!(ran.stderr.contains(&format!("help: {help}")), "{ran:?}");
        let secret = link.split('#').nth(1).unwrap();
        assert!(!ran.stderr.contains(&secret[30..60]), "no secret in an error: {ran:?}");
    };
    check(cy.join(&link[..link.len() - 4]), 1, "this is not a whole invite link", "Copy the link again");
    check(cy.join("garden"), 1, "this is not a whole invite link", "Copy the link again");
    check(cy.runs(&["send", "Garden", "hi"]), 1, "there is no room in this profile", "Make one with");
    check(
        ada.runs(&["send", "Attic", "hi"]),
        1,
        "no room of this profile has that name",
        "`sotto rooms` lists names and ids",
    );
    check(ada.runs(&["rooms", "create", " "]), 1, "this name cannot be used", "Choose another name");
    let long = "x".repeat(65_537);
    check(
        ada.runs_with_input(&["send", "Garden", "-"], &long),
        1,
        "the message is too long: 65537",
        "Send it in parts",
    );
    check(ada.runs(&["send", "Garden", ""]), 1, "the message is empty", "Write something first");
    assert_eq!(ada.runs(&["send", "Garden"]).code, 2, "usage");

    let ran = ada.runs(&["invite", "Garden", "--revoke", &link]);
    assert_eq!(ran.code, 0, "{ran:?}");
    check(cy.join(&link), 1, "this invite is closed", "Ask for a new invite link");
    check(
        ada.runs(&["invite", "Garden", "--revoke", &link]),
        1,
        "the room has no such invite",
        "List the open invites",
    );

    relay.stop();
    check(cy.runs(&["rooms", "create", "Attic"]), 1, "the relay at", "Check that it is running");
    check(cy.join(&link), 1, "the relay at", "Check that it is running");
    relay.start_again();
    assert_eq!(cy.does(&["rooms"]), "", "nothing half made is left");
}

#[test]
fn a_room_that_the_relay_does_not_know_is_told() {
    let (one, other) = (Relay::start(), Relay::start());
    let (_, _, link) = two_in_a_room(&one);
    let cy = Person::new("Cy", &other.address());
    let elsewhere = link.replace(&one.port().to_string(), &other.port().to_string());
    let ran = cy.runs(&["join", &elsewhere, "--as", "Cy"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("error: the relay has no such room"), "{ran:?}");
    let ran = cy.runs(&["join", &link, "--as", "Cy", "--relay", &other.address()]);
    assert!(ran.stderr.contains("error: the invite link belongs to another relay"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_profile_that_cannot_be_written_is_told() {
    let relay = Relay::start();
    let ada = Person::new("Ada", &relay.address());
    std::fs::write(ada.profile(), "a file where the folder should be").unwrap();
    let ran = ada.runs(&["rooms"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("cannot be made") && ran.stderr.contains("help: Check that the folder"),
        "{ran:?}"
    );
}

#[test]
fn a_full_disk_at_the_relay_refuses_and_recovers() {
    let mut relay = Relay::start_with(&["--max-database-bytes", "400000"]);
    let (ada, bob, _) = two_in_a_room(&relay);
    let text = "x".repeat(20_000);
    let mut refused = None;
    for _ in 0..40 {
        let ran = ada.runs_with_input(&["send", "Garden", "-"], &text);
        if ran.code != 0 {
            refused = Some(ran);
            break;
        }
    }
    let refused = refused.expect("the disk is full at some time");
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("not sent yet: the relay's disk is full"), "{refused:?}");
    let before = bob.texts("Garden").len();
    assert!(before > 0, "the relay still serves");
    // The operator makes room.
    relay.stop();
    relay.set_options(&[]);
    relay.start_again();
    ada.says("Garden", "room again");
    let texts = bob.texts("Garden");
    assert_eq!(texts.len(), before + 2, "the refused message came through, once");
    assert_eq!(texts.last().unwrap(), "room again");
}

#[test]
fn a_terminal_is_not_told_what_to_do_by_others() {
    let relay = Relay::start();
    let (ada, bob, _) = two_in_a_room(&relay);
    ada.says("Garden", "red \u{1b}[31malert\u{7}");
    let plain = bob.does(&["history", "Garden"]);
    assert!(!plain.contains('\u{1b}') && !plain.contains('\u{7}'), "{plain:?}");
    assert_eq!(bob.texts("Garden"), ["red \u{1b}[31malert\u{7}"], "machines get the text as it is");
}

//! What people see, whatever is said, by whom and in which order it is read.

use super::*;
use crate::{
    message::content::{
        Consent, Delete, Edit, More, Pin, Poll, PollClose, Preview, Purge, Quote, Reaction, StreamPart, Text,
        Vote,
    },
    room::{Permissions, Role},
};

const ADA: AccountId = AccountId::new([1; 16]);
const BOB: AccountId = AccountId::new([2; 16]);
const CY: AccountId = AccountId::new([3; 16]);

fn rules() -> Authority {
    let permissions = Permissions { pin: Role::Owner, delete: Role::Owner, ..Permissions::default() };
    Authority { owner: ADA, admins: vec![], permissions, speakers: vec![] }
}

const fn name(number: u8) -> MessageId {
    [number; 16]
}

const fn target(account: AccountId, number: u8) -> Target {
    Target { account, id: name(number) }
}

/// A message whose number is its id and its place in the log; the account's bytes name the device.
fn said(number: u8, sender: AccountId, content: Content) -> Said {
    let device_key = [sender.as_bytes()[0]; 32];
    Said { seq: number.into(), sender, device_key, id: name(number), sent_at_ms: 7, content }
}

fn edit(target: Target, text: &str) -> Content {
    Content::Edit(Edit { target, text: text.into(), mentions: vec![CY], more: None })
}

fn react(target: Target, emoji: &str, remove: bool) -> Content {
    Content::Reaction(Reaction { target, emoji: emoji.into(), remove })
}

fn vote(target: Target, choices: &[u8]) -> Content {
    Content::Vote(Vote { target, choices: choices.to_vec() })
}

fn poll(is_multiple: bool) -> Content {
    Content::Poll(Poll {
        question: "?".into(),
        options: vec!["a".into(), "b".into()],
        is_multiple,
        closes_at_ms: None,
        hides_votes: false,
        more: None,
    })
}

fn part(stream: u8, sequence: u32, text: &str, is_finished: bool) -> Content {
    Content::Stream(StreamPart {
        stream: name(stream),
        sequence,
        text: text.into(),
        is_whole: false,
        is_finished,
        is_stopped: false,
        reply_to: None,
        more: None,
    })
}

fn talk(messages: impl IntoIterator<Item = Said>) -> (Conversation, Vec<Notice>) {
    let mut conversation = Conversation::default();
    let notices = messages.into_iter().flat_map(|said| conversation.take(said, &rules()).notices).collect();
    (conversation, notices)
}

fn refusals(notices: &[Notice]) -> Vec<(u64, Refusal)> {
    notices.iter().map(|notice| (notice.seq, notice.refusal)).collect()
}

#[test]
fn the_last_edit_by_the_author_is_seen() {
    let text = target(BOB, 1);
    let (conversation, notices) = talk([
        said(1, BOB, Content::text("first")),
        said(2, BOB, edit(text, "second")),
        said(3, BOB, edit(text, "third")),
        said(4, ADA, edit(text, "not mine to change")),
    ]);
    let item = conversation.item(&text).unwrap();
    assert_eq!((item.text(), item.is_edited(), item.mentions()), (Some("third"), true, &[CY][..]));
    assert_eq!(refusals(&notices), [(4, Refusal::NotAuthor)]);
    assert_eq!(conversation.items().count(), 1);
}

#[test]
fn what_is_deleted_is_gone_with_all_that_was_done_to_it() {
    let (first, second) = (target(BOB, 1), target(BOB, 2));
    let (conversation, notices) = talk([
        said(1, BOB, Content::text("one")),
        said(2, BOB, Content::text("two")),
        said(3, CY, react(first, "+", false)),
        said(4, CY, Content::Delete(Delete { target: first })),
        said(5, BOB, Content::Delete(Delete { target: first })),
        said(6, ADA, Content::Delete(Delete { target: second })),
        said(7, BOB, edit(second, "back again")),
        said(8, CY, react(second, "+", false)),
    ]);
    assert_eq!(refusals(&notices), [(4, Refusal::NeedsRole(Role::Owner))]);
    for (target, by) in [(first, BOB), (second, ADA)] {
        let item = conversation.item(&target).unwrap();
        assert_eq!(item.body(), &Body::Deleted { by });
        assert_eq!((item.text(), item.is_edited(), item.reactions().len()), (None, false, 0));
    }
}

#[test]
fn reactions_are_counted_by_emoji_and_person() {
    let text = target(ADA, 1);
    let (conversation, _) = talk([
        said(1, ADA, Content::text("hello")),
        said(2, BOB, react(text, "+", false)),
        said(3, BOB, react(text, "+", false)),
        said(4, CY, react(text, "+", false)),
        said(5, CY, react(text, "-", false)),
        said(6, CY, react(text, "-", true)),
    ]);
    let reactions = conversation.item(&text).unwrap().reactions();
    assert_eq!(reactions, BTreeMap::from([("+", BTreeSet::from([BOB, CY]))]));
}

#[test]
fn a_poll_counts_each_persons_last_valid_answer() {
    let (one, many) = (target(ADA, 1), target(ADA, 2));
    let (conversation, notices) = talk([
        said(1, ADA, poll(false)),
        said(2, ADA, poll(true)),
        said(3, BOB, vote(one, &[0])),
        said(4, BOB, vote(one, &[1])),
        said(5, CY, vote(one, &[1])),
        said(6, CY, vote(one, &[])),
        said(7, BOB, vote(one, &[0, 1])),
        said(8, BOB, vote(many, &[0, 1])),
        said(9, CY, vote(many, &[2])),
        said(10, CY, vote(target(BOB, 11), &[0])),
        said(11, BOB, Content::text("no poll")),
    ]);
    let tally = |poll| conversation.item(&poll).unwrap().tally();
    assert_eq!(tally(one), [BTreeSet::new(), BTreeSet::from([BOB])]);
    assert_eq!(tally(many), [BTreeSet::from([BOB]), BTreeSet::from([BOB])]);
    let expected = [(7, Refusal::NoSuchChoice), (9, Refusal::NoSuchChoice), (10, Refusal::WrongKind)];
    assert_eq!(refusals(&notices), expected);
}

#[test]
fn pins_take_a_role_and_stand_in_their_order() {
    let pin = |number, unpin| Content::Pin(Pin { target: target(BOB, number), unpin });
    let (conversation, notices) = talk([
        said(1, BOB, Content::text("one")),
        said(2, BOB, Content::text("two")),
        said(3, BOB, Content::text("three")),
        said(4, ADA, pin(2, false)),
        said(5, ADA, pin(1, false)),
        said(6, ADA, pin(3, false)),
        said(7, ADA, pin(3, true)),
        said(8, BOB, pin(1, true)),
    ]);
    let pinned: Vec<_> = conversation.pinned().iter().map(|item| (item.text(), item.pinned())).collect();
    assert_eq!(pinned, [(Some("two"), Some((4, ADA))), (Some("one"), Some((5, ADA)))]);
    assert_eq!(refusals(&notices), [(8, Refusal::NeedsRole(Role::Owner))]);
}

#[test]
fn two_parts_at_one_place_read_alike_in_either_order() {
    let whole = |sequence, text: &str| {
        let (stream, text) = (name(1), text.into());
        Content::Stream(StreamPart {
            stream,
            sequence,
            text,
            is_whole: true,
            is_finished: false,
            is_stopped: false,
            reply_to: None,
            more: None,
        })
    };
    let messages = [
        said(1, BOB, part(1, 0, "a", false)),
        said(2, BOB, part(1, 1, "b", false)),
        said(3, BOB, whole(1, "whole")),
        said(4, BOB, whole(1, "later")),
        said(5, BOB, part(1, 2, "!", false)),
    ];
    let (forwards, _) = talk(messages.clone());
    // What waits for the first part is done in the order of the log; what comes after it, as it comes.
    let [first, second, third, fourth, fifth] = messages;
    let (otherwise, _) = talk([first, fourth, fifth, third, second]);
    assert_eq!(otherwise.item(&target(BOB, 1)).unwrap().text(), Some("whole!"));
    assert!(forwards == otherwise);
}

#[test]
fn a_streamed_text_is_continued_by_the_device_that_began_it() {
    let stream = target(BOB, 1);
    let other_device = Said { device_key: [99; 32], ..said(3, BOB, part(1, 1, "forged", true)) };
    let (mut conversation, notices) = talk([
        said(1, BOB, part(1, 0, "Hel", false)),
        said(2, BOB, part(1, 1, "lo", false)),
        other_device,
        said(4, CY, part(1, 2, "another's stream", false)),
    ]);
    assert_eq!(refusals(&notices), [(3, Refusal::OtherDevice)]);
    assert_eq!(conversation.item(&stream).unwrap().text(), Some("Hello"));
    assert_eq!(conversation.waiting_count(), 1, "a stream is named within its account");
    let outcome = conversation.take(said(5, BOB, part(1, 2, "!", true)), &rules());
    assert_eq!(outcome.changed, Some(stream));
    let item = conversation.item(&stream).unwrap();
    assert_eq!((item.text(), item.body()), (Some("Hello!"), &Body::Streamed { is_finished: true }));
}

#[test]
fn the_second_message_with_one_identity_is_ignored_whatever_it_says() {
    let mut conversation = talk([said(1, BOB, Content::text("first"))]).0;
    for content in [Content::text("second"), Content::Delete(Delete { target: target(BOB, 1) })] {
        let again = Said { seq: 2, ..said(1, BOB, content) };
        let outcome = conversation.take(again, &rules());
        assert_eq!(outcome, Outcome { is_duplicate: true, ..Outcome::default() });
    }
    assert_eq!(conversation.item(&target(BOB, 1)).unwrap().text(), Some("first"));
    conversation.take(Said { seq: 3, ..said(1, CY, Content::text("another's")) }, &rules());
    assert_eq!(conversation.items().count(), 2, "the account is part of the identity");
}

#[test]
fn what_is_done_to_a_message_that_is_not_there_waits_for_it() {
    let text = target(BOB, 1);
    let mut conversation = Conversation::default();
    conversation.take(said(2, BOB, edit(text, "edited")), &rules());
    conversation.take(said(3, CY, react(text, "+", false)), &rules());
    assert_eq!((conversation.items().count(), conversation.waiting_count()), (0, 2));
    let outcome = conversation.take(said(1, BOB, Content::text("first")), &rules());
    assert_eq!((outcome.changed, conversation.waiting_count()), (Some(text), 0));
    let item = conversation.item(&text).unwrap();
    assert_eq!((item.text(), item.reactions().len()), (Some("edited"), 1));
    conversation.forget(&text);
    assert_eq!((conversation.items().count(), conversation.item(&text)), (0, None));
}

#[test]
fn what_waits_is_bounded() {
    let mut conversation = Conversation::default();
    for seq in 1..=WAITING_MAX as u64 + 10 {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&seq.to_be_bytes());
        let content = react(Target { account: ADA, id }, "+", false);
        conversation.take(Said { seq, id, ..said(0, BOB, content) }, &rules());
    }
    assert_eq!(conversation.waiting_count(), WAITING_MAX);
}

#[test]
fn debug_shows_no_content() {
    let (conversation, _) = talk([said(1, BOB, Content::text("hidden"))]);
    let item = conversation.item(&target(BOB, 1)).unwrap();
    assert!(!format!("{conversation:?} {item:?} {:?}", item.body()).contains("hidden"));
}

/// A small generator, so that a run that fails can be repeated by its seed.
#[test]
fn earlier_texts_stay_until_their_author_purges_them() {
    let text = target(BOB, 1);
    let messages = [
        said(1, BOB, Content::text("first")),
        said(2, BOB, edit(text, "second")),
        said(3, BOB, edit(text, "third")),
    ];
    let (mut conversation, _) = talk(messages.clone());
    assert_eq!(conversation.item(&text).unwrap().earlier_texts(), ["first", "second"]);

    let forged = conversation.take(said(4, ADA, Content::Purge(Purge { target: text })), &rules());
    assert_eq!(refusals(&forged.notices), [(4, Refusal::NotAuthor)]);
    assert_eq!(conversation.item(&text).unwrap().earlier_texts(), ["first", "second"]);

    let purge = said(5, BOB, Content::Purge(Purge { target: text }));
    assert_eq!(conversation.take(purge.clone(), &rules()).changed, Some(text));
    conversation.take(said(6, BOB, edit(text, "fourth")), &rules());
    let item = conversation.item(&text).unwrap();
    assert_eq!((item.text(), item.earlier_texts()), (Some("fourth"), vec!["third"]));
    let Body::Text(first) = item.body() else { panic!("it is a text") };
    assert_eq!(first.text, "", "nothing is left of what was first said");

    let (backwards, _) = talk([purge].into_iter().chain(messages.into_iter().rev()));
    let item = backwards.item(&text).unwrap();
    assert_eq!((item.text(), item.earlier_texts()), (Some("third"), vec![]));
}

#[test]
fn a_member_who_edits_without_end_fills_nobodys_memory() {
    let text = target(BOB, 1);
    let edits = (2..=100).map(|number| said(number, BOB, edit(text, &number.to_string())));
    let (conversation, _) = talk([said(1, BOB, Content::text("first"))].into_iter().chain(edits));
    let item = conversation.item(&text).unwrap();
    assert_eq!((item.text(), item.earlier_texts().len()), (Some("100"), EDITS_KEPT_MAX - 1));
    assert_eq!(item.earlier_texts()[0], "37");
}

#[test]
fn a_quote_shows_words_that_are_there_and_no_others() {
    let text = target(BOB, 1);
    let quote = |number, start, end, edit| {
        let more = More { quote: Some(Quote { start, end, edit }), ..More::default() };
        said(
            number,
            CY,
            Content::Text(Text { reply_to: Some(text), more: more.boxed(), ..Text::from("yes") }),
        )
    };
    let (mut conversation, _) = talk([
        said(1, BOB, Content::text("größer")),
        said(2, BOB, edit(text, "smaller")),
        quote(3, 0, 4, None),
        quote(4, 0, 5, Some(name(2))),
        quote(5, 0, 3, None),
        quote(6, 4, 99, None),
        quote(7, 4, 2, None),
        quote(8, 0, 1, Some(name(3))),
    ]);
    let quoted = |conversation: &Conversation| -> Vec<Option<String>> {
        let items = (3..=8).map(|number| conversation.item(&target(CY, number)).unwrap());
        items.map(|item| conversation.quoted(item).map(str::to_owned)).collect()
    };
    let expected = [Some("grö".to_owned()), Some("small".to_owned()), None, None, None, None];
    assert_eq!(
        quoted(&conversation),
        expected,
        "a cut letter, a range that is not there, another message's id"
    );
    conversation.take(said(9, BOB, Content::Purge(Purge { target: text })), &rules());
    assert_eq!(
        quoted(&conversation)[..2],
        [None, Some("small".to_owned())],
        "purged words are gone from quotes"
    );
    conversation.take(said(10, BOB, Content::Delete(Delete { target: text })), &rules());
    assert_eq!(quoted(&conversation)[..2], [None, None], "deleted words are gone from quotes");
}

#[test]
fn a_preview_is_shown_while_its_link_stands_in_the_text() {
    let preview = |url: &str| Preview { url: url.into(), title: None, description: None, picture: None };
    let more = |url| More { previews: vec![preview(url)], mentions_all: true, ..More::default() }.boxed();
    let link = "https://example.org/";
    let honest = Text { more: more(link), ..Text::from("see https://example.org/") };
    let false_one = Text { more: more("https://bank.example/"), ..honest.clone() };
    let (mut conversation, _) =
        talk([said(1, BOB, Content::Text(honest)), said(2, BOB, Content::Text(false_one))]);
    let count = |conversation: &Conversation, number| {
        let item = conversation.item(&target(BOB, number)).unwrap();
        (item.previews().len(), item.mentions_all())
    };
    assert_eq!((count(&conversation, 1), count(&conversation, 2)), ((1, true), (0, true)));
    conversation.take(said(3, BOB, edit(target(BOB, 1), "see nothing")), &rules());
    assert_eq!(count(&conversation, 1), (0, false), "an edit says anew what goes with the text");
}

#[test]
fn a_closed_poll_counts_what_was_answered_before() {
    let asked = target(BOB, 1);
    let close = Content::PollClose(PollClose { target: asked });
    let mut messages = vec![
        said(1, BOB, poll(false)),
        said(2, CY, vote(asked, &[0])),
        said(3, CY, close.clone()),
        said(4, ADA, vote(asked, &[1])),
        said(5, BOB, close.clone()),
        said(6, CY, vote(asked, &[1])),
        said(7, ADA, close),
    ];
    for _ in 0..2 {
        let (conversation, notices) = talk(messages.clone());
        let item = conversation.item(&asked).unwrap();
        assert_eq!(item.tally(), [BTreeSet::from([CY]), BTreeSet::from([ADA])]);
        assert_eq!(item.closed_by(), Some(BOB));
        assert_eq!(refusals(&notices), [(3, Refusal::NeedsRole(Role::Owner))]);
        messages.reverse();
    }
    let (conversation, notices) = talk([
        said(1, BOB, Content::text("no poll")),
        said(2, BOB, Content::PollClose(PollClose { target: asked })),
    ]);
    assert_eq!((refusals(&notices), conversation.items().count()), (vec![(2, Refusal::WrongKind)], 1));
}

#[test]
fn a_consent_holds_until_its_giver_takes_it_back_and_no_other_can() {
    let purpose = Consent::QUOTE_TO_ASSISTANTS;
    let consent = |withdraw| Content::Consent(Consent { purpose, withdraw });
    let (mut conversation, _) = talk([said(1, BOB, consent(false)), said(2, CY, consent(false))]);
    assert_eq!(conversation.consenting(purpose), BTreeSet::from([BOB, CY]));
    assert_eq!(conversation.consenting(purpose + 1), BTreeSet::new());

    conversation.take(said(3, BOB, consent(true)), &rules());
    for sender in [ADA, BOB] {
        let number = 4 + sender.as_bytes()[0];
        let delete = said(number, sender, Content::Delete(Delete { target: target(BOB, 3) }));
        let outcome = conversation.take(delete, &rules());
        assert_eq!(refusals(&outcome.notices), [(number.into(), Refusal::WrongKind)]);
    }
    assert_eq!(conversation.consenting(purpose), BTreeSet::from([CY]), "no role brings a consent back");
    conversation.forget(&target(CY, 2));
    assert_eq!(conversation.consenting(purpose), BTreeSet::new(), "it lasts no longer than its message");
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.roll(last + 1));
        }
    }
}

/// Texts, polls and a stream at 1 to 9; then fifty things done to them, by people who may and who may not.
fn any_conversation(dice: &mut Dice) -> Vec<Said> {
    let people = [ADA, BOB, CY];
    let mut messages: Vec<_> = (1..=9)
        .map(|number| {
            let content = match dice.roll(3) {
                0 => poll(dice.roll(2) == 0),
                1 => part(number, 0, "0", false),
                _ => Content::text("text"),
            };
            said(number, people[dice.roll(3)], content)
        })
        .collect();
    for number in 10..60 {
        let about = messages[dice.roll(9)].identity();
        let sender = people[dice.roll(3)];
        let content = match dice.roll(10) {
            8 => Content::Purge(Purge { target: about }),
            9 => Content::PollClose(PollClose { target: about }),
            0 | 1 => edit(about, &number.to_string()),
            2 if dice.roll(4) == 0 => Content::Delete(Delete { target: about }),
            2 | 3 => react(about, ["+", "-"][dice.roll(2)], dice.roll(3) == 0),
            4 | 5 => vote(about, [&[0][..], &[1], &[0, 1], &[7]][dice.roll(4)]),
            6 => Content::Pin(Pin { target: about, unpin: dice.roll(2) == 0 }),
            _ => {
                let content = part(about.id[0], u32::from(number) - 9, "part", dice.roll(5) == 0);
                messages.push(said(number, about.account, content));
                continue;
            }
        };
        messages.push(said(number, sender, content));
    }
    messages
}

#[test]
fn the_order_in_which_a_log_is_read_does_not_change_what_is_seen() {
    for seed in 0..256 {
        let mut dice = Dice(seed);
        let mut messages = any_conversation(&mut dice);
        let (in_order, _) = talk(messages.clone());
        for _ in 0..4 {
            dice.shuffle(&mut messages);
            let (shuffled, _) = talk(messages.clone());
            let (expected, seen): (Vec<_>, Vec<_>) = (in_order.items().collect(), shuffled.items().collect());
            assert!(expected == seen, "seed {seed}");
            assert_eq!(in_order.pinned(), shuffled.pinned(), "seed {seed}");
        }
        let mut twice = in_order.clone();
        for message in messages {
            assert!(twice.take(message, &rules()).is_duplicate);
        }
        assert!(twice == in_order, "seed {seed}: reading it again changes nothing");
    }
}

//! What people see of a room: any well-typed contents, taken in any order.
//!
//! ```text
//! input = seed of the order (1) || what is said, 8 bytes each
//! said  = kind || who (2 bits), device (1 bit) || id || whose || of what || a || b || c
//! ```
//! Ids, senders and texts come from few, so that what is said meets.

use sotto_crypto::{
    identity::AccountId,
    message::{
        Content,
        content::{
            Consent, Delete, Edit, Leave, More, Pin, Poll, PollClose, Preview, Purge, Quote, Reaction,
            StreamPart, System, Target, Text, Vote,
        },
        conversation::{Conversation, Said},
    },
    room::{Authority, Permissions, Role},
};
use std::collections::BTreeSet;

/// More would take time and show nothing new.
const MOST: usize = 256;

/// Nothing of what is said stops a reader; and two readers who take the same in different order see the same.
///
/// Of messages with one identity only one is taken here: which of them counts is the order of reading.
pub fn conversation(input: &[u8]) {
    let Some((seed, rest)) = input.split_first() else { return };
    let said: Vec<_> =
        rest.as_chunks().0.iter().zip(1..).take(MOST).map(|(bytes, seq)| speak(seq, *bytes)).collect();
    look_at(&read(said.clone()));
    let mut seen = BTreeSet::new();
    let mut said: Vec<_> = said.into_iter().filter(|said| seen.insert(said.identity())).collect();
    let forwards = read(said.clone());
    said.reverse();
    assert!(read(said.clone()) == forwards, "who reads backwards sees something else");
    shuffle(&mut said, *seed);
    let shuffled = read(said);
    assert!(shuffled == forwards, "who reads in another order sees something else");
    look_at(&shuffled);
}

fn read(said: Vec<Said>) -> Conversation {
    let permissions = Permissions { pin: Role::Admin, delete: Role::Admin, ..Permissions::default() };
    let authority = Authority { owner: account(0), admins: vec![account(1)], permissions, speakers: vec![] };
    let mut conversation = Conversation::default();
    for said in said {
        let outcome = conversation.take(said, &authority);
        assert!(outcome.changed.is_none_or(|target| conversation.item(&target).is_some()));
    }
    conversation
}

/// All that is shown.
fn look_at(conversation: &Conversation) {
    let mut last = 0;
    for item in conversation.items() {
        assert!(item.seq() > last, "what is seen is in the order of the log");
        last = item.seq();
        assert!(conversation.item(&item.identity()).is_some_and(|found| found == item));
        let _ =
            (item.text(), item.mentions(), item.reply_to(), item.reactions(), item.tally(), item.is_edited());
        let _ = (conversation.quoted(item), item.earlier_texts(), item.previews(), item.closed_by());
    }
    assert!(conversation.pinned().iter().all(|item| item.pinned().is_some()));
    let mut forgetful = conversation.clone();
    let all: Vec<_> = conversation.items().map(|item| item.identity()).collect();
    all.iter().for_each(|target| forgetful.forget(target));
    assert_eq!(forgetful.items().count(), 0);
}

fn speak(seq: u64, [kind, who, id, whose, of_what, a, b, c]: [u8; 8]) -> Said {
    let target = Target { account: account(whose), id: name(of_what) };
    let text = || char::from(b'a' + a % 26).to_string().repeat(usize::from(b % 4));
    let content = match kind % 15 {
        0 => Content::Text(Text {
            text: text(),
            reply_to: (c & 1 == 1).then_some(target),
            mentions: vec![],
            more: more([a, b, c]),
        }),
        1 => Content::Edit(Edit { target, text: text(), mentions: vec![account(c)], more: more([a, b, c]) }),
        2 => Content::Delete(Delete { target }),
        3 => Content::Reaction(Reaction { target, emoji: text(), remove: c & 1 == 1 }),
        4 => {
            let options = vec![String::new(); 2 + usize::from(a % 3)];
            Content::Poll(Poll {
                question: text(),
                options,
                is_multiple: c & 1 == 1,
                closes_at_ms: None,
                hides_votes: false,
                more: None,
            })
        }
        5 => Content::Vote(Vote { target, choices: [a % 5, b % 5][..usize::from(c % 3)].to_vec() }),
        6 => Content::Pin(Pin { target, unpin: c & 1 == 1 }),
        7 | 8 => {
            // A text that is long enough that some of them pass the limit together.
            let text = if b & 0xf0 == 0xf0 { text().repeat(20_000) } else { text() };
            let (is_whole, is_finished) = (c & 1 == 1, c & 6 == 6);
            Content::Stream(StreamPart {
                stream: name(of_what),
                sequence: u32::from(a % 6),
                text,
                is_whole,
                is_finished,
                is_stopped: false,
                reply_to: (c & 8 == 8).then_some(target),
                more: more([a, b, c]),
            })
        }
        9 => Content::System(System { kind: a.into(), data: vec![b, c] }),
        10 => Content::Leave(Leave { statement: vec![a, b, c] }),
        11 => Content::Purge(Purge { target }),
        12 => Content::PollClose(PollClose { target }),
        13 => Content::Consent(Consent { purpose: u32::from(a & 1), withdraw: c & 1 == 1 }),
        _ => [Content::Unreadable, Content::Unknown(a.into())][usize::from(c & 1)].clone(),
    };
    let device_key = [who & 0b111; 32];
    Said { seq, sender: account(who), device_key, id: name(id), sent_at_ms: c.into(), content }
}

/// A quote of any place, whole or not, and a preview that may stand in the text.
fn more([a, b, c]: [u8; 3]) -> Option<Box<More>> {
    let quote = Quote { start: (a % 4).into(), end: (b % 6).into(), edit: (c & 2 == 2).then(|| name(c)) };
    let url = char::from(b'a' + b % 26).to_string();
    let preview = Preview { url, title: None, description: None, picture: None };
    More { quote: Some(quote), previews: vec![preview], ..More::default() }.boxed()
}

const fn account(number: u8) -> AccountId {
    AccountId::new([number & 0b11; 16])
}

const fn name(number: u8) -> [u8; 16] {
    [number % 32; 16]
}

/// By a little generator of pseudo-random numbers (xorshift), so that an input stands for one order.
fn shuffle(said: &mut [Said], seed: u8) {
    let mut state = u32::from(seed) << 8 | 0x5d;
    for place in (1..said.len()).rev() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        said.swap(place, state as usize % (place + 1));
    }
}

/// A talk with something of each kind; and a streamed text.
pub fn real_talks() -> Vec<Vec<u8>> {
    let talk: [[u8; 8]; 12] = [
        [0, 2, 1, 0, 0, 7, 2, 0],
        [1, 2, 2, 2, 1, 8, 3, 1],
        [3, 3, 3, 2, 1, 1, 1, 0],
        [3, 3, 4, 2, 1, 1, 1, 1],
        [4, 1, 5, 0, 0, 1, 2, 1],
        [5, 2, 6, 1, 5, 0, 2, 2],
        [5, 2, 7, 1, 5, 1, 0, 1],
        [6, 1, 8, 1, 5, 0, 0, 0],
        [2, 0, 9, 2, 1, 0, 0, 0],
        [9, 0, 10, 0, 0, 1, 2, 3],
        [10, 3, 11, 0, 0, 1, 2, 3],
        [11, 3, 12, 0, 0, 99, 0, 1],
    ];
    let stream: [[u8; 8]; 6] = [
        [7, 2, 1, 0, 1, 0, 1, 0],
        [7, 2, 2, 0, 1, 1, 2, 0],
        [7, 2, 3, 0, 1, 3, 3, 6],
        [7, 2, 4, 0, 1, 2, 1, 1],
        [7, 6, 5, 0, 1, 3, 1, 0],
        [1, 2, 6, 2, 1, 4, 2, 0],
    ];
    [[[1].as_slice(), talk.as_flattened()].concat(), [[2].as_slice(), stream.as_flattened()].concat()].into()
}

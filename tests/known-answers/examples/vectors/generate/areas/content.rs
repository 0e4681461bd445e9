//! What messages say: every type.

use super::{ADA, Area, Change, ROOM, Reader, Refused, With, diagnostic};
use serde_json::{Value, json};
use sotto_crypto::{
    attachment::{AttachmentKey, AttachmentRef},
    identity::AccountId,
    message::{
        Content,
        content::{
            Attachment, Delete, Edit, Leave, Pin, Poll, Reaction, Sticker, StreamPart, System, Target, Text,
            Vote, limits,
        },
    },
    room::{LeaveScope, LeaveStatement},
};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[("content", read_content)];

const TARGET: Target = Target { account: AccountId::new([0xa1; 16]), id: [0xb2; 16] };

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("content", "Content; Limits");
    for (name, content) in examples() {
        let bytes = content.encode().unwrap();
        area.read(name, "content", json!({}), &bytes, shown(&bytes));
    }
    later(&mut area);
    nonsense(&mut area);
    area
}

fn read_content(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    match Content::decode(bytes)? {
        Content::Unknown(kind) => Ok(json!({ "type": kind, "is known": false })),
        content => Ok(shown(&content.encode()?)),
    }
}

/// What this version reads of it, written again: keys of later versions are gone.
fn shown(bytes: &[u8]) -> Value {
    let mut decoder = minicbor::Decoder::new(bytes);
    decoder.array().unwrap();
    let kind = decoder.u32().unwrap();
    json!({ "type": kind, "payload": diagnostic(decoder.bytes().unwrap()) })
}

fn file() -> AttachmentRef {
    let key = AttachmentKey::from_seed(super::secret(0x02));
    AttachmentRef { blob: [0x01; 16], key, hash: [0x03; 32], size: 1000, padded_size: 1024 }
}

fn attachment() -> Attachment {
    Attachment {
        file: file(),
        name: "garden.png".to_owned(),
        media_type: "image/png".to_owned(),
        caption: Some("The garden".to_owned()),
        thumbnail: Some(vec![0x09; 4]),
        dimensions: Some((640, 480)),
        duration_ms: Some(1500),
        reply_to: Some(TARGET),
        mentions: vec![TARGET.account],
    }
}

fn sticker() -> Sticker {
    let (emoji, media_type) = ("\u{1f600}".to_owned(), "image/webp".to_owned());
    Sticker { pack: [0x04; 16], file: file(), emoji, media_type, reply_to: None }
}

fn poll(options: usize) -> Poll {
    Poll { question: "When?".to_owned(), options: vec!["Today".to_owned(); options], is_multiple: false }
}

fn part(sequence: u32) -> StreamPart {
    StreamPart {
        stream: [0x05; 16],
        sequence,
        text: "so far".to_owned(),
        is_whole: false,
        is_finished: false,
    }
}

fn examples() -> Vec<(&'static str, Content)> {
    let reply =
        Text { text: "hi".to_owned(), reply_to: Some(TARGET), mentions: vec![AccountId::new([7; 16])] };
    let bare = Attachment {
        caption: None,
        thumbnail: None,
        dimensions: None,
        duration_ms: None,
        reply_to: None,
        mentions: Vec::new(),
        ..attachment()
    };
    let whole = StreamPart { is_whole: true, is_finished: true, ..part(2) };
    let leave =
        LeaveStatement::sign(&ROOM, &ADA.device(), &super::rooms::stay(2), LeaveScope::Account).to_bytes();
    vec![
        ("a text", Content::text("hello")),
        ("a reply that mentions", Content::Text(reply)),
        ("an edit", Content::Edit(Edit { target: TARGET, text: "better".to_owned(), mentions: vec![] })),
        ("a deletion", Content::Delete(Delete { target: TARGET })),
        (
            "a reaction",
            Content::Reaction(Reaction { target: TARGET, emoji: "\u{1f44d}".to_owned(), remove: false }),
        ),
        (
            "a reaction taken back",
            Content::Reaction(Reaction { target: TARGET, emoji: "\u{1f44d}".to_owned(), remove: true }),
        ),
        ("a file with everything", Content::Attachment(Box::new(attachment()))),
        ("a file with nothing else", Content::Attachment(Box::new(bare))),
        ("a sticker", Content::Sticker(Box::new(sticker()))),
        ("a poll", Content::Poll(poll(2))),
        ("a poll with several choices", Content::Poll(Poll { is_multiple: true, ..poll(20) })),
        ("a vote", Content::Vote(Vote { target: TARGET, choices: vec![0, 1] })),
        ("a vote taken back", Content::Vote(Vote { target: TARGET, choices: vec![] })),
        ("a pin", Content::Pin(Pin { target: TARGET, unpin: false })),
        ("a pin taken back", Content::Pin(Pin { target: TARGET, unpin: true })),
        ("the first part of a stream", Content::Stream(part(0))),
        ("the last part of a stream, whole", Content::Stream(whole)),
        (
            "a note that the timer changed",
            Content::System(System { kind: System::TIMER, data: 3600_u64.to_be_bytes().into() }),
        ),
        ("leaving", Content::Leave(Leave { statement: leave })),
    ]
}

fn later(area: &mut Area) {
    let unknown = typed(77, &[0xff; 9]);
    area.read(
        "a type of a later version",
        "content",
        json!({}),
        &unknown,
        json!({ "type": 77, "is known": false }),
    );
    // { 0: "hi", 9: [1, {7: h'00'}], 300: true }
    let keys =
        [&[0xa3, 0x00, 0x62][..], b"hi", &[0x09, 0x82, 0x01, 0xa1, 0x07, 0x41, 0x00, 0x19, 0x01, 0x2c, 0xf5]];
    let text = Content::text("hi").encode().unwrap();
    area.read(
        "a text with keys of a later version",
        "content",
        json!({}),
        &typed(1, &keys.concat()),
        shown(&text),
    );
}

fn typed(kind: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    minicbor::Encoder::new(&mut bytes).array(2).unwrap().u32(kind).unwrap().bytes(payload).unwrap();
    bytes
}

/// As a careless client writes it, looking at no limit.
fn careless<T: minicbor::Encode<()>>(kind: u32, payload: &T) -> Vec<u8> {
    typed(kind, &sotto_protocol::encode(payload))
}

fn nonsense(area: &mut Area) {
    const NAME: &str = "a text";
    area.refuse_changed(NAME, Change::Cut(1), "the last byte is missing");
    area.refuse_changed(NAME, Change::Append(&[0]), "a byte follows");
    area.refuse_bytes(NAME, &typed(1, &[0xa0]), "a text without its text");
    area.refuse_bytes(NAME, &typed(1, &[0xa1, 0x00, 0x61, 0xff]), "a text that is not UTF-8");
    area.refuse_bytes(NAME, &typed(1, &[0xa1, 0x00, 0x01]), "a text that is a number");
    area.refuse_bytes(
        NAME,
        &typed(3, &[0xa1, 0x00, 0x82, 0x41, 0x00, 0x41, 0x00]),
        "ids of the wrong length",
    );
    area.refuse_bytes(NAME, &careless(8, &poll(1)), "a poll with one option");
    let long = |bytes: usize| "x".repeat(bytes);
    let mentions = vec![TARGET.account; limits::MENTIONS_MAX + 1];
    let cases = [
        (careless(1, &Text { mentions, ..Text::from("") }), "more than 64 mentions"),
        (
            careless(
                4,
                &Reaction { target: TARGET, emoji: long(limits::EMOJI_MAX_BYTES + 1), remove: false },
            ),
            "an emoji of more than 64 bytes",
        ),
        (
            careless(6, &Attachment { name: long(limits::FILE_NAME_MAX_BYTES + 1), ..attachment() }),
            "a file name of more than 255 bytes",
        ),
        (
            careless(6, &Attachment { media_type: long(limits::MEDIA_TYPE_MAX_BYTES + 1), ..attachment() }),
            "a media type of more than 127 bytes",
        ),
        (
            careless(7, &Sticker { emoji: long(limits::EMOJI_MAX_BYTES + 1), ..sticker() }),
            "a sticker's emoji of more than 64 bytes",
        ),
        (
            careless(8, &Poll { question: long(limits::QUESTION_MAX_BYTES + 1), ..poll(2) }),
            "a question of more than 1,024 bytes",
        ),
        (
            careless(8, &Poll { options: vec![long(limits::OPTION_MAX_BYTES + 1); 2], ..poll(2) }),
            "an option of more than 256 bytes",
        ),
        (careless(8, &poll(limits::OPTIONS_MAX + 1)), "more than 20 options"),
        (
            careless(11, &Vote { target: TARGET, choices: vec![0; limits::OPTIONS_MAX + 1] }),
            "more than 20 choices",
        ),
        (careless(10, &part(limits::STREAM_PARTS_MAX)), "a part past the last that a stream may have"),
        (
            careless(13, &Leave { statement: vec![0; limits::LEAVE_MAX_BYTES + 1] }),
            "a statement of more than 1,024 bytes",
        ),
    ];
    for (bytes, why) in cases {
        area.refuse_bytes(NAME, &bytes, why);
    }
}

//! What messages say: every type.

use super::{ADA, Area, Change, ROOM, Reader, Refused, With, diagnostic};
use serde_json::{Value, json};
use sotto_crypto::{
    attachment::{AttachmentKey, AttachmentRef},
    identity::AccountId,
    message::{
        Content,
        content::{
            Answer, Attachment, Consent, Delete, Edit, File, Forward, Leave, More, Pin, Poll, PollClose,
            Preview, Purge, Quote, Reaction, Sticker, StickerPack, StickerPicture, StreamPart, System,
            Target, Text, Vote, limits,
        },
    },
    room::{LeaveScope, LeaveStatement, RunsAt},
};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[("content", read_content), ("sticker pack", read_pack)];

const TARGET: Target = Target { account: AccountId::new([0xa1; 16]), id: [0xb2; 16] };

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("content", "Content; Limits");
    for (name, content) in examples() {
        let bytes = content.encode().unwrap();
        area.read(name, "content", json!({}), &bytes, shown(&bytes));
    }
    for (name, pictures) in [("a sticker pack", 2), ("the largest sticker pack", 64)] {
        let bytes = pack(pictures).encode().unwrap();
        let shown = json!({ "pack": diagnostic(&bytes) });
        area.read(name, "sticker pack", json!({ "id": super::hex([0x04; 16]) }), &bytes, shown);
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

fn picture() -> File {
    File {
        file: file(),
        name: "garden.png".to_owned(),
        media_type: "image/png".to_owned(),
        thumbnail: Some(vec![0x09; 4]),
        dimensions: Some((640, 480)),
        duration_ms: None,
        waveform: None,
        placeholder: Some(vec![0x08; 25]),
        description: Some("Tulips".to_owned()),
        is_plain_file: false,
        is_voice: false,
    }
}

fn bare() -> File {
    File { thumbnail: None, dimensions: None, placeholder: None, description: None, ..picture() }
}

fn attachment() -> Attachment {
    Attachment {
        files: vec![picture(), File { is_plain_file: true, ..bare() }],
        caption: Some("The garden".to_owned()),
        reply_to: Some(TARGET),
        mentions: vec![TARGET.account],
        more: More { mentions_all: true, ..More::default() }.boxed(),
    }
}

fn with_file(file: File) -> Attachment {
    Attachment { files: vec![file], caption: None, reply_to: None, mentions: vec![], more: None }
}

fn answer() -> Answer {
    Answer {
        asked_by: TARGET.account,
        model: "gemma3".to_owned(),
        runs_at: RunsAt::Network,
        question: Some(TARGET),
        assistant: Some(AccountId::new([7; 16])),
    }
}

fn preview() -> Preview {
    Preview {
        url: "https://example.org/".to_owned(),
        title: Some("Example".to_owned()),
        description: Some("An example".to_owned()),
        picture: Some(vec![0x09; 4]),
    }
}

fn pack(pictures: usize) -> StickerPack {
    let pictures = vec![sticker().picture; pictures];
    StickerPack { id: [0x04; 16], title: "Faces".to_owned(), pictures }
}

fn sticker() -> Sticker {
    let (emoji, media_type) = ("\u{1f600}".to_owned(), "image/webp".to_owned());
    let picture = StickerPicture {
        file: file(),
        emoji,
        media_type,
        dimensions: Some((512, 512)),
        placeholder: Some(vec![0x08; 25]),
        description: Some("A smile".to_owned()),
    };
    Sticker { pack: [0x04; 16], picture, reply_to: Some(TARGET), install: Some(file()), more: None }
}

fn poll(options: usize) -> Poll {
    Poll {
        question: "When?".to_owned(),
        options: vec!["Today".to_owned(); options],
        is_multiple: false,
        closes_at_ms: None,
        hides_votes: false,
        more: None,
    }
}

fn part(sequence: u32) -> StreamPart {
    StreamPart {
        stream: [0x05; 16],
        sequence,
        text: "so far".to_owned(),
        is_whole: false,
        is_finished: false,
        is_stopped: false,
        reply_to: None,
        more: None,
    }
}

fn examples() -> Vec<(&'static str, Content)> {
    let reply = Text {
        text: "hi".to_owned(),
        reply_to: Some(TARGET),
        mentions: vec![AccountId::new([7; 16])],
        more: None,
    };
    let voice = File { duration_ms: Some(1500), waveform: Some(vec![0, 128, 255]), is_voice: true, ..bare() };
    let with = |text: &str, more: More| Content::Text(Text { more: more.boxed(), ..Text::from(text) });
    let quote = More { quote: Some(Quote { start: 0, end: 5, edit: Some([0xc3; 16]) }), ..More::default() };
    let quote = Text { reply_to: Some(TARGET), more: quote.boxed(), ..Text::from("yes") };
    let origin = Forward {
        account: Some(TARGET.account),
        name: Some("Ada".to_owned()),
        sent_at_ms: Some(1_700_000_000_000),
    };
    let forward = |forward| More { forward: Some(forward), ..More::default() };
    let answered = More { answer: Some(answer()), ..More::default() };
    let first = StreamPart { reply_to: Some(TARGET), more: answered.clone().boxed(), ..part(0) };
    let bare_sticker = Sticker {
        picture: StickerPicture {
            dimensions: None,
            placeholder: None,
            description: None,
            ..sticker().picture
        },
        reply_to: None,
        install: None,
        ..sticker()
    };
    let whole = StreamPart { is_whole: true, is_finished: true, ..part(2) };
    let leave =
        LeaveStatement::sign(&ROOM, &ADA.device(), &super::rooms::stay(2), LeaveScope::Account).to_bytes();
    vec![
        ("a text", Content::text("hello")),
        ("a reply that mentions", Content::Text(reply)),
        (
            "an edit",
            Content::Edit(Edit { target: TARGET, text: "better".to_owned(), mentions: vec![], more: None }),
        ),
        ("a deletion", Content::Delete(Delete { target: TARGET })),
        (
            "a reaction",
            Content::Reaction(Reaction { target: TARGET, emoji: "\u{1f44d}".to_owned(), remove: false }),
        ),
        (
            "a reaction taken back",
            Content::Reaction(Reaction { target: TARGET, emoji: "\u{1f44d}".to_owned(), remove: true }),
        ),
        ("two files with a caption", Content::Attachment(Box::new(attachment()))),
        ("a file with nothing else", Content::Attachment(Box::new(with_file(bare())))),
        ("a voice message", Content::Attachment(Box::new(with_file(voice)))),
        ("a sticker", Content::Sticker(Box::new(sticker()))),
        ("a sticker with nothing else", Content::Sticker(Box::new(bare_sticker))),
        ("a reply that quotes a part", Content::Text(quote)),
        ("a text to everybody in the room", with("hi", More { mentions_all: true, ..More::default() })),
        ("a forward without its origin", with("hi", forward(Forward::default()))),
        ("a forward with its origin", with("hi", forward(origin))),
        (
            "a text with a preview of its link",
            with("see https://example.org/", More { previews: vec![preview()], ..More::default() }),
        ),
        ("an answer of a model", with("42", answered)),
        (
            "a text that was scheduled and expires",
            with("hi", More { expires_after_s: Some(3600), is_scheduled: true, ..More::default() }),
        ),
        ("the first part of an assistant's stream", Content::Stream(first)),
        (
            "a stream that was stopped",
            Content::Stream(StreamPart { is_finished: true, is_stopped: true, ..part(3) }),
        ),
        ("a purge of earlier texts", Content::Purge(Purge { target: TARGET })),
        (
            "a poll that will be closed and hides votes",
            Content::Poll(Poll { closes_at_ms: Some(1_700_000_000_000), hides_votes: true, ..poll(2) }),
        ),
        ("the closing of a poll", Content::PollClose(PollClose { target: TARGET })),
        ("a consent", Content::Consent(Consent { purpose: Consent::QUOTE_TO_ASSISTANTS, withdraw: false })),
        (
            "a consent taken back",
            Content::Consent(Consent { purpose: Consent::QUOTE_TO_ASSISTANTS, withdraw: true }),
        ),
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

fn read_pack(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let pack = StickerPack::decode(bytes, &with.array("id"))?;
    Ok(json!({ "pack": diagnostic(&pack.encode()?) }))
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
    let more = |more: More| careless(1, &Text { more: more.boxed(), ..Text::from("") });
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
            careless(6, &with_file(File { name: long(limits::FILE_NAME_MAX_BYTES + 1), ..bare() })),
            "a file name of more than 255 bytes",
        ),
        (
            careless(6, &with_file(File { media_type: long(limits::MEDIA_TYPE_MAX_BYTES + 1), ..bare() })),
            "a media type of more than 127 bytes",
        ),
        (
            careless(
                7,
                &Sticker {
                    picture: StickerPicture { emoji: long(limits::EMOJI_MAX_BYTES + 1), ..sticker().picture },
                    ..sticker()
                },
            ),
            "a sticker's emoji of more than 64 bytes",
        ),
        (careless(6, &Attachment { files: vec![], ..with_file(bare()) }), "files, and none of them"),
        (
            careless(6, &Attachment { files: vec![bare(); limits::FILES_MAX + 1], ..with_file(bare()) }),
            "more than 16 files",
        ),
        (
            careless(
                6,
                &with_file(File { waveform: Some(vec![0; limits::WAVEFORM_MAX_BYTES + 1]), ..bare() }),
            ),
            "a waveform of more than 256 bytes",
        ),
        (
            careless(
                6,
                &with_file(File { placeholder: Some(vec![0; limits::PLACEHOLDER_MAX_BYTES + 1]), ..bare() }),
            ),
            "a placeholder of more than 32 bytes",
        ),
        (
            careless(
                6,
                &with_file(File { description: Some(long(limits::DESCRIPTION_MAX_BYTES + 1)), ..bare() }),
            ),
            "a description of more than 1,024 bytes",
        ),
        (
            more(More { previews: vec![preview(); limits::PREVIEWS_MAX + 1], ..More::default() }),
            "more than 4 previews",
        ),
        (
            more(More {
                answer: Some(Answer { model: long(limits::NAME_MAX_BYTES + 1), ..answer() }),
                ..More::default()
            }),
            "a model's name of more than 128 bytes",
        ),
        (
            more(More {
                forward: Some(Forward { name: Some(long(limits::NAME_MAX_BYTES + 1)), ..Forward::default() }),
                ..More::default()
            }),
            "a forward's name of more than 128 bytes",
        ),
        (
            more(More {
                previews: vec![Preview { url: long(limits::LINK_MAX_BYTES + 1), ..preview() }],
                ..More::default()
            }),
            "a preview's link of more than 2,048 bytes",
        ),
        (typed(16, &[0xa0]), "a consent to nothing"),
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

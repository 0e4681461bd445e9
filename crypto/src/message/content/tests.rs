//! Every type: survives, keeps to its limits, says nothing in `Debug`, and has the bytes that it always had.

use super::*;
use crate::{Secret, attachment::AttachmentRef, golden, identity::AccountId, room::RunsAt};

const GOLDEN: &str = include_str!("../../../tests/goldens/content-v1.hex");

const TARGET: Target = Target { account: AccountId::new([0xa1; 16]), id: [0xb2; 16] };

fn file() -> AttachmentRef {
    AttachmentRef {
        blob: [1; 16],
        key: crate::attachment::AttachmentKey::from_seed(Secret::new([2; 32])),
        hash: [3; 32],
        size: 1000,
        padded_size: 1024,
    }
}

fn picture() -> File {
    File {
        file: file(),
        name: "hidden.png".into(),
        media_type: "image/png".into(),
        thumbnail: Some(vec![9; 4]),
        dimensions: Some((640, 480)),
        duration_ms: None,
        waveform: None,
        placeholder: Some(vec![8; 25]),
        description: Some("hidden".into()),
        is_plain_file: true,
        is_voice: false,
    }
}

fn voice() -> File {
    let bare = File { thumbnail: None, dimensions: None, placeholder: None, description: None, ..picture() };
    File {
        duration_ms: Some(1500),
        waveform: Some(vec![0, 255]),
        is_plain_file: false,
        is_voice: true,
        ..bare
    }
}

fn attachment() -> Attachment {
    Attachment {
        files: vec![picture(), voice()],
        caption: Some("hidden".into()),
        reply_to: Some(TARGET),
        mentions: vec![TARGET.account],
        more: None,
    }
}

fn with_file(file: File) -> Attachment {
    Attachment { files: vec![file], ..attachment() }
}

fn preview() -> Preview {
    let url = "https://example.org/hidden".into();
    Preview {
        url,
        title: Some("hidden".into()),
        description: Some("hidden".into()),
        picture: Some(vec![7; 3]),
    }
}

fn answer() -> Answer {
    Answer {
        asked_by: TARGET.account,
        model: "hidden".into(),
        runs_at: RunsAt::Network,
        question: Some(TARGET),
        assistant: Some(AccountId::new([7; 16])),
    }
}

fn more() -> More {
    More {
        quote: Some(Quote { start: 0, end: 6, edit: Some([0xc3; 16]) }),
        mentions_all: true,
        forward: Some(Forward {
            account: Some(TARGET.account),
            name: Some("hidden".into()),
            sent_at_ms: Some(7),
        }),
        previews: vec![preview()],
        answer: Some(answer()),
        expires_after_s: Some(3600),
        is_scheduled: true,
    }
}

fn pack(pictures: usize) -> StickerPack {
    StickerPack { id: [4; 16], title: "hidden".into(), pictures: vec![sticker().picture; pictures] }
}

fn sticker() -> Sticker {
    let (emoji, media_type) = ("😀".into(), "image/webp".into());
    let picture = StickerPicture {
        file: file(),
        emoji,
        media_type,
        dimensions: Some((512, 512)),
        placeholder: Some(vec![8; 25]),
        description: Some("hidden".into()),
    };
    Sticker { pack: [4; 16], picture, reply_to: None, install: Some(file()), more: None }
}

fn poll(options: usize) -> Poll {
    Poll {
        question: "hidden?".into(),
        options: vec!["hidden".into(); options],
        is_multiple: true,
        closes_at_ms: Some(9),
        hides_votes: true,
        more: None,
    }
}

fn part(sequence: u32) -> StreamPart {
    StreamPart {
        stream: [5; 16],
        sequence,
        text: "hidden".into(),
        is_whole: false,
        is_finished: true,
        is_stopped: true,
        reply_to: Some(TARGET),
        more: None,
    }
}

fn examples() -> Vec<(&'static str, Content)> {
    let text = Text {
        text: "hidden **x**".into(),
        reply_to: Some(TARGET),
        mentions: vec![AccountId::new([7; 16])],
        more: None,
    };
    let forward = More { forward: Some(Forward::default()), ..More::default() };
    vec![
        ("text", Content::text("hello")),
        ("reply", Content::Text(text)),
        ("edit", Content::Edit(Edit { target: TARGET, text: "hidden".into(), mentions: vec![], more: None })),
        ("delete", Content::Delete(Delete { target: TARGET })),
        ("reaction", Content::Reaction(Reaction { target: TARGET, emoji: "👍".into(), remove: false })),
        ("reaction-back", Content::Reaction(Reaction { target: TARGET, emoji: "👍".into(), remove: true })),
        ("attachment", Content::Attachment(Box::new(attachment()))),
        ("sticker", Content::Sticker(Box::new(sticker()))),
        ("poll", Content::Poll(poll(2))),
        ("vote", Content::Vote(Vote { target: TARGET, choices: vec![0, 1] })),
        ("pin", Content::Pin(Pin { target: TARGET, unpin: false })),
        ("unpin", Content::Pin(Pin { target: TARGET, unpin: true })),
        ("stream", Content::Stream(part(0))),
        ("system", Content::System(System { kind: System::TIMER, data: vec![0, 0, 0, 0, 0, 0, 14, 16] })),
        ("more", Content::Text(Text { more: more().boxed(), ..Text::from("hidden") })),
        ("forward", Content::Text(Text { more: forward.boxed(), ..Text::from("hidden") })),
        ("purge", Content::Purge(Purge { target: TARGET })),
        ("poll-close", Content::PollClose(PollClose { target: TARGET })),
        ("consent", Content::Consent(Consent { purpose: Consent::QUOTE_TO_ASSISTANTS, withdraw: false })),
        ("consent-back", Content::Consent(Consent { purpose: Consent::QUOTE_TO_ASSISTANTS, withdraw: true })),
        ("leave", Content::Leave(Leave { statement: vec![6; 8] })),
    ]
}

#[test]
fn every_type_survives_and_keeps_its_bytes() {
    let lines: Vec<_> = examples().iter().map(|(name, content)| (*name, content.encode().unwrap())).collect();
    golden::check(GOLDEN, &lines);
    for (name, content) in examples() {
        assert_eq!(Content::decode(&golden::line(GOLDEN, name)), Ok(content), "{name}");
    }
}

#[test]
fn debug_shows_no_content() {
    for (name, content) in examples() {
        let shown = format!("{content:?}");
        assert!(shown.ends_with("(…)") && !shown.contains("hidden"), "{name}: {shown}");
    }
    assert_eq!(format!("{:?} {:?}", attachment(), Text::from("hidden")), "Attachment(…) Text(…)");
    assert_eq!(format!("{:?}", file()), "AttachmentRef(…)");
}

#[test]
fn a_later_type_and_later_keys_are_passed_over() {
    let later = sotto_protocol::encode(&Typed(77, vec![0xff; 9]));
    assert_eq!(Content::decode(&later), Ok(Content::Unknown(77)));

    // A text of a later version: { 0: "hi", 9: [1, {7: h'00'}], 300: -2 }, and a third element beside the payload.
    let payload = [
        &[0xa3, 0x00, 0x62][..],
        b"hi",
        &[0x09, 0x82, 0x01, 0xa1, 0x07, 0x41, 0x00],
        &[0x19, 0x01, 0x2c, 0x21],
    ]
    .concat();
    assert_eq!(
        Content::decode(&sotto_protocol::encode(&Typed(TEXT, payload.clone()))),
        Ok(Content::text("hi"))
    );
    let mut three = vec![0x83, 0x01, 0x40 | payload.len() as u8];
    three.extend_from_slice(&payload);
    three.push(0xf5);
    assert_eq!(Content::decode(&three), Ok(Content::text("hi")));
}

#[test]
fn nonsense_is_refused() {
    let good = Content::text("hello").encode().unwrap();
    for cut in 0..good.len() {
        assert!(Content::decode(&good[..cut]).is_err(), "{cut}");
    }
    let no_text = sotto_protocol::encode(&Typed(TEXT, vec![0xa0]));
    let not_utf8 = sotto_protocol::encode(&Typed(TEXT, vec![0xa1, 0x00, 0x61, 0xff]));
    let short_key = sotto_protocol::encode(&Typed(DELETE, vec![0xa1, 0x00, 0x82, 0x41, 0x00, 0x41, 0x00]));
    for bad in [no_text, not_utf8, short_key, [good, vec![0]].concat()] {
        assert_eq!(Content::decode(&bad), Err(CryptoError::Malformed("message content")));
    }
    let few = Content::Poll(poll(1)).encode();
    assert_eq!(few, Err(CryptoError::Malformed("poll: it has fewer than 2 options")));
    assert_eq!(Content::Unknown(77).encode(), Err(CryptoError::NewerVersion));
    assert!(Content::Unreadable.encode().is_err());
}

/// Encodes without looking at limits, as a careless client would.
fn careless<T: Encode<()>>(kind: u32, payload: &T) -> Vec<u8> {
    sotto_protocol::encode(&Typed(kind, sotto_protocol::encode(payload)))
}

#[test]
fn every_limit_holds_both_ways_and_is_named() {
    let long = |bytes: usize| "x".repeat(bytes);
    let text = Text::from(long(limits::TEXT_MAX_BYTES + 1));
    let many = Text { mentions: vec![TARGET.account; limits::MENTIONS_MAX + 1], ..Text::from("") };
    let edit = Edit { target: TARGET, text: long(limits::TEXT_MAX_BYTES + 1), mentions: vec![], more: None };
    let reaction = Reaction { target: TARGET, emoji: long(limits::EMOJI_MAX_BYTES + 1), remove: false };
    let name = with_file(File { name: long(limits::FILE_NAME_MAX_BYTES + 1), ..picture() });
    let media_type = with_file(File { media_type: long(limits::MEDIA_TYPE_MAX_BYTES + 1), ..picture() });
    let caption = Attachment { caption: Some(long(limits::CAPTION_MAX_BYTES + 1)), ..attachment() };
    let thumbnail =
        with_file(File { thumbnail: Some(vec![0; limits::THUMBNAIL_MAX_BYTES + 1]), ..picture() });
    let waveform = with_file(File { waveform: Some(vec![0; limits::WAVEFORM_MAX_BYTES + 1]), ..picture() });
    let placeholder =
        with_file(File { placeholder: Some(vec![0; limits::PLACEHOLDER_MAX_BYTES + 1]), ..picture() });
    let description =
        with_file(File { description: Some(long(limits::DESCRIPTION_MAX_BYTES + 1)), ..picture() });
    let files = Attachment { files: vec![voice(); limits::FILES_MAX + 1], ..attachment() };
    let with = |more: More| Text { more: more.boxed(), ..Text::from("") };
    let forward = Forward { name: Some(long(limits::NAME_MAX_BYTES + 1)), ..Forward::default() };
    let forward = with(More { forward: Some(forward), ..More::default() });
    let model = Answer { model: long(limits::NAME_MAX_BYTES + 1), ..answer() };
    let model = with(More { answer: Some(model), ..More::default() });
    let previews = with(More { previews: vec![preview(); limits::PREVIEWS_MAX + 1], ..More::default() });
    let link = Preview { url: long(limits::LINK_MAX_BYTES + 1), ..preview() };
    let link = with(More { previews: vec![link], ..More::default() });
    let title = Preview { title: Some(long(limits::TITLE_MAX_BYTES + 1)), ..preview() };
    let title = with(More { previews: vec![title], ..More::default() });
    let sticker = Sticker {
        picture: StickerPicture { emoji: long(limits::EMOJI_MAX_BYTES + 1), ..sticker().picture },
        ..sticker()
    };
    let question = Poll { question: long(limits::QUESTION_MAX_BYTES + 1), ..poll(2) };
    let option = Poll { options: vec![long(limits::OPTION_MAX_BYTES + 1); 2], ..poll(2) };
    let vote = Vote { target: TARGET, choices: vec![0; limits::OPTIONS_MAX + 1] };
    let system = System { kind: 1, data: vec![0; limits::SYSTEM_MAX_BYTES + 1] };
    let leave = Leave { statement: vec![0; limits::LEAVE_MAX_BYTES + 1] };
    let cases = [
        ("message", careless(TEXT, &text), Content::Text(text)),
        ("mentions", careless(TEXT, &many), Content::Text(many)),
        ("message", careless(EDIT, &edit), Content::Edit(edit)),
        ("emoji", careless(REACTION, &reaction), Content::Reaction(reaction)),
        ("file name", careless(ATTACHMENT, &name), Content::Attachment(Box::new(name))),
        ("media type", careless(ATTACHMENT, &media_type), Content::Attachment(Box::new(media_type))),
        ("caption", careless(ATTACHMENT, &caption), Content::Attachment(Box::new(caption))),
        ("thumbnail", careless(ATTACHMENT, &thumbnail), Content::Attachment(Box::new(thumbnail))),
        ("waveform", careless(ATTACHMENT, &waveform), Content::Attachment(Box::new(waveform))),
        ("placeholder", careless(ATTACHMENT, &placeholder), Content::Attachment(Box::new(placeholder))),
        ("description", careless(ATTACHMENT, &description), Content::Attachment(Box::new(description))),
        ("files", careless(ATTACHMENT, &files), Content::Attachment(Box::new(files))),
        ("name of a forward", careless(TEXT, &forward), Content::Text(forward)),
        ("model", careless(TEXT, &model), Content::Text(model)),
        ("previews", careless(TEXT, &previews), Content::Text(previews)),
        ("link", careless(TEXT, &link), Content::Text(link)),
        ("title", careless(TEXT, &title), Content::Text(title)),
        ("emoji", careless(STICKER, &sticker), Content::Sticker(Box::new(sticker))),
        ("question", careless(POLL, &question), Content::Poll(question)),
        ("poll option", careless(POLL, &option), Content::Poll(option)),
        ("poll options", careless(POLL, &poll(21)), Content::Poll(poll(21))),
        ("choices", careless(VOTE, &vote), Content::Vote(vote)),
        ("parts of a streamed text", careless(STREAM, &part(4096)), Content::Stream(part(4096))),
        ("system note", careless(SYSTEM, &system), Content::System(system)),
        ("statement", careless(LEAVE, &leave), Content::Leave(leave)),
    ];
    for (limit, bytes, content) in cases {
        for result in [content.encode().map(|_| ()), Content::decode(&bytes).map(|_| ())] {
            let is_named = matches!(result, Err(CryptoError::OverLimit { what, .. }) if what == limit);
            assert!(is_named, "{limit}: {result:?}");
        }
    }
}

#[test]
fn what_is_just_within_the_limits_survives_and_fits_an_entry() {
    let text = Text {
        text: "x".repeat(limits::TEXT_MAX_BYTES),
        reply_to: Some(TARGET),
        mentions: vec![TARGET.account; limits::MENTIONS_MAX],
        more: None,
    };
    let largest = Content::Text(text).encode().unwrap();
    assert!(Content::decode(&largest).is_ok());
    assert!(largest.len() <= limits::ENCODED_MAX_BYTES);
    let file = File {
        name: "n".repeat(limits::FILE_NAME_MAX_BYTES),
        thumbnail: Some(vec![1; limits::THUMBNAIL_MAX_BYTES]),
        ..picture()
    };
    let attachment = Attachment { caption: Some("c".repeat(limits::CAPTION_MAX_BYTES)), ..with_file(file) };
    assert!(Content::Attachment(Box::new(attachment)).encode().is_ok());
    assert!(Content::Poll(poll(20)).encode().is_ok());
    let over = vec![0; limits::ENCODED_MAX_BYTES + 1];
    assert!(matches!(Content::decode(&over), Err(CryptoError::OverLimit { what: "message content", .. })));

    // Envelope: a signature, and a body of at most 96 bytes beside the content.
    let padded = crate::padding::pad(&vec![0; limits::ENCODED_MAX_BYTES + 64 + 96]).unwrap();
    let entry = sotto_protocol::EntryHeader::LEN + padded.len() + 16;
    assert!(entry <= sotto_protocol::limits::MESSAGE_ENTRY_MAX_BYTES, "{entry}");
}

#[test]
fn sixteen_pictures_with_small_thumbnails_fit_one_message() {
    let file = File { thumbnail: Some(vec![1; 3 * 1024]), ..picture() };
    let content =
        Content::Attachment(Box::new(Attachment { files: vec![file; limits::FILES_MAX], ..attachment() }));
    assert_eq!(Content::decode(&content.encode().unwrap()), Ok(content));
    let none = Attachment { files: vec![], ..attachment() };
    assert!(Content::decode(&careless(ATTACHMENT, &none)).is_err());
    assert!(Content::Attachment(Box::new(none)).encode().is_err());
}

#[test]
fn a_sticker_leads_to_its_whole_pack_and_to_no_other() {
    let bytes = pack(2).encode().unwrap();
    assert_eq!(StickerPack::decode(&bytes, &sticker().pack), Ok(pack(2)));
    let other = StickerPack::decode(&bytes, &[5; 16]);
    assert_eq!(other, Err(CryptoError::Malformed("sticker pack: it is another one")));
    assert!(pack(limits::PICTURES_MAX).encode().is_ok());
    for pictures in [0, limits::PICTURES_MAX + 1] {
        let careless = sotto_protocol::encode(&pack(pictures));
        assert!(StickerPack::decode(&careless, &[4; 16]).is_err(), "{pictures}");
        assert!(pack(pictures).encode().is_err(), "{pictures}");
    }
    let long = vec![0; limits::PACK_MAX_BYTES + 1];
    assert!(matches!(StickerPack::decode(&long, &[4; 16]), Err(CryptoError::OverLimit { .. })));
}

#[test]
fn a_poll_accepts_what_it_asked_for() {
    let single = Poll { is_multiple: false, ..poll(3) };
    let cases: [(&Poll, &[u8], bool); 7] = [
        (&single, &[2], true),
        (&single, &[], true),
        (&single, &[0, 1], false),
        (&single, &[3], false),
        (&poll(3), &[0, 2], true),
        (&poll(3), &[1, 1], false),
        (&poll(3), &[0, 3], false),
    ];
    for (poll, choices, expected) in cases {
        assert_eq!(poll.accepts(choices), expected, "{choices:?}");
    }
}

//! Links in a message: the work is bounded by its length, and the parts are the message.

use sotto_client_core::links::{LINKS_MAX, Part, split_measured};

/// A byte of the link finder's work for a byte of the message, as often as this.
const WORK_MAX: usize = 17;

/// Any text: what is found is bounded and put together again is the text. The work is counted, so that what takes long is found
/// without a clock.
pub fn text(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (parts, bytes_read) = split_measured(&text);
    assert!(bytes_read <= WORK_MAX * text.len(), "the work grows faster than the message");
    assert!(parts.len() <= 2 * LINKS_MAX + 1, "there are too many parts");
    let mut whole = String::new();
    for part in &parts {
        match part {
            Part::Text(part) => whole.push_str(part),
            Part::Link(link) => {
                let lower = link.to_ascii_lowercase();
                assert!(lower.starts_with("http://") || lower.starts_with("https://"), "another scheme");
                assert!(!link.contains(char::is_whitespace), "a link of two words");
                assert!(!link.contains(['\u{202e}', '\u{2066}', '\u{200b}']), "a link that hides something");
                whole.push_str(link);
            }
        }
    }
    assert_eq!(whole, text);
}

/// Messages with links of all kinds, and the one that took longest.
pub fn real_texts() -> Vec<Vec<u8>> {
    let texts = [
        "see https://a.example/b?c=d#e. (http://b.example/x_(y)), “https://c.example”",
        "java\nscript://https://a.example e.g.https://b.example https://bank.example@evil.example",
        "\u{202e}https://a.example/\u{202e}gnp.exe http://127.0.0.1:8080/join#AZE_-x",
    ];
    let hostile = format!("{}{}", "http:///".repeat(40), ")".repeat(320));
    texts.into_iter().map(Into::into).chain([hostile.into_bytes()]).collect()
}

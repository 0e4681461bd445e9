//! Finds web addresses in a message, for both clients. Only `http` and `https`: anything else stays text.
//!
//! The writer of a message chooses every byte of it, so the work is bounded: each word is read by the link finder once, a few
//! words of a message more often, and only so many links are made of one message. What comes after the last of them is text.

use linkify::{LinkFinder, LinkKind};

/// Most links in one message.
pub const LINKS_MAX: usize = 200;
/// How often, in one message, the finder is asked again within a word: where it found an address of another scheme.
const SECOND_LOOKS_MAX: usize = 16;
/// What stands between scheme and host.
const SEPARATOR: &str = "://";
/// What begins path, query and fragment.
const ENDS_AUTHORITY: [char; 3] = ['/', '?', '#'];

/// A part of a message.
#[derive(Clone, PartialEq, Eq)]
pub enum Part {
    /// Shown as it is.
    Text(String),
    /// Shown as it is, and leads there.
    Link(String),
}

/// Content stays out of logs.
impl core::fmt::Debug for Part {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Link(_) => "Link(…)",
        })
    }
}

/// Splits a message into text and links; put together again, the parts are the message.
#[must_use]
pub fn split(text: &str) -> Vec<Part> {
    split_measured(text).0
}

/// As [`split`], with the number of bytes that were given to the link finder: at most a fixed multiple of the message's length.
#[must_use]
pub fn split_measured(text: &str) -> (Vec<Part>, usize) {
    let mut search = Search { links: Vec::new(), bytes_read: 0, second_looks_left: SECOND_LOOKS_MAX };
    let mut at = 0;
    for word in text.split(ends_a_link) {
        search.read(word, at);
        // The separators are one character each: the next word begins behind it.
        at += word.len();
        at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    let mut parts = Vec::with_capacity(2 * search.links.len() + 1);
    let mut end = 0;
    for (start, link_end) in search.links {
        parts
            .extend(text.get(end..start).filter(|between| !between.is_empty()).map(|s| Part::Text(s.into())));
        parts.extend(text.get(start..link_end).map(|link| Part::Link(link.into())));
        end = link_end;
    }
    parts.extend(text.get(end..).filter(|rest| !rest.is_empty()).map(|rest| Part::Text(rest.into())));
    (parts, search.bytes_read)
}

/// The host of a link as it is written, without its port.
#[must_use]
pub fn written_host(link: &str) -> &str {
    let authority = link.split_once(SEPARATOR).map_or(link, |(_, rest)| rest);
    let authority = authority.split(ENDS_AUTHORITY).next().unwrap_or_default();
    authority.split(':').next().unwrap_or_default()
}

struct Search {
    /// Beginning and end of each link, in order.
    links: Vec<(usize, usize)>,
    bytes_read: usize,
    second_looks_left: usize,
}

impl Search {
    /// Finds the links of a word that begins at `at`.
    fn read(&mut self, word: &str, at: usize) {
        let mut from = 0;
        while let Some(rest) = word.get(from..).filter(|rest| rest.contains(SEPARATOR)) {
            self.bytes_read += rest.len();
            let mut other = None;
            for found in LinkFinder::new().kinds(&[LinkKind::Url]).links(rest) {
                if self.links.len() >= LINKS_MAX {
                    return;
                }
                match judge(found.as_str()) {
                    Found::Web(len) => {
                        let start = at + from + found.start();
                        self.links.push((start, start + len));
                    }
                    Found::Other(next) => {
                        other = Some(found.start() + next);
                        break;
                    }
                }
            }
            let Some(next) = other.filter(|_| self.second_looks_left > 0) else { return };
            self.second_looks_left -= 1;
            from += next;
        }
    }
}

enum Found {
    /// A web address of so many bytes.
    Web(usize),
    /// Something else; what may be an address in it begins there.
    Other(usize),
}

fn judge(found: &str) -> Found {
    let (scheme, rest) = found.split_once(SEPARATOR).unwrap_or((found, ""));
    let behind = (scheme.len() + SEPARATOR.len()).min(found.len()).max(1);
    if !is_web(scheme) {
        // In `e.g.https://…` the scheme is what stands behind the last sign.
        let sign = scheme.rfind(['+', '-', '.']).filter(|sign| scheme.get(sign + 1..).is_some_and(is_web));
        return Found::Other(sign.map_or(behind, |sign| sign + 1));
    }
    // Emphasis and quotation around an address are not part of it.
    let link = found.trim_end_matches(['*', '_', '\'', '~', '.', ',', ';', ':', '!', '?']);
    let host = rest.split(ENDS_AUTHORITY).next().unwrap_or_default();
    // `https://bank.example@evil.example` leads to the second and reads like the first.
    let is_plain = !host.contains('@') && host.chars().next().is_some_and(char::is_alphanumeric);
    if is_plain && link.len() > scheme.len() + SEPARATOR.len() {
        Found::Web(link.len())
    } else {
        Found::Other(behind)
    }
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// What no address goes on behind: blanks, controls, quotation marks, and signs that are invisible or turn the direction of text.
fn ends_a_link(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || "<>\"`{}|\\^".contains(c)
        || "«»‹›“”„‘’。、，！？；：（）「」『』【】…".contains(c)
        || turns_text(c)
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks, embeddings, overrides and isolates of the Unicode Bidirectional Algorithm.
const fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, links: &[&str]) {
        let parts = split(text);
        let found: Vec<_> = parts
            .iter()
            .filter_map(|part| match part {
                Part::Link(link) => Some(link.as_str()),
                Part::Text(_) => None,
            })
            .collect();
        assert_eq!(found, links, "{text}");
        let whole: String = parts
            .into_iter()
            .map(|part| match part {
                Part::Link(s) | Part::Text(s) => s,
            })
            .collect();
        assert_eq!(whole, text);
    }

    #[test]
    fn links_are_found_without_the_sentence_around_them() {
        check("nothing here", &[]);
        check("see https://a.example/b?c=d#e.", &["https://a.example/b?c=d#e"]);
        check("(http://a.example) and https://b.example!", &["http://a.example", "https://b.example"]);
        check("https://a.example/x_(y)", &["https://a.example/x_(y)"]);
        check("äöü https://ä.example/ü, ok", &["https://ä.example/ü"]);
        check("“https://a.example”, «https://b.example/».", &["https://a.example", "https://b.example/"]);
        check("_https://a.example/_ **http://b.example**", &["https://a.example/", "http://b.example"]);
        check("HTTPS://A.example and e.g.https://b.example", &["HTTPS://A.example", "https://b.example"]);
        check("http://127.0.0.1:8080/join#AZE_-x", &["http://127.0.0.1:8080/join#AZE_-x"]);
        check("看https://a.example/b。好", &["https://a.example/b"]);
    }

    #[test]
    fn only_web_addresses_become_links() {
        check("javascript:alert(1) data:text/html,x file:///etc/passwd", &[]);
        check("https:// http://. xhttp://a", &[]);
        check("java\nscript://https://a.example", &["https://a.example"]);
    }

    #[test]
    fn a_link_holds_nothing_that_is_invisible_or_turns_text_and_no_name_before_its_host() {
        check("\u{202e}https://a.example/\u{202e}gnp.exe", &["https://a.example/"]);
        check("https://a.example/\u{200b}b https://a\u{ad}b.example", &["https://a.example/", "https://a"]);
        check("https://bank.example@evil.example/ https://a.example:x@b.example", &[]);
        check("https://bank.example。evil.example", &["https://bank.example"]);
        check("https://bank.example\\@evil.example", &["https://bank.example"]);
    }

    #[test]
    fn the_host_is_what_stands_before_port_and_path() {
        for (link, host) in [
            ("https://a.example", "a.example"),
            ("https://A.example:80/b.example", "A.example"),
            ("http://ä.example?https://b", "ä.example"),
        ] {
            assert_eq!(written_host(link), host);
        }
    }

    #[test]
    fn the_work_is_bounded_whatever_is_written() {
        for piece in [
            "http:///",
            ")",
            "http://",
            "a://b/",
            "a://https://",
            "x.http://",
            "http://a.bc/(",
            "http://a@",
            "://",
            "é://",
        ] {
            for before in ["", "http:///", "https://a.example/", "a://b"] {
                let text = format!("{before}{}", piece.repeat(4096));
                let (parts, bytes_read) = split_measured(&text);
                assert!(bytes_read <= (1 + SECOND_LOOKS_MAX) * text.len(), "{piece}: {bytes_read} bytes");
                assert!(parts.len() <= 2 * LINKS_MAX + 1, "{piece}: {} parts", parts.len());
            }
        }
        let many = "http://a.example ".repeat(2 * LINKS_MAX);
        assert_eq!(split(&many).iter().filter(|part| matches!(part, Part::Link(_))).count(), LINKS_MAX);
    }
}

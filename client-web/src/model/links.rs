//! Finds web addresses in a message. Only `http` and `https`: anything else stays text.

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Shown as it is.
    Text(String),
    /// Shown as it is, and leads there.
    Link(String),
}

/// Splits a message into text and links; put together again, the parts are the message.
#[must_use]
pub fn split(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((start, len)) = find_link(rest) {
        let (before, from_link) = rest.split_at(start);
        let (link, after) = from_link.split_at(len);
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Link(link.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

/// The place and length of the first link.
fn find_link(text: &str) -> Option<(usize, usize)> {
    let schemes = ["https://", "http://"];
    let mut from = 0;
    loop {
        let tail = text.get(from..)?;
        let at = from + schemes.iter().filter_map(|scheme| tail.find(scheme)).min()?;
        let candidate = text.get(at..)?;
        let end = candidate.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"`{}|\\^".contains(c));
        let word = candidate.get(..end.unwrap_or(candidate.len()))?;
        let link = trim_end(word);
        let scheme = schemes.iter().find(|scheme| word.starts_with(**scheme))?;
        let begins_a_word = text.get(..at)?.chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let has_host = link.get(scheme.len()..)?.chars().next().is_some_and(char::is_alphanumeric);
        if begins_a_word && has_host {
            return Some((at, link.len()));
        }
        from = at + scheme.len();
    }
}

/// Leaves out the punctuation of the sentence around a link, and a closing bracket that the link did not open.
fn trim_end(word: &str) -> &str {
    let mut link = word;
    while let Some(last) = link.chars().next_back() {
        let is_stray = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '»' | '”' | '’' | '*' | '_' => true,
            ')' => !link.contains('('),
            ']' => !link.contains('['),
            _ => false,
        };
        if !is_stray {
            break;
        }
        link = link.get(..link.len() - last.len_utf8()).unwrap_or_default();
    }
    link
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
    }

    #[test]
    fn only_web_addresses_become_links() {
        check("javascript:alert(1) data:text/html,x file:///etc/passwd", &[]);
        check("https:// http://. xhttp://a", &[]);
        check("java\nscript://https://a.example", &["https://a.example"]);
    }
}

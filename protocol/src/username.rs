//! Usernames: NFKC, lower case, NFKC; letters, digits and combining marks of any script that are not invisible, and `-`, `_`, `.`
//! between them. Clients normalise what is typed, and the relay takes only what is normalised.
//!
//! A username is an address: two that look the same must not differ by what nobody sees. So it has no joiner at all, where
//! a display name may have one as part of a word; who types one (Persian keyboards do) reads that it cannot be used.

use crate::limits::USERNAME_CHARS;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Longest text that is looked at.
const TYPED_MAX_BYTES: usize = 512;

/// The username that was meant; none where it is too short, too long, or has characters that a username cannot have.
#[must_use]
pub fn normalize_username(typed: &str) -> Option<String> {
    if typed.len() > TYPED_MAX_BYTES {
        return None;
    }
    let lower: String = typed.trim().nfkc().flat_map(char::to_lowercase).collect();
    let name: String = lower.nfkc().collect();
    let is_valid = USERNAME_CHARS.contains(&name.chars().count())
        && name.chars().all(|character| is_inner(character) || is_separator(character))
        && name.chars().next().is_some_and(char::is_alphanumeric)
        && name.chars().next_back().is_some_and(is_inner);
    is_valid.then_some(name)
}

/// Whether a name is one, and normalised.
#[must_use]
pub fn is_username(name: &str) -> bool {
    normalize_username(name).is_some_and(|normalized| normalized == name)
}

fn is_inner(character: char) -> bool {
    (character.is_alphanumeric() || is_combining_mark(character)) && !is_unseen(character)
}

/// Letters and marks that are Default_Ignorable_Code_Point, or look empty: fillers of Hangul, the grapheme joiner, inherent vowels of
/// Khmer, and what chooses variants.
const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{16fe4}'
            | '\u{1d159}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

const fn is_separator(character: char) -> bool {
    matches!(character, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames() {
        let cases = [
            ("ada", Some("ada")),
            ("  Ada.Lovelace ", Some("ada.lovelace")),
            ("Ａｄａ", Some("ada")),
            ("ＡＤＡ１", Some("ada1")),
            ("Zoe\u{308}", Some("zo\u{eb}")),
            ("STRASSE", Some("strasse")),
            ("\u{212a}elvin", Some("kelvin")),
            ("\u{915}\u{94d}\u{937}\u{92e}", Some("\u{915}\u{94d}\u{937}\u{92e}")),
            ("李小龙", Some("李小龙")),
            ("", None),
            ("a", None),
            ("a b", None),
            ("ada#1", None),
            ("ada@example", None),
            ("ada/x", None),
            ("-ada", None),
            ("ada.", None),
            ("\u{301}ada", None),
            ("ad\u{202e}a", None),
            ("ad\u{200b}a", None),
            ("a\na", None),
            ("ad\u{34f}a", None),
            ("\u{3164}\u{3164}", None),
            ("ad\u{fe0f}a", None),
            ("ad\u{e0100}a", None),
            ("ad\u{17b4}a", None),
            ("\u{6a9}\u{62a}\u{627}\u{628}\u{200c}\u{647}\u{627}", None),
            ("\u{915}\u{94d}\u{200d}\u{937}", None),
        ];
        for (typed, expected) in cases {
            assert_eq!(normalize_username(typed).as_deref(), expected, "{typed:?}");
        }
        assert!(normalize_username(&"x".repeat(*USERNAME_CHARS.end())).is_some());
        assert!(normalize_username(&"x".repeat(USERNAME_CHARS.end() + 1)).is_none());
        assert!(normalize_username(&"x".repeat(TYPED_MAX_BYTES + 1)).is_none());
    }

    #[test]
    fn a_normalised_name_stays_as_it_is() {
        for typed in ["\u{130}stanbul", "\u{fb01}sh", "\u{1e9e}a", "Ω\u{345}a", "ﷺﷺ"] {
            if let Some(name) = normalize_username(typed) {
                assert!(is_username(&name), "{typed:?}");
            }
        }
    }

    #[test]
    fn only_normalised_names_are_names() {
        for name in ["ada", "a1", "ada-lovelace_2.0", "søren", "李小龍", "юля", &"a".repeat(32)] {
            assert!(is_username(name), "{name}");
        }
        for name in [
            "Ada",
            "ａｄａ",
            "ﬁn",
            "ada ",
            " ada",
            "ada-",
            "a:da",
            "a\0da",
            "e\u{301}a",
            "ada\u{200b}",
            "İstanbul",
        ] {
            assert!(!is_username(name), "{name:?}");
        }
    }
}

//! Which names look alike: skeletons of UTS 39, over normal form and folded case.

use super::lookup::{fold, is_unseen};
use unicode_normalization::UnicodeNormalization as _;

/// A tag's digits at the least; what looks like so many of them is no part of a plain name.
const TAG_LIKE_DIGITS: usize = 4;

/// So many digits look like the beginning of an id.
const ID_LIKE_DIGITS: usize = 8;

/// What a name looks like. Two names look alike where they have any key in common.
///
/// There are two, for what looks alike as it stands and what looks alike in lower case: "AIice" is "Alice" by the first, "ALICE" by
/// the second.
pub(super) fn keys(name: &str) -> [String; 2] {
    let name = plain(name);
    let as_it_stands = skeleton(&fold(&skeleton(&name)));
    let in_lower_case = skeleton(&fold(&name));
    [as_it_stands, in_lower_case]
}

/// Whether a name ends as a tagged name is shown ("Ada#1234", "Ada (1f 2e)"), or has the separator in it.
pub(super) fn looks_tagged(name: &str) -> bool {
    let name = plain(name);
    if name.contains(['#', '♯', '⌗']) {
        return true;
    }
    let seen = skeleton(&name);
    let seen = seen.trim_end_matches(|c: char| !c.is_alphanumeric());
    let start = seen.trim_end_matches(is_digit_like);
    let run = seen.get(start.len()..).unwrap_or_default();
    // Letters alone are a word ("Ada Abbe"); letters that look like digits are not.
    let has_digit =
        name.chars().any(char::is_numeric) || run.contains(|c: char| !matches!(c, 'a'..='f' | 'A'..='F'));
    has_digit && run.chars().count() >= TAG_LIKE_DIGITS && !start.ends_with(char::is_alphanumeric)
}

/// Whether a word in a name looks like an id or the beginning of one.
pub(super) fn looks_like_an_id(name: &str) -> bool {
    let seen = skeleton(&plain(name));
    seen.split(|c: char| !c.is_alphanumeric())
        .any(|word| word.chars().count() >= ID_LIKE_DIGITS && word.chars().all(is_digit_like))
}

/// Hexadecimal digits, and what is left of "0" and "1" in a skeleton.
const fn is_digit_like(character: char) -> bool {
    character.is_ascii_hexdigit() || matches!(character, 'O' | 'o' | 'l')
}

fn plain(name: &str) -> String {
    name.nfkc().filter(|c| !is_unseen(*c)).collect()
}

fn skeleton(text: &str) -> String {
    unicode_security::skeleton(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_alike(one: &str, other: &str) -> bool {
        keys(one).iter().any(|key| keys(other).contains(key))
    }

    #[test]
    fn names_that_look_alike_have_a_key_in_common() {
        let cases = [
            ("Ada", "Ada"),
            ("Ada", "ADA"),
            ("Ada", "Аdа"),
            ("Ada", "Ａｄａ"),
            ("Ada", "𝓐𝓭𝓪"),
            ("Alice", "AIice"),
            ("Alice", "A1ice"),
            ("Alice", "ALICE"),
            ("AIice", "ALICE"),
            ("Mary", "rnary"),
            ("Paul", "Раul"),
            ("Zoë", "Zoe\u{308}"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("👩\u{200d}💻", "👩💻"),
            ("❤\u{fe0f}", "❤"),
            ("O'Neil", "O’Neil"),
        ];
        for (one, other) in cases {
            assert!(look_alike(one, other), "{one} and {other}");
        }
        for (one, other) in
            [("Ada", "Ida"), ("Zoe", "Zoë"), ("Ada", "Ada L"), ("李雷", "李蕾"), ("Ада", "Ada")]
        {
            assert!(!look_alike(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn a_name_that_is_like_a_tagged_one_is_known() {
        let tagged = [
            "Ada#1234",
            "Ada ＃12ab",
            "Ada#",
            "Ada (1f2e)",
            "Ada [12 3456]",
            "Ada · 3f9a12cd",
            "Ada 1O2l",
            "Ada １２３４",
            "1234",
            "Ada ♯12ab",
            "Ada ♯OlOƧOЗOᏎ",
            "Ada OlOƧOЗOᏎ",
        ];
        for name in tagged {
            assert!(looks_tagged(name), "{name}");
        }
        for name in ["Ada", "Ernst Abbe", "Ada 12", "Agent 007", "Tom2024", "Ada (she)", "李雷", ""] {
            assert!(!looks_tagged(name), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_like_an_id_is_known() {
        for name in ["deadbeef", "DEADBEEF01", "room 3f9a12cd", "3f9a12cd…", "3f9a12cO", "３ｆ９ａ１２ｃｄ"]
        {
            assert!(looks_like_an_id(name), "{name}");
        }
        for name in ["Garden", "2024", "decade", "Café Zentral", "12345 67", ""] {
            assert!(!looks_like_an_id(name), "{name}");
        }
    }
}

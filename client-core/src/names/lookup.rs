//! Lookup: a typed name finds the name it means, whatever its case and however its accents are encoded.
//!
//! The key is NFKC with full case folding. Folding is lower case, upper case, lower case, each by character: it joins "ß" with "SS", the
//! two sigmas, and the dotless "ı" with "i". A dot above an "i" goes, so that "istanbul" finds "İstanbul". Characters that
//! show nothing (joiners, variation selectors) do not count. Keys are made anew for every lookup and never stored.

use unicode_normalization::UnicodeNormalization as _;

const DOT_ABOVE: char = '\u{307}';

/// What of a name counts when it is looked up. Two names with one key are the same to a lookup.
#[must_use]
pub fn lookup_key(name: &str) -> String {
    let folded: String = fold(&name.nfkc().filter(|c| !is_unseen(*c)).collect::<String>());
    // Folding can bring decomposed characters about: "ǰ" has no upper case of its own.
    let key: String = folded.nfkc().collect();
    key.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a name begins with what was typed. Nothing typed begins no name.
#[must_use]
pub fn starts_with(name: &str, typed: &str) -> bool {
    let typed = lookup_key(typed);
    !typed.is_empty() && lookup_key(name).starts_with(&typed)
}

/// Full case folding.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let folding =
        text.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    for character in folding.map(|c| if c == 'ς' { 'σ' } else { c }) {
        if !(character == DOT_ABOVE && folded.ends_with('i')) {
            folded.push(character);
        }
    }
    folded
}

/// Joiners and variation selectors: parts of how a name is written that no one types to find it.
pub(super) const fn is_unseen(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_typed() {
        let cases = [
            ("Café", "Cafe\u{301}"),
            ("Straße", "STRASSE"),
            ("Straße", "straẞe"),
            ("ΟΔΟΣ", "οδος"),
            ("Οδός", "ΟΔΌΣ"),
            ("İstanbul", "istanbul"),
            ("İstanbul", "ISTANBUL"),
            ("Isparta", "ısparta"),
            ("Ａｄａ", "ada"),
            ("ﬁsh", "FISH"),
            ("ǰana", "J\u{30c}ANA"),
            ("می‌خواهم", "میخواهم"),
            ("☂\u{fe0f} club", "☂ Club"),
            ("Ada  Lovelace", " ada lovelace "),
            ("Ada\u{a0}Lovelace", "ada lovelace"),
            ("가나", "\u{1100}\u{1161}\u{1102}\u{1161}"),
        ];
        for (name, typed) in cases {
            assert_eq!(lookup_key(name), lookup_key(typed), "{name} by {typed}");
            assert_eq!(lookup_key(&lookup_key(name)), lookup_key(name), "{name}: a key's key is the key");
        }
    }

    #[test]
    fn other_names_are_not_found() {
        let cases = [
            ("Zoe", "Zoë"),
            ("Ada", "Аda"),
            ("Ada", "A da"),
            ("o", "0"),
            ("Å", "A"),
            ("भारत", "भरत"),
            ("x", ""),
        ];
        for (name, typed) in cases {
            assert_ne!(lookup_key(name), lookup_key(typed), "{name} by {typed}");
        }
    }

    #[test]
    fn a_beginning_is_enough() {
        let cases = [
            ("İstanbul", "istan", true),
            ("Café Zentral", "CAFE\u{301}", true),
            ("Straße", "strass", true),
            ("Garden", "arden", false),
            ("Garden", "Gardens", false),
            ("Garden", "", false),
            ("Garden", " ", false),
        ];
        for (name, typed, expected) in cases {
            assert_eq!(starts_with(name, typed), expected, "{name} by {typed}");
        }
    }
}

//! Which names an account can have. Clients normalise a name before they send it; here it is only checked that they did.
//!
//! The same rules as the clients': `docs/PROTOCOL.md`, "Accounts".

use sotto_protocol::limits::USERNAME_CHARS;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Nobody gets these: people would take them for the operator, or for everybody.
const RESERVED: [&str; 36] = [
    "abuse",
    "admin",
    "administrator",
    "all",
    "anonymous",
    "anyone",
    "channel",
    "contact",
    "deleted",
    "everyone",
    "guest",
    "help",
    "here",
    "hostmaster",
    "info",
    "mod",
    "moderator",
    "nobody",
    "noreply",
    "no-reply",
    "null",
    "official",
    "operator",
    "owner",
    "postmaster",
    "relay",
    "root",
    "security",
    "service",
    "sotto",
    "staff",
    "support",
    "system",
    "undefined",
    "unknown",
    "webmaster",
];

/// Whether a name is one, and normalised.
pub(super) fn is_name(name: &str) -> bool {
    let length = name.chars().count();
    USERNAME_CHARS.contains(&length)
        && name.chars().all(|character| is_inner(character) || is_separator(character))
        && name.chars().next().is_some_and(char::is_alphanumeric)
        && name.chars().next_back().is_some_and(is_inner)
        && normalised(name) == name
}

/// Whether nobody gets that name.
pub(super) fn is_reserved(name: &str, also: &[String]) -> bool {
    RESERVED.contains(&name) || also.iter().any(|reserved| reserved == name)
}

fn normalised(name: &str) -> String {
    let lower: String = name.nfkc().flat_map(char::to_lowercase).collect();
    lower.nfkc().collect()
}

fn is_inner(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character)
}

const fn is_separator(character: char) -> bool {
    matches!(character, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_normalised_names_are_names() {
        for name in ["ada", "a1", "ada-lovelace_2.0", "søren", "李小龍", "юля", &"a".repeat(32)] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "a",
            "Ada",
            "ａｄａ",
            "ﬁn",
            "ada ",
            " ada",
            "-ada",
            "ada-",
            "a#da",
            "a/da",
            "a@da",
            "a:da",
            "a\0da",
            "e\u{301}a",
            "ada\u{200b}",
            "İstanbul",
            &"a".repeat(33),
        ] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn reserved_names_are_names_that_nobody_gets() {
        assert!(RESERVED.iter().all(|name| is_name(name) && is_reserved(name, &[])));
        assert!(!is_reserved("ada", &[]) && is_reserved("ada", &["ada".to_owned()]));
    }
}

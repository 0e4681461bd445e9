//! Both sides judge names alike: where they did not, a room would come apart over one.

use proptest::prelude::*;
use sotto_crypto::identity::{check_topic, is_topic};
use sotto_independent_peer::name::check_name;

const TOPIC_MAX_BYTES: usize = 1_024;

/// Pieces of words and emoji, with what belongs between them and what does not.
fn text() -> impl Strategy<Value = String> {
    let pieces = vec![
        " ",
        "\u{a0}",
        "\u{200c}",
        "\u{200d}",
        "\u{fe0f}",
        "\u{20e3}",
        "\u{301}",
        "\u{308}",
        "\u{327}",
        "\u{316}",
        "\u{94d}",
        "\u{93f}",
        "\u{9b0}",
        "\u{9cd}",
        "क",
        "ی",
        "م",
        "ا",
        "\u{651}",
        "e",
        "1",
        "❤",
        "😀",
        "👩",
        "🏴",
        "\u{1f3fd}",
        "\u{e0067}",
        "\u{e0062}",
        "\u{e007f}",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "\u{1161}",
        "\u{1100}",
        "\u{2028}",
        "\u{2800}",
        "\u{378}",
    ];
    let piece = prop_oneof![
        1 => any::<char>().prop_map(String::from),
        12 => prop::sample::select(pieces).prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8_000) })]

    #[test]
    fn both_take_the_same_names(name in text()) {
        prop_assert_eq!(check_name(&name, TOPIC_MAX_BYTES).is_ok(), is_topic(&name), "{:?}", name);
        if let Ok(written) = check_topic(&name) {
            prop_assert!(check_name(&written, TOPIC_MAX_BYTES).is_ok());
        }
    }
}

/// Where the two were once of two minds.
#[test]
fn both_take_the_same_flags() {
    const ENGLAND: &str = "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
    let cases = [
        (format!("❤\u{200d}{ENGLAND}"), true),
        (format!("{ENGLAND}\u{200d}❤"), false),
        (format!("{ENGLAND}\u{fe0f}"), false),
        (format!("{ENGLAND}\u{e007f}"), false),
        (format!("{ENGLAND}\u{301}"), true),
    ];
    for (name, expected) in cases {
        assert_eq!(is_topic(&name), expected, "{name:?}");
        assert_eq!(check_name(&name, TOPIC_MAX_BYTES).is_ok(), expected, "{name:?}");
    }
}

#[test]
fn both_take_the_same_characters() {
    for character in '\0'..=char::MAX {
        for name in [format!("{character}"), format!("a{character}b"), format!("م{character}م")] {
            assert_eq!(check_name(&name, TOPIC_MAX_BYTES).is_ok(), is_topic(&name), "{name:?}");
        }
    }
}

//! What people are called, what passes for it, and what is decided about every character.

use super::{
    rule::{Kind, is_space, kind_of},
    *,
};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use unicode_normalization::is_nfc;

/// SHA-256 over every scalar value's kind. See [`what_is_decided_about_every_character_is_that_of_unicode_18`].
const KINDS: &str = "8019a72ea33e3612b1fbb856873f5e472031d24c0e5f021f1bf0ee98cb6e48ba";

#[test]
fn names_of_all_kinds_are_written_as_they_are() {
    let names = [
        "Ada",
        "Ада",
        "עדה",
        "عادة",
        "Åsa",
        "Zoë",
        "नमस्ते",
        "ไทย",
        "李雷",
        "葛城",
        "김철수",
        "José-María O'Neil",
        "Dr. Strange, Jr. (2)",
        "Thị Nguyễn",
        "שָׁלוֹם",
        "می\u{200c}خواهم",
        "शर्\u{200d}मा",
        "න්\u{200d}දා",
        "র\u{200d}\u{9cd}যাচেল",
        "ക്\u{200c}ഷ",
        "ཧཱུྃ",
        "မြွှေ့",
        "👩\u{200d}💻",
        "👨\u{200d}👩\u{200d}👧\u{200d}👦 family",
        "👩🏽\u{200d}🚀",
        "🏳\u{fe0f}\u{200d}🌈",
        "👁\u{fe0f}\u{200d}🗨\u{fe0f}",
        "❤\u{fe0f}",
        "1\u{fe0f}\u{20e3}",
        "#\u{fe0f}\u{20e3}",
        "🇩🇪",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} and 🏴",
        "☂ © 3",
        "\u{378d}",
    ];
    for name in names {
        assert_eq!(check_display_name(name).as_deref(), Ok(name), "{name:?}");
        assert!(is_display_name(name) && is_room_name(name) && is_topic(name));
    }
}

#[test]
fn a_name_has_one_form() {
    let long = "x".repeat(DISPLAY_NAME_MAX_BYTES + 1);
    let cases = [
        ("  Ada Lovelace ", Ok("Ada Lovelace")),
        ("Ada  \u{2003} Lovelace", Ok("Ada Lovelace")),
        ("Zoë\u{a0}", Ok("Zoë")),
        ("\u{a0}\u{3000}Zoë\tx", Err(NameError::Invisible)),
        ("Zoe\u{308}", Ok("Zoë")),
        ("\u{212b}sa", Ok("Åsa")),
        ("\u{1112}\u{1161}\u{11ab}", Ok("한")),
        ("", Err(NameError::Empty)),
        (" \t ", Err(NameError::Empty)),
        ("\u{a0} \u{2003}", Err(NameError::Empty)),
        (long.as_str(), Err(NameError::TooLong)),
        ("A\nda", Err(NameError::Invisible)),
        ("A\u{202e}da", Err(NameError::Invisible)),
        ("A\u{1b}[31mda", Err(NameError::Invisible)),
    ];
    for (typed, expected) in cases {
        assert_eq!(check_display_name(typed).as_deref(), expected.as_ref().copied(), "{typed:?}");
        assert!(!is_display_name(typed), "{typed:?} is taken as it stands");
    }
    assert!(check_display_name(&" ".repeat(100_000)).is_err());
}

#[test]
fn nothing_hides_in_a_name() {
    let cases = [
        "Zoë\u{200d}",
        "Zo\u{200c}ë",
        "\u{200c}Zoë",
        "Zoë\u{2060}",
        "\u{feff}Zoë",
        "Zoë\u{e0020}",
        "Zoë\u{fe0f}",
        "Zoë\u{fe0e}",
        "Zoë\u{3164}",
        "Zoë\u{ffa0}",
        "Zoë\u{34f}",
        "Zoë\u{2062}",
        "Zo\u{ad}ë",
        "Zoë\u{180e}",
        "Zoë\u{17b4}",
        "Zo\u{2028}ë",
        "Zo\u{2029}ë",
        "Zoë\u{2800}",
        "Zoë\u{1d159}",
        "Zoë\u{13441}",
        "Zoë\u{16fe4}",
        "Zoë\u{fffc}",
        "Zoë\u{e000}",
        "Zoë\u{fdd0}",
        "Zoë\u{10ffff}",
        "Zoë\u{378}",
        "Zoë\u{600}",
        "Zoë\u{13430}",
        // Joiners and styles where they show nothing.
        "👩\u{200d}",
        "\u{200d}👩",
        "👩\u{200d}a",
        "a\u{200d}👩",
        "👩\u{200d}\u{200d}💻",
        "🇩\u{200d}🇪",
        "❤\u{fe0f}\u{fe0f}",
        "1\u{fe0f}",
        "1\u{fe0f} \u{20e3}",
        // Flags that are not whole, or are no flags.
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}",
        "🏴\u{e0067}\u{e007f}",
        "🏴\u{e007f}",
        "🏴\u{e0068}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}\u{e007f}",
        "🏴 \u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "😀\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    ];
    for name in cases {
        assert_eq!(check_display_name(name), Err(NameError::Invisible), "{name:?}");
    }
}

#[test]
fn what_keyboards_add_where_it_shows_nothing_is_left_out_of_names_that_are_chosen_and_refused_in_signed_ones()
{
    let cases = [
        ("Kaffee ☕\u{fe0f}", "Kaffee ☕"),
        ("دا\u{200c}ر", "دار"),
        ("می\u{200c}", "می"),
        ("می\u{200c}\u{200c}خ", "می\u{200c}خ"),
        ("می\u{200d}خ", "میخ"),
        ("न\u{200d}", "न"),
        ("葛\u{e0100}城", "葛城"),
    ];
    for (typed, written) in cases {
        assert_eq!(check_display_name(typed).as_deref(), Ok(written), "{typed:?}");
        assert!(!is_display_name(typed) && is_display_name(written), "{typed:?}");
    }
    for typed in ["Zo\u{200c}e", "a\u{fe0f}", "Zoe\u{e0100}", "می\u{200c}\u{200c}\u{202e}خ"] {
        assert_eq!(check_display_name(typed), Err(NameError::Invisible), "{typed:?}");
    }
}

#[test]
fn accents_stand_on_letters_and_are_few() {
    let cases = [
        ("\u{308}Zoe", Err(NameError::Marks)),
        ("Zoe \u{308}", Err(NameError::Marks)),
        ("x\u{33f}\u{33f}", Err(NameError::Marks)),
        ("x\u{316}\u{317}\u{318}\u{319}", Ok(())),
        ("x\u{316}\u{317}\u{318}\u{319}\u{31c}", Err(NameError::Marks)),
        ("\u{93e}x", Err(NameError::Marks)),
    ];
    for (name, expected) in cases {
        assert_eq!(check_display_name(name).map(drop), expected, "{name:?}");
    }
}

/// A crate with a newer Unicode would let in what other clients refuse, and a room would come apart over a name. Where this
/// fails, the new characters are to be refused by hand, or the protocol's version raised.
#[test]
fn what_is_decided_about_every_character_is_that_of_unicode_18() {
    let mut hash = Sha256::new();
    for character in '\0'..=char::MAX {
        hash.update([kind_of(character) as u8, u8::from(is_space(character))]);
        hash.update([super::context::traits_of(character)]);
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, KINDS);
}

/// Names, with much of what makes them go wrong.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        1 => any::<char>(),
        9 => prop::sample::select(vec![
            ' ',
            '\u{a0}',
            '\u{200c}',
            '\u{200d}',
            '\u{fe0f}',
            '\u{20e3}',
            '\u{301}',
            '\u{308}',
            '\u{327}',
            '\u{94d}',
            'क',
            'ی',
            'م',
            'ا',
            'e',
            '1',
            '❤',
            '👩',
            '🏴',
            '\u{e0067}',
            '\u{e007f}',
            '\u{1161}',
            '\u{1100}',
            '\u{1f3fd}',
        ]),
    ];
    prop::collection::vec(character, 0..24).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_written_name_is_written_the_same_again_and_hides_nothing(typed in text()) {
        let Ok(name) = check_topic(&typed) else { return Ok(()) };
        prop_assert_eq!(check_topic(&name), Ok(name.clone()));
        prop_assert!(is_nfc(&name) && name.trim() == name && !name.contains("  "));
        let characters: Vec<char> = name.chars().collect();
        for (index, character) in characters.iter().enumerate() {
            match kind_of(*character) {
                Kind::Refused => prop_assert!(false, "{character:?} is let in"),
                Kind::Joiner => {
                    prop_assert!(index > 0);
                    // Without its neighbours it is not let in: it is never there for itself.
                    let alone = format!("x{character}y");
                    prop_assert!(check_topic(&alone).is_err());
                }
                _ => {}
            }
        }
    }
}

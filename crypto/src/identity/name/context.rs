//! Where invisible characters belong: joiners in words (IDNA's CONTEXTJ, RFC 5892, appendix A), and what emoji are made of (UTS 51).

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{Emoji, EmojiPresentation, ExtendedPictographic, GeneralCategory, JoiningType},
};
use unicode_normalization::{UnicodeNormalization as _, char::canonical_combining_class};

const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';
const EMOJI_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const BLACK_FLAG: char = '\u{1f3f4}';
const TAGS_END: char = '\u{e007f}';
const VIRAMA: u8 = 9;

/// The flags that are written with tags: England, Scotland, Wales. No others are in use, and any other would be a black flag
/// with something hidden in it.
const FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// Whether it is invisible, and yet part of how words or emoji are written.
pub(super) const fn is_joiner(character: char) -> bool {
    matches!(character, NON_JOINER | JOINER | EMOJI_STYLE | '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}' | TAGS_END)
}

/// Whether the joiner at `index` belongs where it stands.
pub(super) fn may_stand(name: &[char], index: usize) -> bool {
    let (before, after) = name.split_at_checked(index).unwrap_or_default();
    let (Some(character), after) = (after.first(), after.get(1..).unwrap_or_default()) else { return false };
    let is_after_virama = || before.last().is_some_and(|c| canonical_combining_class(*c) == VIRAMA);
    match *character {
        NON_JOINER => is_after_virama() || breaks_a_join(before, after),
        JOINER => is_after_virama() || keeps_a_form(before, after) || joins_emoji(before, after),
        EMOJI_STYLE => styles_an_emoji(before, after),
        tag => is_in_a_flag(before, tag, after),
    }
}

/// A name as typed, without what keyboards put where it shows nothing: the style behind emoji that have it by themselves, joiners
/// behind letters that they do not join or part, and variants of ideographs.
pub(super) fn without_strays(typed: &str) -> String {
    let characters: Vec<char> = typed.nfc().collect();
    let is_stray = |index: usize, character: char| {
        let before = index.checked_sub(1).and_then(|at| characters.get(at));
        match character {
            EMOJI_STYLE => before.is_some_and(|c| CodePointSetData::new::<EmojiPresentation>().contains(*c)),
            NON_JOINER | JOINER => before.is_some_and(is_letter) && !may_stand(&characters, index),
            '\u{e0100}'..='\u{e01ef}' => before.is_some_and(is_letter),
            _ => false,
        }
    };
    let kept = characters.iter().enumerate().filter(|(index, character)| !is_stray(*index, **character));
    kept.map(|(_, character)| *character).collect()
}

/// Between two letters that would be joined without it; marks on them do not count.
fn breaks_a_join(before: &[char], after: &[char]) -> bool {
    let joining = |c: &char| CodePointMapData::<JoiningType>::new().get(*c);
    let counts = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let before = before.iter().rev().map(joining).find(counts);
    let after = after.iter().map(joining).find(counts);
    matches!(before, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(after, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// Between a letter and a virama: Bengali and Kannada write "rya" so where it is not to be a reph.
fn keeps_a_form(before: &[char], after: &[char]) -> bool {
    before.last().is_some_and(is_letter)
        && after.first().is_some_and(|c| canonical_combining_class(*c) == VIRAMA)
}

fn is_letter(character: &char) -> bool {
    CodePointMapData::<GeneralCategory>::new().get(*character) == GeneralCategory::OtherLetter
}

/// Between two emoji; the first may have a style or a skin tone.
fn joins_emoji(before: &[char], after: &[char]) -> bool {
    let is_dress = |c: &char| matches!(*c, EMOJI_STYLE | '\u{1f3fb}'..='\u{1f3ff}');
    let base = match before {
        [.., base, dress] if is_dress(dress) => Some(base),
        _ => before.last(),
    };
    base.is_some_and(is_pictograph) && after.first().is_some_and(is_pictograph)
}

fn is_pictograph(character: &char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(*character)
}

/// After a character that is text without it; digits and the like only within a keycap.
fn styles_an_emoji(before: &[char], after: &[char]) -> bool {
    let Some(base) = before.last() else { return false };
    CodePointSetData::new::<Emoji>().contains(*base)
        && !CodePointSetData::new::<EmojiPresentation>().contains(*base)
        && (!base.is_ascii() || after.first() == Some(&KEYCAP))
}

/// After a black flag, as one of [`FLAGS`], whole.
fn is_in_a_flag(before: &[char], tag: char, after: &[char]) -> bool {
    let Some(flag) = before.iter().rposition(|c| *c == BLACK_FLAG) else { return false };
    let tags = before.get(flag.saturating_add(1)..).unwrap_or_default();
    FLAGS.iter().any(|code| {
        let expected: Vec<char> = code.chars().filter_map(tag_of).chain([TAGS_END]).collect();
        let (head, tail) = expected.split_at_checked(tags.len()).unwrap_or_default();
        head == tags
            && tail.split_first().is_some_and(|(first, rest)| *first == tag && after.starts_with(rest))
    })
}

/// Everything that is asked about a character here.
#[cfg(test)]
pub(super) fn traits_of(character: char) -> u8 {
    let sets = [
        CodePointSetData::new::<Emoji>().contains(character),
        CodePointSetData::new::<EmojiPresentation>().contains(character),
        is_pictograph(&character),
        canonical_combining_class(character) == VIRAMA,
        is_letter(&character),
    ];
    let joining = CodePointMapData::<JoiningType>::new().get(character);
    let kinds = [
        JoiningType::Transparent,
        JoiningType::LeftJoining,
        JoiningType::RightJoining,
        JoiningType::DualJoining,
    ];
    let kind = kinds.iter().position(|kind| *kind == joining).map_or(0, |at| at + 1);
    sets.iter().fold(kind as u8, |bits, is_in| bits << 1 | u8::from(*is_in))
}

fn tag_of(letter: char) -> Option<char> {
    char::from_u32(u32::from(letter).saturating_add(0xe0000))
}

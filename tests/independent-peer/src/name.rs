//! Section "Names": whether a name is written as the rule writes it.

use crate::PeerError;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        BinaryProperty, DefaultIgnorableCodePoint, Emoji, EmojiPresentation, ExtendedPictographic,
        GeneralCategory, JoiningType,
    },
};
use unicode_normalization::{char::canonical_combining_class, is_nfc};

const FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// The name rule.
pub fn check_name(name: &str, max_bytes: usize) -> Result<(), PeerError> {
    let is_written = !name.is_empty()
        && name.len() <= max_bytes
        && is_nfc(name)
        && !name.starts_with(' ')
        && !name.ends_with(' ')
        && !name.contains("  ");
    // The tags of a whole flag are as good as a letter: what is left of tags after that belongs nowhere.
    let name = FLAGS.iter().fold(name.to_owned(), |name, flag| name.replace(flag, "\u{1f3f4}x"));
    let text: Vec<char> = name.chars().collect();
    let is_right = is_written && (0..text.len()).all(|at| may_stand(&text, at)) && has_good_marks(&text);
    if is_right { Ok(()) } else { Err(PeerError::Malformed("name")) }
}

fn may_stand(text: &[char], at: usize) -> bool {
    let (before, rest) = text.split_at(at);
    let [character, after @ ..] = rest else { return false };
    let last = before.last().copied().unwrap_or('\0');
    let next = after.first().copied().unwrap_or('\0');
    match *character {
        '\u{200c}' => is_virama(last) || joins(before, after),
        '\u{200d}' => {
            is_virama(last)
                || (category(last) == GeneralCategory::OtherLetter && is_virama(next))
                || (is::<ExtendedPictographic>(undressed(before)) && is::<ExtendedPictographic>(next))
        }
        '\u{fe0f}' if last.is_ascii() => matches!(last, '0'..='9' | '#' | '*') && next == '\u{20e3}',
        '\u{fe0f}' => is::<Emoji>(last) && !is::<EmojiPresentation>(last),
        ' ' => true,
        '\u{2800}' | '\u{fffc}' | '\u{fffd}' | '\u{13441}' | '\u{13442}' | '\u{16fe4}' | '\u{1d159}' => false,
        other => {
            !is::<DefaultIgnorableCodePoint>(other)
                && !matches!(
                    category(other),
                    GeneralCategory::Unassigned
                        | GeneralCategory::PrivateUse
                        | GeneralCategory::Control
                        | GeneralCategory::Format
                        | GeneralCategory::LineSeparator
                        | GeneralCategory::ParagraphSeparator
                        | GeneralCategory::SpaceSeparator
                )
        }
    }
}

fn has_good_marks(text: &[char]) -> bool {
    let mut marks: Option<Vec<char>> = None;
    for &character in text {
        match category(character) {
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark if character != '\u{fe0f}' => {
                let Some(marks) = &mut marks else { return false };
                if marks.contains(&character) || marks.len() == 4 {
                    return false;
                }
                marks.push(character);
            }
            GeneralCategory::SpacingMark if marks.is_none() => return false,
            GeneralCategory::SpaceSeparator => marks = None,
            GeneralCategory::SpacingMark | GeneralCategory::NonspacingMark | GeneralCategory::Format => {}
            _ => marks = Some(vec![]),
        }
    }
    true
}

/// RFC 5892, appendix A.1.
fn joins(before: &[char], after: &[char]) -> bool {
    let kind = |c: &char| CodePointMapData::<JoiningType>::new().get(*c);
    let ends = (
        before.iter().rev().map(kind).find(|kind| *kind != JoiningType::Transparent),
        after.iter().map(kind).find(|kind| *kind != JoiningType::Transparent),
    );
    matches!(
        ends,
        (
            Some(JoiningType::LeftJoining | JoiningType::DualJoining),
            Some(JoiningType::RightJoining | JoiningType::DualJoining)
        )
    )
}

/// The last character, or the one before it where that is a style or a skin tone.
fn undressed(text: &[char]) -> char {
    match text {
        [.., base, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}'] | [.., base] => *base,
        [] => '\0',
    }
}

fn is_virama(character: char) -> bool {
    canonical_combining_class(character) == 9
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

fn is<P: BinaryProperty>(character: char) -> bool {
    CodePointSetData::new::<P>().contains(character)
}

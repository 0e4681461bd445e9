//! What a name may hold, once it is written in its one form.

use super::{NameError, context};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

/// So many marks may stand above and below one letter (UTS 39, section 5.4).
const MARKS_MAX: usize = 4;

/// Blanks (Braille, hieroglyphs, Khitan, a note without a head), and what stands for something that is not there: visible by their
/// properties, not to the eye.
const LOOKS_EMPTY: [char; 7] =
    ['\u{2800}', '\u{fffc}', '\u{fffd}', '\u{13441}', '\u{13442}', '\u{16fe4}', '\u{1d159}'];

/// What is decided about a character by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A letter, digit, sign or emoji.
    Shown,
    /// A mark that takes no place of its own: it belongs to the character before it.
    Mark,
    /// A mark with a place of its own, on the character before it.
    SpacingMark,
    /// U+0020.
    Space,
    /// Invisible, but part of how some words and emoji are written: there, it may stand.
    Joiner,
    /// May stand nowhere.
    Refused,
}

/// Any character of general category Zs.
pub(super) fn is_space(character: char) -> bool {
    category_of(character) == GeneralCategory::SpaceSeparator
}

/// What is decided about a character by itself.
pub(super) fn kind_of(character: char) -> Kind {
    if context::is_joiner(character) {
        return Kind::Joiner;
    }
    let is_unseen = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character);
    if is_unseen || LOOKS_EMPTY.contains(&character) {
        return Kind::Refused;
    }
    match category_of(character) {
        GeneralCategory::Unassigned
        | GeneralCategory::PrivateUse
        | GeneralCategory::Surrogate
        | GeneralCategory::Control
        | GeneralCategory::Format
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => Kind::Refused,
        GeneralCategory::SpaceSeparator if character == ' ' => Kind::Space,
        GeneralCategory::SpaceSeparator => Kind::Refused,
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark => Kind::Mark,
        GeneralCategory::SpacingMark => Kind::SpacingMark,
        _ => Kind::Shown,
    }
}

/// Whether a name may hold what it holds.
pub(super) fn judge(name: &str) -> Result<(), NameError> {
    let characters: Vec<char> = name.chars().collect();
    let mut marks: Vec<char> = Vec::new();
    let mut has_base = false;
    for (index, &character) in characters.iter().enumerate() {
        match kind_of(character) {
            Kind::Refused => return Err(NameError::Invisible),
            Kind::Joiner if !context::may_stand(&characters, index) => return Err(NameError::Invisible),
            Kind::Joiner => {}
            Kind::Mark if !has_base || marks.contains(&character) || marks.len() >= MARKS_MAX => {
                return Err(NameError::Marks);
            }
            Kind::SpacingMark if !has_base => return Err(NameError::Marks),
            Kind::Mark => marks.push(character),
            Kind::SpacingMark => {}
            kind => {
                has_base = kind == Kind::Shown;
                marks.clear();
            }
        }
    }
    Ok(())
}

fn category_of(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

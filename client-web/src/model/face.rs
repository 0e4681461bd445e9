//! What stands for a person or a room where there is no picture: a letter and one of eight hues.

/// How many hues the style sheet knows.
pub const HUES: u8 = 8;

/// The first letter or digit of a name, in capitals, or its first sign.
#[must_use]
pub fn initial(name: &str) -> String {
    let letter = name.chars().find(|c| c.is_alphanumeric()).or_else(|| name.chars().next());
    letter.map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

/// The hue of an id: the same on every device.
#[must_use]
pub fn hue(id: &[u8; 16]) -> u8 {
    // FNV-1a; its high bits are the well mixed ones.
    let hash =
        id.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    (hash >> 24).to_le_bytes().first().map_or(0, |high| high % HUES)
}

/// Whether a message is only a few emoji, which are then shown large.
#[must_use]
pub fn is_emoji_only(text: &str) -> bool {
    let is_sign = |c: char| c >= '\u{203c}' && !c.is_alphabetic() && !matches!(c, '\u{3000}'..='\u{303f}');
    let is_joint = |c: char| c == '\u{200d}' || c == '\u{fe0f}';
    !text.is_empty() && text.chars().count() <= 8 && text.chars().all(|c| is_sign(c) || is_joint(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initial_is_a_letter_where_there_is_one() {
        let cases = [("ada", "A"), ("  «Öl»", "Ö"), ("🌱 Garden", "G"), ("🌱", "🌱"), ("", "")];
        for (name, expected) in cases {
            assert_eq!(initial(name), expected, "{name}");
        }
    }

    #[test]
    fn only_emoji_are_shown_large() {
        for (text, expected) in [
            ("👍", true),
            ("❤️", true),
            ("👩‍🚀🚀", true),
            ("ok 👍", false),
            ("…", false),
            ("漢字", false),
            ("", false),
        ] {
            assert_eq!(is_emoji_only(text), expected, "{text}");
        }
    }
}

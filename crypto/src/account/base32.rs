//! Crockford's base32, as people type it: no I, L, O or U; either case; spaces and hyphens anywhere; O read as 0, I and L
//! as 1.
//!
//! Symbols are numbers from 0 to 31.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Symbols as text, in hyphenated groups.
pub fn write(symbols: &[u8], group: usize) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(symbols.len() * 2));
    for (index, symbol) in symbols.iter().enumerate() {
        if index > 0 && index.is_multiple_of(group) {
            text.push('-');
        }
        text.push(ALPHABET.get(usize::from(symbol & 31)).map_or('0', |byte| char::from(*byte)));
    }
    text
}

/// Reads exactly `N` symbols; `None` where there are more, fewer or others.
pub fn read<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let mut symbols = Zeroizing::new([0; N]);
    let mut places = symbols.iter_mut();
    for character in text.chars().filter(|character| !is_separator(*character)) {
        *places.next()? = symbol_of(character)?;
    }
    let complete = places.next().is_none();
    complete.then_some(symbols)
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '\u{2010}'..='\u{2015}')
}

fn symbol_of(character: char) -> Option<u8> {
    let letter = match u8::try_from(character).ok()?.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    ALPHABET.iter().position(|known| *known == letter).and_then(|index| u8::try_from(index).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_survive_and_are_read_as_people_type_them() {
        let symbols: [u8; 32] = core::array::from_fn(|index| index as u8);
        let text = write(&symbols, 8);
        assert_eq!(text.as_str(), "01234567-89ABCDEF-GHJKMNPQ-RSTVWXYZ");
        for typed in [
            text.as_str(),
            "0123456789abcdefghjkmnpqrstvwxyz",
            "  o i 2 3 4 5 6 7 89ABCDEF\u{2013}GHJKMNPQ-RSTVWXYZ\n",
            "OL23456789ABCDEFGHJKMNPQRSTVWXYZ",
        ] {
            assert_eq!(*read::<32>(typed).unwrap(), symbols, "{typed:?}");
        }
    }

    #[test]
    fn other_characters_and_other_lengths_are_refused() {
        for typed in ["", "012", "01234", "012U", "012!", "012é", "012\u{430}"] {
            assert!(read::<4>(typed).is_none(), "{typed:?}");
        }
    }
}

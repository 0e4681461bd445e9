//! Which passwords are refused. The relay's operator can try passwords offline, at the cost of one Argon2id each.
//!
//! The rule: at least 12 characters, and an estimate of at least 45 bits. The estimate cuts the password into pieces, the
//! longest first, and adds up what each costs to guess:
//!
//! - a common password or name, or a part of the username: 7 bits; a word of the passphrase list: 11 bits;
//! - a run along the alphabet, the digits or the keyboard, or one character again and again: 5 bits;
//! - a year from 1900 to 2099: 7 bits;
//! - any other character: 3 bits in a run of four letters or more of one case, else by how many kinds of characters the
//!   password has (digits 10, lower 26, upper 26, others 32).
//!
//! A password that repeats a period counts one period. Letters replaced in the usual way (`p4ssw0rd`) are undone. A list as large as zxcvbn's would be as large as the rest of the web client.

use super::password::words;
use sotto_protocol::limits::PASSWORD_MIN_CHARS;

const MIN_BITS: f64 = 45.0;
/// Longer than this nothing needs a closer look.
const LOOKED_AT_CHARS: usize = 128;

const COMMON: &str = include_str!("common_passwords.txt");
const RUNS: [&str; 7] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
];

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Fewer than 12 characters.
    #[error("it has fewer than {PASSWORD_MIN_CHARS} characters")]
    TooShort,
    /// Too few guesses would find it.
    #[error("it is too easy to guess; longer, less usual words help")]
    TooGuessable,
}

/// Refuses weak passwords.
pub fn check(password: &str, username: Option<&str>) -> Result<(), Weakness> {
    if password.chars().count() < PASSWORD_MIN_CHARS {
        return Err(Weakness::TooShort);
    }
    let typed: Vec<char> = password.chars().take(LOOKED_AT_CHARS).collect();
    let lower: Vec<char> = typed.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    let plain: Vec<char> = lower.iter().map(|c| without_replacement(*c)).collect();
    let bits = estimate(&typed, &lower, &plain, username);
    if bits < MIN_BITS { Err(Weakness::TooGuessable) } else { Ok(()) }
}

fn estimate(typed: &[char], lower: &[char], plain: &[char], username: Option<&str>) -> f64 {
    let (mut bits, mut at, end) = (0.0, 0, period(lower));
    while at < end {
        let rest = |text| <[char]>::get(text, at..end).unwrap_or_default();
        let pieces = [first_piece(rest(lower), username), first_piece(rest(plain), username)];
        let piece = pieces.into_iter().flatten().max_by_key(|(length, _)| *length);
        let (length, cost) = piece.unwrap_or_else(|| (1, cost_of_character(typed, at)));
        bits += cost;
        at += length.max(1);
    }
    bits
}

/// The longest thing known that the text begins with, and what it costs.
fn first_piece(text: &[char], username: Option<&str>) -> Option<(usize, f64)> {
    let known = |list: &mut dyn Iterator<Item = &str>, cost: f64| {
        list.filter(|word| word.len() >= 3 && starts_with(text, word))
            .map(|word| (word.chars().count(), cost))
            .max_by_key(|(length, _)| *length)
    };
    let name_parts = username.unwrap_or_default();
    let mut name_parts = name_parts.split(['.', '-', '_']).chain([name_parts]);
    [
        known(&mut COMMON.lines(), 7.0),
        known(&mut name_parts, 7.0),
        known(&mut words(), 11.0),
        run_length(text).map(|length| (length, 5.0)),
        is_year(text).then_some((4, 7.0)),
    ]
    .into_iter()
    .flatten()
    .max_by_key(|(length, _)| *length)
}

fn starts_with(text: &[char], word: &str) -> bool {
    let mut characters = text.iter();
    word.chars().all(|expected| characters.next() == Some(&expected))
}

/// How far the text runs along one of the known rows, either way, or stays on one character.
fn run_length(text: &[char]) -> Option<usize> {
    let same = text.iter().take_while(|character| Some(*character) == text.first()).count();
    let along = |row: &mut dyn Iterator<Item = char>| {
        let row: Vec<char> = row.collect();
        (0..row.len())
            .filter_map(|start| row.get(start..))
            .map(|tail| tail.iter().zip(text).take_while(|(expected, found)| expected == found).count())
            .max()
            .unwrap_or(0)
    };
    let rows = RUNS.iter().map(|row| along(&mut row.chars()).max(along(&mut row.chars().rev()))).max();
    Some(same.max(rows.unwrap_or(0))).filter(|length| *length >= 3)
}

fn is_year(text: &[char]) -> bool {
    (starts_with(text, "19") || starts_with(text, "20"))
        && text.get(..4).is_some_and(|year| year.iter().all(char::is_ascii_digit))
}

type IsKind = fn(&char) -> bool;

/// What one character costs that belongs to nothing known.
fn cost_of_character(typed: &[char], at: usize) -> f64 {
    let kinds: [(IsKind, f64); 4] = [
        (|c| c.is_lowercase(), 26.0),
        (|c| c.is_uppercase(), 26.0),
        (char::is_ascii_digit, 10.0),
        (|c| !c.is_ascii_digit() && !c.is_lowercase() && !c.is_uppercase(), 32.0),
    ];
    if kinds.iter().take(2).any(|(is_kind, _)| run_around(typed, at, is_kind) >= 4) {
        return 3.0;
    }
    let there = kinds.iter().filter(|(is_kind, _)| typed.iter().any(is_kind));
    there.map(|(_, symbols)| symbols).sum::<f64>().max(2.0).log2()
}

/// Length of the run of such characters around a place; 0 where there is another.
fn run_around(typed: &[char], at: usize, is_kind: &IsKind) -> usize {
    let (before, from) = typed.split_at_checked(at).unwrap_or_default();
    match from.iter().take_while(|c| is_kind(c)).count() {
        0 => 0,
        length => length + before.iter().rev().take_while(|c| is_kind(c)).count(),
    }
}

/// `abcabcabc` has the period 3; what does not repeat has its length.
fn period(text: &[char]) -> usize {
    let repeats =
        |period: &usize| text.iter().zip(text.iter().skip(*period)).all(|(left, right)| left == right);
    (1..=text.len() / 2).find(repeats).unwrap_or(text.len())
}

const fn without_replacement(character: char) -> char {
    match character {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused() {
        let cases = [
            ("short", Weakness::TooShort),
            ("Tr0ub4dor&3", Weakness::TooShort),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", Weakness::TooGuessable),
            ("abcabcabcabcabcabcabcabc", Weakness::TooGuessable),
            ("1234567890123456789", Weakness::TooGuessable),
            ("qwertyuiopasdfghjkl", Weakness::TooGuessable),
            ("password12345678", Weakness::TooGuessable),
            ("P4ssw0rd!2024!!", Weakness::TooGuessable),
            ("passwordpassword", Weakness::TooGuessable),
            ("iloveyou1234567", Weakness::TooGuessable),
            ("Summer2024!!!!", Weakness::TooGuessable),
            ("summerlove2024!", Weakness::TooGuessable),
            ("adalovelace1815", Weakness::TooGuessable),
            ("welcome to sotto", Weakness::TooGuessable),
            ("                    ", Weakness::TooGuessable),
        ];
        for (password, weakness) in cases {
            assert_eq!(check(password, Some("ada.lovelace")), Err(weakness), "{password}");
        }
    }

    #[test]
    fn strong_passwords_are_accepted() {
        for password in [
            "correct horse battery staple",
            "x7Kq9mPz2vLw",
            "#dL8&fq!Zr2s",
            "seven wet otters juggle brass kettles",
            "über den dächern schläft der fuchs",
            "我们周五在老地方一起吃晚饭吧",
            "zebra-fabric-olympic-guitar-shield",
        ] {
            assert_eq!(check(password, Some("ada.lovelace")), Ok(()), "{password}");
        }
        assert_eq!(check(&"many different words ".repeat(40), None), Ok(()));
        assert_eq!(check(&"few words ".repeat(40), None), Err(Weakness::TooGuessable));
    }

    #[test]
    fn the_username_is_no_secret() {
        let password = "bernadettekowalczyk7";
        assert_eq!(check(password, None), Ok(()));
        assert_eq!(check(password, Some("bernadette.kowalczyk")), Err(Weakness::TooGuessable));
    }
}

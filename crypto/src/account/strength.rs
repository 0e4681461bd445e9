//! Which passwords people may choose. The relay's operator can try passwords offline, at the cost of one Argon2id each.
//!
//! The rule: at least 12 characters, and at least 2^45 guesses by the estimate of `zxcvbn`: an attacker who tries common
//! passwords, names, words of English and of films, dates, years, runs on the keyboard, repetitions, usual replacements of letters,
//! and what is known of the account first. A password that repeats itself counts once. The estimate counts ten guesses for a character that belongs to nothing known, so
//! that random ones pass from 14 on. It knows no other language than English, and no quotations.

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Fewer than 12 characters.
    #[error("it has fewer than {} characters", sotto_protocol::limits::PASSWORD_MIN_CHARS)]
    TooShort,
    /// Too few guesses would find it.
    #[error("it is too easy to guess; longer, less usual words help")]
    TooGuessable,
}

#[cfg(feature = "chosen-passwords")]
pub(super) use estimate::check;

#[cfg(feature = "chosen-passwords")]
mod estimate {
    use super::Weakness;
    use sotto_protocol::limits::PASSWORD_MIN_CHARS;
    use zeroize::Zeroizing;

    const MIN_BITS: f64 = 45.0;
    /// The work grows with the square of the length, and what comes later can only add to the estimate.
    const LOOKED_AT_CHARS: usize = 64;
    /// Shorter parts of what is known would be found in every password.
    const KNOWN_MIN_CHARS: usize = 3;

    /// Refuses weak passwords. What is known are words that belong to the account: an attacker tries them first.
    pub fn check(password: &str, known: &[&str]) -> Result<(), Weakness> {
        if password.chars().count() < PASSWORD_MIN_CHARS {
            return Err(Weakness::TooShort);
        }
        let looked_at = Zeroizing::new(once(password).into_iter().take(LOOKED_AT_CHARS).collect::<String>());
        let parts = known.iter().flat_map(|text| parts_of(text)).collect::<Vec<_>>();
        let parts = parts.iter().map(String::as_str).collect::<Vec<_>>();
        let bits = zxcvbn::zxcvbn(&looked_at, &parts).guesses_log10() * core::f64::consts::LOG2_10;
        if bits < MIN_BITS { Err(Weakness::TooGuessable) } else { Ok(()) }
    }

    /// What a text that repeats itself repeats, even where the last time is cut.
    fn once(text: &str) -> Vec<char> {
        let text: Vec<char> = text.chars().collect();
        let repeats =
            |period: &usize| text.iter().zip(text.iter().skip(*period)).all(|(left, right)| left == right);
        let period = (1..=text.len() / 2).find(repeats).unwrap_or(text.len());
        text.into_iter().take(period).collect()
    }

    /// A text as a whole, its words, and its words without what stands between them.
    fn parts_of(text: &str) -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        let all = words.clone().map(str::to_owned).chain([text.to_owned(), words.collect::<String>()]);
        all.filter(|part| part.chars().count() >= KNOWN_MIN_CHARS).collect()
    }
}

#[cfg(all(test, feature = "chosen-passwords"))]
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
            assert_eq!(check(password, &["ada.lovelace"]), Err(weakness), "{password}");
        }
    }

    #[test]
    fn names_with_dates_and_sayings_are_refused() {
        for password in [
            "Anna.12.06.85",
            "Max.24.12.1990",
            "maytheforcebewithyou",
            "maria-1998-07-14",
            "Christopher2011",
            "Liverpool-1892",
            "letmeinletmein1!",
            "Pa$$w0rd-Pa$$w0rd",
            "trustno1trustno1",
            "monkey.dragon.1",
        ] {
            assert_eq!(check(password, &[]), Err(Weakness::TooGuessable), "{password}");
        }
    }

    #[test]
    fn strong_passwords_are_accepted() {
        for password in [
            "correct horse battery staple",
            "x7Kq9mPz2vLwR4",
            "#dL8&fq!Zr2s?m",
            "seven wet otters juggle brass kettles",
            "über den dächern schläft der fuchs",
            "我们周五在老地方一起吃晚饭吧",
            "zebra-fabric-olympic-guitar-shield",
        ] {
            assert_eq!(check(password, &["ada.lovelace"]), Ok(()), "{password}");
        }
        assert_eq!(check(&"many different words ".repeat(40), &[]), Ok(()));
        assert_eq!(check(&"few words ".repeat(40), &[]), Err(Weakness::TooGuessable));
    }

    #[test]
    fn what_is_known_of_the_account_is_no_secret() {
        let known = ["bernadette.kowalczyk", "Bernie Zöllner", "Rowing club Trondheim"];
        for password in ["bernadettekowalczyk7", "Kowalczyk.Zöllner.1", "rowingclubtrondheim"] {
            assert_eq!(check(password, &known), Err(Weakness::TooGuessable), "{password}");
        }
        assert_eq!(check("bernadette paints seven blue kowalczyk boats", &known), Ok(()));
        for password in ["kowalczyk.zöllner.1", "trondheim.rowing.club"] {
            assert_eq!(check(password, &[]), Ok(()), "{password}");
            assert_eq!(check(password, &known), Err(Weakness::TooGuessable), "{password}");
        }
    }
}

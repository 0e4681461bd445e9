//! Every rate by its name, for an operator who wants another one: `logins=30/4` is 30 at once, and one more every 4 seconds.

use super::Rate;
use std::str::FromStr;

/// What is counted by a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Sockets begun, by address.
    Sockets,
    /// Rooms made, by address.
    Rooms,
    /// Rooms opened, by address.
    Opens,
    /// Doors looked behind, by address.
    Cards,
    /// Joins by a door, by address.
    Joins,
    /// Bytes taken in, by address.
    BytesByAddress,
    /// The same over a day.
    DayBytesByAddress,
    /// Requests on one connection.
    Requests,
    /// Bytes taken in on one connection.
    Bytes,
    /// Account calls, by address.
    Calls,
    /// Accounts made, by address.
    Accounts,
    /// Log-ins begun, by address.
    Logins,
    /// Letters put into inboxes, by address.
    Letters,
    /// People looked up, by address.
    Lookups,
    /// Tries of a password for one name, by address.
    Passwords,
    /// Tries of a password for one name, from anywhere.
    NamePasswords,
    /// Tries of a password with one session.
    SessionPasswords,
    /// Rights to make a room, by account.
    RoomTokens,
}

impl Counted {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 18] = [
        ("sockets", Self::Sockets),
        ("rooms", Self::Rooms),
        ("opens", Self::Opens),
        ("cards", Self::Cards),
        ("joins", Self::Joins),
        ("address-bytes", Self::BytesByAddress),
        ("address-day-bytes", Self::DayBytesByAddress),
        ("requests", Self::Requests),
        ("bytes", Self::Bytes),
        ("calls", Self::Calls),
        ("accounts", Self::Accounts),
        ("logins", Self::Logins),
        ("letters", Self::Letters),
        ("lookups", Self::Lookups),
        ("passwords", Self::Passwords),
        ("name-passwords", Self::NamePasswords),
        ("session-passwords", Self::SessionPasswords),
        ("room-tokens", Self::RoomTokens),
    ];

    /// Whether it keeps somebody from guessing passwords.
    const fn is_of_guesses(self) -> bool {
        matches!(self, Self::Passwords | Self::NamePasswords | Self::SessionPasswords)
    }
}

/// A rate that an operator has set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SetRate {
    /// Of what.
    pub of: Counted,
    /// How much.
    pub rate: Rate,
}

/// Why a text sets no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// It has another form.
    #[error(
        "a rate is NAME=COUNT/SECONDS, as in logins=30/4: 30 at once, and one more every 4 seconds; or NAME=off"
    )]
    Form,
    /// There is no such rate.
    #[error("there is no rate of that name; there are {}", Counted::ALL.map(|(name, _)| name).join(", "))]
    Name,
    /// Guessing is never free.
    #[error("tries of passwords are always limited: {0} cannot be off")]
    Guesses(&'static str),
}

impl FromStr for SetRate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (name, rate) = text.split_once('=').ok_or(RateError::Form)?;
        let known = Counted::ALL.into_iter().find(|(known, _)| *known == name.trim());
        let (name, of) = known.ok_or(RateError::Name)?;
        if rate.trim() == "off" {
            return if of.is_of_guesses() {
                Err(RateError::Guesses(name))
            } else {
                Ok(Self { of, rate: Rate::UNLIMITED })
            };
        }
        let (burst, every_s) = rate.split_once('/').ok_or(RateError::Form)?;
        let burst: u32 = burst.trim().parse().map_err(|_| RateError::Form)?;
        let every_s: f64 = every_s.trim().parse().map_err(|_| RateError::Form)?;
        // None at all would refuse everybody for ever.
        let is_good = burst > 0 && every_s.is_finite() && every_s > 0.0;
        if is_good { Ok(Self { of, rate: Rate { burst, every_s } }) } else { Err(RateError::Form) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_name_a_count_and_seconds() {
        let rate = |text: &str| text.parse::<SetRate>();
        let logins = SetRate { of: Counted::Logins, rate: Rate { burst: 30, every_s: 4.0 } };
        assert_eq!(rate("logins=30/4"), Ok(logins));
        assert_eq!(rate(" logins = 30 / 4.0 "), Ok(logins));
        assert_eq!(rate("lookups=off").map(|set| set.rate), Ok(Rate::UNLIMITED));
        for none in [
            "logins",
            "logins=30",
            "logins=0/4",
            "logins=30/0",
            "logins=30/-1",
            "logins=30/inf",
            "logins=-1/4",
        ] {
            assert_eq!(rate(none), Err(RateError::Form), "{none}");
        }
        assert_eq!(rate("logouts=30/4"), Err(RateError::Name));
        assert!(RateError::Name.to_string().contains("logins, letters"));
        for of_guesses in ["passwords", "name-passwords", "session-passwords"] {
            assert!(matches!(rate(&format!("{of_guesses}=off")), Err(RateError::Guesses(_))));
            assert!(rate(&format!("{of_guesses}=5/60")).is_ok());
        }
    }
}

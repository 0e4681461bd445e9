//! What an operator can choose about limits: one word for all of them, and a number for those that matter.

use super::rate::times;
use super::{Counted, Rate, SetRate};
use std::str::FromStr;

/// How much addresses and connections may do, all in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// A quarter of the usual.
    Strict,
    /// What a household, an office or a school class behind one address does not notice.
    #[default]
    Normal,
    /// Eight times the usual: many people behind one address.
    Generous,
    /// Nothing is limited but tries of passwords.
    Off,
}

impl FromStr for Strictness {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "strict" => Ok(Self::Strict),
            "normal" => Ok(Self::Normal),
            "generous" => Ok(Self::Generous),
            "off" => Ok(Self::Off),
            _ => Err("it is strict, normal, generous or off"),
        }
    }
}

impl Strictness {
    /// That rate under this word.
    #[must_use]
    pub fn of(self, usual: Rate) -> Rate {
        self.factor().map_or(Rate::UNLIMITED, |factor| usual.times(factor))
    }

    /// That count under this word.
    #[must_use]
    pub fn count(self, usual: u32) -> u32 {
        self.factor().map_or(u32::MAX, |factor| times(usual, factor))
    }

    const fn factor(self) -> Option<f64> {
        match self {
            Self::Strict => Some(0.25),
            Self::Normal => Some(1.0),
            Self::Generous => Some(8.0),
            Self::Off => None,
        }
    }
}

/// What the room socket takes from one address and on one connection. The numbers are in SELF_HOSTING.md.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at one time, all in all.
    pub connections: u32,
    /// Connections at one time, by address.
    pub connections_by_address: u32,
    /// Sockets begun, each with a challenge of its own, by address.
    pub sockets: Rate,
    /// Rooms made, by address.
    pub rooms: Rate,
    /// Rooms opened, by address: each costs the relay a signature.
    pub opens: Rate,
    /// Doors looked behind, by address: each brings a card, which may have megabytes.
    pub cards: Rate,
    /// Joins by a door, by address.
    pub joins: Rate,
    /// Bytes taken in, by address. Past it the relay reads more slowly.
    pub bytes_by_address: Rate,
    /// The same over a day, so that nobody fills the disk all by themselves.
    pub day_bytes_by_address: Rate,
    /// Bytes of answers that wait to be read, and of messages that are not whole, over all connections; an eighth of it for one
    /// address.
    pub waiting_bytes: usize,
    /// Requests on one connection.
    pub requests: Rate,
    /// Bytes taken in on one connection. Past it the relay reads more slowly.
    pub bytes: Rate,
}

impl Limits {
    /// All of them under that word.
    #[must_use]
    pub fn new(strictness: Strictness) -> Self {
        const MIB: u32 = 1024 * 1024;
        let bytes = |burst_mib: u32, each_second_mib: u32| {
            strictness.of(Rate::per_second(burst_mib * MIB, f64::from(each_second_mib * MIB)))
        };
        Self {
            // A matter of the machine and not of who asks.
            connections: if strictness == Strictness::Off { u32::MAX } else { 100_000 },
            connections_by_address: strictness.count(256),
            sockets: strictness.of(Rate::per_second(600, 10.0)),
            rooms: strictness.of(Rate::per_day(200)),
            opens: strictness.of(Rate::per_second(10_000, 100.0)),
            // A crowd of n that comes in by one link at one moment, and without turns, asks n (n + 1) / 2 times at worst, for one join at a
            // time wins: these are more than 60 people need. The sums, also of what an attacker gets for it, are in SELF_HOSTING.md.
            cards: strictness.of(Rate::per_second(2_000, 10.0)),
            joins: strictness.of(Rate::per_second(2_000, 10.0)),
            bytes_by_address: bytes(256, 8),
            day_bytes_by_address: strictness.of(Rate::per_day(2048 * MIB)),
            // A matter of the machine and not of who asks.
            waiting_bytes: if strictness == Strictness::Off { usize::MAX } else { 512 * MIB as usize },
            requests: strictness.of(Rate::per_second(4_000, 400.0)),
            bytes: bytes(64, 2),
        }
    }

    /// Puts a rate in the place of the usual one, if it is one of these.
    pub fn set(&mut self, SetRate { of, rate }: SetRate) {
        let place = match of {
            Counted::Sockets => &mut self.sockets,
            Counted::Rooms => &mut self.rooms,
            Counted::Opens => &mut self.opens,
            Counted::Cards => &mut self.cards,
            Counted::Joins => &mut self.joins,
            Counted::BytesByAddress => &mut self.bytes_by_address,
            Counted::DayBytesByAddress => &mut self.day_bytes_by_address,
            Counted::Requests => &mut self.requests,
            Counted::Bytes => &mut self.bytes,
            _ => return,
        };
        *place = rate;
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(Strictness::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_changes_all_limits() {
        let rooms = |word: &str| Limits::new(word.parse().unwrap()).rooms.burst;
        assert_eq!(["strict", "normal", "generous", "off"].map(rooms), [50, 200, 1600, u32::MAX]);
        assert!("none".parse::<Strictness>().is_err());
        let limits = Limits::new(Strictness::Generous);
        assert_eq!((limits.connections, limits.connections_by_address), (100_000, 2048));
    }
}

//! Every time limit by its name, for an operator who wants another one: `header=10` is 10 seconds.

use crate::config::Tuning;
use std::str::FromStr;
use std::time::Duration;

/// What has to happen within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timed {
    /// The beginning of TLS.
    Tls,
    /// The header of a request.
    Header,
    /// The body of a call.
    Body,
    /// An answer that waits to be read; a second more for each 4 KiB of it that was.
    Answer,
    /// A frame on a room socket; a second more for each 4 KiB of it.
    Frame,
    /// The first request on a room socket.
    First,
    /// A request on a room socket that follows no room.
    Unused,
    /// Any sign of life, before the relay asks for one.
    Ping,
    /// Any sign of life at all.
    Silence,
}

impl Timed {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 9] = [
        ("tls", Self::Tls),
        ("header", Self::Header),
        ("body", Self::Body),
        ("answer", Self::Answer),
        ("frame", Self::Frame),
        ("first", Self::First),
        ("unused", Self::Unused),
        ("ping", Self::Ping),
        ("silence", Self::Silence),
    ];
}

/// A time limit that an operator has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetTimeout {
    /// For what.
    pub of: Timed,
    /// How long.
    pub within: Duration,
}

/// Why a text sets no time limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeoutError {
    /// It has another form.
    #[error("a time limit is NAME=SECONDS, as in header=10; from a tenth of a second to a day")]
    Form,
    /// There is no such time limit.
    #[error("there is no time limit of that name; there are {}", Timed::ALL.map(|(name, _)| name).join(", "))]
    Name,
}

impl FromStr for SetTimeout {
    type Err = TimeoutError;

    fn from_str(text: &str) -> Result<Self, TimeoutError> {
        const SECONDS: std::ops::RangeInclusive<f64> = 0.1..=86_400.0;
        let (name, seconds) = text.split_once('=').ok_or(TimeoutError::Form)?;
        let known = Timed::ALL.into_iter().find(|(known, _)| *known == name.trim());
        let (_, of) = known.ok_or(TimeoutError::Name)?;
        let seconds: f64 = seconds.trim().parse().map_err(|_| TimeoutError::Form)?;
        if SECONDS.contains(&seconds) {
            Ok(Self { of, within: Duration::from_secs_f64(seconds) })
        } else {
            Err(TimeoutError::Form)
        }
    }
}

impl Tuning {
    /// Puts a time limit in the place of the usual one.
    pub fn set(&mut self, SetTimeout { of, within }: SetTimeout) {
        let place = match of {
            Timed::Tls => &mut self.handshake_timeout,
            Timed::Header => &mut self.header_timeout,
            Timed::Body => &mut self.body_timeout,
            Timed::Answer => &mut self.answer_timeout,
            Timed::Frame => &mut self.frame_timeout,
            Timed::First => &mut self.first_frame_timeout,
            Timed::Unused => &mut self.unopened_timeout,
            Timed::Ping => &mut self.ping_after,
            Timed::Silence => &mut self.drop_after,
        };
        *place = within;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_has_a_name_and_seconds() {
        let timeout = |text: &str| text.parse::<SetTimeout>();
        let mut tuning = Tuning::default();
        for (name, _) in Timed::ALL {
            tuning.set(timeout(&format!("{name}=7.5")).unwrap());
        }
        let set = [
            tuning.handshake_timeout,
            tuning.header_timeout,
            tuning.body_timeout,
            tuning.answer_timeout,
            tuning.frame_timeout,
            tuning.first_frame_timeout,
            tuning.unopened_timeout,
            tuning.ping_after,
            tuning.drop_after,
        ];
        assert_eq!(set, [Duration::from_millis(7500); 9]);
        for none in ["header", "header=", "header=0", "header=-1", "header=1e9", "header=NaN", "header=ten"] {
            assert_eq!(timeout(none), Err(TimeoutError::Form), "{none}");
        }
        assert_eq!(timeout("headers=1"), Err(TimeoutError::Name));
    }
}

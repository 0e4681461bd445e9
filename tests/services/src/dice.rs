//! Chance that can be had again: everything that a test decides by lot comes from one printed number.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// SplitMix64: good enough to decide by, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The seed that the variable names, or a new one; it is printed.
    #[must_use]
    #[allow(clippy::print_stdout, reason = "a failed test shows it, and nothing else can repeat the run")]
    pub fn from_environment(variable: &str) -> Self {
        let given = std::env::var(variable).ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("{variable}={seed} decides as this run did");
        Self(seed)
    }

    /// Dice for somebody else, who may throw them at any time.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// From 0 to one less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or_default()
    }

    /// Whether it happened that happens once in so many times.
    pub fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

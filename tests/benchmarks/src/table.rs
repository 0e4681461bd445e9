//! Tables in Markdown, ready for `docs/BENCHMARKS.md`: figures, ratios, and whether a target is met.

use crate::{messages::MessageCosts, primitives::PrimitiveCosts};
use std::fmt;

/// How much more than its primitives a message may cost.
const MESSAGE_TARGET: f64 = 1.3;

/// A table that grows row by row.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With its headings.
    pub fn new(headings: impl IntoIterator<Item = String>) -> Self {
        Self { rows: vec![headings.into_iter().collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, row) in self.rows.iter().enumerate() {
            writeln!(f, "| {} |", row.join(" | "))?;
            if number == 0 {
                writeln!(f, "|{}", "---|".repeat(row.len()))?;
            }
        }
        Ok(())
    }
}

/// Our messages beside their primitives, and beside what `peers` took to seal and to open the same.
pub fn messages(
    ours: &MessageCosts,
    bare: &PrimitiveCosts,
    peers: &[(String, Option<f64>, Option<f64>)],
) -> String {
    let mut table = Table::new(
        ["text of 256 bytes", "seal", "sealing here takes", "open", "opening here takes", "target"]
            .map(str::to_owned),
    );
    let (seal, open) = (ratio(ours.seal, bare.to_seal()), ratio(ours.open, bare.to_open()));
    let none = String::new;
    table.row(["Sotto".to_owned(), time(ours.seal), none(), time(ours.open), none(), none()]);
    let target = format!("{}; {}", at_most(seal, MESSAGE_TARGET), at_most(open, MESSAGE_TARGET));
    let sum = "its three primitives, bare: sum".to_owned();
    table.row([sum, time(bare.to_seal()), times(seal), time(bare.to_open()), times(open), target]);
    for (what, seal, open) in [
        ("HKDF-SHA256, expand", bare.expand, bare.expand),
        ("AES-256-GCM, fresh key", bare.encrypt, bare.decrypt),
        ("Ed25519, strict", bare.sign, bare.verify),
    ] {
        table.row([what.to_owned(), time(seal), none(), time(open), none(), none()]);
    }
    for (name, seal, open) in peers {
        let (sealing, opening) = (ratio(ours.seal, *seal), ratio(ours.open, *open));
        table.row([name.clone(), time(*seal), times(sealing), time(*open), times(opening), none()]);
    }
    table.to_string()
}

/// One time as a multiple of another.
pub fn ratio(time: Option<f64>, beside: Option<f64>) -> Option<f64> {
    Some(time? / beside?)
}

/// A ratio as a person reads it.
pub fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(String::new, |ratio| format!("{ratio:.2} x"))
}

/// Whether a ratio is small enough.
pub fn at_most(ratio: Option<f64>, target: f64) -> String {
    verdict(ratio, format!("<= {target} x"), |ratio| ratio <= target)
}

/// Whether a ratio is large enough.
pub fn at_least(ratio: Option<f64>, target: f64) -> String {
    verdict(ratio, format!(">= {target} x"), |ratio| ratio >= target)
}

/// Nanoseconds as a person reads them.
pub fn time(nanoseconds: Option<f64>) -> String {
    nanoseconds.map_or_else(missing, |nanoseconds| match nanoseconds {
        long if long >= 1e7 => format!("{:.0} ms", long / 1e6),
        long if long >= 1e6 => format!("{:.1} ms", long / 1e6),
        short if short >= 1e4 => format!("{:.0} µs", short / 1e3),
        short => format!("{:.1} µs", short / 1e3),
    })
}

/// A number of bytes, its digits in groups.
pub fn bytes(bytes: usize) -> String {
    let digits = bytes.to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let groups = tail.as_bytes().chunks(3).map(String::from_utf8_lossy);
    let mut shown = head.to_owned();
    for group in groups {
        if !shown.is_empty() {
            shown.push(',');
        }
        shown.push_str(&group);
    }
    shown
}

/// What a filter left out.
pub fn missing() -> String {
    "not measured".to_owned()
}

fn verdict(ratio: Option<f64>, target: String, is_met: impl Fn(f64) -> bool) -> String {
    match ratio {
        Some(ratio) if is_met(ratio) => format!("{target}: met"),
        Some(_) => format!("{target}: missed"),
        None => target,
    }
}

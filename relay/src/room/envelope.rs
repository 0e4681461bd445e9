//! What one relay says to another on a server that neither of them trusts: authenticated by a key that only the relays of one database
//! have, fresh, and each thing once.
//!
//! ```text
//! message = sender (8) || count (8) || time in ms since 1970 (8) || content || HMAC-SHA-256 (32)
//! HMAC over "sotto relay hint" || u64(len(subject)) || subject || everything before it
//! ```

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

const LABEL: &[u8] = b"sotto relay hint";
const HEAD_BYTES: usize = 24;
const TAG_BYTES: usize = 32;
/// How far a message's time may be from ours: clocks differ, and what is older was held back.
const FRESH_MS: u64 = 120_000;
/// What clocks of relays differ that are kept right.
const SKEW_MS: u64 = 2_000;
/// More senders than that are not remembered: relays that were started again, at most.
const SENDERS_MAX: usize = 1000;

/// Writes messages.
#[derive(Clone)]
pub(super) struct Sealer {
    key: Arc<Zeroizing<[u8; 32]>>,
    sender: [u8; 8],
    count: Arc<AtomicU64>,
}

/// Reads those of others on one subject.
pub(super) struct Opener {
    /// What is older was said before this one listened: whether it was heard then, nobody knows.
    since_ms: u64,
    key: Arc<Zeroizing<[u8; 32]>>,
    subject: &'static str,
    own: [u8; 8],
    /// The last count of each sender, and when that was.
    heard: HashMap<[u8; 8], (u64, u64)>,
    has_warned: bool,
}

impl Sealer {
    /// One for this run of the relay, which `sender` tells from all others.
    pub(super) fn new(key: Zeroizing<[u8; 32]>, sender: [u8; 8]) -> Self {
        Self { key: Arc::new(key), sender, count: Arc::default() }
    }

    /// Reads what others write on that subject.
    pub(super) fn opener(&self, subject: &'static str, now_ms: u64) -> Opener {
        let (key, since_ms) = (Arc::clone(&self.key), now_ms.saturating_sub(SKEW_MS));
        Opener { since_ms, key, subject, own: self.sender, heard: HashMap::new(), has_warned: false }
    }

    /// A message with that content.
    pub(super) fn seal(&self, subject: &str, now_ms: u64, content: &[u8]) -> Vec<u8> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let mut message = Vec::with_capacity(HEAD_BYTES + content.len() + TAG_BYTES);
        message.extend_from_slice(&self.sender);
        message.extend_from_slice(&count.to_be_bytes());
        message.extend_from_slice(&now_ms.to_be_bytes());
        message.extend_from_slice(content);
        let tag = mac(&self.key, subject, &message).map(|mac| mac.finalize().into_bytes());
        // HMAC takes keys of any length.
        message.extend_from_slice(&tag.unwrap_or_default());
        message
    }
}

impl Opener {
    /// Content and time of a message; nothing where it is none of another relay's, not fresh, or was here before.
    pub(super) fn open<'m>(&mut self, now_ms: u64, message: &'m [u8]) -> Option<(&'m [u8], u64)> {
        let (sealed, tag) = message.split_last_chunk::<TAG_BYTES>()?;
        let (head, content) = sealed.split_first_chunk::<HEAD_BYTES>()?;
        let (sender, rest) = head.split_first_chunk::<8>()?;
        let (count, time_ms) = rest.split_first_chunk::<8>()?;
        let (count, time_ms) = (u64::from_be_bytes(*count), u64::from_be_bytes(time_ms.try_into().ok()?));
        if *sender == self.own {
            return None;
        }
        mac(&self.key, self.subject, sealed)?.verify_slice(tag).ok()?;
        if now_ms.abs_diff(time_ms) > FRESH_MS {
            if !self.has_warned {
                self.has_warned = true;
                tracing::warn!(
                    "another relay's hint is of another time: its clock, or this one's, is wrong by minutes, or the server holds hints back"
                );
            }
            return None;
        }
        if time_ms < self.since_ms {
            return None;
        }
        if self.heard.len() >= SENDERS_MAX {
            // What is older than that is refused by its time.
            self.heard.retain(|_, (_, heard_ms)| now_ms.abs_diff(*heard_ms) <= 2 * FRESH_MS);
        }
        let last = self.heard.entry(*sender).or_insert((0, now_ms));
        if count <= last.0 {
            return None;
        }
        *last = (count, now_ms);
        Some((content, time_ms))
    }
}

fn mac(key: &[u8; 32], subject: &str, message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in [LABEL, &(subject.len() as u64).to_be_bytes(), subject.as_bytes(), message] {
        mac.update(part);
    }
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: &str = "subject";
    const NOW: u64 = 1_800_000_000_000;

    fn sealer(key: u8, sender: u8) -> Sealer {
        Sealer::new(Zeroizing::new([key; 32]), [sender; 8])
    }

    #[test]
    fn what_another_relay_says_is_heard_once() {
        let (one, other) = (sealer(1, 1), sealer(1, 2));
        let mut opener = other.opener(SUBJECT, NOW);
        let (first, second) = (one.seal(SUBJECT, NOW, b"first"), one.seal(SUBJECT, NOW + 5, b""));
        assert_eq!(opener.open(NOW, &first), Some((&b"first"[..], NOW)));
        assert_eq!(opener.open(NOW, &first), None, "said again");
        assert_eq!(opener.open(NOW, &second), Some((&b""[..], NOW + 5)));
        assert_eq!(opener.open(NOW, &first), None, "said late");
        assert_eq!(opener.open(NOW, &other.seal(SUBJECT, NOW, b"own")), None);
    }

    #[test]
    fn what_nobody_says_who_has_the_key_is_not_heard() {
        let one = sealer(1, 1);
        let opener = || sealer(1, 2).opener(SUBJECT, NOW);
        let good = one.seal(SUBJECT, NOW, b"content");
        assert!(opener().open(NOW, &good).is_some());
        for place in 0..good.len() {
            let mut flipped = good.clone();
            flipped[place] ^= 1;
            assert_eq!(opener().open(NOW, &flipped), None, "byte {place}");
            assert_eq!(opener().open(NOW, &good[..place]), None, "cut at {place}");
        }
        assert_eq!(opener().open(NOW, &sealer(2, 1).seal(SUBJECT, NOW, b"content")), None, "another key");
        assert_eq!(opener().open(NOW, &one.seal("other", NOW, b"content")), None, "another subject");
        assert_eq!(opener().open(NOW + FRESH_MS + 1, &good), None, "held back");
        assert_eq!(opener().open(NOW - FRESH_MS - 1, &good), None, "of the future");
        let late = sealer(1, 2).opener(SUBJECT, NOW + 2 * SKEW_MS).open(NOW + 2 * SKEW_MS, &good);
        assert_eq!(late, None, "said before anybody listened");
    }

    #[test]
    fn so_many_senders_are_remembered() {
        let mut opener = sealer(1, 0).opener(SUBJECT, NOW);
        for number in 1..=3 * SENDERS_MAX as u64 {
            let sender = Sealer::new(Zeroizing::new([1; 32]), number.to_be_bytes());
            let now_ms = NOW + number * 1000;
            assert!(opener.open(now_ms, &sender.seal(SUBJECT, now_ms, b"")).is_some());
        }
        assert!(opener.heard.len() <= SENDERS_MAX, "{}", opener.heard.len());
    }
}

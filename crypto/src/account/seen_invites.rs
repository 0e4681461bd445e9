//! Which direct invites an account has taken: one that the relay, or anyone who kept it, puts into the inbox again is told apart.
//! A record of the vault ([`super::VaultLabel::Invites`]), merged among devices.
//!
//! ```text
//! seen = { 0: 1, 1: [* [invite id (16), sent at]] sorted by id, ?2: sent at of the latest one that was forgotten }
//! ```
//! At most 1,024 are remembered, those sent last. The own clock is asked for one thing: nothing was sent later than tomorrow.

use super::DirectInvite;
use crate::CryptoError;
use minicbor::{Decode, Encode, bytes::ByteArray};
use std::collections::BTreeMap;

/// Most invites that are remembered.
pub const SEEN_INVITES_MAX: usize = 1024;

const VERSION: u32 = 1;

/// What came of taking an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was never taken before.
    New,
    /// It was: it is not shown again.
    Repeated,
    /// It was sent before others that are forgotten: it is shown as perhaps repeated.
    TooOldToTell,
}

/// The invites that were taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenInvites {
    sent_at_ms: BTreeMap<[u8; 16], u64>,
    forgotten_ms: Option<u64>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Stored {
    #[n(0)]
    version: u32,
    #[n(1)]
    seen: Vec<(ByteArray<16>, u64)>,
    #[n(2)]
    forgotten_ms: Option<u64>,
}

impl SeenInvites {
    /// Takes an invite that was opened, at this time. The sender's clock counts for no later than a day from now: else a stranger could
    /// have all that is sent later taken for old.
    pub fn take(&mut self, invite: &DirectInvite, now_ms: u64) -> Taken {
        let sent_at_ms = invite.sent_at_ms.min(latest(now_ms));
        if self.sent_at_ms.contains_key(&invite.id) {
            return Taken::Repeated;
        }
        if self.forgotten_ms.is_some_and(|forgotten| sent_at_ms <= forgotten) {
            return Taken::TooOldToTell;
        }
        self.sent_at_ms.insert(invite.id, sent_at_ms);
        self.forget_the_oldest();
        Taken::New
    }

    /// Takes over what another device of the account has taken, at this time; a device that was removed meanwhile may have written it.
    pub fn merge(&mut self, other: &Self, now_ms: u64) {
        let at_most = |sent_at_ms: u64| sent_at_ms.min(latest(now_ms));
        self.sent_at_ms.extend(other.sent_at_ms.iter().map(|(id, sent_at_ms)| (*id, at_most(*sent_at_ms))));
        self.forgotten_ms = self.forgotten_ms.max(other.forgotten_ms.map(at_most));
        self.forget_the_oldest();
    }

    /// As a value of the vault.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let seen = self.sent_at_ms.iter().map(|(id, sent_at_ms)| ((*id).into(), *sent_at_ms)).collect();
        sotto_protocol::encode(&Stored { version: VERSION, seen, forgotten_ms: self.forgotten_ms })
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`]; [`CryptoError::NewerVersion`]: it must not be written over then.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("seen invites");
        let stored: Stored = sotto_protocol::decode(bytes).map_err(|_| malformed())?;
        if stored.version != VERSION {
            return Err(CryptoError::NewerVersion);
        }
        if stored.seen.len() > SEEN_INVITES_MAX || !stored.seen.is_sorted_by(|one, next| *one.0 < *next.0) {
            return Err(malformed());
        }
        let sent_at_ms = stored.seen.into_iter().map(|(id, sent_at_ms)| (*id, sent_at_ms)).collect();
        Ok(Self { sent_at_ms, forgotten_ms: stored.forgotten_ms })
    }

    fn forget_the_oldest(&mut self) {
        while self.sent_at_ms.len() > SEEN_INVITES_MAX {
            let oldest = self.sent_at_ms.iter().map(|(id, sent_at_ms)| (*sent_at_ms, *id)).min();
            let Some((sent_at_ms, id)) = oldest else { return };
            self.sent_at_ms.remove(&id);
            self.forgotten_ms = self.forgotten_ms.max(Some(sent_at_ms));
        }
    }
}

/// The latest time that an invite can have been sent at, for all that is known: clocks differ.
const fn latest(now_ms: u64) -> u64 {
    now_ms.saturating_add(24 * 60 * 60 * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceKey, account::AccountKeys, golden};
    use zeroize::Zeroizing;

    const GOLDEN: &str = include_str!("../../tests/goldens/vault-v1.hex");

    fn invite(number: u64) -> DirectInvite {
        let keys = AccountKeys::generate().unwrap();
        let sender = keys.certify(DeviceKey::generate().unwrap().public(), "Ada", 1).unwrap();
        let mut id = [0; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        DirectInvite { id, link: Zeroizing::new(b"link".to_vec()), sender, sent_at_ms: number }
    }

    const NOW: u64 = 1_000_000;

    #[test]
    fn an_invite_is_taken_once_on_all_devices() {
        let (mut phone, mut laptop) = (SeenInvites::default(), SeenInvites::default());
        assert_eq!((phone.take(&invite(1), NOW), phone.take(&invite(1), NOW)), (Taken::New, Taken::Repeated));
        laptop.merge(&SeenInvites::from_bytes(&phone.to_bytes()).unwrap(), NOW);
        assert_eq!(
            (laptop.take(&invite(1), NOW), laptop.take(&invite(2), NOW)),
            (Taken::Repeated, Taken::New)
        );
    }

    /// Invites from the end of time do not push out those of today.
    #[test]
    fn a_clock_of_the_future_makes_nothing_old() {
        let (mut seen, some, tomorrow) = (SeenInvites::default(), invite(0), NOW + 86_400_000);
        for number in 0..SEEN_INVITES_MAX as u64 + 1 {
            let mut id = [1; 16];
            id[8..].copy_from_slice(&number.to_be_bytes());
            assert_eq!(
                seen.take(&DirectInvite { id, sent_at_ms: u64::MAX, ..some.clone() }, NOW),
                Taken::New
            );
        }
        assert_eq!(seen.forgotten_ms, Some(tomorrow));
        assert_eq!(seen.take(&invite(tomorrow + 1), tomorrow), Taken::New, "two days later");
        let written = SeenInvites { forgotten_ms: Some(u64::MAX), ..SeenInvites::default() };
        let mut merged = SeenInvites::default();
        merged.merge(&written, NOW);
        assert_eq!(merged.take(&invite(tomorrow + 1), tomorrow), Taken::New);
    }

    #[test]
    fn what_is_forgotten_is_not_taken_for_new() {
        let mut seen = SeenInvites::default();
        let some = invite(0);
        for number in 0..SEEN_INVITES_MAX as u64 + 10 {
            let mut id = [0; 16];
            id[8..].copy_from_slice(&number.to_be_bytes());
            assert_eq!(seen.take(&DirectInvite { id, sent_at_ms: number, ..some.clone() }, NOW), Taken::New);
        }
        assert_eq!(seen.take(&invite(3), NOW), Taken::TooOldToTell);
        assert_eq!(seen.take(&invite(10), NOW), Taken::Repeated);
        assert_eq!(seen.take(&invite(5000), NOW), Taken::New);
        assert_eq!(SeenInvites::from_bytes(&seen.to_bytes()), Ok(seen));
    }

    #[test]
    fn the_bytes_are_the_golden_ones() {
        let mut seen = SeenInvites::default();
        seen.take(&invite(300), NOW);
        seen.take(&invite(7), NOW);
        seen.forgotten_ms = Some(5);
        golden::check(GOLDEN, &[("seen invites", seen.to_bytes())]);
        assert_eq!(SeenInvites::from_bytes(&golden::line(GOLDEN, "seen invites")), Ok(seen.clone()));
        let mut newer = seen.to_bytes();
        newer[2] = 2;
        assert_eq!(SeenInvites::from_bytes(&newer), Err(CryptoError::NewerVersion));
        assert!(SeenInvites::from_bytes(&seen.to_bytes()[1..]).is_err());
    }
}

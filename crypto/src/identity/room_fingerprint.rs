//! The room fingerprint: two members compare it and know that they are in the same epoch of the same room with the same
//! history.
//!
//! ```text
//! hash   = SHA-512("sotto/1 room fingerprint" || room || u64(epoch) || u64(len(authenticator)) || authenticator || u64(seq) || H)
//! digits = for each of its twelve 5-byte groups, as a big-endian number: modulo 100,000, five digits                  60 digits
//! ```
//! Sixty, because who makes rooms, or can add to one, can search for two that look alike: among thirty digits 2^50 tries find such a
//! pair, among sixty it takes 2^99.

use super::safety_number::{digits_of, write_groups};
use crate::labels;
use core::fmt;
use sha2::{Digest as _, Sha512};
use sotto_protocol::{Chain, RoomId};

/// As many as a SHA-512 has whole.
const GROUPS: usize = 12;

/// 60 digits over a room's state. They are the same for two members who have read equally far: show epoch and seq with them.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomFingerprint(String);

impl RoomFingerprint {
    /// Of a room in an epoch, whose authenticator is MLS's (RFC 9420, section 8.7), at a place in its log.
    #[must_use]
    pub fn of(room: &RoomId, epoch: u64, epoch_authenticator: &[u8], chain: &Chain) -> Self {
        let hash = Sha512::new()
            .chain_update(labels::hash::ROOM_FINGERPRINT)
            .chain_update(room.as_bytes())
            .chain_update(epoch.to_be_bytes())
            .chain_update((epoch_authenticator.len() as u64).to_be_bytes())
            .chain_update(epoch_authenticator)
            .chain_update(chain.seq.to_be_bytes())
            .chain_update(chain.hash)
            .finalize();
        Self(digits_of(&hash.into(), GROUPS))
    }

    /// The digits, without space.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

/// Twelve groups of five digits.
impl fmt::Display for RoomFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_groups(f, &self.0)
    }
}

/// Shows nothing: it names a room.
impl fmt::Debug for RoomFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomFingerprint(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    const GOLDEN: &str = include_str!("../../tests/goldens/room-fingerprint-v1.hex");

    #[test]
    fn every_part_changes_the_digits_and_they_are_what_they_always_were() {
        let (room, chain) = (RoomId::new([1; 16]), Chain { seq: 7, hash: [3; 32] });
        let fingerprint = RoomFingerprint::of(&room, 5, &[2; 32], &chain);
        assert_eq!(fingerprint, RoomFingerprint::of(&room, 5, &[2; 32], &chain));
        let others = [
            RoomFingerprint::of(&RoomId::new([9; 16]), 5, &[2; 32], &chain),
            RoomFingerprint::of(&room, 6, &[2; 32], &chain),
            RoomFingerprint::of(&room, 5, &[2; 48], &chain),
            RoomFingerprint::of(&room, 5, &[2; 32], &Chain { seq: 8, ..chain }),
            RoomFingerprint::of(&room, 5, &[2; 32], &Chain { hash: [4; 32], ..chain }),
        ];
        assert!(others.iter().all(|other| *other != fingerprint));
        assert_eq!((fingerprint.digits().len(), fingerprint.to_string().split(' ').count()), (60, 12));
        assert_eq!(format!("{fingerprint:?}"), "RoomFingerprint(…)");
        golden::check(GOLDEN, &[("digits", fingerprint.digits().as_bytes().to_vec())]);
    }
}

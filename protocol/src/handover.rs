//! Who administers a room at the relay.
//!
//! The relay cannot tell who is owner or admin. So it takes the first key from the client that makes the room, and every later list from
//! a key on the list: with a handshake, and bound to it. Nothing else changes the list. The first key on it is the owner's, who
//! may name any list; everybody else on it changes or drops the own key and no other: so no admin shuts the others out.

use crate::{RoomId, limits};
use minicbor::{Decode, Encode, bytes::ByteArray};

/// The room-admin keys that count from a handshake on, signed by one that counted before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Handover {
    /// All of them: the owner's first, then the others, ascending.
    #[n(0)]
    pub keys: Vec<ByteArray<32>>,
    /// The key that signs: one that counts in the epoch that the handshake leaves.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signer: [u8; 32],
    /// Over [`handover_statement`].
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl Handover {
    /// Whether it names one key or more, not more than a room has, in order and none twice.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.keys.len() <= limits::ADMIN_KEYS_MAX
            && self.keys.split_first().is_some_and(|(owner, others)| {
                others.is_sorted_by(|one, next| one < next) && !others.contains(owner)
            })
    }

    /// Whether its signer may put this list in place of the present one, which has the owner's key first.
    #[must_use]
    pub fn may_follow(&self, present: &[ByteArray<32>]) -> bool {
        let Some((owner, _)) = present.split_first() else { return false };
        if **owner == self.signer {
            return true;
        }
        present.iter().any(|key| **key == self.signer)
            && self.keys.first() == Some(owner)
            && self.keys.len() <= present.len()
            && present.iter().filter(|key| ***key != self.signer).all(|key| self.keys.contains(key))
    }
}

impl Handover {
    /// The list that a key which is on the present one, and is not the owner's, may name: with another key in its own place, or none.
    #[must_use]
    pub fn with_own_key(
        present: &[ByteArray<32>],
        own: &[u8; 32],
        next: Option<[u8; 32]>,
    ) -> Vec<ByteArray<32>> {
        let Some((owner, others)) = present.split_first() else { return Vec::new() };
        let mut keys: Vec<_> = others.iter().filter(|key| ***key != *own).copied().collect();
        keys.extend(next.map(ByteArray::from).filter(|next| next != owner));
        keys.sort_unstable();
        keys.dedup();
        keys.insert(0, *owner);
        keys
    }
}

/// What a handover signs: `epoch` is the one that the handshake leaves, `entry_hash` its hash.
#[must_use]
pub fn handover_statement(
    room: &RoomId,
    epoch: u64,
    entry_hash: &[u8; 32],
    keys: &[ByteArray<32>],
) -> Vec<u8> {
    let mut statement =
        [b"sotto/1 handover", room.as_bytes().as_slice(), &epoch.to_be_bytes(), entry_hash].concat();
    for key in keys {
        statement.extend_from_slice(&**key);
    }
    statement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(numbers: &[u8]) -> Vec<ByteArray<32>> {
        numbers.iter().map(|number| [*number; 32].into()).collect()
    }

    fn handover(numbers: &[u8], signer: u8) -> Handover {
        Handover { keys: keys(numbers), signer: [signer; 32], signature: [0; 64] }
    }

    #[test]
    fn a_list_has_the_owner_first_and_the_others_in_order() {
        for good in [&[1][..], &[9], &[5, 1, 9]] {
            assert!(handover(good, 1).is_well_formed(), "{good:?}");
        }
        for bad in [&[][..], &[1, 1], &[5, 9, 1], &[5, 1, 1], &[5, 1, 5]] {
            assert!(!handover(bad, 1).is_well_formed(), "{bad:?}");
        }
    }

    /// An admin cannot shut owner or admins out, name others, or take the owner's place.
    #[test]
    fn an_admin_changes_the_own_key_alone_and_the_owner_any() {
        let present = keys(&[5, 1, 9]);
        for named in [&[5][..], &[7, 1], &[1, 5, 9], &[5, 2, 3, 4]] {
            assert!(handover(named, 5).may_follow(&present), "{named:?} by the owner");
        }
        for named in [&[5, 1, 9][..], &[5, 1, 7], &[5, 1]] {
            assert!(handover(named, 9).may_follow(&present), "{named:?} by an admin");
        }
        for named in [&[9][..], &[5, 9], &[5, 7, 9], &[9, 1, 5], &[7, 1, 9], &[5, 1, 7, 9]] {
            assert!(!handover(named, 9).may_follow(&present), "{named:?} by an admin");
        }
        assert!(!handover(&[5, 1, 9], 8).may_follow(&present), "a key that is not on the list");
        assert!(!handover(&[5], 5).may_follow(&[]));
        assert_eq!(Handover::with_own_key(&present, &[9; 32], Some([2; 32])), keys(&[5, 1, 2]));
        assert_eq!(Handover::with_own_key(&present, &[9; 32], None), keys(&[5, 1]));
        assert_eq!(
            Handover::with_own_key(&present, &[8; 32], None),
            present,
            "who is not on it changes nothing"
        );
    }
}

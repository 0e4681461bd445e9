//! Section "Doors, cards, capsules, links": invite keys, and the doors of an epoch.

use crate::{
    PeerError,
    card::card_key,
    encoding::{Bytes32, Id},
    expand::expand,
    labels,
    room_state::{Invite, RoomState},
    roster::Roster,
    wrap::{KeyPair, ListKind, Place, Wrap, wrap_list},
};
use curve25519_dalek::{EdwardsPoint, Scalar, edwards::CompressedEdwardsY};
use ed25519_dalek::SigningKey;
use minicbor::bytes::ByteVec;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

const DOORS: ListKind =
    ListKind { info: labels::DOOR_WRAP, randomness: labels::DOOR_RANDOMNESS, decoy: labels::DOOR_DECOY };

/// What an invite's secret gives.
pub struct InviteKeys {
    /// Door id.
    pub door: Id,
    /// Signs join proofs.
    pub signature: SigningKey,
    /// Opens the wrap.
    pub wrap: KeyPair,
}

impl InviteKeys {
    /// Derives them.
    pub fn of_secret(secret: &[u8; 32]) -> Result<Self, PeerError> {
        let signature: [u8; 32] = expand(secret, labels::INVITE_SIGNATURE_KEY, &[])?;
        let wrap: [u8; 32] = expand(secret, labels::INVITE_WRAP_KEY, &[])?;
        let signature = SigningKey::from_bytes(&signature);
        Ok(Self {
            door: door_id(labels::INVITE_DOOR, &[&signature.verifying_key().to_bytes()]),
            signature,
            wrap: KeyPair::of_seed(&wrap),
        })
    }

    /// The public halves, for the room state.
    pub fn to_invite(&self, inviter: Id, max_uses: Option<u32>) -> Invite {
        Invite {
            door: self.door,
            signature_key: self.signature.verifying_key().to_bytes().into(),
            wrap_key: self.wrap.public_bytes(),
            inviter,
            max_uses,
            spent: 0,
            expires: None,
            only_for: None,
        }
    }
}

/// A door's id: the first 16 bytes of a hash.
pub fn door_id(label: &str, parts: &[&[u8]]) -> Id {
    let hash: [u8; 32] = Sha256::digest([label.as_bytes(), &parts.concat()].concat()).into();
    let mut id = [0; 16];
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    id.into()
}

/// A door, as it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Its id and wrap.
    pub wrap: Wrap,
    /// By which it is looked behind.
    pub key: Bytes32,
}

/// The doors of an epoch.
pub fn doors(place: &Place<'_>, state: &RoomState, roster: &Roster) -> Result<Vec<Door>, PeerError> {
    let mut real: BTreeMap<Id, (ByteVec, Bytes32)> = BTreeMap::new();
    for invite in &state.invites {
        let uses = roster.accounts_via(&invite.door) + u64::from(invite.spent);
        if invite.max_uses.is_none_or(|max| uses < u64::from(max)) {
            real.insert(invite.door, (invite.wrap_key.clone(), invite.signature_key));
        }
    }
    for entry in roster.0.values() {
        if !state.suspended.contains(&entry.suspension_hash()) {
            real.insert(entry.door(), (entry.leaf.door_key.clone(), entry.leaf.door_signature_key));
        }
    }
    let keys: Vec<_> = real.iter().map(|(id, (wrap_key, _))| (*id, wrap_key.clone())).collect();
    let wraps = wrap_list(&DOORS, place, &card_key(&place.secrets.wrap)?, &keys)?;
    let door = |wrap: Wrap| {
        let key = real.get(&wrap.id).map(|(_, key)| *key);
        let key = key.map_or_else(|| decoy_key(place.decoy_seed, &wrap.id), Ok)?;
        Ok(Door { wrap, key })
    };
    wraps.into_iter().map(door).collect()
}

/// The first candidate that is a point, times the cofactor, and is not the neutral element.
fn decoy_key(decoy_seed: &Bytes32, id: &Id) -> Result<Bytes32, PeerError> {
    for count in 0..=u8::MAX {
        let bytes: [u8; 32] = expand(decoy_seed, labels::DOOR_DECOY, &[b"point", &id[..], &[count]])?;
        let point = CompressedEdwardsY(bytes).decompress().map(|point| point * Scalar::from(8_u8));
        if let Some(point) = point.filter(|point| *point != EdwardsPoint::default()) {
            return Ok(point.compress().to_bytes().into());
        }
    }
    Err(PeerError::Malformed("decoy"))
}

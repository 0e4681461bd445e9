//! The secret part of an invite link: what stands behind the `#`, which browsers do not send.
//!
//! ```text
//! fragment = base64url(version (1) || room id (16) || secret (32) || inviter's account id (16) || epoch (8) || checksum (4))
//! checksum = first 4 bytes of SHA-256(label || everything before)
//! ```
//! The checksum is against links cut short or mistyped, not against anyone.

use crate::{
    CryptoError, Secret,
    identity::AccountId,
    kdf, labels,
    secret::{generated_secret, secret_type},
    sign::InviteKey,
    wrap::WrapKey,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use sotto_protocol::{CardRequest, Challenge, DoorId, RoomId, card_statement};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const BODY_BYTES: usize = 1 + 16 + 32 + 16 + 8;

secret_type!(
    /// What an invite link hands over: its keys and its door come from it.
    InviteSecret
);
generated_secret!(InviteSecret);

/// What an invite link says.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct InviteLink {
    /// Which room.
    #[n(0)]
    pub room: RoomId,
    /// From which the invite's keys and its door come.
    #[n(1)]
    pub secret: InviteSecret,
    /// Who invites.
    #[n(2)]
    pub inviter: AccountId,
    /// The epoch in which the invite came into the room: a card older than that is refused.
    #[n(3)]
    pub epoch: u64,
}

impl InviteLink {
    /// The fragment of the link.
    #[must_use]
    pub fn to_fragment(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(BODY_BYTES + 4));
        bytes.push(VERSION);
        bytes.extend_from_slice(self.room.as_bytes());
        bytes.extend_from_slice(self.secret.seed().expose());
        bytes.extend_from_slice(self.inviter.as_bytes());
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        Zeroizing::new(URL_SAFE_NO_PAD.encode(&*bytes))
    }

    /// Reads a fragment.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is not a whole one, [`CryptoError::NewerVersion`].
    pub fn from_fragment(fragment: &str) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("invite link");
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(fragment).map_err(|_| malformed())?);
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or_else(malformed)?;
        if checksum(body) != *sum {
            return Err(malformed());
        }
        let (version, rest) = body.split_first().ok_or_else(malformed)?;
        if *version != VERSION {
            return Err(CryptoError::NewerVersion);
        }
        let (room, rest) = rest.split_first_chunk::<16>().ok_or_else(malformed)?;
        let (secret, rest) = rest.split_first_chunk::<32>().ok_or_else(malformed)?;
        let (inviter, epoch) = rest.split_first_chunk::<16>().ok_or_else(malformed)?;
        Ok(Self {
            room: RoomId::new(*room),
            secret: InviteSecret(Secret::new(*secret)),
            inviter: AccountId::new(*inviter),
            epoch: u64::from_be_bytes(epoch.try_into().map_err(|_| malformed())?),
        })
    }

    /// The door that the link opens; also the invite's id.
    ///
    /// # Errors
    /// Never for a secret of 32 bytes.
    pub fn door(&self) -> Result<DoorId, CryptoError> {
        invite_door(&self.secret)
    }

    /// What the relay is asked for the card behind that door.
    ///
    /// # Errors
    /// Never for a secret of 32 bytes.
    pub fn card_request(&self, authority: &str, challenge: &Challenge) -> Result<CardRequest, CryptoError> {
        let (room, door) = (self.room, self.door()?);
        let statement = card_statement(authority, challenge, &room, &door);
        Ok(CardRequest { room, door, signature: invite_signature_key(&self.secret)?.sign(&statement) })
    }
}

/// The invite secret stays out of logs.
impl fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteLink(…)")
    }
}

/// The door of an invite secret.
pub(crate) fn invite_door(secret: &InviteSecret) -> Result<DoorId, CryptoError> {
    invite_signature_key(secret).map(|key| door_of_invite_key(&key.public()))
}

/// The door of an invite, by its signature key: so that nobody makes an invite with the id of another door.
pub(crate) fn door_of_invite_key(signature_key: &[u8; 32]) -> DoorId {
    let hash: [u8; 32] =
        Sha256::new().chain_update(labels::hash::INVITE_DOOR).chain_update(signature_key).finalize().into();
    let (id, _) = split_hash(hash);
    DoorId::new(id)
}

/// The first and the last 16 bytes of a hash.
pub(crate) fn split_hash(hash: [u8; 32]) -> ([u8; 16], [u8; 16]) {
    let (mut first, mut last) = ([0; 16], [0; 16]);
    first.iter_mut().chain(&mut last).zip(hash).for_each(|(to, from)| *to = from);
    (first, last)
}

/// The key with which the link's holder signs a place in the room, and looks behind its door at the relay.
pub(crate) fn invite_signature_key(secret: &InviteSecret) -> Result<InviteKey, CryptoError> {
    kdf::derive(secret.seed(), labels::expand::INVITE_SIGNATURE, &[]).map(|seed| InviteKey::from_seed(&seed))
}

/// The key to which the card's key is sealed.
pub(crate) fn invite_wrap_key(secret: &InviteSecret) -> Result<WrapKey, CryptoError> {
    kdf::derive(secret.seed(), labels::expand::INVITE_WRAP, &[]).map(|seed| WrapKey::from_seed(&seed))
}

fn checksum(body: &[u8]) -> [u8; 4] {
    let digest: [u8; 32] =
        Sha256::new().chain_update(labels::hash::LINK_CHECKSUM).chain_update(body).finalize().into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> InviteLink {
        InviteLink {
            room: RoomId::new([1; 16]),
            secret: InviteSecret(Secret::new([2; 32])),
            inviter: AccountId::new([3; 16]),
            epoch: 4,
        }
    }

    #[test]
    fn a_link_survives_the_round_trip() {
        assert_eq!(InviteLink::from_fragment(&link().to_fragment()), Ok(link()));
        assert_eq!(format!("{:?}", link()), "InviteLink(…)");
    }

    #[test]
    fn cut_and_mistyped_links_are_refused() {
        let fragment = link().to_fragment();
        for cut in 0..fragment.len() {
            assert!(InviteLink::from_fragment(&fragment[..cut]).is_err(), "cut at {cut}");
        }
        for position in 0..fragment.len() {
            let mut mistyped = fragment.as_bytes().to_vec();
            mistyped[position] = if mistyped[position] == b'Q' { b'R' } else { b'Q' };
            let mistyped = String::from_utf8(mistyped).unwrap();
            assert!(InviteLink::from_fragment(&mistyped).is_err(), "character {position}");
        }
    }
}

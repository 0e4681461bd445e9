//! Section "Doors, cards, links": invite keys, wraps, and the doors of an epoch.

use crate::{
    PeerError,
    card::card_key,
    encoding::Id,
    expand::expand,
    labels,
    room_state::{Invite, RoomState},
    roster::Roster,
    secrets::EpochSecrets,
};
use ed25519_dalek::SigningKey;
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _,
    aead::AesGcm256,
    kdf::HkdfSha256,
    kem::XWing,
    rand_core::{Infallible, TryCryptoRng, TryRng},
};

type PrivateKey = <XWing as hpke::Kem>::PrivateKey;
type PublicKey = <XWing as hpke::Kem>::PublicKey;
type EncappedKey = <XWing as hpke::Kem>::EncappedKey;

const ENCAPPED_BYTES: usize = 1_120;

/// What an invite's secret gives.
pub struct InviteKeys {
    /// Door id.
    pub door: Id,
    /// Signs join proofs.
    pub signature: SigningKey,
    wrap_private: PrivateKey,
    wrap_public: PublicKey,
}

impl InviteKeys {
    /// Derives them.
    pub fn of_secret(secret: &[u8; 32]) -> Result<Self, PeerError> {
        let door: [u8; 16] = expand(secret, labels::INVITE_DOOR, &[])?;
        let signature: [u8; 32] = expand(secret, labels::INVITE_SIGNATURE_KEY, &[])?;
        let wrap: [u8; 32] = expand(secret, labels::INVITE_WRAP_KEY, &[])?;
        let (wrap_private, wrap_public) = XWing::derive_keypair(&wrap);
        Ok(Self {
            door: door.into(),
            signature: SigningKey::from_bytes(&signature),
            wrap_private,
            wrap_public,
        })
    }

    /// The public halves, for the room state.
    pub fn to_invite(&self, inviter: Id, max_uses: Option<u32>) -> Invite {
        Invite {
            door: self.door,
            signature_key: self.signature.verifying_key().to_bytes().into(),
            wrap_key: self.wrap_public.to_bytes().to_vec().into(),
            inviter,
            max_uses,
            spent: 0,
        }
    }

    /// The card key inside a wrap.
    pub fn open_wrap(&self, room: &Id, epoch: u64, wrap: &[u8]) -> Result<[u8; 32], PeerError> {
        const WHAT: &str = "wrap";
        let (encapped, sealed) = wrap.split_at_checked(ENCAPPED_BYTES).ok_or(PeerError::Malformed(WHAT))?;
        let encapped = EncappedKey::from_bytes(encapped).map_err(|_| PeerError::Malformed(WHAT))?;
        let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.wrap_private,
            &encapped,
            labels::DOOR_WRAP.as_bytes(),
            sealed,
            &additional_data(room, epoch, &self.door),
        );
        let opened = opened.map_err(|_| PeerError::NotOpened(WHAT))?;
        <[u8; 32]>::try_from(opened).map_err(|_| PeerError::Malformed(WHAT))
    }
}

/// `door`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Door id.
    pub id: Id,
    /// Wrap.
    pub wrap: Vec<u8>,
}

/// The doors of an epoch: every member computes the same.
pub fn doors(
    room: &Id,
    epoch: u64,
    state: &RoomState,
    roster: &Roster,
    secrets: &EpochSecrets,
) -> Result<Vec<Door>, PeerError> {
    let card_key = card_key(&secrets.wrap)?;
    let mut keys = Vec::new();
    for invite in &state.invites {
        let uses = roster.accounts_via(&invite.door) + u64::from(invite.spent);
        if invite.max_uses.is_none_or(|max| uses < u64::from(max)) {
            let key = PublicKey::from_bytes(&invite.wrap_key)
                .map_err(|_| PeerError::Malformed("X-Wing key of an invite"))?;
            keys.push((invite.door, key));
        }
    }
    let count = keys.len().next_power_of_two();
    let mut index = u64::try_from(keys.len()).unwrap_or(u64::MAX);
    while keys.len() < count {
        let id: [u8; 16] = expand(&state.decoy_seed, labels::DOOR_DECOY, &[b"id", &index.to_be_bytes()])?;
        if keys.iter().all(|(taken, _)| **taken != id) {
            let seed: [u8; 32] = expand(&secrets.wrap, labels::DOOR_DECOY, &[b"key", &index.to_be_bytes()])?;
            keys.push((id.into(), XWing::derive_keypair(&seed).1));
        }
        index = index.saturating_add(1);
    }
    keys.sort_by_key(|(id, _)| *id);
    let seal = |(id, key): &(Id, PublicKey)| {
        let seed: [u8; 32] = expand(&secrets.wrap, labels::DOOR_RANDOMNESS, &[&id[..]])?;
        let randomness: [u8; 64] = expand(&seed, labels::DOOR_RANDOMNESS, &[&0u32.to_be_bytes()])?;
        Ok(Door { id: *id, wrap: seal_wrap(key, &card_key, &additional_data(room, epoch, id), &randomness)? })
    };
    keys.iter().map(seal).collect()
}

fn seal_wrap(
    to: &PublicKey,
    card_key: &[u8; 32],
    additional_data: &[u8],
    randomness: &[u8],
) -> Result<Vec<u8>, PeerError> {
    let (encapped, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
        &OpModeS::Base,
        to,
        labels::DOOR_WRAP.as_bytes(),
        card_key,
        additional_data,
        &mut Given(randomness),
    )
    .map_err(|_| PeerError::Malformed("wrap"))?;
    Ok([&encapped.to_bytes()[..], &sealed].concat())
}

fn additional_data(room: &Id, epoch: u64, door: &Id) -> Vec<u8> {
    [&room[..], &epoch.to_be_bytes(), &door[..]].concat()
}

/// Gives the bytes it was given, in order; zeros after them.
struct Given<'a>(&'a [u8]);

impl TryRng for Given<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        let (now, later) = self.0.split_at(dst.len().min(self.0.len()));
        dst.fill(0);
        dst.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
        self.0 = later;
        Ok(())
    }
}

impl TryCryptoRng for Given<'_> {}

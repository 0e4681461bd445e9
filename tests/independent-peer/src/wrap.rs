//! Section "Doors, cards, capsules, links": wraps, and lists of them with decoys.

use crate::{
    PeerError,
    encoding::{Bytes32, Id},
    expand::expand,
    labels,
    secrets::EpochSecrets,
};
use curve25519_dalek::{MontgomeryPoint, Scalar};
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _,
    aead::AesGcm256,
    kdf::HkdfSha256,
    kem::XWing,
    rand_core::{Infallible, TryCryptoRng, TryRng},
};
use minicbor::bytes::ByteVec;

type PrivateKey = <XWing as hpke::Kem>::PrivateKey;
type PublicKey = <XWing as hpke::Kem>::PublicKey;
type EncappedKey = <XWing as hpke::Kem>::EncappedKey;

const ENCAPPED_BYTES: usize = 1_120;
const X25519_BYTES: usize = 32;

/// An X-Wing key pair.
pub struct KeyPair {
    private: PrivateKey,
    public: PublicKey,
}

impl KeyPair {
    /// HPKE's DeriveKeyPair with the seed as `ikm`.
    pub fn of_seed(seed: &[u8; 32]) -> Self {
        let (private, public) = XWing::derive_keypair(seed);
        Self { private, public }
    }

    /// 1,216 bytes.
    pub fn public_bytes(&self) -> ByteVec {
        self.public.to_bytes().to_vec().into()
    }

    /// The key inside a wrap.
    pub fn open(
        &self,
        info: &str,
        room: &Id,
        epoch: u64,
        id: &Id,
        wrap: &[u8],
    ) -> Result<[u8; 32], PeerError> {
        const WHAT: &str = "wrap";
        let (encapped, sealed) = wrap.split_at_checked(ENCAPPED_BYTES).ok_or(PeerError::Malformed(WHAT))?;
        let encapped = EncappedKey::from_bytes(encapped).map_err(|_| PeerError::Malformed(WHAT))?;
        let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.private,
            &encapped,
            info.as_bytes(),
            sealed,
            &additional_data(room, epoch, id),
        );
        <[u8; 32]>::try_from(opened.map_err(|_| PeerError::NotOpened(WHAT))?)
            .map_err(|_| PeerError::Malformed(WHAT))
    }
}

/// One wrap under its id: a `door` or a `capsule-wrap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrap {
    /// Door id, or tag.
    pub id: Id,
    /// Wrap.
    pub wrap: Vec<u8>,
}

/// The labels of a kind of list.
pub struct ListKind {
    /// HPKE info.
    pub info: &'static str,
    /// Expand: seed of one wrap.
    pub randomness: &'static str,
    /// Expand: ids and keys of decoys.
    pub decoy: &'static str,
}

/// Where a list stands.
pub struct Place<'a> {
    /// Room.
    pub room: &'a Id,
    /// Epoch.
    pub epoch: u64,
    /// From which ids of decoys come.
    pub decoy_seed: &'a Bytes32,
    /// The epoch's secrets.
    pub secrets: &'a EpochSecrets,
}

/// Wraps a key for each id, and for decoys up to a power of two; sorted by id. Every member computes the same.
pub fn wrap_list(
    kind: &ListKind,
    place: &Place<'_>,
    key: &[u8; 32],
    real: &[(Id, ByteVec)],
) -> Result<Vec<Wrap>, PeerError> {
    let parse = |(id, key): &(Id, ByteVec)| {
        let key = PublicKey::from_bytes(key).map_err(|_| PeerError::Malformed("X-Wing key"))?;
        Ok((*id, key))
    };
    let mut keys: Vec<(Id, PublicKey)> = real.iter().map(parse).collect::<Result<_, PeerError>>()?;
    let count = keys.len().next_power_of_two();
    let mut index = u64::try_from(keys.len()).unwrap_or(u64::MAX);
    while keys.len() < count {
        let number = index.to_be_bytes();
        let id: [u8; 16] = expand(place.decoy_seed, kind.decoy, &[b"id", &number])?;
        if keys.iter().all(|(taken, _)| **taken != id) {
            let seed: [u8; 32] = expand(&place.secrets.wrap, kind.decoy, &[b"key", &number])?;
            keys.push((id.into(), XWing::derive_keypair(&seed).1));
        }
        index = index.saturating_add(1);
    }
    keys.sort_by_key(|(id, _)| *id);
    let seal = |(id, to): &(Id, PublicKey)| {
        let seed: [u8; 32] = expand(&place.secrets.wrap, kind.randomness, &[&id[..]])?;
        let randomness: [u8; 64] = expand(&seed, labels::DOOR_RANDOMNESS, &[&0u32.to_be_bytes()])?;
        let aad = additional_data(place.room, place.epoch, id);
        Ok(Wrap { id: *id, wrap: seal_wrap(kind.info, to, key, &aad, &randomness)? })
    };
    keys.iter().map(seal).collect()
}

/// Whether these bytes are an X-Wing public key whose X25519 part has no low order.
pub fn check_public(bytes: &[u8]) -> Result<(), PeerError> {
    const WHAT: PeerError = PeerError::Malformed("X-Wing key");
    PublicKey::from_bytes(bytes).map_err(|_| WHAT)?;
    let x25519 = bytes.last_chunk::<X25519_BYTES>().ok_or(WHAT)?;
    let is_low = MontgomeryPoint(*x25519) * Scalar::from(8_u8) == MontgomeryPoint([0; X25519_BYTES]);
    if is_low { Err(WHAT) } else { Ok(()) }
}

fn seal_wrap(
    info: &str,
    to: &PublicKey,
    key: &[u8; 32],
    additional_data: &[u8],
    randomness: &[u8],
) -> Result<Vec<u8>, PeerError> {
    let (encapped, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
        &OpModeS::Base,
        to,
        info.as_bytes(),
        key,
        additional_data,
        &mut Given(randomness),
    )
    .map_err(|_| PeerError::Malformed("wrap"))?;
    Ok([&encapped.to_bytes()[..], &sealed].concat())
}

fn additional_data(room: &Id, epoch: u64, id: &Id) -> Vec<u8> {
    [&room[..], &epoch.to_be_bytes(), &id[..]].concat()
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

//! Sealing a short secret to a public key: HPKE (RFC 9180) with X-Wing (X25519 + ML-KEM-768), HKDF-SHA256, AES-256-GCM.
//!
//! Encapsulation takes its randomness from the epoch's wrap secret, so that every member can recompute a wrap and see
//! whether it is what it should be. That is safe because the plaintext (the card's key) comes from the same secret: the
//! same randomness never seals two different plaintexts.

use crate::{CryptoError, Secret, kdf, labels, seeded::SeededRandomness};
use core::convert::Infallible;
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _,
    aead::AesGcm256,
    kdf::HkdfSha256,
    kem::XWing,
    rand_core::{CryptoRng, TryCryptoRng, TryRng},
};

/// Length of an X-Wing public key in bytes.
pub const PUBLIC_KEY_BYTES: usize = 1216;
/// Length of an X-Wing ciphertext in bytes.
const ENCAPSULATED_BYTES: usize = 1120;
/// Where the X25519 part of an X-Wing public key begins.
pub const X25519_OFFSET: usize = 1184;
/// Where the X25519 part of an X-Wing ciphertext begins.
pub const ENCAPSULATED_X25519_OFFSET: usize = 1088;
/// How much longer something sealed by [`seal_fresh`] is than its plaintext.
pub const OVERHEAD_BYTES: usize = ENCAPSULATED_BYTES + 16;

/// A private X-Wing key, from which wraps are opened.
pub struct WrapKey(<XWing as hpke::Kem>::PrivateKey);

impl WrapKey {
    /// The key that belongs to a seed.
    pub fn from_seed(seed: &Secret) -> Self {
        Self(XWing::derive_keypair(seed.expose()).0)
    }

    /// Its public half.
    pub fn public(&self) -> Vec<u8> {
        XWing::sk_to_pk(&self.0).to_bytes().to_vec()
    }

    /// Its public half, to seal to.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(XWing::sk_to_pk(&self.0))
    }

    /// Opens a wrap made for this key, `info` (what is wrapped) and `context` (where).
    pub fn open(&self, info: &[u8], context: &[u8], wrap: &[u8]) -> Result<Secret, CryptoError> {
        self.open_bytes(info, context, wrap).and_then(|opened| Secret::from_slice(&opened))
    }

    /// Opens what [`seal_fresh`] sealed to this key under the same `info` and `context`.
    pub fn open_bytes(
        &self,
        info: &[u8],
        context: &[u8],
        sealed: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, CryptoError> {
        let (encapsulated, sealed) =
            sealed.split_at_checked(ENCAPSULATED_BYTES).ok_or(CryptoError::Malformed("wrap"))?;
        check_x25519(encapsulated.get(ENCAPSULATED_X25519_OFFSET..).ok_or(CryptoError::BadKey)?)?;
        let encapsulated = <XWing as hpke::Kem>::EncappedKey::from_bytes(encapsulated)
            .map_err(|_| CryptoError::Malformed("wrap"))?;
        hpke::single_shot_open::<AesGcm256, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.0,
            &encapsulated,
            info,
            sealed,
            context,
        )
        .map(zeroize::Zeroizing::new)
        .map_err(|_| CryptoError::DoesNotOpen)
    }
}

/// A public X-Wing key that can be sealed to.
pub struct PublicKey(<XWing as hpke::Kem>::PublicKey);

impl PublicKey {
    /// Reads a key that nobody has looked at. Refuses one of another length, whose ML-KEM part fails the check of FIPS 203, section
    /// 7.2, or whose X25519 part has low order: with it the hybrid would rest on one leg.
    pub fn read(bytes: &[u8]) -> Result<Self, CryptoError> {
        let key = Self::read_judged(bytes)?;
        check_x25519(bytes.get(X25519_OFFSET..).ok_or(CryptoError::BadKey)?)?;
        Ok(key)
    }

    /// Reads a key that was found good when it came into the room: one of a leaf or an invite. Its order is not looked at
    /// again.
    pub fn read_judged(bytes: &[u8]) -> Result<Self, CryptoError> {
        if bytes.len() != PUBLIC_KEY_BYTES {
            return Err(CryptoError::BadKey);
        }
        <XWing as hpke::Kem>::PublicKey::from_bytes(bytes).map(Self).map_err(|_| CryptoError::BadKey)
    }

    /// Seals `secret`; the same inputs give the same bytes.
    pub fn seal(
        &self,
        info: &[u8],
        context: &[u8],
        secret: &Secret,
        randomness: &Secret,
    ) -> Result<Vec<u8>, CryptoError> {
        let mut randomness = DerivedRandomness { secret: randomness, block: 0 };
        self.seal_with(info, context, secret.expose(), &mut randomness)
    }

    fn seal_with(
        &self,
        info: &[u8],
        context: &[u8],
        plaintext: &[u8],
        randomness: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, CryptoError> {
        let (encapsulated, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
            &OpModeS::Base,
            &self.0,
            info,
            plaintext,
            context,
            randomness,
        )
        .map_err(|_| CryptoError::BadKey)?;
        let mut wrap = encapsulated.to_bytes().to_vec();
        wrap.extend_from_slice(&sealed);
        Ok(wrap)
    }
}

/// Seals `secret` to a public key that nobody has looked at; the same inputs give the same bytes.
pub fn seal(
    info: &[u8],
    public_key: &[u8],
    context: &[u8],
    secret: &Secret,
    randomness: &Secret,
) -> Result<Vec<u8>, CryptoError> {
    PublicKey::read(public_key)?.seal(info, context, secret, randomness)
}

/// Seals `plaintext` to a public key with fresh randomness. `info` says what it is for.
pub fn seal_fresh(
    public_key: &[u8],
    info: &[u8],
    context: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    seal_seeded(public_key, info, context, plaintext, &Secret::random()?)
}

/// As [`seal_fresh`], with the randomness from a seed that is used for this one sealing alone.
pub fn seal_seeded(
    public_key: &[u8],
    info: &[u8],
    context: &[u8],
    plaintext: &[u8],
    seed: &Secret,
) -> Result<Vec<u8>, CryptoError> {
    let mut randomness = SeededRandomness::new(seed.clone());
    PublicKey::read(public_key)?.seal_with(info, context, plaintext, &mut randomness)
}

/// As [`seal_fresh`], with the 64 bytes of randomness that the encapsulation takes.
pub fn seal_given(
    public_key: &[u8],
    info: &[u8],
    context: &[u8],
    plaintext: &[u8],
    randomness: &[u8; 64],
) -> Result<Vec<u8>, CryptoError> {
    PublicKey::read(public_key)?.seal_with(info, context, plaintext, &mut GivenRandomness(randomness))
}

/// Randomness that was drawn elsewhere, for one encapsulation; zeros after its end.
struct GivenRandomness<'a>(&'a [u8]);

impl TryRng for GivenRandomness<'_> {
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

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        let (now, later) = self.0.split_at(destination.len().min(self.0.len()));
        destination.fill(0);
        destination.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
        self.0 = later;
        Ok(())
    }
}

impl TryCryptoRng for GivenRandomness<'_> {}

/// Refuses what [`PublicKey::read`] refuses.
pub fn check_public_key(public_key: &[u8]) -> Result<(), CryptoError> {
    PublicKey::read(public_key).map(drop)
}

/// Refuses an X25519 public key of low order.
pub fn check_x25519(public_key: &[u8]) -> Result<(), CryptoError> {
    let public_key: [u8; 32] = public_key.try_into().map_err(|_| CryptoError::BadKey)?;
    // Any scalar does: clamping makes it a multiple of the cofactor, so low order gives the all-zero result.
    let probe = x25519_dalek::StaticSecret::from([1; 32]);
    let shared = probe.diffie_hellman(&x25519_dalek::PublicKey::from(public_key));
    if shared.was_contributory() { Ok(()) } else { Err(CryptoError::BadKey) }
}

/// Randomness for one encapsulation, expanded from a secret that is used for this one wrap alone.
struct DerivedRandomness<'a> {
    secret: &'a Secret,
    block: u32,
}

impl TryRng for DerivedRandomness<'_> {
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

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        for chunk in destination.chunks_mut(64) {
            // 64 bytes and a 4-byte context are always within HKDF's limits.
            if let Ok(okm) =
                kdf::expand::<64>(self.secret, labels::expand::DOOR_RANDOMNESS, &[&self.block.to_be_bytes()])
            {
                chunk.iter_mut().zip(okm.iter()).for_each(|(to, from)| *to = *from);
            }
            self.block = self.block.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for DerivedRandomness<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrap_opens_for_its_key_and_context_alone_and_is_recomputable() {
        let key = WrapKey::from_seed(&Secret::new([1; 32]));
        let (secret, randomness) = (Secret::new([2; 32]), Secret::new([3; 32]));
        let wrap = seal(b"info", &key.public(), b"context", &secret, &randomness).unwrap();
        assert_eq!(key.open(b"info", b"context", &wrap).unwrap(), secret);
        assert_eq!(wrap, seal(b"info", &key.public(), b"context", &secret, &randomness).unwrap());
        assert_ne!(wrap, seal(b"info", &key.public(), b"context", &secret, &Secret::new([4; 32])).unwrap());
        assert_eq!(key.open(b"info", b"Context", &wrap), Err(CryptoError::DoesNotOpen));
        assert_eq!(key.open(b"Info", b"context", &wrap), Err(CryptoError::DoesNotOpen));
        let other = WrapKey::from_seed(&Secret::new([9; 32]));
        assert_eq!(other.open(b"info", b"context", &wrap), Err(CryptoError::DoesNotOpen));
        for cut in [0, 1119, 1120, wrap.len() - 1] {
            assert!(key.open(b"info", b"context", &wrap[..cut]).is_err());
        }
    }

    #[test]
    fn a_key_whose_x25519_part_has_low_order_is_refused() {
        let mut public = WrapKey::from_seed(&Secret::new([1; 32])).public();
        assert_eq!(check_public_key(&public), Ok(()));
        public[X25519_OFFSET..].fill(0);
        assert_eq!(check_public_key(&public), Err(CryptoError::BadKey));
        assert_eq!(check_public_key(&public[1..]), Err(CryptoError::BadKey));
    }

    #[test]
    fn what_is_sealed_fresh_opens_for_its_key_purpose_and_context_alone() {
        let key = WrapKey::from_seed(&Secret::new([1; 32]));
        let sealed = seal_fresh(&key.public(), b"purpose", b"context", b"some bytes").unwrap();
        assert_eq!(sealed.len(), OVERHEAD_BYTES + 10);
        assert_eq!(key.open_bytes(b"purpose", b"context", &sealed).unwrap().as_slice(), b"some bytes");
        assert_ne!(sealed, seal_fresh(&key.public(), b"purpose", b"context", b"some bytes").unwrap());
        let other = WrapKey::from_seed(&Secret::new([9; 32]));
        for (key, info, context) in
            [(&key, b"Purpose", b"context"), (&key, b"purpose", b"Context"), (&other, b"purpose", b"context")]
        {
            assert_eq!(key.open_bytes(info, context, &sealed), Err(CryptoError::DoesNotOpen));
        }
        for cut in [0, 1119, 1120, 1136, sealed.len() - 1] {
            assert!(key.open_bytes(b"purpose", b"context", &sealed[..cut]).is_err());
        }
    }

    #[test]
    fn an_encapsulation_whose_x25519_part_has_low_order_is_refused() {
        let key = WrapKey::from_seed(&Secret::new([1; 32]));
        let mut sealed = seal_fresh(&key.public(), b"purpose", b"", b"some bytes").unwrap();
        sealed[ENCAPSULATED_X25519_OFFSET..ENCAPSULATED_BYTES].fill(0);
        assert_eq!(key.open_bytes(b"purpose", b"", &sealed), Err(CryptoError::BadKey));
        let mut public = key.public();
        public[X25519_OFFSET..].fill(0);
        assert_eq!(seal_fresh(&public, b"purpose", b"", b"some bytes"), Err(CryptoError::BadKey));
    }
}

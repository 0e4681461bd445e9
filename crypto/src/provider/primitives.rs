//! `OpenMlsCrypto` over `hkdf`, `hmac`, `sha2`, `aes-gcm`, `ed25519-dalek` and `hpke`.

use crate::wrap::{ENCAPSULATED_X25519_OFFSET, X25519_OFFSET, check_x25519};
use aes_gcm::{
    Aes128Gcm, Aes256Gcm, KeyInit as _,
    aead::{Aead, Payload},
};
use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use hpke::{
    Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _,
    aead::{AesGcm128, AesGcm256},
    kdf::{HkdfSha256, HkdfSha384},
    kem::{X25519HkdfSha256, XWing},
};
use openmls_traits::{
    crypto::OpenMlsCrypto,
    types::{
        AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeAeadType, HpkeCiphertext,
        HpkeConfig, HpkeKdfType, HpkeKemType, HpkeKeyPair, KemOutput, SignatureScheme,
    },
};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use sotto_protocol::signature::{self, SignatureError};
use tls_codec::SecretVLBytes;

/// X25519 + ML-KEM-768: the default.
pub const HYBRID: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;
/// X25519.
pub const CLASSICAL: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;

/// The primitives. Without state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Primitives;

type Kex = (HpkeKemType, HpkeKdfType, HpkeAeadType);

const HYBRID_HPKE: Kex = (HpkeKemType::XWingKemDraft6, HpkeKdfType::HkdfSha384, HpkeAeadType::AesGcm256);
const CLASSICAL_HPKE: Kex = (HpkeKemType::DhKem25519, HpkeKdfType::HkdfSha256, HpkeAeadType::AesGcm128);

/// Runs a generic HPKE function with the types of a suite.
macro_rules! with_hpke {
    ($config:expr, $function:ident($($argument:expr),*)) => {
        match ($config.0, $config.1, $config.2) {
            HYBRID_HPKE => $function::<AesGcm256, HkdfSha384, XWing>($($argument),*),
            CLASSICAL_HPKE => $function::<AesGcm128, HkdfSha256, X25519HkdfSha256>($($argument),*),
            _ => Err(CryptoError::UnsupportedCiphersuite),
        }
    };
}

impl OpenMlsCrypto for Primitives {
    fn supports(&self, ciphersuite: Ciphersuite) -> Result<(), CryptoError> {
        match ciphersuite {
            HYBRID | CLASSICAL => Ok(()),
            _ => Err(CryptoError::UnsupportedCiphersuite),
        }
    }

    fn supported_ciphersuites(&self) -> Vec<Ciphersuite> {
        vec![HYBRID, CLASSICAL]
    }

    fn hkdf_extract(&self, hash: HashType, salt: &[u8], ikm: &[u8]) -> Result<SecretVLBytes, CryptoError> {
        // HKDF-Extract is HMAC with the salt as key (RFC 5869, section 2.2).
        self.hmac(hash, salt, ikm)
    }

    fn hmac(&self, hash: HashType, key: &[u8], message: &[u8]) -> Result<SecretVLBytes, CryptoError> {
        macro_rules! hmac {
            ($hash:ty) => {{
                let mac = Hmac::<$hash>::new_from_slice(key).map_err(|_| CryptoError::InvalidLength)?;
                Ok(mac.chain_update(message).finalize().into_bytes().to_vec().into())
            }};
        }
        match hash {
            HashType::Sha2_256 => hmac!(Sha256),
            HashType::Sha2_384 => hmac!(Sha384),
            HashType::Sha2_512 => hmac!(Sha512),
        }
    }

    fn hkdf_expand(
        &self,
        hash: HashType,
        prk: &[u8],
        info: &[u8],
        okm_len: usize,
    ) -> Result<SecretVLBytes, CryptoError> {
        let mut okm = vec![0; okm_len];
        macro_rules! expand {
            ($hash:ty) => {
                Hkdf::<$hash>::from_prk(prk)
                    .map_err(|_| CryptoError::HkdfOutputLengthInvalid)?
                    .expand(info, &mut okm)
                    .map_err(|_| CryptoError::HkdfOutputLengthInvalid)?
            };
        }
        match hash {
            HashType::Sha2_256 => expand!(Sha256),
            HashType::Sha2_384 => expand!(Sha384),
            HashType::Sha2_512 => expand!(Sha512),
        }
        Ok(okm.into())
    }

    fn hash(&self, hash: HashType, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        Ok(match hash {
            HashType::Sha2_256 => Sha256::digest(data).to_vec(),
            HashType::Sha2_384 => Sha384::digest(data).to_vec(),
            HashType::Sha2_512 => Sha512::digest(data).to_vec(),
        })
    }

    fn aead_encrypt(
        &self,
        algorithm: AeadType,
        key: &[u8],
        data: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let nonce = nonce.try_into().map_err(|_| CryptoError::InvalidLength)?;
        let payload = Payload { msg: data, aad };
        match algorithm {
            AeadType::Aes128Gcm => Aes128Gcm::new_from_slice(key)
                .map_err(|_| CryptoError::InvalidLength)?
                .encrypt(nonce, payload)
                .map_err(|_| CryptoError::CryptoLibraryError),
            AeadType::Aes256Gcm => Aes256Gcm::new_from_slice(key)
                .map_err(|_| CryptoError::InvalidLength)?
                .encrypt(nonce, payload)
                .map_err(|_| CryptoError::CryptoLibraryError),
            AeadType::ChaCha20Poly1305 => Err(CryptoError::UnsupportedAeadAlgorithm),
        }
    }

    fn aead_decrypt(
        &self,
        algorithm: AeadType,
        key: &[u8],
        ct_tag: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let nonce = nonce.try_into().map_err(|_| CryptoError::InvalidLength)?;
        let payload = Payload { msg: ct_tag, aad };
        match algorithm {
            AeadType::Aes128Gcm => Aes128Gcm::new_from_slice(key)
                .map_err(|_| CryptoError::InvalidLength)?
                .decrypt(nonce, payload)
                .map_err(|_| CryptoError::AeadDecryptionError),
            AeadType::Aes256Gcm => Aes256Gcm::new_from_slice(key)
                .map_err(|_| CryptoError::InvalidLength)?
                .decrypt(nonce, payload)
                .map_err(|_| CryptoError::AeadDecryptionError),
            AeadType::ChaCha20Poly1305 => Err(CryptoError::UnsupportedAeadAlgorithm),
        }
    }

    fn signature_key_gen(&self, scheme: SignatureScheme) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        only_ed25519(scheme)?;
        let seed = crate::Secret::random().map_err(|_| CryptoError::InsufficientRandomness)?;
        let key = SigningKey::from_bytes(seed.expose());
        Ok((key.to_bytes().to_vec(), key.verifying_key().to_bytes().to_vec()))
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        data: &[u8],
        public_key: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        only_ed25519(scheme)?;
        let key = public_key.try_into().map_err(|_| CryptoError::InvalidPublicKey)?;
        let signature = signature.try_into().map_err(|_| CryptoError::InvalidSignature)?;
        signature::verify(key, data, signature).map_err(|error| match error {
            SignatureError::Key => CryptoError::InvalidPublicKey,
            SignatureError::Signature => CryptoError::InvalidSignature,
        })
    }

    fn sign(&self, scheme: SignatureScheme, data: &[u8], key: &[u8]) -> Result<Vec<u8>, CryptoError> {
        only_ed25519(scheme)?;
        let key = SigningKey::try_from(key).map_err(|_| CryptoError::InvalidLength)?;
        Ok(key.sign(data).to_bytes().to_vec())
    }

    fn hpke_seal(
        &self,
        config: HpkeConfig,
        public_key: &[u8],
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<HpkeCiphertext, CryptoError> {
        check_x25519_part(&config, public_key, X25519_OFFSET)?;
        with_hpke!(config, seal(public_key, info, aad, plaintext))
    }

    fn hpke_open(
        &self,
        config: HpkeConfig,
        input: &HpkeCiphertext,
        private_key: &[u8],
        info: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        check_x25519_part(&config, input.kem_output.as_slice(), ENCAPSULATED_X25519_OFFSET)?;
        with_hpke!(config, open(input, private_key, info, aad))
    }

    fn hpke_setup_sender_and_export(
        &self,
        config: HpkeConfig,
        public_key: &[u8],
        info: &[u8],
        exporter_context: &[u8],
        exporter_length: usize,
    ) -> Result<(KemOutput, ExporterSecret), CryptoError> {
        check_x25519_part(&config, public_key, X25519_OFFSET)?;
        with_hpke!(config, export_as_sender(public_key, info, exporter_context, exporter_length))
    }

    fn hpke_setup_receiver_and_export(
        &self,
        config: HpkeConfig,
        encapsulated: &[u8],
        private_key: &[u8],
        info: &[u8],
        exporter_context: &[u8],
        exporter_length: usize,
    ) -> Result<ExporterSecret, CryptoError> {
        check_x25519_part(&config, encapsulated, ENCAPSULATED_X25519_OFFSET)?;
        with_hpke!(
            config,
            export_as_receiver(encapsulated, private_key, info, exporter_context, exporter_length)
        )
    }

    fn derive_hpke_keypair(&self, config: HpkeConfig, ikm: &[u8]) -> Result<HpkeKeyPair, CryptoError> {
        match config.0 {
            HpkeKemType::XWingKemDraft6 => Ok(derive_keypair::<XWing>(ikm)),
            HpkeKemType::DhKem25519 => Ok(derive_keypair::<X25519HkdfSha256>(ikm)),
            _ => Err(CryptoError::UnsupportedCiphersuite),
        }
    }
}

/// Refuses a public key, or an encapsulated one, of X-Wing whose X25519 part has small order: the rest would be ML-KEM's alone. The
/// library looks at the part of ML-KEM (FIPS 203, section 7.2), and in the classical suite at the result.
fn check_x25519_part(config: &HpkeConfig, key: &[u8], offset: usize) -> Result<(), CryptoError> {
    if config.0 != HpkeKemType::XWingKemDraft6 {
        return Ok(());
    }
    let part = key.get(offset..).ok_or(CryptoError::InvalidPublicKey)?;
    check_x25519(part).map_err(|_| CryptoError::InvalidPublicKey)
}

fn only_ed25519(scheme: SignatureScheme) -> Result<(), CryptoError> {
    match scheme {
        SignatureScheme::ED25519 => Ok(()),
        _ => Err(CryptoError::UnsupportedSignatureScheme),
    }
}

fn seal<A: hpke::aead::Aead, Kdf: hpke::kdf::Kdf, K: Kem>(
    public_key: &[u8],
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<HpkeCiphertext, CryptoError> {
    let public_key = K::PublicKey::from_bytes(public_key).map_err(|_| CryptoError::InvalidPublicKey)?;
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal::<A, Kdf, K>(&OpModeS::Base, &public_key, info, plaintext, aad)
            .map_err(|_| CryptoError::HpkeEncryptionError)?;
    Ok(HpkeCiphertext { kem_output: encapsulated.to_bytes().to_vec().into(), ciphertext: ciphertext.into() })
}

fn open<A: hpke::aead::Aead, Kdf: hpke::kdf::Kdf, K: Kem>(
    input: &HpkeCiphertext,
    private_key: &[u8],
    info: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let private_key = K::PrivateKey::from_bytes(private_key).map_err(|_| CryptoError::HpkeDecryptionError)?;
    let encapsulated = K::EncappedKey::from_bytes(input.kem_output.as_slice())
        .map_err(|_| CryptoError::HpkeDecryptionError)?;
    let ciphertext = input.ciphertext.as_slice();
    hpke::single_shot_open::<A, Kdf, K>(&OpModeR::Base, &private_key, &encapsulated, info, ciphertext, aad)
        .map_err(|_| CryptoError::HpkeDecryptionError)
}

fn export_as_sender<A: hpke::aead::Aead, Kdf: hpke::kdf::Kdf, K: Kem>(
    public_key: &[u8],
    info: &[u8],
    exporter_context: &[u8],
    exporter_length: usize,
) -> Result<(KemOutput, ExporterSecret), CryptoError> {
    let public_key = K::PublicKey::from_bytes(public_key).map_err(|_| CryptoError::SenderSetupError)?;
    let (encapsulated, context) = hpke::setup_sender::<A, Kdf, K>(&OpModeS::Base, &public_key, info)
        .map_err(|_| CryptoError::SenderSetupError)?;
    let mut secret = vec![0; exporter_length];
    context.export(exporter_context, &mut secret).map_err(|_| CryptoError::ExporterError)?;
    Ok((encapsulated.to_bytes().to_vec(), secret.into()))
}

fn export_as_receiver<A: hpke::aead::Aead, Kdf: hpke::kdf::Kdf, K: Kem>(
    encapsulated: &[u8],
    private_key: &[u8],
    info: &[u8],
    exporter_context: &[u8],
    exporter_length: usize,
) -> Result<ExporterSecret, CryptoError> {
    let private_key = K::PrivateKey::from_bytes(private_key).map_err(|_| CryptoError::ReceiverSetupError)?;
    let encapsulated =
        K::EncappedKey::from_bytes(encapsulated).map_err(|_| CryptoError::ReceiverSetupError)?;
    let context = hpke::setup_receiver::<A, Kdf, K>(&OpModeR::Base, &private_key, &encapsulated, info)
        .map_err(|_| CryptoError::ReceiverSetupError)?;
    let mut secret = vec![0; exporter_length];
    context.export(exporter_context, &mut secret).map_err(|_| CryptoError::ExporterError)?;
    Ok(secret.into())
}

fn derive_keypair<K: Kem>(ikm: &[u8]) -> HpkeKeyPair {
    let (private, public) = K::derive_keypair(ikm);
    HpkeKeyPair { private: private.to_bytes().to_vec().into(), public: public.to_bytes().to_vec() }
}

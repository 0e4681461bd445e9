//! The stock MLS provider, with the one place corrected in which it differs from ours.
//!
//! How a key pair comes from `ikm` for the KEM 0x647a (RFC 9180's DeriveKeyPair) has changed: draft-connolly-cfrg-xwing-kem-06
//! takes `SHAKE256(ikm)` as the seed, and so does `hpke-rs` under the stock provider; draft-ietf-hpke-pq takes
//! `SHAKE256(ikm || "HPKE-v1" || "KEM" || 0x647a || 0x000d || "DeriveKeyPair" || 0x0020)`, and so does `hpke` under ours. The
//! latter is the former of a longer input, which is all that [`Crypto`] makes of it. Everything else is the stock provider's.

use openmls_rust_crypto::{MemoryStorage, OpenMlsRustCrypto, RustCrypto};
use openmls_traits::{
    OpenMlsProvider,
    crypto::OpenMlsCrypto,
    types::{
        AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeCiphertext, HpkeConfig,
        HpkeKemType, HpkeKeyPair, KemOutput, SignatureScheme,
    },
};

/// The stock provider.
#[derive(Default)]
pub struct Stock {
    inner: OpenMlsRustCrypto,
    crypto: Crypto,
}

impl OpenMlsProvider for Stock {
    type CryptoProvider = Crypto;
    type RandProvider = RustCrypto;
    type StorageProvider = MemoryStorage;

    fn storage(&self) -> &MemoryStorage {
        self.inner.storage()
    }

    fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    fn rand(&self) -> &RustCrypto {
        self.inner.rand()
    }
}

/// The `ikm` whose SHAKE256 is the seed that draft-ietf-hpke-pq derives from `ikm`.
pub fn labeled(ikm: &[u8]) -> Vec<u8> {
    [ikm, b"HPKE-v1", b"KEM", &[0x64, 0x7a], &[0, 13], b"DeriveKeyPair", &[0, 32]].concat()
}

/// The stock provider's primitives.
#[derive(Debug, Default)]
pub struct Crypto(RustCrypto);

type Bytes = Result<Vec<u8>, CryptoError>;
type SecretBytes = Result<openmls::prelude::tls_codec::SecretVLBytes, CryptoError>;

impl OpenMlsCrypto for Crypto {
    fn derive_hpke_keypair(&self, config: HpkeConfig, ikm: &[u8]) -> Result<HpkeKeyPair, CryptoError> {
        match config.0 {
            HpkeKemType::XWingKemDraft6 => self.0.derive_hpke_keypair(config, &labeled(ikm)),
            _ => self.0.derive_hpke_keypair(config, ikm),
        }
    }

    fn supports(&self, ciphersuite: Ciphersuite) -> Result<(), CryptoError> {
        self.0.supports(ciphersuite)
    }

    fn supported_ciphersuites(&self) -> Vec<Ciphersuite> {
        self.0.supported_ciphersuites()
    }

    fn hkdf_extract(&self, hash: HashType, salt: &[u8], ikm: &[u8]) -> SecretBytes {
        self.0.hkdf_extract(hash, salt, ikm)
    }

    fn hmac(&self, hash: HashType, key: &[u8], message: &[u8]) -> SecretBytes {
        self.0.hmac(hash, key, message)
    }

    fn hkdf_expand(&self, hash: HashType, prk: &[u8], info: &[u8], length: usize) -> SecretBytes {
        self.0.hkdf_expand(hash, prk, info, length)
    }

    fn hash(&self, hash: HashType, data: &[u8]) -> Bytes {
        self.0.hash(hash, data)
    }

    fn aead_encrypt(&self, algorithm: AeadType, key: &[u8], data: &[u8], nonce: &[u8], aad: &[u8]) -> Bytes {
        self.0.aead_encrypt(algorithm, key, data, nonce, aad)
    }

    fn aead_decrypt(
        &self,
        algorithm: AeadType,
        key: &[u8],
        sealed: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Bytes {
        self.0.aead_decrypt(algorithm, key, sealed, nonce, aad)
    }

    fn signature_key_gen(&self, scheme: SignatureScheme) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        self.0.signature_key_gen(scheme)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        data: &[u8],
        public_key: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.0.verify_signature(scheme, data, public_key, signature)
    }

    fn sign(&self, scheme: SignatureScheme, data: &[u8], key: &[u8]) -> Bytes {
        self.0.sign(scheme, data, key)
    }

    fn hpke_seal(
        &self,
        config: HpkeConfig,
        public_key: &[u8],
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<HpkeCiphertext, CryptoError> {
        self.0.hpke_seal(config, public_key, info, aad, plaintext)
    }

    fn hpke_open(
        &self,
        config: HpkeConfig,
        input: &HpkeCiphertext,
        private_key: &[u8],
        info: &[u8],
        aad: &[u8],
    ) -> Bytes {
        self.0.hpke_open(config, input, private_key, info, aad)
    }

    fn hpke_setup_sender_and_export(
        &self,
        config: HpkeConfig,
        public_key: &[u8],
        info: &[u8],
        context: &[u8],
        length: usize,
    ) -> Result<(KemOutput, ExporterSecret), CryptoError> {
        self.0.hpke_setup_sender_and_export(config, public_key, info, context, length)
    }

    fn hpke_setup_receiver_and_export(
        &self,
        config: HpkeConfig,
        encapsulated: &[u8],
        private_key: &[u8],
        info: &[u8],
        context: &[u8],
        length: usize,
    ) -> Result<ExporterSecret, CryptoError> {
        self.0.hpke_setup_receiver_and_export(config, encapsulated, private_key, info, context, length)
    }
}

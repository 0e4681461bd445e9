//! An attacker's primitives: as ours, but some HPKE keys and ciphertexts come out wrong.

use crate::provider::Primitives;
use openmls_traits::{
    crypto::OpenMlsCrypto,
    types::{
        AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeCiphertext, HpkeConfig,
        HpkeKeyPair, KemOutput, SignatureScheme,
    },
};
use std::sync::Mutex;
use tls_codec::SecretVLBytes;

/// What a path secret's ciphertext becomes for whoever has `key`.
#[derive(Clone)]
pub enum Garbage {
    /// Bytes that do not open.
    Ciphertext,
    /// A secret that opens and leads to other keys.
    OtherSecret,
    /// A secret that opens and has no bytes.
    Empty,
}

/// Primitives that a malicious member commits with.
#[derive(Default)]
pub struct Evil {
    honest: Primitives,
    /// What is sealed to this public key is garbage.
    garbage_for: Option<(Vec<u8>, Garbage)>,
    /// The public key of the path's node at this height (0: the lowest parent), replaced.
    path_key: Option<(usize, Vec<u8>)>,
    /// The public key of the path's leaf, replaced.
    leaf_key: Option<Vec<u8>>,
    path: Mutex<Path>,
}

/// The path secrets seen, from the lowest, and the node secrets that came of them.
#[derive(Default)]
struct Path {
    secrets: Vec<Vec<u8>>,
    nodes: Vec<(usize, Vec<u8>)>,
    has_leaf: bool,
}

impl Evil {
    pub fn with_garbage_for(key: Vec<u8>, garbage: Garbage) -> Self {
        Self { garbage_for: Some((key, garbage)), ..Self::default() }
    }

    pub fn with_path_key(height: usize, key: &[u8]) -> Self {
        Self { path_key: Some((height, key.to_vec())), ..Self::default() }
    }

    pub fn with_leaf_key(key: &[u8]) -> Self {
        Self { leaf_key: Some(key.to_vec()), ..Self::default() }
    }

    fn note(&self, prk: &[u8], info: &[u8], okm: &[u8]) {
        let is = |label: &[u8]| info.windows(label.len()).any(|window| window == label);
        let mut path = self.path.lock().unwrap();
        if is(b"MLS 1.0 path") {
            if path.secrets.is_empty() {
                path.secrets.push(prk.to_vec());
            }
            path.secrets.push(okm.to_vec());
        } else if is(b"MLS 1.0 node")
            && let Some(height) = path.secrets.iter().position(|secret| secret == prk)
        {
            path.nodes.push((height, okm.to_vec()));
        }
    }
}

impl OpenMlsCrypto for Evil {
    fn supports(&self, ciphersuite: Ciphersuite) -> Result<(), CryptoError> {
        self.honest.supports(ciphersuite)
    }

    fn supported_ciphersuites(&self) -> Vec<Ciphersuite> {
        self.honest.supported_ciphersuites()
    }

    fn hkdf_extract(&self, hash: HashType, salt: &[u8], ikm: &[u8]) -> Result<SecretVLBytes, CryptoError> {
        self.honest.hkdf_extract(hash, salt, ikm)
    }

    fn hmac(&self, hash: HashType, key: &[u8], message: &[u8]) -> Result<SecretVLBytes, CryptoError> {
        self.honest.hmac(hash, key, message)
    }

    fn hkdf_expand(
        &self,
        hash: HashType,
        prk: &[u8],
        info: &[u8],
        length: usize,
    ) -> Result<SecretVLBytes, CryptoError> {
        let okm = self.honest.hkdf_expand(hash, prk, info, length)?;
        self.note(prk, info, okm.as_slice());
        Ok(okm)
    }

    fn hash(&self, hash: HashType, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.honest.hash(hash, data)
    }

    fn aead_encrypt(
        &self,
        algorithm: AeadType,
        key: &[u8],
        data: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.honest.aead_encrypt(algorithm, key, data, nonce, aad)
    }

    fn aead_decrypt(
        &self,
        algorithm: AeadType,
        key: &[u8],
        sealed: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.honest.aead_decrypt(algorithm, key, sealed, nonce, aad)
    }

    fn signature_key_gen(&self, scheme: SignatureScheme) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        self.honest.signature_key_gen(scheme)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        data: &[u8],
        public_key: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.honest.verify_signature(scheme, data, public_key, signature)
    }

    fn sign(&self, scheme: SignatureScheme, data: &[u8], key: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.honest.sign(scheme, data, key)
    }

    fn hpke_seal(
        &self,
        config: HpkeConfig,
        public_key: &[u8],
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<HpkeCiphertext, CryptoError> {
        let garbage =
            self.garbage_for.as_ref().filter(|(key, _)| key == public_key).map(|(_, garbage)| garbage);
        match garbage {
            None => self.honest.hpke_seal(config, public_key, info, aad, plaintext),
            Some(Garbage::Ciphertext) => {
                let sealed = self.honest.hpke_seal(config, public_key, info, aad, plaintext)?;
                Ok(HpkeCiphertext { kem_output: sealed.kem_output, ciphertext: vec![7; 48].into() })
            }
            Some(Garbage::OtherSecret) => {
                self.honest.hpke_seal(config, public_key, info, aad, &vec![7; plaintext.len()])
            }
            Some(Garbage::Empty) => self.honest.hpke_seal(config, public_key, info, aad, &[0]),
        }
    }

    fn hpke_open(
        &self,
        config: HpkeConfig,
        input: &HpkeCiphertext,
        private_key: &[u8],
        info: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.honest.hpke_open(config, input, private_key, info, aad)
    }

    fn hpke_setup_sender_and_export(
        &self,
        config: HpkeConfig,
        public_key: &[u8],
        info: &[u8],
        context: &[u8],
        length: usize,
    ) -> Result<(KemOutput, ExporterSecret), CryptoError> {
        self.honest.hpke_setup_sender_and_export(config, public_key, info, context, length)
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
        self.honest.hpke_setup_receiver_and_export(config, encapsulated, private_key, info, context, length)
    }

    fn derive_hpke_keypair(&self, config: HpkeConfig, ikm: &[u8]) -> Result<HpkeKeyPair, CryptoError> {
        let mut pair = self.honest.derive_hpke_keypair(config, ikm)?;
        let mut path = self.path.lock().unwrap();
        let height = path.nodes.iter().find(|(_, node)| node == ikm).map(|(height, _)| *height);
        match (&self.path_key, &self.leaf_key, height) {
            (Some((target, key)), _, Some(height)) if *target == height => pair.public.clone_from(key),
            // After the path's keys comes the leaf's, from fresh randomness.
            (_, Some(key), None) if !path.has_leaf => pair.public.clone_from(key),
            _ => {}
        }
        path.has_leaf |= height.is_none();
        Ok(pair)
    }
}

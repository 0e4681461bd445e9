//! The primitives that a message is made of, bare, over the same lengths: what sealing and opening are held against.

use crate::meter::Meter;
use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut as _};
use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use sha2::Sha256;
use sotto_protocol::EntryHeader;
use std::hint::black_box;

/// Of the information that HKDF takes: a label of 17 bytes, kind, room and entry, each with its length.
const INFO_BYTES: usize = 1 + 17 + (2 + 1) + (2 + 16) + (2 + 16);
/// Of the key and nonce that it gives.
const OKM_BYTES: usize = 32 + 12;
/// Of the additional data: header, kind and room.
const ADDITIONAL_BYTES: usize = EntryHeader::LEN + 1 + 16;
/// Of what is signed before the body: a label of 25 bytes, room, epoch and entry.
const STATEMENT_HEAD_BYTES: usize = 25 + 16 + 8 + 16;
/// Of the body around its content: leaf, message id, time, chain.
const BODY_HEAD_BYTES: usize = 1 + 1 + 17 + 9 + 36 + 3;
const TAG_BYTES: usize = 16;

/// What the primitives are given.
#[derive(Clone, Copy)]
pub struct Sizes {
    padded: usize,
    statement: usize,
}

/// Medians in nanoseconds.
pub struct PrimitiveCosts {
    /// HKDF-Expand to a key and a nonce.
    pub expand: Option<f64>,
    /// AES-256-GCM under a key that is used once, so with its key schedule.
    pub encrypt: Option<f64>,
    /// The same, back.
    pub decrypt: Option<f64>,
    /// Ed25519.
    pub sign: Option<f64>,
    /// Ed25519, strict.
    pub verify: Option<f64>,
}

impl Sizes {
    /// Those of an entry with this content.
    pub fn of(content: &[u8], entry: &[u8]) -> Self {
        Self {
            padded: entry.len() - EntryHeader::LEN - TAG_BYTES,
            statement: STATEMENT_HEAD_BYTES + BODY_HEAD_BYTES + content.len(),
        }
    }
}

impl PrimitiveCosts {
    /// What it takes to seal.
    pub fn to_seal(&self) -> Option<f64> {
        Some(self.expand? + self.encrypt? + self.sign?)
    }

    /// What it takes to open.
    pub fn to_open(&self) -> Option<f64> {
        Some(self.expand? + self.decrypt? + self.verify?)
    }
}

/// Measures them.
pub fn measure(meter: &mut impl Meter, sizes: Sizes) -> PrimitiveCosts {
    let (secret, info) = ([1; 32], [2; INFO_BYTES]);
    let expand = meter.quick("bare HKDF-Expand", || {
        let mut okm = [0_u8; OKM_BYTES];
        Hkdf::<Sha256>::from_prk(black_box(&secret)).unwrap().expand(&info, &mut okm).unwrap();
        okm
    });

    let (key, nonce, additional) = ([3; 32], [4; 12], [5; ADDITIONAL_BYTES]);
    let cipher = |key: &[u8; 32]| Aes256Gcm::new(key.into());
    let mut buffer = Vec::with_capacity(sizes.padded + TAG_BYTES);
    let encrypt = meter.quick("bare AES-256-GCM: encrypt", || {
        buffer.resize(sizes.padded, 0);
        cipher(black_box(&key)).encrypt_in_place(&nonce.into(), &additional, &mut buffer).unwrap();
    });
    let mut sealed = vec![0; sizes.padded];
    cipher(&key).encrypt_in_place(&nonce.into(), &additional, &mut sealed).unwrap();
    let decrypt = meter.quick("bare AES-256-GCM: decrypt", || {
        buffer.clear();
        buffer.extend_from_slice(&sealed);
        cipher(black_box(&key)).decrypt_in_place(&nonce.into(), &additional, &mut buffer).unwrap();
    });

    let (signing_key, statement) = (SigningKey::from_bytes(&[6; 32]), vec![7; sizes.statement]);
    let (verifying_key, signature) = (signing_key.verifying_key(), signing_key.sign(&statement));
    let sign = meter.quick("bare Ed25519: sign", || signing_key.sign(black_box(&statement)));
    let verify = meter.quick("bare Ed25519: verify strictly", || {
        verifying_key.verify_strict(black_box(&statement), &signature).unwrap();
    });
    PrimitiveCosts { expand, encrypt, decrypt, sign, verify }
}

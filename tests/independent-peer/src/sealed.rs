//! Section "Doors, cards, capsules, links": how cards, capsules and history links are sealed.

use crate::{
    PeerError,
    encoding::{random, take},
    expand::{expand, expand_key_and_nonce},
    padding::{pad, unpad},
};
use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};

const VERSION: u8 = 1;

/// `version || salt || commitment || sealed`.
pub fn seal(key: &[u8; 32], label: &str, aad: &[u8], content: &[u8]) -> Result<Vec<u8>, PeerError> {
    let salt: [u8; 16] = random()?;
    let (cipher_key, nonce) = expand_key_and_nonce(key, label, &[b"key and nonce", &salt])?;
    let payload = Payload { msg: &pad(content)?, aad };
    let sealed = Aes256Gcm::new(&cipher_key.into())
        .encrypt(&nonce.into(), payload)
        .map_err(|_| PeerError::Malformed("content that is too long"))?;
    Ok([&[VERSION][..], &salt, &commitment(key, label, &salt)?, &sealed].concat())
}

/// Opens what [`seal`] makes.
pub fn open(key: &[u8; 32], label: &str, aad: &[u8], bytes: &[u8]) -> Result<Vec<u8>, PeerError> {
    const WHAT: &str = "sealed value";
    let mut rest = bytes;
    let [version] = *take::<1>(&mut rest, WHAT)?;
    if version != VERSION {
        return Err(PeerError::Version(version.into()));
    }
    let salt: &[u8; 16] = take(&mut rest, WHAT)?;
    if *take::<32>(&mut rest, WHAT)? != commitment(key, label, salt)? {
        return Err(PeerError::NotOpened("sealed value with another commitment"));
    }
    let (cipher_key, nonce) = expand_key_and_nonce(key, label, &[b"key and nonce", salt])?;
    let padded = Aes256Gcm::new(&cipher_key.into())
        .decrypt(&nonce.into(), Payload { msg: rest, aad })
        .map_err(|_| PeerError::NotOpened(WHAT))?;
    Ok(unpad(&padded)?.to_vec())
}

fn commitment(key: &[u8; 32], label: &str, salt: &[u8; 16]) -> Result<[u8; 32], PeerError> {
    expand(key, label, &[b"commitment", salt])
}

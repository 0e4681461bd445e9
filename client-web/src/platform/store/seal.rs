//! Seals values with AES-256-GCM under a key that the browser keeps and never shows, not even to this program.
//!
//! Stored: IV (12 random bytes) || ciphertext and tag. Table and key of a value are the additional data, so that values cannot be
//! swapped in the database.

use super::error::StoreError;
use js_sys::{Array, ArrayBuffer, Object, Promise, Reflect, Uint8Array};
use sotto_client_core::Value;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Crypto, CryptoKey};

const IV_LEN: u32 = 12;

/// Seals and opens.
#[derive(Clone)]
pub struct Sealer {
    crypto: Crypto,
    key: CryptoKey,
}

/// A value on its way to be sealed.
pub struct Sealing {
    iv: Uint8Array,
    ciphertext: Promise,
}

impl Sealing {
    /// Waits for the sealed bytes.
    pub async fn finish(self) -> Result<Uint8Array, StoreError> {
        let ciphertext = Uint8Array::new(&JsFuture::from(self.ciphertext).await?);
        let sealed = Uint8Array::new_with_length(IV_LEN + ciphertext.length());
        sealed.set(&self.iv, 0);
        sealed.set(&ciphertext, IV_LEN);
        Ok(sealed)
    }
}

impl Sealer {
    /// A sealer under a key.
    pub fn new(crypto: Crypto, key: CryptoKey) -> Self {
        Self { crypto, key }
    }

    /// Begins to seal a value: several may be under way at once.
    pub fn seal(&self, address: &[u8], value: &[u8]) -> Result<Sealing, StoreError> {
        let iv = Uint8Array::new_with_length(IV_LEN);
        self.crypto.get_random_values_with_array_buffer_view(&iv)?;
        let plaintext = Uint8Array::from(value);
        let params = params(&iv, address)?;
        let ciphertext =
            self.crypto.subtle().encrypt_with_object_and_buffer_source(&params, &self.key, &plaintext)?;
        // The browser has taken its copy before `encrypt` returned.
        plaintext.fill(0, 0, plaintext.length());
        Ok(Sealing { iv, ciphertext })
    }

    /// Begins to open a value.
    pub fn open(&self, address: &[u8], sealed: &Uint8Array) -> Result<Promise, StoreError> {
        if sealed.length() < IV_LEN {
            return Err(StoreError::Damaged);
        }
        let params = params(&sealed.subarray(0, IV_LEN), address)?;
        let ciphertext = sealed.subarray(IV_LEN, sealed.length());
        Ok(self.crypto.subtle().decrypt_with_object_and_buffer_source(&params, &self.key, &ciphertext)?)
    }
}

/// Waits for an opened value.
pub async fn opened(opening: Promise) -> Result<Value, StoreError> {
    let plaintext: ArrayBuffer = JsFuture::from(opening)
        .await
        .map_err(|_| StoreError::Damaged)?
        .dyn_into()
        .map_err(|_| StoreError::Damaged)?;
    let view = Uint8Array::new(&plaintext);
    let value = Value::new(view.to_vec());
    view.fill(0, 0, view.length());
    Ok(value)
}

/// A new key, which never leaves the browser: not extractable.
pub async fn generate_key(crypto: &Crypto) -> Result<CryptoKey, StoreError> {
    let algorithm = Object::new();
    Reflect::set(&algorithm, &"name".into(), &"AES-GCM".into())?;
    Reflect::set(&algorithm, &"length".into(), &256.into())?;
    let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
    let promise = crypto.subtle().generate_key_with_object(&algorithm, false, &usages)?;
    Ok(JsFuture::from(promise).await?.dyn_into::<CryptoKey>()?)
}

fn params(iv: &Uint8Array, address: &[u8]) -> Result<Object, JsValue> {
    let params = Object::new();
    Reflect::set(&params, &"name".into(), &"AES-GCM".into())?;
    Reflect::set(&params, &"iv".into(), iv)?;
    Reflect::set(&params, &"additionalData".into(), &Uint8Array::from(address))?;
    Ok(params)
}

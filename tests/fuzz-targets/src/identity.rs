//! Device certificates.

use minicbor::{Encode, bytes::ByteSlice};
use sotto_crypto::{
    Secret,
    identity::{Certificate, CertificateRequest, IdentityKey},
};

const LABEL: &[u8] = b"sotto/1 device certificate";

#[derive(Encode)]
struct Signed<'a>(#[n(0)] &'a ByteSlice, #[n(1)] &'a ByteSlice);

/// A certificate as it travels.
pub fn certificate(input: &[u8]) {
    if let Ok(certificate) = Certificate::verify(input) {
        assert_eq!(certificate.as_bytes(), input);
        assert_eq!(Certificate::verify(certificate.as_bytes()).as_ref(), Ok(&certificate));
    }
}

/// What an identity signs: its own signature is right, whatever stands in it.
pub fn certificate_body(input: &[u8]) {
    let signature = identity().sign(&[LABEL, input].concat());
    let signed = Signed(input.into(), signature.as_slice().into());
    certificate(&sotto_protocol::encode(&signed));
}

/// A certificate and its body.
pub fn real() -> (Vec<u8>, Vec<u8>) {
    let request = CertificateRequest {
        device_key: [2; 32],
        recovery_key_hash: None,
        display_name: "Ada",
        generation: 0,
        not_before_ms: 3,
        operator: None,
        devices: None,
    };
    let certificate = Certificate::issue(&identity(), request).expect("is issued").as_bytes().to_vec();
    let mut decoder = minicbor::Decoder::new(&certificate);
    decoder.array().expect("is an array");
    let body = decoder.bytes().expect("are bytes").to_vec();
    (certificate, body)
}

fn identity() -> IdentityKey {
    IdentityKey::from_seed(&Secret::new([0x1d; 32]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_body_is_a_certificate() {
        let (certificate, body) = real();
        let signature = identity().sign(&[LABEL, &body].concat());
        let signed = Signed(body.as_slice().into(), signature.as_slice().into());
        assert_eq!(sotto_protocol::encode(&signed), certificate);
    }
}

//! Who people and devices are: identity keys, account ids, device certificates.
//!
//! Guests make an identity on the spot and keep it on the device. Accounts, whose identity's private half is only in a sealed
//! record, are in [`crate::account`].

mod account;
mod certificate;
mod fingerprint;
mod name;
mod pins;
mod room_fingerprint;
mod safety_number;

pub use crate::sign::IdentityKey;
pub use account::AccountId;
pub use certificate::{Certificate, CertificateRequest, MAX_CERTIFICATE_BYTES};
pub use fingerprint::{FINGERPRINT_DIGITS, FingerprintCheck, check_fingerprint, whole_fingerprint};
pub use name::{
    NameError, check_display_name, check_room_name, check_topic, is_display_name, is_room_name, is_topic,
};
pub use pins::{KEYS_PER_SUBJECT_MAX, PinState, Pins, Seen, Subject};
pub use room_fingerprint::RoomFingerprint;
pub use safety_number::{Comparison, Party, SAFETY_QR_BYTES, SafetyNumber, compare_safety_qr, safety_qr};
pub use sotto_protocol::account::DeviceList;

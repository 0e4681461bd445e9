//! What an account keeps, at the relay and in its vault, and what a device keeps at rest for itself.

use sotto_crypto::{
    Secret, StorageKey,
    account::{SealedRecord, VaultIndex},
    identity::Pins,
};

const PLACE: &[u8] = b"fuzz";

fn key() -> StorageKey {
    StorageKey::new(Secret::new([0x51; 32]))
}

/// A stored value, sealed.
pub fn storage_value(input: &[u8]) {
    if let Ok(value) = key().open(PLACE, input) {
        let again = key().seal(PLACE, &value).expect("is sealed");
        assert_eq!(key().open(PLACE, &again).as_deref(), Ok(&*value));
    }
}

/// An account's sealed record.
pub fn sealed_record(input: &[u8]) {
    if let Ok(record) = SealedRecord::from_bytes(input) {
        let encoded = record.to_bytes();
        let again = SealedRecord::from_bytes(&encoded).expect("what is written can be read");
        assert_eq!(again.to_bytes(), encoded);
    }
}

/// The vault's index.
pub fn vault_index(input: &[u8]) {
    if let Ok(index) = VaultIndex::from_bytes(input) {
        let encoded = index.to_bytes();
        let again = VaultIndex::from_bytes(&encoded).expect("what is written can be read");
        assert_eq!(again.to_bytes(), encoded);
    }
}

/// Pinned keys.
pub fn pins(input: &[u8]) {
    if let Ok(pins) = Pins::decode(input) {
        let encoded = pins.encode();
        let again = Pins::decode(&encoded).expect("what is written can be read");
        assert_eq!(again.encode(), encoded);
    }
}

/// A stored value.
pub fn stored() -> Vec<u8> {
    key().seal(PLACE, b"value").expect("is sealed")
}

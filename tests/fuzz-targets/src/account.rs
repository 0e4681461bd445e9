//! What a device keeps at rest for itself.

use sotto_crypto::{Secret, StorageKey};

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

/// A stored value.
pub fn stored() -> Vec<u8> {
    key().seal(PLACE, b"value").expect("is sealed")
}

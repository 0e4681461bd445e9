//! Which devices an account has left: a version that rises with every removal, and a hash.
//!
//! A certificate that was made before a removal has an older version than those that were made after it. So the removed device,
//! whose certificate still verifies, does not come in where an account's newer ones are known.

use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

/// The version of an account's list of devices, and what it stands for: not the devices' keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct DeviceList {
    /// How many times devices were removed or retired; never 0.
    #[n(0)]
    pub version: u32,
    /// SHA-256 over the keys of those that stayed.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hash: [u8; 32],
}

impl DeviceList {
    /// The list after a removal: the version before, and the keys of the devices that stay. `None` after 2^32 - 1 removals.
    #[must_use]
    pub fn after_removal(before: Option<&Self>, account: &[u8; 16], staying: &[[u8; 32]]) -> Option<Self> {
        let version = version_of(before).checked_add(1)?;
        let mut keys = staying.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let mut hash = Sha256::new()
            .chain_update(b"sotto/1 device list")
            .chain_update(account)
            .chain_update(version.to_be_bytes());
        for key in &keys {
            hash.update(key);
        }
        Some(Self { version, hash: hash.finalize().into() })
    }
}

/// The version of a list, or 0 where nothing was ever removed.
#[must_use]
pub fn version_of(list: Option<&DeviceList>) -> u32 {
    list.map_or(0, |list| list.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_its_version_account_and_devices_and_not_their_order() {
        let account = [1; 16];
        let first = DeviceList::after_removal(None, &account, &[[7; 32], [5; 32]]).unwrap();
        assert_eq!((first.version, version_of(None), version_of(Some(&first))), (1, 0, 1));
        assert_eq!(first, DeviceList::after_removal(None, &account, &[[5; 32], [7; 32], [5; 32]]).unwrap());
        for other in [
            DeviceList::after_removal(None, &account, &[[5; 32]]),
            DeviceList::after_removal(Some(&first), &account, &[[5; 32], [7; 32]]),
            DeviceList::after_removal(None, &[2; 16], &[[5; 32], [7; 32]]),
        ] {
            assert_ne!(other.unwrap().hash, first.hash);
        }
        let last = DeviceList { version: u32::MAX, hash: [0; 32] };
        assert_eq!(DeviceList::after_removal(Some(&last), &account, &[]), None);
    }
}

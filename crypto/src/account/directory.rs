//! What an account says of itself in a relay's directory, and to get there: which recovery key is its own. Whether a name is this identity's, the
//! relay says, and only pins and safety numbers tell.

use super::{InviteRecipient, keys::AccountKeys};
use crate::{
    CryptoError,
    identity::{AccountId, Certificate, DeviceList},
    sign, wrap,
};
use sha2::{Digest as _, Sha256};
use sotto_protocol::Challenge;
use sotto_protocol::account::{
    DirectoryEntry, RelayId, directory_statement, registration_statement, version_of,
};

impl AccountKeys {
    /// The entry for that relay.
    #[must_use]
    pub fn directory_entry(&self, relay: &RelayId) -> DirectoryEntry {
        let recovery_public = self.recovery().public();
        let devices = self.devices;
        let statement = directory_statement(relay, self.generation(), &recovery_public, devices.as_ref());
        DirectoryEntry {
            identity_key: self.identity_public(),
            generation: self.generation(),
            signature: self.identity.sign(&statement),
            recovery_public,
            devices,
        }
    }
}

impl AccountKeys {
    /// What the relay of that authority wants to see before it makes an account of this identity, on its challenge: the account's
    /// owner is there, and this is the password's record, the sealed record and the entry that go with it, under this name, which others find or
    /// do not.
    #[must_use]
    pub fn sign_registration(
        &self,
        authority: &str,
        challenge: &Challenge,
        login_and_record: (&[u8; 192], &[u8]),
        entry: &DirectoryEntry,
        name_and_findable: (&str, bool),
    ) -> [u8; 64] {
        let statement =
            registration_statement(authority, challenge, login_and_record, entry, name_and_findable);
        self.identity.sign(&statement)
    }
}

/// The newest that a device has seen an identity say of itself: in an entry, or in a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenIdentity {
    /// The generation of its recovery key.
    pub generation: u32,
    /// SHA-256 of that public key.
    pub hash: [u8; 32],
    /// Its list of devices; `None` where it never removed one.
    pub devices: Option<DeviceList>,
}

impl SeenIdentity {
    /// What a certificate says; nothing where it is a guest's.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Option<Self> {
        let hash = *certificate.recovery_key_hash()?;
        Some(Self { generation: certificate.generation(), hash, devices: certificate.devices().copied() })
    }

    /// What an entry says that was checked.
    #[must_use]
    pub fn of_entry(entry: &DirectoryEntry) -> Self {
        let hash = Sha256::digest(&entry.recovery_public).into();
        Self { generation: entry.generation, hash, devices: entry.devices }
    }

    /// The newer of each part.
    #[must_use]
    pub fn newest(self, other: Self) -> Self {
        let key = if other.generation > self.generation { other } else { self };
        let (one, two) = (self.devices, other.devices);
        let devices = if version_of(two.as_ref()) > version_of(one.as_ref()) { two } else { one };
        Self { devices, ..key }
    }

    /// Whether what is shown now is no older than what was seen, and does not contradict it.
    ///
    /// # Errors
    /// [`CryptoError::RolledBack`] for an older recovery key or list of devices; [`CryptoError::BadKey`] for another key of the same
    /// generation; [`CryptoError::Forked`] for another list of the same version.
    pub fn check(&self, shown: &Self) -> Result<(), CryptoError> {
        let rolled_back = |expected: u32, found: u32| {
            Err(CryptoError::RolledBack { expected: expected.into(), found: found.into() })
        };
        if shown.generation < self.generation {
            return rolled_back(self.generation, shown.generation);
        }
        if shown.generation == self.generation && shown.hash != self.hash {
            return Err(CryptoError::BadKey);
        }
        let (seen, list) = (version_of(self.devices.as_ref()), version_of(shown.devices.as_ref()));
        if list < seen {
            return rolled_back(seen, list);
        }
        if list == seen && shown.devices != self.devices { Err(CryptoError::Forked) } else { Ok(()) }
    }
}

/// Checks an entry that that relay gave, against the account that was asked for (`None` where a name was) and the newest that was seen
/// of this identity, and tells to whom an invite can be sealed by it.
///
/// # Errors
/// As [`SeenIdentity::check`]: an older recovery key may be one that the account has given up because others have it.
/// [`CryptoError::BadSignature`], [`CryptoError::BadKey`], [`CryptoError::Malformed`].
pub fn check_directory_entry<'e>(
    entry: &'e DirectoryEntry,
    relay: &RelayId,
    asked: Option<&AccountId>,
    seen: Option<&SeenIdentity>,
) -> Result<InviteRecipient<'e>, CryptoError> {
    let statement =
        directory_statement(relay, entry.generation, &entry.recovery_public, entry.devices.as_ref());
    sign::verify(&entry.identity_key, &statement, &entry.signature)?;
    wrap::check_public_key(&entry.recovery_public)?;
    if entry.devices.is_some_and(|list| list.version == 0) {
        return Err(CryptoError::Malformed("directory entry"));
    }
    if asked.is_some_and(|asked| *asked != AccountId::of(&entry.identity_key)) {
        return Err(CryptoError::BadKey);
    }
    if let Some(seen) = seen {
        seen.check(&SeenIdentity::of_entry(entry))?;
    }
    Ok(InviteRecipient {
        account: AccountId::of(&entry.identity_key),
        recovery_public: &entry.recovery_public,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceKey;

    #[test]
    fn an_entry_is_the_identitys_own_for_one_relay() {
        let (ada, eve) = (AccountKeys::generate().unwrap(), AccountKeys::generate().unwrap());
        let (relay, other) = (RelayId::new([1; 32]), RelayId::new([2; 32]));
        let entry = ada.directory_entry(&relay);
        let recipient = check_directory_entry(&entry, &relay, Some(&ada.account()), None).unwrap();
        assert_eq!(recipient.account, ada.account());
        let refused = |entry: &DirectoryEntry, relay| {
            check_directory_entry(entry, relay, None, None).map(|recipient| recipient.account).unwrap_err()
        };
        assert_eq!(refused(&entry, &other), CryptoError::BadSignature);
        let for_eve = check_directory_entry(&entry, &relay, Some(&eve.account()), None);
        assert_eq!(for_eve.map(|recipient| recipient.account), Err(CryptoError::BadKey));
        let eves_key = DirectoryEntry { recovery_public: eve.recovery().public(), ..entry.clone() };
        assert_eq!(refused(&eves_key, &relay), CryptoError::BadSignature);
        let older = DirectoryEntry { generation: 2, ..entry };
        assert_eq!(refused(&older, &relay), CryptoError::BadSignature);
    }

    #[test]
    fn a_generation_below_one_that_was_seen_is_refused() {
        let (relay, old) = (RelayId::new([1; 32]), AccountKeys::generate().unwrap());
        let new = old.with_new_recovery_key().unwrap();
        let certificate = new.certify(DeviceKey::generate().unwrap().public(), "Ada", 1).unwrap();
        let seen = SeenIdentity::of(&certificate).unwrap();
        let check = |entry: &DirectoryEntry| {
            check_directory_entry(entry, &relay, None, Some(&seen)).map(|recipient| recipient.account)
        };
        assert_eq!(check(&new.directory_entry(&relay)), Ok(old.account()));
        let later = new.with_new_recovery_key().unwrap();
        assert_eq!(check(&later.directory_entry(&relay)), Ok(old.account()));
        let rolled_back = CryptoError::RolledBack { expected: 2, found: 1 };
        assert_eq!(check(&old.directory_entry(&relay)), Err(rolled_back));
        let fork = old.with_new_recovery_key().unwrap();
        assert_eq!(check(&fork.directory_entry(&relay)), Err(CryptoError::BadKey), "the same generation");
    }

    #[test]
    fn a_registration_is_signed_by_its_identity_for_one_challenge() {
        let ada = AccountKeys::generate().unwrap();
        let entry = ada.directory_entry(&RelayId::new([1; 32]));
        let (login, challenge) = ([9; 192], Challenge::new([8; 32]));
        let signature =
            ada.sign_registration("Relay.example", &challenge, (&login, b"record"), &entry, ("ada", true));
        let check = |authority, challenge: [u8; 32], record: &[u8]| {
            let challenge = Challenge::new(challenge);
            let statement =
                registration_statement(authority, &challenge, (&login, record), &entry, ("ada", true));
            sign::verify(&entry.identity_key, &statement, &signature)
        };
        assert_eq!(check("relay.example", [8; 32], b"record"), Ok(()));
        assert_eq!(check("other.example", [8; 32], b"record"), Err(CryptoError::BadSignature));
        assert_eq!(check("relay.example", [7; 32], b"record"), Err(CryptoError::BadSignature));
        assert_eq!(check("relay.example", [8; 32], b"another"), Err(CryptoError::BadSignature));
    }

    /// A relay that hides a removal, or shows two lists, is noticed; and the removed device's certificate is older than what was seen.
    #[test]
    fn a_list_of_devices_below_one_that_was_seen_is_refused() {
        let (relay, first) = (RelayId::new([1; 32]), AccountKeys::generate().unwrap());
        let (phone, laptop) =
            (DeviceKey::generate().unwrap().public(), DeviceKey::generate().unwrap().public());
        let stolen = first.certify(phone, "Ada", 1).unwrap();
        let after = first.with_new_device_keys(&[laptop]).unwrap();
        let kept = after.certify(laptop, "Ada", 2).unwrap();
        assert_eq!(kept.devices(), after.devices());
        let entry = after.directory_entry(&relay);
        let check = |entry: &DirectoryEntry, seen: &SeenIdentity| {
            check_directory_entry(entry, &relay, None, Some(seen)).map(|recipient| recipient.account)
        };
        let seen = SeenIdentity::of(&kept).unwrap();
        assert_eq!(check(&entry, &seen), Ok(first.account()));
        let rolled_back = CryptoError::RolledBack { expected: 1, found: 0 };
        assert_eq!(check(&first.directory_entry(&relay), &seen), Err(rolled_back.clone()));
        let fork = first.with_new_device_keys(&[phone]).unwrap();
        assert_eq!(check(&fork.directory_entry(&relay), &seen), Err(CryptoError::Forked));
        // A direct invite by the stolen phone: who has looked the account up, or met its other devices, notices.
        let known = SeenIdentity::of_entry(&entry);
        assert_eq!(known.check(&SeenIdentity::of(&stolen).unwrap()), Err(rolled_back));
        assert_eq!(known.check(&seen), Ok(()));
        let old = SeenIdentity::of_entry(&first.directory_entry(&relay));
        assert_eq!((old.newest(known), known.newest(old)), (known, known));
        let unsigned = DirectoryEntry { devices: None, ..entry };
        assert_eq!(check(&unsigned, &old), Err(CryptoError::BadSignature));
    }
}

//! What an account says of itself in a relay's directory, and to get there: which recovery key is its own. Whether a name is this identity's, the
//! relay says, and only pins and safety numbers tell.

use super::{InviteRecipient, keys::AccountKeys};
use crate::{
    CryptoError,
    identity::{AccountId, Certificate},
    sign, wrap,
};
use sha2::{Digest as _, Sha256};
use sotto_protocol::Challenge;
use sotto_protocol::account::{DirectoryEntry, RelayId, directory_statement, registration_statement};

impl AccountKeys {
    /// The entry for that relay.
    #[must_use]
    pub fn directory_entry(&self, relay: &RelayId) -> DirectoryEntry {
        let recovery_public = self.recovery().public();
        let statement = directory_statement(relay, self.generation(), &recovery_public);
        DirectoryEntry {
            identity_key: self.identity_public(),
            generation: self.generation(),
            signature: self.identity.sign(&statement),
            recovery_public,
        }
    }
}

impl AccountKeys {
    /// What the relay of that authority wants to see before it makes an account of this identity, on its challenge: the account's
    /// owner is there, and this is the password's record, the sealed record and the entry that go with it.
    #[must_use]
    pub fn sign_registration(
        &self,
        authority: &str,
        challenge: &Challenge,
        login_and_record: (&[u8; 192], &[u8]),
        entry: &DirectoryEntry,
    ) -> [u8; 64] {
        self.identity.sign(&registration_statement(authority, challenge, login_and_record, entry))
    }
}

/// The newest recovery key of an identity that a device has seen: in an entry, or named by a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenRecoveryKey {
    /// Its generation.
    pub generation: u32,
    /// SHA-256 of the public key.
    pub hash: [u8; 32],
}

impl SeenRecoveryKey {
    /// The one that a certificate names; none for a guest's.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Option<Self> {
        let hash = *certificate.recovery_key_hash()?;
        Some(Self { generation: certificate.generation(), hash })
    }
}

/// Checks an entry that that relay gave, against the newest recovery key that was seen of this identity, and tells to whom an
/// invite can be sealed by it.
///
/// # Errors
/// [`CryptoError::RolledBack`] where a later generation was seen: its key may be one that the account has given up because
/// others have it. [`CryptoError::BadKey`], also where the same generation had another key. [`CryptoError::BadSignature`],
/// [`CryptoError::Malformed`].
pub fn check_directory_entry<'e>(
    entry: &'e DirectoryEntry,
    relay: &RelayId,
    seen: Option<&SeenRecoveryKey>,
) -> Result<InviteRecipient<'e>, CryptoError> {
    let statement = directory_statement(relay, entry.generation, &entry.recovery_public);
    sign::verify(&entry.identity_key, &statement, &entry.signature)?;
    wrap::check_public_key(&entry.recovery_public)?;
    if let Some(seen) = seen {
        if entry.generation < seen.generation {
            let (expected, found) = (seen.generation.into(), entry.generation.into());
            return Err(CryptoError::RolledBack { expected, found });
        }
        let hash: [u8; 32] = Sha256::digest(&entry.recovery_public).into();
        if entry.generation == seen.generation && hash != seen.hash {
            return Err(CryptoError::BadKey);
        }
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
        let recipient = check_directory_entry(&entry, &relay, None).unwrap();
        assert_eq!(recipient.account, ada.account());
        let refused = |entry: &DirectoryEntry, relay| {
            check_directory_entry(entry, relay, None).map(|recipient| recipient.account).unwrap_err()
        };
        assert_eq!(refused(&entry, &other), CryptoError::BadSignature);
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
        let seen = SeenRecoveryKey::of(&certificate).unwrap();
        let check = |entry: &DirectoryEntry| {
            check_directory_entry(entry, &relay, Some(&seen)).map(|recipient| recipient.account)
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
        let signature = ada.sign_registration("Relay.example", &challenge, (&login, b"record"), &entry);
        let check = |authority, challenge: [u8; 32], record: &[u8]| {
            let challenge = Challenge::new(challenge);
            let statement = registration_statement(authority, &challenge, (&login, record), &entry);
            sign::verify(&entry.identity_key, &statement, &signature)
        };
        assert_eq!(check("relay.example", [8; 32], b"record"), Ok(()));
        assert_eq!(check("other.example", [8; 32], b"record"), Err(CryptoError::BadSignature));
        assert_eq!(check("relay.example", [7; 32], b"record"), Err(CryptoError::BadSignature));
        assert_eq!(check("relay.example", [8; 32], b"another"), Err(CryptoError::BadSignature));
    }
}

//! What an account says of itself in a relay's directory, and to get there: which recovery key is its own. Whether a name is this identity's, the
//! relay says, and only pins and safety numbers tell.

use super::{InviteRecipient, keys::AccountKeys};
use crate::{CryptoError, identity::AccountId, sign, wrap};
use sotto_protocol::Challenge;
use sotto_protocol::account::{DirectoryEntry, directory_statement, registration_statement};

impl AccountKeys {
    /// The entry for the relay of that authority.
    #[must_use]
    pub fn directory_entry(&self, authority: &str) -> DirectoryEntry {
        let recovery_public = self.recovery().public();
        let statement = directory_statement(authority, self.generation(), &recovery_public);
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

/// Checks an entry that the relay of that authority gave, and tells to whom an invite can be sealed by it.
///
/// # Errors
/// [`CryptoError::BadSignature`], [`CryptoError::BadKey`], [`CryptoError::Malformed`].
pub fn check_directory_entry<'e>(
    entry: &'e DirectoryEntry,
    authority: &str,
) -> Result<InviteRecipient<'e>, CryptoError> {
    let statement = directory_statement(authority, entry.generation, &entry.recovery_public);
    sign::verify(&entry.identity_key, &statement, &entry.signature)?;
    wrap::check_public_key(&entry.recovery_public)?;
    Ok(InviteRecipient {
        account: AccountId::of(&entry.identity_key),
        recovery_public: &entry.recovery_public,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_the_identitys_own_for_one_relay() {
        let (ada, eve) = (AccountKeys::generate().unwrap(), AccountKeys::generate().unwrap());
        let entry = ada.directory_entry("Relay.example");
        let recipient = check_directory_entry(&entry, "relay.example").unwrap();
        assert_eq!(recipient.account, ada.account());
        let refused = |entry: &DirectoryEntry, authority| {
            check_directory_entry(entry, authority).map(|recipient| recipient.account).unwrap_err()
        };
        assert_eq!(refused(&entry, "other.example"), CryptoError::BadSignature);
        let eves_key = DirectoryEntry { recovery_public: eve.recovery().public(), ..entry.clone() };
        assert_eq!(refused(&eves_key, "relay.example"), CryptoError::BadSignature);
        let older = DirectoryEntry { generation: 2, ..entry };
        assert_eq!(refused(&older, "relay.example"), CryptoError::BadSignature);
    }

    #[test]
    fn a_registration_is_signed_by_its_identity_for_one_challenge() {
        let ada = AccountKeys::generate().unwrap();
        let entry = ada.directory_entry("relay.example");
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

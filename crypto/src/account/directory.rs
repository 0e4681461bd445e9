//! What an account says of itself in a relay's directory: which recovery key is its own. Whether a name is this identity's, the
//! relay says, and only pins and safety numbers tell.

use super::{InviteRecipient, keys::AccountKeys};
use crate::{CryptoError, identity::AccountId, sign, wrap};
use sotto_protocol::account::{DirectoryEntry, directory_statement};

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
}

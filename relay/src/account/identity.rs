//! Which relay this is, apart from its address. Its keys come from its secrets: relays of one database are one relay, a copy of
//! it elsewhere stays the same, and who has the database alone cannot pass for it.

use super::randomness::keyed_hash;
use super::room_token::RoomTokens;
use super::{Accounts, Caller};
use ed25519_dalek::{Signer as _, SigningKey};
use sotto_protocol::account::{
    AccountError, AccountErrorCode, RelayId, RelayKeys, ThisRelay, WhichRelay, relay_statement,
};

/// The keys, and their hash.
pub(super) struct RelayIdentity {
    signing: SigningKey,
    keys: RelayKeys,
    id: RelayId,
}

impl RelayIdentity {
    /// Under the relay's secrets.
    pub(super) fn new(secret: &[u8; 32], tokens: &RoomTokens) -> Result<Self, AccountErrorCode> {
        let signing = SigningKey::from_bytes(&keyed_hash(secret, &[b"sotto relay identity"]));
        let keys = RelayKeys { signing: signing.verifying_key().to_bytes(), tokens: tokens.public_key()? };
        Ok(Self { signing, keys, id: keys.id() })
    }

    /// Which relay it is.
    pub(super) const fn id(&self) -> &RelayId {
        &self.id
    }
}

impl Accounts {
    /// Says which relay this is, and shows that it is, under the address by which it was reached.
    pub(crate) fn which_relay(&self, caller: &Caller, asked: WhichRelay) -> Result<ThisRelay, AccountError> {
        let identity = &self.identity;
        let statement = relay_statement(&caller.authority, &asked.nonce, &identity.id);
        Ok(ThisRelay { keys: identity.keys, signature: identity.signing.sign(&statement).to_bytes() })
    }
}

//! Which relay is behind an address. A client asks before it registers, logs in or takes tokens, and keeps the answer with the
//! address: what it has at a relay is bound to that relay's id, and not to where it is.

use crate::{CryptoError, random_array, sign};
use core::fmt;
use sotto_protocol::account::{RelayId, RelayKeys, ThisRelay, WhichRelay, relay_statement};

/// A question to an address that waits for its answer.
pub struct RelayQuestion {
    nonce: [u8; 32],
}

impl RelayQuestion {
    /// Begins.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn ask() -> Result<Self, CryptoError> {
        random_array().map(Self::with_nonce)
    }

    /// As [`RelayQuestion::ask`], with a nonce that is used once.
    pub(super) const fn with_nonce(nonce: [u8; 32]) -> Self {
        Self { nonce }
    }

    /// What the relay is asked, without a session.
    #[must_use]
    pub const fn call(&self) -> WhichRelay {
        WhichRelay { nonce: self.nonce }
    }

    /// Takes the answer that came from that address (`host[:port]`): the relay's keys, if it shows that they are its own.
    ///
    /// # Errors
    /// [`CryptoError::BadSignature`], [`CryptoError::BadKey`].
    pub fn finish(&self, authority: &str, answer: &ThisRelay) -> Result<RelayKeys, CryptoError> {
        let statement = relay_statement(authority, &self.nonce, &answer.keys.id());
        sign::verify(&answer.keys.signing, &statement, &answer.signature)?;
        Ok(answer.keys)
    }
}

impl fmt::Debug for RelayQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelayQuestion(…)")
    }
}

/// Compares the relay that is behind an address with the one that was there before.
///
/// # Errors
/// [`CryptoError::AnotherRelay`]: nothing of what is kept for this address is shown to it.
pub fn check_relay(found: &RelayKeys, known: Option<&RelayId>) -> Result<RelayId, CryptoError> {
    let id = found.id();
    if known.is_none_or(|known| *known == id) { Ok(id) } else { Err(CryptoError::AnotherRelay) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Secret, identity::IdentityKey};

    #[test]
    fn an_address_is_the_relays_only_where_it_signs_for_it() {
        // Any Ed25519 key will do here.
        let key = IdentityKey::from_seed(&Secret::new([1; 32]));
        let keys = RelayKeys { signing: key.public(), tokens: [2; 32] };
        let asked = RelayQuestion::ask().unwrap();
        let answer = |authority: &str, keys: RelayKeys, nonce: &[u8; 32]| ThisRelay {
            keys,
            signature: key.sign(&relay_statement(authority, nonce, &keys.id())),
        };
        let nonce = asked.call().nonce;
        assert_eq!(asked.finish("Chat.Example", &answer("chat.example", keys, &nonce)), Ok(keys));
        let refused = Err(CryptoError::BadSignature);
        assert_eq!(asked.finish("relay.middle", &answer("chat.example", keys, &nonce)), refused, "passed on");
        assert_eq!(
            asked.finish("chat.example", &answer("chat.example", keys, &[0; 32])),
            refused,
            "recorded"
        );
        let others = RelayKeys { tokens: [3; 32], ..keys };
        let mixed = ThisRelay { keys: others, ..answer("chat.example", keys, &nonce) };
        assert_eq!(asked.finish("chat.example", &mixed), refused, "a key of tokens for one person");
        assert_eq!(format!("{asked:?}"), "RelayQuestion(…)");
    }

    #[test]
    fn another_relay_behind_a_known_address_is_noticed() {
        let keys = RelayKeys { signing: [1; 32], tokens: [2; 32] };
        assert_eq!(check_relay(&keys, None), Ok(keys.id()));
        assert_eq!(check_relay(&keys, Some(&keys.id())), Ok(keys.id()));
        let others = RelayKeys { tokens: [3; 32], ..keys };
        assert_eq!(check_relay(&others, Some(&keys.id())), Err(CryptoError::AnotherRelay));
    }
}

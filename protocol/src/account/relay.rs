//! Which relay it is, apart from its address: two public keys that it keeps for ever, and their hash. What lasts (a password's
//! record, a directory entry) is bound to that hash, and so moves with a relay to another address. What is signed for one
//! connection is bound to the address that the client typed, so that no relay between can use it.

use super::call;
use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

/// The public keys of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RelayKeys {
    /// Ed25519: shows that an address is the relay's.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub signing: [u8; 32],
    /// A ristretto255 element: of room tokens. One for everybody and always, so that no token tells whose it was.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub tokens: [u8; 32],
}

impl RelayKeys {
    /// Which relay it is: SHA-256 of a label and both keys.
    #[must_use]
    pub fn id(&self) -> RelayId {
        let hash = Sha256::new()
            .chain_update(b"sotto/1 relay identity")
            .chain_update(self.signing)
            .chain_update(self.tokens);
        RelayId(hash.finalize().into())
    }
}

/// Names a relay, wherever it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct RelayId(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

impl RelayId {
    /// Takes the bytes as they are.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for RelayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.0;
        write!(f, "RelayId({a:02x}{b:02x}…)")
    }
}

/// Asks which relay this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WhichRelay {
    /// Random, fresh.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub nonce: [u8; 32],
}
call!(WhichRelay, "/v1/relay", 64, Anonymous, ThisRelay);

/// Answers [`WhichRelay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ThisRelay {
    /// Its keys.
    #[n(0)]
    pub keys: RelayKeys,
    /// By the signing key, over [`relay_statement`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// What a relay signs to show that it is there under that address (`host[:port]`).
#[must_use]
pub fn relay_statement(authority: &str, nonce: &[u8; 32], relay: &RelayId) -> Vec<u8> {
    let authority = authority.to_ascii_lowercase();
    let mut statement = b"sotto/1 relay here".to_vec();
    statement.extend_from_slice(&(authority.len() as u64).to_be_bytes());
    statement.extend_from_slice(authority.as_bytes());
    statement.extend_from_slice(nonce);
    statement.extend_from_slice(relay.as_bytes());
    statement
}

/// OPAQUE's context of a login: it ties the login to the address under which the client reached the relay.
#[must_use]
pub fn login_context(authority: &str) -> Vec<u8> {
    let authority = authority.to_ascii_lowercase();
    [b"sotto/1 opaque", authority.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_makes_another_relay_and_each_part_another_statement() {
        let keys = RelayKeys { signing: [1; 32], tokens: [2; 32] };
        let id = keys.id();
        assert_ne!(id, RelayKeys { signing: [3; 32], ..keys }.id());
        assert_ne!(id, RelayKeys { tokens: [3; 32], ..keys }.id());
        let statement = relay_statement("a:1", &[4; 32], &id);
        assert_eq!(statement, relay_statement("A:1", &[4; 32], &id), "a host name has no case");
        assert_ne!(statement, relay_statement("b:1", &[4; 32], &id));
        assert_ne!(statement, relay_statement("a:1", &[5; 32], &id));
        assert_ne!(statement, relay_statement("a:1", &[4; 32], &RelayId::new([6; 32])));
        assert_eq!(login_context("A:1"), login_context("a:1"));
        assert_ne!(login_context("a:1"), login_context("b:1"));
        assert_eq!(format!("{:?}", RelayId::new([0xab; 32])), "RelayId(abab…)");
    }
}

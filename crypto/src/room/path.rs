//! The public keys of an update path (RFC 9420, section 7.6), looked at before anything else.
//!
//! The MLS library takes any bytes for a parent node's key and fails only when somebody encrypts to it. Whoever sits below the
//! node notices; where all of those are one account's devices, or away, nobody does, and from then on the other half of the
//! subtree cannot commit. The library does not show the path of a staged commit, so its keys are read from the commit's bytes.

use super::{Suite, policy::Violation, roster::check_hpke_key};
use crate::CryptoError;
use tls_codec::{DeserializeBytes as _, VLBytes};

const SENDER_MEMBER: u8 = 1;
const SENDER_NEW_MEMBER_COMMIT: u8 = 4;
const CONTENT_COMMIT: u8 = 3;
const SOURCE_COMMIT: u8 = 3;

/// Refuses a commit with a path key that cannot be encrypted to. `commit` is a serialized MLSMessage with a PublicMessage.
pub fn check_path_keys(commit: &[u8], suite: Suite) -> Result<(), CryptoError> {
    let mut reader = Reader(commit);
    let Some(mut nodes) = reader.path_nodes()? else { return Ok(()) };
    while !nodes.0.is_empty() {
        let key = nodes.vector()?;
        nodes.vector()?; // encrypted path secrets
        check_hpke_key(key.as_slice(), suite).map_err(|_| CryptoError::Forbidden(Violation::InvalidPath))?;
    }
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], CryptoError> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, CryptoError> {
        self.bytes(1)?.first().copied().ok_or_else(malformed)
    }

    fn vector(&mut self) -> Result<VLBytes, CryptoError> {
        let (vector, rest) = VLBytes::tls_deserialize_bytes(self.0).map_err(|_| malformed())?;
        self.0 = rest;
        Ok(vector)
    }

    fn vectors(&mut self, count: usize) -> Result<(), CryptoError> {
        (0..count).try_for_each(|_| self.vector().map(drop))
    }

    /// `UpdatePathNode nodes<V>` of a commit; `None` where it has no path.
    fn path_nodes(&mut self) -> Result<Option<Reader<'a>>, CryptoError> {
        self.bytes(4)?; // version, wire format
        self.vector()?; // group id
        self.bytes(8)?; // epoch
        match self.byte()? {
            SENDER_MEMBER => self.bytes(4).map(drop)?,
            SENDER_NEW_MEMBER_COMMIT => {}
            _ => return Err(malformed()),
        }
        self.vector()?; // authenticated data
        if self.byte()? != CONTENT_COMMIT {
            return Err(malformed());
        }
        self.vector()?; // proposals
        if self.byte()? == 0 {
            return Ok(None);
        }
        self.leaf_node()?;
        let before = self.0;
        let nodes = self.vector()?;
        let end = before.len().checked_sub(self.0.len()).ok_or_else(malformed)?;
        let start = end.checked_sub(nodes.as_slice().len()).ok_or_else(malformed)?;
        before.get(start..end).map(|nodes| Some(Reader(nodes))).ok_or_else(malformed)
    }

    fn leaf_node(&mut self) -> Result<(), CryptoError> {
        self.vectors(2)?; // encryption key, signature key
        self.bytes(2)?; // credential type
        self.vector()?; // identity
        self.vectors(5)?; // capabilities
        if self.byte()? != SOURCE_COMMIT {
            return Err(malformed());
        }
        self.vectors(3) // parent hash, extensions, signature
    }
}

const fn malformed() -> CryptoError {
    CryptoError::Malformed("commit")
}

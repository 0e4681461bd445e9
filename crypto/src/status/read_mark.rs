//! How far a person has read, for the person's own devices alone: it lies in every status, whatever is switched off, sealed under a
//! key that the account's devices have.
//!
//! ```text
//! key, nonce = Expand(vault key, "sotto/1 read mark", room, register id, salt of the write)      44 bytes
//! own mark   = AES-256-GCM(key, nonce, turn (4) || seq (8), no additional data)                   28 bytes
//! ```
//! A device that knows no mark writes 28 random bytes: members cannot tell. The register's id is its device's alone, so
//! a member who copies the bytes into another status has written random ones.

use super::{RegisterId, malformed};
use crate::{
    CryptoError,
    account::VaultKey,
    entry::{Nonce, split_key_and_nonce},
    kdf, labels,
};
use aes_gcm::{Aes256Gcm, aead::Aead as _};
use minicbor::{Decode, Encode};
use sotto_protocol::RoomId;
use zeroize::Zeroizing;

/// Length of a sealed mark, or of the random bytes in its place.
pub const OWN_MARK_BYTES: usize = 28;

const PLAIN_BYTES: usize = OWN_MARK_BYTES - 16;

/// How far an account has read in a room. The greatest counts: it only rises, in whatever order devices hear of it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct ReadMark {
    /// Rises by one when the person marks something as unread again, and never else. So `seq` may fall with it.
    #[n(0)]
    pub turn: u32,
    /// Everything up to this entry is read.
    #[n(1)]
    pub seq: u64,
}

impl ReadMark {
    /// After reading up to an entry.
    #[must_use]
    pub fn read(self, seq: u64) -> Self {
        Self { seq: self.seq.max(seq), ..self }
    }

    /// After everything behind an entry was marked as unread.
    #[must_use]
    pub const fn unread_after(self, seq: u64) -> Self {
        Self { turn: self.turn.saturating_add(1), seq }
    }
}

/// How far someone has read stays out of logs.
impl core::fmt::Debug for ReadMark {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ReadMark(…)")
    }
}

/// The place of a mark: a write of one register.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub room: RoomId,
    pub register: &'a RegisterId,
    pub salt: &'a [u8; 16],
}

impl Place<'_> {
    pub fn seal(&self, vault: &VaultKey, mark: ReadMark) -> Result<[u8; OWN_MARK_BYTES], CryptoError> {
        let (cipher, nonce) = self.cipher(vault)?;
        let mut plain = Zeroizing::new([0; PLAIN_BYTES]);
        let bytes = mark.turn.to_be_bytes().into_iter().chain(mark.seq.to_be_bytes());
        plain.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        let sealed = cipher.encrypt(&nonce, plain.as_slice()).map_err(|_| malformed())?;
        sealed.try_into().map_err(|_| malformed())
    }

    /// The mark, where a device of the account has written one here.
    pub fn open(
        &self,
        vault: &VaultKey,
        sealed: &[u8; OWN_MARK_BYTES],
    ) -> Result<Option<ReadMark>, CryptoError> {
        let (cipher, nonce) = self.cipher(vault)?;
        let Ok(plain) = cipher.decrypt(&nonce, sealed.as_slice()).map(Zeroizing::new) else {
            return Ok(None);
        };
        let (turn, seq) = plain.split_first_chunk::<4>().ok_or_else(malformed)?;
        let seq: &[u8; 8] = seq.try_into().map_err(|_| malformed())?;
        Ok(Some(ReadMark { turn: u32::from_be_bytes(*turn), seq: u64::from_be_bytes(*seq) }))
    }

    fn cipher(&self, vault: &VaultKey) -> Result<(Aes256Gcm, Nonce), CryptoError> {
        let parts = [self.room.as_bytes(), &self.register[..], &self.salt[..]];
        split_key_and_nonce(&*kdf::expand::<44>(vault.seed(), labels::expand::READ_MARK, &parts)?)
    }
}

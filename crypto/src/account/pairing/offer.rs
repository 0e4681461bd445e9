//! The offer: 80 random bits that a new device shows, and by which the two devices find each other.

use crate::{CryptoError, account::base32, labels::hash, random_array};
use core::fmt;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const SYMBOLS: usize = 16;
const GROUP: usize = 4;

/// What a new device shows: 16 symbols of Crockford's base32, as text or as a QR code of that text.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PairingOffer([u8; SYMBOLS]);

impl PairingOffer {
    /// A fresh one.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate() -> Result<Self, CryptoError> {
        random_array().map(Self::from_symbols)
    }

    /// Reads an offer as a person types it, or as a QR code holds it.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is not 16 symbols.
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let symbols = base32::read::<SYMBOLS>(text).ok_or(CryptoError::Malformed("pairing offer"))?;
        Ok(Self(*symbols))
    }

    /// The offer in four groups of four.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        base32::write(&self.0, GROUP)
    }

    /// Where the relay keeps the messages of this pairing. Does not show the offer.
    #[must_use]
    pub fn mailbox(&self) -> [u8; 16] {
        let digest: [u8; 32] =
            Sha256::new().chain_update(hash::PAIRING_MAILBOX).chain_update(self.0).finalize().into();
        let mut mailbox = [0; 16];
        mailbox.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        mailbox
    }

    pub(super) fn from_symbols(mut symbols: [u8; SYMBOLS]) -> Self {
        symbols.iter_mut().for_each(|symbol| *symbol &= 31);
        Self(symbols)
    }

    pub(super) const fn as_symbols(&self) -> &[u8; SYMBOLS] {
        &self.0
    }
}

impl fmt::Debug for PairingOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingOffer(…)")
    }
}
